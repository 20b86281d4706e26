"""The second stage of a calibration: factors on the tables' numbers, from rows of kernels, pools and deployments.

A row is predicted by the public estimate. Its logarithm is a smooth function of the factors' logarithms, so
their most likely values come from damped Gauss-Newton steps with a prior on every factor, and their
covariance from the last Jacobian. Rows of one source are not independent: however many there are, they weigh
no more than so many independent ones (:data:`SPEAKS` squared), and rows far off count less (soft l1). Only
what a row says about itself is used: never its source, only how many rows share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from accord.api.drawn import Chosen, DrawnLookup
from accord.base.array import Array
from accord.base.errors import AccordError
from accord.calibration.iterations import is_window, predict_window
from accord.calibration.priors import Shift
from accord.catalog.load import Catalog
from accord.hardware.derate import Efficiency, Number
from accord.hardware.system import Machine
from accord.validation.predict import predict
from accord.validation.rows import Row

SOFT = 0.1  # log error beyond which a row counts less
SPEAKS = 6.0  # root of the independent rows that a source with many weighs as
STEP = 0.05  # of a logarithm, for differences
ROUNDS = 6
_MOST_STEP = 0.6
_TRIALS = (1.0, 0.5, 0.2)
_SHARES = (".compute.", ".memory.", ".link.", ".share.")


@dataclass(frozen=True, slots=True)
class Problem:
    """Rows and factors. measured: logarithms; weights: of each row; sd: of each factor's prior."""

    rows: tuple[Row, ...]
    measured: Array
    weights: Array
    shifts: tuple[Shift, ...]
    sd: Array
    chosen: Chosen


@dataclass(frozen=True, slots=True)
class RowFit:
    """Logarithms of the factors, their covariance, and the rows' logarithms and slopes there."""

    logs: Array
    covariance: Array
    predicted: Array
    slopes: Array


