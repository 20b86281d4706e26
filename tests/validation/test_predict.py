"""Predictions do not look at where a row is from or what it measured."""

from __future__ import annotations

import random

import pytest
from tests import measured, rig

from accord import api
from accord.base.errors import TableError
from accord.inference.request import EstimateRequest
from accord.validation.predict import SKIPS
from accord.validation.score import Scored

HEAD = (
    "id,source_id,kind,confidence,phase,metric,value,model,chip,system,engine,op,dtype,m,n,k,ep,tokens_per_device,notes"
)
LINK = "link,{metric},1,,huawei-ascend-910c,huawei-cloudmatrix-384,,{op},,,,,,,"


def score(*lines: str) -> tuple[Scored, ...]:
    numbered = [f"{at},s,measured,high,{line}" for at, line in enumerate(lines)]
    return api.validate("\n".join([HEAD, *numbered, ""]), "t.csv", catalog=rig.catalog())


def test_measured_links_are_the_catalogs() -> None:
    rate, latency, unknown = score(
        LINK.format(metric="link_byte_per_s", op="npu-npu-read-inter-node"),
        LINK.format(metric="link_latency_s", op="npu-cpu-read-intra-node"),
        LINK.format(metric="link_byte_per_s", op="npu-moon"),
    )
    assert (rate.predicted, latency.predicted) == (164e9, 1.0e-6)
    assert unknown.skipped == "no_shape"


@pytest.mark.parametrize(("line", "reason"), [
    ("decode,tpot_s,1,deepseek-r1,nobodys-chip,,,,,,,,,,", "unknown_chip"),
    ("decode,tpot_s,1,nobodys-model,nvidia-h100-sxm,nvidia-hgx-h100-8,,,,,,,,,", "unknown_model"),
    ("serve,output_token_per_s_total,1,llama-3.1-70b,nvidia-h100-sxm,nvidia-hgx-h100-8,,,,,,,,,", "no_lengths"),
    ("decode,tpot_s,1,llama-3.1-70b,nvidia-h100-sxm,nvidia-hgx-h100-8,,,,,,,,,", "no_lengths"),
    ("decode,cache_hit_ratio,1,llama-3.1-70b,nvidia-h100-sxm,nvidia-hgx-h100-8,,,,,,,,,", "fleet_average"),
    ("kernel,gemm_utilization,1,,nvidia-h100-sxm,,,,bf16,,,,,,", "no_shape"),
    ("kernel,mha_utilization,1,,nvidia-h100-sxm,,,,bf16,,,,,,", "no_shape"),
    ("ep,ep_dispatch_s,1,,nvidia-h100-sxm,nvidia-hgx-h100-8,,dispatch,,,,,8,,", "no_shape"),
])  # fmt: skip
def test_reasons_not_to_predict(line: str, reason: str) -> None:
    (row,) = score(line)
    assert row.skipped == reason
    assert reason in SKIPS
    assert row.predicted is None


def test_a_kernel_on_a_chip_alone() -> None:
    one, grouped = score(
        "kernel,gemm_flop_per_s,1,,nvidia-h100-sxm,,,,bf16,4096,4096,4096,,,",
        "kernel,gemm_flop_per_s,1,,nvidia-h100-sxm,,,,bf16,4096,4096,4096,,,groups=4",
    )
    peak = rig.machine_of("nvidia-hgx-h100-8").device.peak_flop_per_s["bf16"]
    assert 0.2 * peak < (one.predicted or 0.0) < peak
    assert (grouped.predicted or 0.0) > 0.0


SERVED = "serve,{metric},1,llama-3.1-70b,nvidia-h100-sxm,nvidia-hgx-h100-8,vllm,8,8,,,{osl},{rate}"


def served(*lines: str) -> tuple[Scored, ...]:
    head = "phase,metric,value,model,chip,system,engine,chips,tp,concurrency,isl,osl,request_rate"
    numbered = [f"{at},s,measured,high,{line}" for at, line in enumerate(lines)]
    text = "\n".join([f"id,source_id,kind,confidence,{head}", *numbered, ""])
    return api.validate(text, "t.csv", catalog=rig.catalog())


