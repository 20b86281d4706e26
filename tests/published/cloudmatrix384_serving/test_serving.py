"""DeepSeek-R1 on CloudMatrix 384 as published, arXiv 2506.12708v2 (18 Jun 2025).

Table 5: decode on 160 NPUs (320 dies, EP320), 70 % of drafts accepted, batches per NPU of two dies.
Table 3: prefill on instances of 16 NPUs (EP32), 4K prompts, 16,384 tokens per NPU, default expert balance.
Table 7: dispatch and combine of 128 tokens a die, hidden 7168, top-8: 7.5 KB and 14 KB a message.
"""

from __future__ import annotations

import math

import pytest
from tests import measured, rig

from accord import api
from accord.validation.score import Scored

TOLERANCE = math.log(1.2)
STUDY = {
    "source_id": "study", "kind": "measured", "confidence": "high", "model": "deepseek-r1",
    "chip": "huawei-ascend-910c", "system": "huawei-cloudmatrix-384", "engine": "cloudmatrix-infer", "weights": "int8",
}  # fmt: skip
COLUMNS = (
    "id", *STUDY, "phase", "mode", "chips", "devices", "prefill_instances", "prefill_devices", "decode_instances",
    "decode_devices", "tp", "ep", "dp", "isl", "osl", "kv_len", "batch_per_device", "tokens_per_device", "mtp_tokens",
    "accept_rate", "op", "dtype", "message_bytes", "metric", "value", "notes",
)  # fmt: skip
# prompt, answer, batch per NPU, TPOT [ms], tokens/s per NPU
TABLE_5 = [
    (1024, 1024, 128, 46.8, 2733),
    (2048, 256, 112, 47.4, 2360),
    (4096, 256, 96, 49.4, 1943),
    (4096, 256, 24, 24.6, 974),
    (4096, 256, 8, 14.9, 538),
]
# ranks, dispatch [us], combine [us]
TABLE_7 = [(8, 116, 118), (16, 131, 132), (32, 133, 146), (64, 141, 150), (128, 152, 150), (256, 152, 149)]


def record(**cells: object) -> dict[str, str]:
    return {column: str({**STUDY, **cells}.get(column, "")) for column in COLUMNS}


def decode_record(isl: int, osl: int, batch: int, metric: str, number: float) -> dict[str, str]:
    return record(
        id=f"{metric}-{isl}-{batch}", phase="decode", mode="disaggregated", chips=160, devices=320, decode_instances=1,
        decode_devices=320, tp=1, ep=320, dp=320, isl=isl, osl=osl, batch_per_device=batch // 2, mtp_tokens=1,
        accept_rate=0.7, metric=metric, value=number,
    )  # fmt: skip


def exchange_record(ranks: int, op: str, microseconds: float) -> dict[str, str]:
    return record(
        id=f"{op}-{ranks}", phase="ep", devices=ranks, ep=ranks, tokens_per_device=128, op=op,
        message_bytes=7680 if op == "dispatch" else 14336, metric=f"ep_{op}_s", value=microseconds * 1e-6,
    )  # fmt: skip


def published() -> list[dict[str, str]]:
    found = [decode_record(isl, osl, batch, "tpot_s", ms * 1e-3) for isl, osl, batch, ms, _ in TABLE_5]
    found += [
        decode_record(isl, osl, batch, "decode_token_per_s_per_chip", rate) for isl, osl, batch, _, rate in TABLE_5
    ]
    found.append(
        record(
            id="prefill", phase="prefill", mode="disaggregated", chips=96, devices=192, prefill_instances=6,
            prefill_devices=32, ep=32, isl=4096, tokens_per_device=8192,
            metric="prefill_token_per_s_per_chip", value=5655,
        )
    )  # fmt: skip
    for ranks, dispatch, combine in TABLE_7:
        found += [exchange_record(ranks, "dispatch", dispatch), exchange_record(ranks, "combine", combine)]
    return found


SCORED = {row.id: row for row in api.validate(measured.write(published()), "study.csv", catalog=rig.catalog())}


def assert_close(row: Scored) -> None:
    assert row.skipped is None
    assert row.predicted is not None and row.log_ratio is not None
    assert abs(row.log_ratio) <= TOLERANCE, f"{row.id}: predicted {row.predicted:.4g}, measured {row.measured:.4g}"


@pytest.mark.parametrize("id", SCORED)
def test_published_figure(id: str) -> None:
    assert_close(SCORED[id])


def test_all_figures_are_there() -> None:
    assert len(SCORED) == 11 + 12


# The shared table, the same figures and those of other sources

WANTED = ("tpot_s", "decode_token_per_s_per_chip", "prefill_token_per_s_per_chip")
EXCHANGES = ("ep_dispatch_s", "ep_combine_s")


def of_the_study(text: str, metrics: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        row
        for row in measured.rows(text)
        if row["source_id"] == "cm384v2" and row["metric"] in metrics and row["kind"] == "measured"
    ]


@pytest.mark.parametrize(("metrics", "count"), [(WANTED, 11), (EXCHANGES, 12)])
def test_rows_of_the_shared_table(metrics: tuple[str, ...], count: int) -> None:
    chosen = of_the_study(measured.table(), metrics)
    assert len(chosen) == count
    scored = api.validate(measured.write(chosen), "shared.csv", catalog=rig.catalog())
    assert len(scored) == count
    for row in scored:
        assert_close(row)


def test_the_shared_table_says_what_the_paper_says() -> None:
    text = measured.table()
    shared = sorted(float(row["value"]) for row in of_the_study(text, (*WANTED, *EXCHANGES)))
    assert shared == pytest.approx(sorted(float(row["value"]) for row in published()))
