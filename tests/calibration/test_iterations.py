"""Iterations of running engines: from logs to windows, and from windows to predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import rig

from accord import api
from accord.api.lookup import CatalogLookup
from accord.calibration.iterations import METRIC, is_window, predict_window, window_rows, windows
from accord.parallel.plan import deployments
from accord.step.exact import ExactTimer
from accord.validation.rows import Row

REQUESTS = [
    {"queued_ts": 100.0, "first_token_ts": 100.5, "last_token_ts": 120.5, "input_toks": 1000.0, "output_toks": 1001.0},
    {"queued_ts": 100.0, "first_token_ts": 100.5, "last_token_ts": 120.5, "input_toks": 600.0, "output_toks": 1001.0},
    {"queued_ts": 102.0, "first_token_ts": 103.0, "last_token_ts": 120.5, "input_toks": 500.0, "output_toks": 876.0},
]


def series(**changes: float) -> list[dict[str, float]]:
    """Six seconds of 50 iterations each; the third request joins after the third."""
    found = []
    for second in range(1, 7):
        running = 2.0 if second < 3 else 3.0
        found.append({"t": float(second), "gen_throughput": 100.0, "running": running, "kv_cache_pct": 0.0})
    found[2]["gen_throughput"] = 101.0
    for sample in found[3:]:
        sample["gen_throughput"] = 150.0
    return [{**sample, **changes} for sample in found]


def test_iterations_are_tokens_over_requests() -> None:
    (first,) = windows(REQUESTS, series(), budget=2048, length=5)
    decoded, batch = 100.0 + 101.0 + 3 * 150.0 - 1.0, (2.0 * 2.0 + 3.0 * 3.0) / 5.0
    assert first.batch == pytest.approx(batch, rel=0.02)
    assert first.seconds == pytest.approx(5.0 / (decoded / first.batch))
    assert (first.tokens, first.prompts, first.attended) == (500.0, 1.0, 250.0)
    assert first.mixed == pytest.approx(1.0 / (decoded / first.batch))


def test_without_first_tokens_no_iteration_had_prompts() -> None:
    (only,) = windows(REQUESTS, series()[2:], budget=2048, length=3)
    assert (only.mixed, only.tokens, only.prompts) == (0.0, 0.0, 0.0)
    assert only.seconds == pytest.approx(3.0 / 150.0)
    assert only.context == pytest.approx((1000 + 200 + 600 + 200 + 500 + 75) / 3.0, rel=0.01)


def test_a_full_cache_tells_the_context() -> None:
    (only,) = windows(REQUESTS, series(kv_cache_pct=50.0)[2:], budget=2048, length=3, cache_tokens=9000.0)
    assert only.context == pytest.approx(1500.0)


def test_requests_that_come_back_make_a_window_useless() -> None:
    full = series(kv_cache_pct=99.0)[2:]
    full[1] |= {"running": 1.0}
    assert list(windows(REQUESTS, full, budget=2048, length=3)) == []
    roomy = [{**sample, "kv_cache_pct": 50.0} for sample in full]
    assert len(list(windows(REQUESTS, roomy, budget=2048, length=3))) == 1


def test_the_packaged_table_is_of_windows_that_can_be_predicted() -> None:
    lookup = CatalogLookup(rig.catalog())
    rows = window_rows()
    assert all(is_window(row) and row.to_score for row in rows)
    for row in rows:
        value = predict_window(row, lookup).value
        assert value is not None
        assert value.shape == (1,)


def one_row(**text: str) -> Row:
    row = next(row for row in window_rows() if row.text["system"] == "nvidia-hgx-h100-8")
    return replace(row, text={**row.text, **text})


def test_a_window_without_prompts_is_a_plain_iteration() -> None:
    row = one_row(mixed="0")
    engine = api.efficiency_of(rig.catalog(), "nvidia-h100-sxm", "vllm", row.text["engine_version"])
    setting = replace(rig.setting_of(row.text["model"], "nvidia-hgx-h100-8", weights="bf16"), efficiency=engine)
    timer = ExactTimer(setting, deployments(tp=row.numbers["tp"], isl=1))
    batch = round(row.numbers["batch_per_device"] * row.numbers["tp"])
    row = replace(row, numbers={**row.numbers, "batch_per_device": batch / row.numbers["tp"]})
    found = predict_window(row, CatalogLookup(rig.catalog())).value
    assert found is not None
    assert found[0] == pytest.approx(timer.line(batch, batch * row.numbers["kv_len"])[0])


def test_more_prompts_take_longer() -> None:
    lookup = CatalogLookup(rig.catalog())
    taken = [predict_window(one_row(mixed=share, tokens="900"), lookup).value for share in ("0", "0.3", "0.9")]
    assert np.all(np.diff([float(value[0]) for value in taken if value is not None]) > 0.0)


def test_an_unknown_model_or_chip_has_no_prediction() -> None:
    lookup = CatalogLookup(rig.catalog())
    assert predict_window(one_row(model="nobody"), lookup).skipped == "unknown_model"
    assert predict_window(one_row(chip="nothing"), lookup).skipped == "unknown_chip"
    assert one_row().text["metric"] == METRIC