def test_a_row_of_arrivals_without_prompts_is_asked_as_a_user_would() -> None:
    total, p99, silent = served(
        SERVED.format(metric="output_token_per_s_total", osl=300, rate=2),
        SERVED.format(metric="ttft_p99_s", osl=300, rate=2),
        SERVED.format(metric="ttft_p99_s", osl="", rate=2),
    )
    request = EstimateRequest(
        model="llama-3.1-70b", system="nvidia-hgx-h100-8", chips=8, tp=8, osl=300.0, request_rate=2.0, engine="vllm"
    )
    metrics = api.estimate(request, catalog=rig.catalog()).metrics
    assert total.predicted == float(metrics["output_token_per_s_total"][0]) == pytest.approx(600.0)
    assert p99.simulated and "isl" in p99.assumed
    assert p99.predicted == pytest.approx(float(metrics["ttft_p99_s"][0]), rel=0.5), "a light load hardly queues"
    assert silent.skipped == "no_lengths"


def test_best_rates_of_attention_need_no_shape() -> None:
    kernel = "kernel,{metric},1,,nvidia-b200,,,{op},bf16,,,,,,"
    decode, prefill, heads, unknown = score(
        kernel.format(metric="mla_flop_per_s", op="sparse-mla-decode"),
        kernel.format(metric="mla_flop_per_s", op="sparse-mla-prefill"),
        kernel.format(metric="mha_flop_per_s", op="mha-prefill"),
        kernel.format(metric="mha_flop_per_s", op="mha-sideways"),
    )
    peak = rig.machine_of("nvidia-b200").device.peak_flop_per_s["bf16"]
    assert all(0.3 * peak < (row.predicted or 0.0) < peak for row in (decode, prefill, heads))
    assert prefill.predicted == heads.predicted
    assert unknown.skipped == "no_shape"


@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_ratios_of_a_pool_without_ranks_take_the_fewest_that_hold_it(phase: str) -> None:
    line = f"{phase},{{metric}},1,deepseek-v3,nvidia-h100-sxm,nvidia-hgx-h100-8,sglang,,,,,,,,"
    balance, overlap, closed = score(
        line.format(metric="eplb_speedup"),
        line.format(metric="microbatch_speedup"),
        line.format(metric="eplb_speedup").replace("deepseek-v3", "nobodys-model"),
    )
    assert 1.0 < (balance.predicted or 0.0) < 3.0
    assert 0.5 < (overlap.predicted or 0.0) < 2.0
    assert "ep" in balance.assumed
    assert closed.skipped == "unknown_model"


def test_a_stream_lasts_half_a_layer_of_two_microbatches() -> None:
    line = "decode,{metric},1,deepseek-r1,huawei-ascend-910c,huawei-cloudmatrix-384,cloudmatrix-infer,320,320,48,4096,2"
    head = "phase,metric,value,model,chip,system,engine,devices,ep,batch_per_device,kv_len,microbatches"
    lines = [line.format(metric=metric) for metric in ("layer_s", "layer_stream_s", "graph_dispatch_s")]
    table = [
        f"id,source_id,kind,confidence,{head}",
        *(f"{at},s,measured,med,{one}" for at, one in enumerate(lines)),
        "",
    ]
    layer, stream, launch = api.validate("\n".join(table), "t.csv", catalog=rig.catalog())
    assert (stream.predicted or 0.0) == pytest.approx((layer.predicted or 0.0) / 2.0)
    assert launch.skipped == "no_shape"


# The shared table


def predictions(records: list[dict[str, str]]) -> dict[str, float | None]:
    scored = api.validate(measured.write(records), "shared.csv", catalog=rig.catalog(), simulated=False)
    return {row.id: row.predicted for row in scored}


@pytest.fixture(scope="module")
def shared() -> list[dict[str, str]]:
    """Every third row, all sources among them."""
    return measured.rows(measured.table())[::3]


@pytest.fixture(scope="module")
def predicted(shared: list[dict[str, str]]) -> dict[str, float | None]:
    return predictions(shared)


def test_most_rows_are_predicted(predicted: dict[str, float | None]) -> None:
    assert sum(value is not None for value in predicted.values()) > len(predicted) / 2


@pytest.mark.slow
def test_at_least_19_of_20_rows_to_score_are_scored() -> None:
    text = measured.write(measured.rows(measured.table()))
    scored = api.validate(text, "shared.csv", catalog=rig.catalog(), simulated=False)
    skipped = [row.skipped for row in scored if row.skipped is not None]
    assert len(skipped) <= len(scored) / 20
    assert set(skipped) <= set(SKIPS)


