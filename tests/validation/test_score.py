"""Errors, intervals and totals."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests import rig

from accord import api
from accord.uncertainty.residual import half_width, kind_of
from accord.validation.rows import read_rows
from accord.validation.score import Scored, constant_band, is_complete, summarise

HEAD = "id,source_id,kind,confidence,phase,metric,value,model,chip,system,weights,isl,tp,batch_per_device,notes"
CELLS = "decode,tpot_s,{value},llama-3.1-70b,nvidia-h100-sxm,nvidia-hgx-h100-8,fp8,1000,8,4,{notes}"


def scored(value: float, notes: str = "", level: float = 0.9) -> Scored:
    line = "a,s,measured,high," + CELLS.format(value=value, notes=notes)
    (only,) = api.validate(f"{HEAD}\n{line}\n", "t.csv", catalog=rig.catalog(), level=level)
    return only


PREDICTED = scored(1.0).predicted or 0.0


def test_a_row_and_its_interval() -> None:
    row = scored(PREDICTED * 1.1)
    assert row.predicted == PREDICTED
    assert row.log_ratio == pytest.approx(-math.log(1.1))
    assert row.low is not None and row.high is not None
    assert row.low * row.high == pytest.approx(PREDICTED**2)
    assert row.inside is True
    assert scored(PREDICTED * 100).inside is False
    assert row.complete


def test_a_higher_level_is_a_wider_interval() -> None:
    widths = [(row.high or 0) / (row.low or 1) for row in (scored(1.0, level=level) for level in (0.5, 0.9, 0.99))]
    assert widths == sorted(widths) and widths[0] < widths[-1]


@pytest.mark.parametrize(("notes", "times", "error"), [
    ("range=min", 0.5, 0.0), ("range=min", 2.0, -math.log(2)), ("range=max", 2.0, 0.0), ("range=max", 0.5, math.log(2)),
    ("", 0.5, math.log(2)),
])  # fmt: skip
def test_a_printed_range_is_met_by_anything_inside(notes: str, times: float, error: float) -> None:
    assert scored(PREDICTED * times, notes).log_ratio == pytest.approx(error)


def test_a_value_of_nought_is_skipped() -> None:
    row = scored(0.0)
    assert (row.predicted, row.skipped, row.log_ratio) == (None, "no_shape", None)


@pytest.mark.parametrize("gone", ["model", "chip", "weights", "tp", "isl"])
def test_complete_rows_state_everything(gone: str) -> None:
    head = HEAD.split(",")
    line = ("a,s,measured,high," + CELLS.format(value=1, notes="")).split(",")
    (whole,) = read_rows(f"{HEAD}\n{','.join(line)}\n", "t.csv")
    assert is_complete(whole)
    line[head.index(gone)] = ""
    (lacking,) = read_rows(f"{HEAD}\n{','.join(line)}\n", "t.csv")
    assert not is_complete(lacking)


def test_sources_count_alike_whatever_their_rows() -> None:
    base = scored(PREDICTED)
    errors = {"one": [0.1], "many": [0.3, 0.3, 0.3, 0.5, -0.3]}
    rows = [replace(base, source_id=name, log_ratio=error) for name, found in errors.items() for error in found]
    total = summarise([*rows, replace(base, skipped="no_shape", log_ratio=None)])
    assert (total.rows, total.scored, total.skipped) == (7, 6, 1)
    assert total.macro_abs_log_error == pytest.approx((0.1 + 0.3) / 2)
    assert total.macro_error_pct == pytest.approx(100 * (math.exp(0.2) - 1))
    assert total.coverage_90 == 1.0
    assert total.by_source["many"]["rows"] == 5
    assert total.by_source["many"]["bias_log"] == pytest.approx(0.3)


def test_only_complete_rows_where_asked() -> None:
    base = scored(PREDICTED)
    assert summarise([base, replace(base, complete=False)], complete_only=True).rows == 1


def test_nothing_scored() -> None:
    empty = summarise([])
    assert (empty.rows, empty.macro_abs_log_error, empty.coverage_90) == (0, None, None)


@pytest.mark.parametrize(("metric", "phase", "kind"), [
    ("gemm_utilization", "kernel", "kernel"), ("ep_dispatch_s", "ep", "kernel"), ("tpot_s", "decode", "pool"),
    ("decode_token_per_s_per_chip", "decode", "pool"), ("output_token_per_s_total", "serve", "serve"),
    ("output_token_per_s_total", "offline", "offline"), ("output_token_per_s_total", "flood", "flood"),
    ("output_token_per_s_total", "split", "split"), ("ttft_reduction_s", "cache", "pool"), ("ttft_s", "serve", "wait"),
    ("ttft_p99_s", "split", "wait"), ("ttft_s", "prefill", "pool"), ("layer_s", "serve", "pool"),
    ("gemm_flop_per_s", "serve", "kernel"),
])  # fmt: skip
def test_which_residual_counts(metric: str, phase: str, kind: str) -> None:
    assert kind_of(metric, phase) == kind


def test_the_half_width_of_a_level() -> None:
    assert half_width(0.0, 0.3, 0.9) == pytest.approx(1.6448536 * 0.3)
    assert half_width(0.0, 0.0, 0.9) == 0.0


def test_groups_have_coverage_and_width() -> None:
    base = scored(PREDICTED)
    assert base.low is not None and base.high is not None
    rows = [base, replace(base, inside=False, chip="other", model="", log_ratio=0.4)]
    total = summarise(rows)
    assert (base.chip, base.model) == ("nvidia-h100-sxm", "llama-3.1-70b")
    assert total.by_source["s"]["coverage_90"] == 0.5
    assert total.by_source["s"]["mean_abs_log_error"] == pytest.approx(0.2)
    assert total.by_chip["other"]["coverage_90"] == 0.0
    assert list(total.by_model) == ["llama-3.1-70b"], "a row without a model is in no group"
    assert total.median_high_over_low == pytest.approx(base.high / base.low)


def test_the_interval_score_is_width_plus_ten_or_twenty_misses() -> None:
    base = replace(scored(PREDICTED), low=PREDICTED * math.exp(-0.2), high=PREDICTED * math.exp(0.2))
    inside, outside = replace(base, log_ratio=0.1), replace(base, log_ratio=-0.5)
    assert summarise([inside]).interval_score == pytest.approx(0.4)
    assert summarise([outside]).interval_score == pytest.approx(0.4 + 20 * 0.3)
    assert summarise([outside], level=0.8).interval_score == pytest.approx(0.4 + 10 * 0.3)
    assert summarise([inside, outside]).interval_score == pytest.approx(0.4 + 10 * 0.3)


def test_no_band_of_one_width_scores_better_than_the_best() -> None:
    errors = [0.01 * at * (-1) ** at for at in range(1, 41)]
    best = constant_band(errors, 0.9)
    assert best is not None
    assert best.half_width_log == pytest.approx(0.36), "36 of 40 rows lie inside"
    base = scored(PREDICTED)
    for half in (0.2, 0.3, 0.35, 0.36, 0.37, 0.5):
        rows = [
            replace(base, log_ratio=error, low=PREDICTED * math.exp(-half), high=PREDICTED * math.exp(half))
            for error in errors
        ]
        score = summarise(rows).interval_score
        assert score is not None and score >= best.interval_score - 1e-9
    assert constant_band([], 0.9) is None


def test_coverage_of_sources_counts_each_once_and_is_the_same_every_time() -> None:
    base = scored(PREDICTED)
    rows = [replace(base, source_id="one", inside=False), *(replace(base, source_id=f"s{at}") for at in range(9))]
    rows += [replace(base, source_id="s0")] * 30
    found = summarise(rows).macro_coverage_90
    assert found is not None and found == summarise(rows).macro_coverage_90
    assert found.value == pytest.approx(0.9)
    assert found.low == pytest.approx(0.7) and found.high == pytest.approx(1.0)


def test_a_met_range_is_inside() -> None:
    assert scored(PREDICTED / 50, "range=min").inside is True
    assert scored(PREDICTED * 50, "range=min").inside is False