def fitting_rows(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows that may teach: scored, a value and no printed range, no waiting under a load from outside.

    The order is that of what they say, not of the file.
    """
    chosen = [row for row in rows if row.to_score and "range" not in row.flags and _teaches(row)]
    return tuple(sorted(chosen, key=_said))


def _teaches(row: Row) -> bool:
    waits = row.text["metric"].startswith("ttft") or "request_rate" in row.numbers
    return not waits and row.numbers["value"] > 0.0


def _said(row: Row) -> tuple[object, ...]:
    skipped = ("id", "source_id", "source", "location", "date")
    words = tuple(sorted((key, value) for key, value in row.text.items() if key not in skipped))
    return words, tuple(sorted(row.numbers.items()))


def weights_of(rows: Sequence[Row]) -> Array:
    """Weight of each row: that of :data:`SPEAKS` over the root of its source's rows, at most 1."""
    names = [row.text["source_id"] for row in rows]
    counts = {name: names.count(name) for name in names}
    return np.array([min(SPEAKS / np.sqrt(counts[name]), 1.0) for name in names])


def logs_of(
    catalog: Catalog, rows: Sequence[Row], shifts: Sequence[Shift], points: Array, chosen: Chosen | None = None
) -> Array:
    """Logarithms of the rows' predictions at several points of factors, shape ``(R, S)``; nan where there is none.

    points: logarithms of the factors, shape ``(S, P)``
    chosen: what was chosen without factors in an earlier call with this catalog, and is filled by this one
    """
    lookup = DrawnLookup(
        catalog, lambda machine, own: _shifted(machine, own, shifts, points), len(points), chosen or Chosen(catalog)
    )
    found = np.full((len(rows), len(points)), np.nan)
    for at, row in enumerate(rows):
        try:
            value = (predict_window if is_window(row) else predict)(row, lookup).value
        except AccordError:
            continue
        if value is not None and np.all(np.isfinite(value)) and np.all(value > 0.0):
            found[at] = np.log(np.broadcast_to(value, (len(points),)))
    return found


def _shifted(
    machine: Machine, efficiency: Efficiency, shifts: Sequence[Shift], points: Array
) -> tuple[Machine, Efficiency]:
    """Parameters times the factors that apply along their chain of entries, arrays of ``(S,)``."""
    logs: dict[str, Array] = {}
    for at, shift in enumerate(shifts):
        if shift.entry in efficiency.chain:
            for name in efficiency.numbers:
                if shift.moves(name):
                    logs[name] = logs.get(name, np.zeros(len(points))) + points[:, at]
    numbers: dict[str, Number] = dict(efficiency.numbers)
    for name, log in logs.items():
        moved = efficiency.numbers[name] * np.exp(log)
        share = any(part in f".{name}." for part in _SHARES)
        numbers[name] = np.minimum(moved, 1.0) if share else moved
    return machine, replace(efficiency, numbers=numbers)


def pose(catalog: Catalog, rows: Sequence[Row], shifts: Sequence[Shift], sd: Array) -> tuple[Problem, Array]:
    """The problem of the rows that have a prediction, and their predicted logarithms without factors."""
    chosen = Chosen(catalog)
    start = logs_of(catalog, rows, shifts, np.zeros((1, len(shifts))), chosen)[:, 0]
    kept = tuple(row for row, log in zip(rows, start, strict=True) if np.isfinite(log))
    measured = np.log([row.numbers["value"] for row in kept])
    return Problem(kept, measured, weights_of(kept), tuple(shifts), sd, chosen), start[np.isfinite(start)]


def solve(catalog: Catalog, problem: Problem) -> RowFit:
    """The most likely factors."""
    logs = np.zeros(len(problem.shifts))
    for _ in range(ROUNDS):
        predicted, slopes = _linear(catalog, problem, logs)
        step = step_of(problem, problem.weights, predicted, slopes, logs)
        trials = np.array([logs + share * step for share in _TRIALS])
        values = logs_of(catalog, problem.rows, problem.shifts, trials, problem.chosen)
        losses = [loss(problem, problem.weights, values[:, at], trial) for at, trial in enumerate(trials)]
        best = int(np.argmin(losses))
        here = loss(problem, problem.weights, predicted, logs)
        if losses[best] >= here * (1.0 - 1e-4):
            break
        logs = trials[best]
    predicted, slopes = _linear(catalog, problem, logs)
    return RowFit(logs, covariance_of(problem, problem.weights, predicted, slopes), predicted, slopes)


def _linear(catalog: Catalog, problem: Problem, logs: Array) -> tuple[Array, Array]:
    """Logarithms of the rows, shape ``(R,)``, and their slopes, ``(R, P)``."""
    points = np.concatenate([logs[None], logs + STEP * np.eye(len(logs))])
    values = logs_of(catalog, problem.rows, problem.shifts, points, problem.chosen)
    slopes = (values[:, 1:] - values[:, :1]) / STEP
    return values[:, 0], np.nan_to_num(slopes)


def loss(problem: Problem, weights: Array, predicted: Array, logs: Array) -> float:
    """Soft-l1 misfit of the rows and the prior's."""
    z = np.nan_to_num((predicted - problem.measured) / SOFT, nan=10.0)
    return float(np.sum(weights**2 * 2.0 * (np.sqrt(1.0 + z * z) - 1.0)) + np.sum((logs / problem.sd) ** 2))


def step_of(problem: Problem, weights: Array, predicted: Array, slopes: Array, logs: Array) -> Array:
    """One damped Gauss-Newton step."""
    z = np.nan_to_num((predicted - problem.measured) / SOFT)
    strength = weights**2 / np.sqrt(1.0 + z * z) / SOFT**2
    normal = slopes.T @ (slopes * strength[:, None]) + np.diag(problem.sd**-2)
    pull = slopes.T @ (strength * (predicted - problem.measured)) + logs / problem.sd**2
    step: Array = np.clip(np.linalg.solve(normal, -pull), -_MOST_STEP, _MOST_STEP).astype(np.float64, copy=False)
    return step


def covariance_of(problem: Problem, weights: Array, predicted: Array, slopes: Array) -> Array:
    """Posterior covariance of the factors' logarithms (Laplace), rows as noisy as they are met."""
    z = np.nan_to_num((predicted - problem.measured) / SOFT)
    strength = weights**2 / np.sqrt(1.0 + z * z) / SOFT**2
    precision = slopes.T @ (slopes * strength[:, None]) + np.diag(problem.sd**-2)
    return np.asarray(np.linalg.inv(precision), dtype=np.float64)
