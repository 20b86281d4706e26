"""Which rows teach, what they weigh, and the step and covariance of their fit."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tests import measured, rig

from accord.api.drawn import Chosen
from accord.base.array import Array
from accord.calibration.priors import GENERIC, Shift
from accord.calibration.rows_stage import (
    SOFT,
    SPEAKS,
    Problem,
    covariance_of,
    fitting_rows,
    logs_of,
    loss,
    pose,
    solve,
    step_of,
    weights_of,
)
from accord.validation.rows import Row, read_rows

DECODE = {
    "source_id": "s", "source": "Somebody", "date": "2026-01-01", "location": "table 1", "kind": "measured",
    "confidence": "high", "phase": "decode", "metric": "tpot_s", "value": "0.01", "model": "llama-3.1-70b",
    "chip": "nvidia-h100-sxm", "system": "nvidia-hgx-h100-8", "weights": "fp8", "isl": "1000", "tp": "8",
    "batch_per_device": "4", "request_rate": "", "notes": "",
}  # fmt: skip


def table(*changes: dict[str, str]) -> list[dict[str, str]]:
    return [{"id": f"r{at}", **DECODE, **change} for at, change in enumerate(changes)]


def read(records: list[dict[str, str]]) -> tuple[Row, ...]:
    return read_rows(measured.write(records), "t.csv")


MANY = table(
    *({"batch_per_device": str(batch), "source_id": source, "value": str(0.01 + 0.001 * batch)}
      for source, batches in (("one", range(1, 3)), ("two", range(3, 63)), ("three", (70, 80)))
      for batch in batches)
)  # fmt: skip


# Which rows


@pytest.mark.parametrize("change", [
    {"kind": "claimed"}, {"confidence": "low"}, {"notes": "range=min"}, {"notes": "x; range=max"}, {"metric": "ttft_s"},
    {"metric": "ttft_p99_s", "phase": "serve"}, {"request_rate": "3"}, {"value": "0"},
])  # fmt: skip
def test_rows_that_never_teach(change: dict[str, str]) -> None:
    assert [row.id for row in fitting_rows(read(table({}, change)))] == ["r0"]


def test_other_flags_do_not_keep_a_row_from_teaching() -> None:
    assert len(fitting_rows(read(table({"notes": "groups=2; unidirectional"})))) == 1


def other_names(records: list[dict[str, str]], seed: int) -> list[dict[str, str]]:
    """Shuffled, with other ids, sources, titles, places and days."""
    rng = random.Random(seed)
    names = sorted({record["source_id"] for record in records})
    given = dict(zip(names, rng.sample([f"source {at}" for at in range(len(names))], len(names)), strict=True))
    changed = [
        {**record, "id": f"x{rng.random()}", "source_id": given[record["source_id"]], "source": "T", "location": "",
         "date": "2000-01-01"}
        for record in records
    ]  # fmt: skip
    rng.shuffle(changed)
    return changed


def said(rows: tuple[Row, ...]) -> list[dict[str, float]]:
    return [dict(row.numbers) for row in rows]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_names_and_order_change_no_bit(seed: int) -> None:
    plain, changed = fitting_rows(read(MANY)), fitting_rows(read(other_names(MANY, seed)))
    assert said(changed) == said(plain)
    assert weights_of(changed).tolist() == weights_of(plain).tolist()


def test_many_rows_of_one_source_weigh_as_a_few() -> None:
    rows = fitting_rows(read(MANY))
    weights = weights_of(rows)
    by_source = {name: weights[[row.text["source_id"] == name for row in rows]] for name in ("one", "two", "three")}
    assert by_source["one"].tolist() == by_source["three"].tolist() == [1.0, 1.0]
    assert float(np.sum(by_source["two"] ** 2)) == pytest.approx(SPEAKS**2), "60 rows weigh as 36"


# The fit


def linear(seed: int = 0) -> tuple[Problem, Array, Array]:
    """Rows whose logarithms are a line of two factors, close to what was measured: problem, prediction, slopes."""
    rng = np.random.default_rng(seed)
    slopes = rng.normal(size=(30, 2))
    predicted = rng.normal(size=30)
    near = predicted - slopes @ np.array([2e-4, -1e-4]) + 1e-5 * rng.normal(size=30)
    weights, sd = rng.uniform(0.3, 1.0, 30), np.array([0.4, 0.2])
    return Problem((), near, weights, (), sd, Chosen(rig.catalog())), predicted, slopes


def test_the_step_is_that_of_ridge_regression_where_rows_are_met() -> None:
    problem, predicted, slopes = linear()
    stacked = np.vstack([slopes * (problem.weights / SOFT)[:, None], np.diag(1.0 / problem.sd)])
    right = np.concatenate([(problem.measured - predicted) * problem.weights / SOFT, np.zeros(2)])
    expected = np.linalg.lstsq(stacked, right, rcond=None)[0]
    assert step_of(problem, problem.weights, predicted, slopes, np.zeros(2)) == pytest.approx(expected, rel=1e-4)


def test_a_step_from_anywhere_ends_at_the_same_place() -> None:
    problem, predicted, slopes = linear()
    here = step_of(problem, problem.weights, predicted, slopes, np.zeros(2))
    away = np.array([5e-4, 5e-4])
    there = step_of(problem, problem.weights, predicted + slopes @ away, slopes, away)
    assert away + there == pytest.approx(here, rel=1e-2)


def test_the_covariance_is_the_inverse_of_what_rows_and_beliefs_say() -> None:
    problem, predicted, slopes = linear()
    told = slopes.T @ np.diag((problem.weights / SOFT) ** 2) @ slopes + np.diag(problem.sd**-2.0)
    found = covariance_of(problem, problem.weights, predicted, slopes)
    assert found == pytest.approx(np.linalg.inv(told), rel=1e-4)
    nothing = covariance_of(problem, np.zeros(30), predicted, slopes)
    assert nothing == pytest.approx(np.diag(problem.sd**2)), "without rows it is the belief"


def test_the_loss_is_square_near_and_straight_far() -> None:
    problem, predicted, _ = linear()
    apart = predicted - problem.measured
    square = float(np.sum((problem.weights * apart / SOFT) ** 2))
    assert loss(problem, problem.weights, predicted, np.zeros(2)) == pytest.approx(square, rel=1e-4)
    far, farther = (loss(problem, problem.weights, predicted + by, np.zeros(2)) for by in (50.0, 100.0))
    assert farther == pytest.approx(2.0 * far, rel=0.01)
    moved = loss(problem, problem.weights, predicted, np.array([0.4, 0.0]))
    assert moved == pytest.approx(square + 1.0, rel=1e-4)


def test_a_row_far_off_hardly_pulls() -> None:
    problem, predicted, slopes = linear()
    plain = step_of(problem, problem.weights, predicted, slopes, np.zeros(2))
    one = np.zeros(30)
    one[4] = 3.0
    pulled = step_of(problem, problem.weights, predicted + one, slopes, np.zeros(2))
    squares = step_of(problem, problem.weights, predicted + one / 1000, slopes, np.zeros(2)) - plain
    assert np.all(np.abs(pulled - plain) < 100 * np.abs(squares) + 0.1)


def test_no_step_is_longer_than_it_may_be() -> None:
    problem, predicted, slopes = linear()
    long = step_of(problem, problem.weights, predicted + slopes @ np.array([5.0, -5.0]), slopes, np.zeros(2))
    assert np.all(np.abs(long) <= 0.6)


# Rows of the cost model


FREE = (Shift(GENERIC, "engine.iteration_s", 0.5), Shift(GENERIC, "gemm.memory", 0.15))
SD = np.array([0.5, 0.15])


def test_a_factor_moves_what_it_is_about() -> None:
    rows = fitting_rows(read(table({})))
    points = np.array([[0.0, 0.0], [0.7, 0.0], [0.0, -0.1]])
    ((plain, slower, starved),) = logs_of(rig.catalog(), rows, FREE, points)
    assert slower > plain
    assert starved > plain


def test_a_known_factor_is_found_again() -> None:
    """Rows made by the model with the host half as fast again."""
    rows = fitting_rows(read(table(*({"batch_per_device": str(batch)} for batch in (1, 2, 4, 8, 16, 32)))))
    true = logs_of(rig.catalog(), rows, FREE, np.array([[0.4, 0.0]]))[:, 0]
    made = read(
        table(*(
            {"batch_per_device": f"{row.numbers['batch_per_device']:g}", "value": repr(float(np.exp(log)))}
            for row, log in zip(rows, true, strict=True)
        ))
    )  # fmt: skip
    problem, start = pose(rig.catalog(), fitting_rows(made), FREE, SD)
    found = solve(rig.catalog(), problem)
    assert len(problem.rows) == 6 and np.all(problem.measured > start)
    assert found.logs[0] == pytest.approx(0.4, abs=0.15)
    assert found.predicted == pytest.approx(problem.measured, abs=0.01)
    assert found.covariance[0, 0] < 0.25 and np.allclose(found.covariance, found.covariance.T)


def test_rows_without_a_prediction_are_left_out() -> None:
    rows = fitting_rows(read(table({}, {"chip": "nobodys-chip", "system": ""}, {"model": "nobodys-model"})))
    problem, start = pose(rig.catalog(), rows, FREE, SD)
    assert [row.text["model"] for row in problem.rows] == ["llama-3.1-70b"] and start.shape == (1,)


@pytest.mark.slow
def test_shuffled_rows_of_renamed_sources_give_the_same_factors() -> None:
    records = measured.rows(measured.table())[::8]
    fits = []
    for changed in (records, other_names(records, 7)):
        problem, _ = pose(rig.catalog(), fitting_rows(read(changed)), FREE, SD)
        assert len(problem.rows) > 40
        fits.append(solve(rig.catalog(), problem))
    assert fits[0].logs.tolist() == fits[1].logs.tolist()
    assert fits[0].covariance.tolist() == fits[1].covariance.tolist()
