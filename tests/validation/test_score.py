"""Errors, intervals and totals."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests import rig

from accord import api
from accord.uncertainty.residual import factor, kind_of
from accord.validation.rows import read_rows
from accord.validation.score import Scored, is_complete, summarise

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
    ("output_token_per_s_total", "offline", "serve"), ("ttft_reduction_s", "cache", "pool"),
])  # fmt: skip
def test_which_residual_counts(metric: str, phase: str, kind: str) -> None:
    assert kind_of(metric, phase) == kind


def test_the_factor_of_a_level() -> None:
    assert factor(0.3, 0.9) == pytest.approx(math.exp(1.6448536 * 0.3))
    assert factor(0.0, 0.9) == 1.0
