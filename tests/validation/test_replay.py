"""A measured run played again, on a run of three requests made by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests import rig

from accord.api.pools import EngineRules
from accord.api.replay import METRICS, Replay, configured, curves_of, misses, replay
from accord.base.errors import TableError
from accord.inference.request import EstimateRequest

REQUEST = EstimateRequest(model="llama-3.1-8b", system="nvidia-hgx-h100-8", engine="vllm", chips=1, tp=1)
LINES = [  # queued, scheduled, first, last; the engine's clock is not that of the arrivals
    (100, 11, 1700000000.0, 50.0, 50.0, 50.1, 51.1),
    (200, 21, 1700000001.0, 51.0, 51.1, 51.3, 53.3),
    (300, 1, 1700000002.0, 52.0, 52.2, 52.6, 52.6),
]
NAMES = ("input_toks", "output_toks", "arrival_time", "queued_ts", "scheduled_ts", "first_token_ts", "last_token_ts")
SERIES = "t,prompt_throughput,gen_throughput,running,waiting,kv_cache_pct\n0,0,0,1,0,0\n1,9,9,2,1,50\n2,0,9,1,0,25\n"


def requests(*lines: str) -> str:
    made = [json.dumps(dict(zip(NAMES, line, strict=True))) for line in LINES]
    return "\n".join([*made, *lines, ""])


def played(text: str | None = None, series: str | None = SERIES) -> Replay:
    return replay(rig.catalog(), REQUEST, EngineRules(), text or requests(), series, name="r.jsonl")


def test_measured_metrics_are_those_of_the_engine_s_clock() -> None:
    found = played()
    assert [one.metric for one in found.metrics] == list(METRICS)
    assert found.of("ttft_mean_s").measured == pytest.approx((0.1 + 0.3 + 0.6) / 3)
    assert found.of("ttft_p50_s").measured == pytest.approx(0.3)
    assert found.of("e2e_mean_s").measured == pytest.approx((1.1 + 2.3 + 0.6) / 3)
    assert found.of("itl_mean_s").measured == pytest.approx((1.0 + 2.0) / 30), "weighted by tokens"
    assert found.of("tpot_s").measured == pytest.approx((0.1 + 0.1) / 2), "a mean over requests of several tokens"
    assert found.of("queue_mean_s").measured == pytest.approx((0.0 + 0.1 + 0.2) / 3)
    assert found.of("output_token_per_s_total").measured == pytest.approx(33 / 3.3)
    with pytest.raises(KeyError):
        found.of("ttft_p77_s")


def test_the_requests_come_at_their_times_with_their_lengths() -> None:
    found = played()
    assert found.outcome.workload.arrival_s == pytest.approx([0.0, 1.0, 2.0])
    assert found.outcome.workload.answer.tolist() == [11, 21, 1]
    assert all(np.isfinite(one.predicted) for one in found.metrics)
    tpot = found.of("tpot_s")
    assert tpot.error == pytest.approx(tpot.predicted / tpot.measured - 1.0)


def test_curves_of_both_runs_have_the_same_names() -> None:
    found = played()
    assert found.measured["kv_share"][1] == pytest.approx([0.0, 0.5, 0.25])
    assert found.measured["queue_s"][0] == pytest.approx([0.0, 1.0, 2.0])
    assert set(misses(found.outcome, found.measured)) == set(curves_of(found.outcome))
    assert not any(misses(found.outcome, curves_of(found.outcome)).values())


def test_a_cache_that_stays_empty_was_not_measured() -> None:
    silent = "t,running,waiting,kv_cache_pct\n0,1,0,0\n1,1,0,0.0\n"
    assert set(played(series=silent).measured) == {"running", "waiting", "queue_s"}
    assert set(played(series=None).measured) == {"queue_s"}


@pytest.mark.parametrize(("line", "series", "said"), [
    ("{}", SERIES, r"r\.jsonl:4: is no request of a measured run"),
    ("no json", SERIES, r"r\.jsonl:4: is no request of a measured run"),
    ("", "t,running\n", r"r\.jsonl, series:1: column kv_cache_pct, waiting missing"),
    ("", "t,running,waiting,kv_cache_pct\n0,1,many,0\n", r"r\.jsonl, series:2: waiting is no number"),
])  # fmt: skip
def test_broken_files_are_told_with_their_line(line: str, series: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        played(requests(line), series)


def test_a_configuration_is_read_from_cells() -> None:
    cells = {
        "model": "qwen3-32b", "system": "nvidia-rtx-pro-6000-4", "engine_version": "0.19.0", "weights": "bf16",
        "chips": "2", "tp": "2", "dp": "1", "ep": "1", "max_num_seqs": "128", "max_num_batched_tokens": "2048",
        "kv_blocks": "",
    }  # fmt: skip
    request, rules = configured(cells)
    assert (request.tp, request.chips, request.engine, request.engine_version) == (2, 2, "vllm", "0.19.0")
    assert (rules.max_num_seqs, rules.kv_blocks) == (128, None)
    assert configured({**cells, "kv_blocks": "2588"})[1].kv_blocks == 2588