@pytest.mark.slow
def test_other_names_in_another_order_change_no_bit(
    shared: list[dict[str, str]], predicted: dict[str, float | None]
) -> None:
    sources = sorted({row["source_id"] for row in shared})
    renamed = {name: f"source-{at}" for at, name in enumerate(sources)}
    changed = [
        {**row, "source_id": renamed[row["source_id"]], "source": "A title", "location": "", "date": "2000-01-01"}
        for row in shared
    ]
    random.Random(1).shuffle(changed)
    assert predictions(changed) == predicted


@pytest.mark.slow
def test_other_values_change_no_prediction(shared: list[dict[str, str]], predicted: dict[str, float | None]) -> None:
    values = [row["value"] for row in shared]
    random.Random(2).shuffle(values)
    changed = [{**row, "value": value} for row, value in zip(shared, values, strict=True)]
    both = {id: value for id, value in predictions(changed).items() if value is not None and predicted[id] is not None}
    assert len(both) > len(predicted) / 2
    assert all(value == predicted[id] for id, value in both.items())


@pytest.mark.parametrize(
    "cells",
    [
        {"metric": "gemm_flop_per_s", "phase": "kernel", "m": "64", "n": "64", "k": "64"},
        {"metric": "gemm_flop_per_s", "phase": "kernel", "m": "64", "n": "64", "k": "64", "dtype": "int3"},
        {"metric": "ep_dispatch_s", "phase": "ep", "ep": "8"},
        {"metric": "ep_dispatch_s", "phase": "ep", "ep": "8", "op": "scatter", "tokens_per_device": "1"},
        {"metric": "cache_prefill_speedup", "phase": "cache", "op": "reuse-x-over-y", "model": "deepseek-r1"},
        {"metric": "ttft_reduction_s", "phase": "cache", "op": "reuse-abc", "model": "deepseek-r1"},
        {"metric": "cache_prefill_speedup", "phase": "cache", "op": "reuse-0.5-over-0"},
        {"metric": "tpot_s", "phase": "training", "model": "deepseek-r1"},
        {
            "metric": "tpot_s",
            "phase": "serve",
            "model": "deepseek-r1",
            "isl": "9",
            "osl": "9",
            "devices": "1",
            "tp": "1",
        },
        {"metric": "tpot_s", "phase": "decode", "model": "nobody", "kv_len": "9"},
        {"metric": "no_such_metric", "phase": "decode", "model": "qwen3-8b", "kv_len": "9"},
    ],
)
def test_what_cannot_be_predicted_is_skipped_with_a_listed_reason(cells: dict[str, str]) -> None:
    row = {
        "id": "a", "source_id": "s", "kind": "measured", "confidence": "high", "chip": "nvidia-h100-sxm", "value": "1",
    }  # fmt: skip
    names = [*row, *cells]
    table = f"{','.join(names)}\n{','.join([*row.values(), *cells.values()])}\n"
    (scored,) = api.validate(table, "table.csv")
    assert scored.predicted is None
    assert scored.skipped in SKIPS


@pytest.mark.parametrize("note", ["groups=x", "groups=0", "range=both"])
def test_a_flag_that_means_nothing_is_an_error_with_its_line(note: str) -> None:
    table = (
        f"id,source_id,kind,confidence,phase,metric,value,notes\na,s,measured,high,kernel,gemm_flop_per_s,1,{note}\n"
    )
    with pytest.raises(TableError, match=r"table\.csv:2"):
        api.validate(table, "table.csv")


def test_what_is_not_known_is_said_or_skipped() -> None:
    stated = "id,source_id,kind,confidence,phase,model,chip,system,devices,tp,engine"
    header = f"{stated},isl,osl,concurrency,weights,metric,value"
    rows = [
        "a,s,measured,high,serve,qwen3-8b,nvidia-h100-sxm,some-cloud,1,1,my-engine,100,100,4,bf16,tpot_s,0.01",
        "b,s,measured,high,serve,qwen3-8b,nvidia-h100-sxm,some-cloud,8,8,vllm,100,100,4,bf16,tpot_s,0.01",
        "c,s,measured,high,serve,qwen3-8b,nvidia-h100-sxm,nvidia-hgx-h100-8,8,8,vllm,100,100,4,bf16,tpot_s,0.01",
    ]
    alone, joined, known = api.validate("\n".join([header, *rows]), "table.csv")
    assert alone.assumed[:2] == ("system", "engine")
    assert joined.skipped == "unknown_chip"
    assert known.skipped is None
    assert not {"system", "engine"} & set(known.assumed)
