"""Errors and intervals of training runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.validation.training import Fake, table

from accord.uncertainty.residual import half_width
from accord.validation.score import Scored, log_spread, summarise
from accord.validation.training_rows import read_training
from accord.validation.training_score import score_training, show_training

DRAWN = Fake(factors=np.exp(np.linspace(-0.2, 0.2, 101)))


def scored(level: float = 0.9, **cells: object) -> Scored:
    (row,) = score_training(read_training(table(cells), "t.csv"), Fake(), DRAWN, level)
    return row


TRUE = scored().predicted or 0.0


def test_a_row_beside_its_prediction() -> None:
    row = scored(value=TRUE * 1.1, model="", notes="model=GPT 1B; mlp=plain")
    assert row.log_ratio == pytest.approx(-math.log(1.1)) and row.inside is True and row.skipped is None
    assert row.low is not None and row.high is not None and row.low * row.high == pytest.approx(TRUE**2)
    own = log_spread(DRAWN.factors)
    assert math.log(row.high / TRUE) == pytest.approx(half_width(own, 0.1, 0.9))
    assert (row.chip, row.model, row.complete) == ("nvidia-h100-sxm", "GPT 1B", True)
    assert scored(value=TRUE * 9).inside is False


def test_a_higher_level_is_a_wider_interval() -> None:
    widths = [(row.high or 0.0) / (row.low or 1.0) for row in (scored(level) for level in (0.5, 0.9, 0.99))]
    assert widths == sorted(widths) and widths[0] < widths[-1]


@pytest.mark.parametrize(("bound", "times", "error"), [
    ("lower", 0.5, 0.0), ("lower", 2.0, -math.log(2)), ("upper", 0.5, math.log(2)), ("upper", 2.0, 0.0),
])  # fmt: skip
def test_a_bound_is_met_by_anything_beyond_it(bound: str, times: float, error: float) -> None:
    row = scored(value=TRUE * times, notes=f"mlp=plain; bound={bound}")
    assert row.log_ratio == pytest.approx(error) and row.inside is (error == 0.0)


def test_only_measured_rows_of_sure_quality_are_scored() -> None:
    cells = [{"id": "a"}, {"id": "b", "kind": "derived"}, {"id": "c", "kind": "vendor-claim"}]
    rows = read_training(table(*cells, {"id": "d", "confidence": "low"}), "t.csv")
    assert [row.id for row in score_training(rows, Fake(), DRAWN, 0.9)] == ["a"]
    assert [row.id for row in show_training(rows, Fake(), DRAWN, 0.9)] == ["b", "c", "d"]


def test_rows_without_a_prediction_say_why() -> None:
    row = scored(seq_len="")
    assert (row.predicted, row.low, row.log_ratio, row.inside, row.skipped) == (None, None, None, None, "seq_len")
    assert row.complete is False
    assert scored(value=0).skipped == "no_shape"


def test_complete_and_completed_rows_are_told_apart() -> None:
    assert scored(chips=64, tp=1, pp=1, dp=64).complete
    assert not scored(chips=64).complete
    assert not scored(precision="").complete


def test_totals_are_those_of_any_table() -> None:
    cells = [{"id": "a", "value": TRUE * math.exp(0.1)}, {"id": "b", "source_id": "other", "value": TRUE, "chips": 64}]
    total = summarise(score_training(read_training(table(*cells), "t.csv"), Fake(), DRAWN, 0.9))
    assert (total.rows, total.scored, set(total.by_source), set(total.by_metric)) == (2, 2, {"s", "other"}, {"step_s"})
    assert total.by_source["s"]["median_abs_log_error"] == pytest.approx(0.1)
