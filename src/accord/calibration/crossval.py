"""Rows predicted by fits that have not seen them: a source, a chip or a model family left out at a time.

Left out are a group's rows, and for a chip its kernel tables too (not those of exchanges, which tell of links).
What stays is what others published about the hardware: peak rates, bandwidths, link rates and latencies.
Efficiencies, fixed times and residuals are fitted again. All folds take the slopes of the fit to all rows and a
fixed number of steps, so one evaluation serves every fold; rows without a model are one family of models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from accord.base.array import Array
from accord.calibration.rows_stage import Problem, RowFit, covariance_of, logs_of, step_of
from accord.catalog.load import Catalog
from accord.validation.rows import Row

By = Literal["source", "chip", "model"]
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Fold:
    """One group left out. logs: factors fitted without it, with their covariance."""

    group: str
    logs: Array
    covariance: Array


def group_of(row: Row, by: By) -> str:
    """What a row is left out with: its source, its chip, or its model's family."""
    if by == "model":
        return model_family(row.text.get("model", ""))
    return row.text.get("source_id" if by == "source" else "chip", "")


def model_family(model: str) -> str:
    """The family of a model by its id: ``qwen`` of ``qwen3-32b``."""
    head = model.split("-", maxsplit=1)[0].rstrip("0123456789.")
    return head or model


def folds(catalog: Catalog, problem: Problem, fit: RowFit, groups: Sequence[str]) -> tuple[Fold, ...]:
    """Factors without each group's rows. groups: of the problem's rows, in their order."""
    names = sorted(set(groups))
    member = np.array([[group == name for group in groups] for name in names])
    weights = np.where(member, 0.0, problem.weights[None])
    logs = np.repeat(fit.logs[None], len(names), axis=0)
    predicted = np.repeat(fit.predicted[:, None], len(names), axis=1)
    for _ in range(ROUNDS):
        steps = [step_of(problem, weights[at], predicted[:, at], fit.slopes, logs[at]) for at in range(len(names))]
        logs = logs + np.stack(steps)
        predicted = logs_of(catalog, problem.rows, problem.shifts, logs, problem.chosen)
    return tuple(
        Fold(name, logs[at], covariance_of(problem, weights[at], predicted[:, at], fit.slopes))
        for at, name in enumerate(names)
    )


def held_out(
    catalog_for: Callable[[str], Catalog], rows: Sequence[Row], problem: Problem, found: Sequence[Fold], by: By
) -> Mapping[str, tuple[float, float]]:
    """Logarithm and its standard deviation from factors for every row, by the fold that did not see it.

    rows: all rows to score, whether they teach or not; catalog_for: the catalog of a fold, by its group
    """
    answers: dict[str, tuple[float, float]] = {}
    plain = {fold.group: fold for fold in found}
    for group in sorted({group_of(row, by) for row in rows}):
        own = tuple(row for row in rows if group_of(row, by) == group)
        fold = plain.get(group) or Fold(group, np.zeros(len(problem.shifts)), np.diag(problem.sd**2))
        points = np.concatenate([fold.logs[None], fold.logs + _directions(fold.covariance)])
        values = logs_of(catalog_for(group), own, problem.shifts, points)
        for row, line in zip(own, values, strict=True):
            answers[row.id] = (float(line[0]), float(np.sqrt(np.nansum((line[1:] - line[0]) ** 2))))
    return answers


def _directions(covariance: Array) -> Array:
    """The strongest directions of a covariance, one standard deviation long, shape ``(24, P)``."""
    values, vectors = np.linalg.eigh(covariance)
    strongest = np.argsort(values)[::-1][:24]
    return np.asarray((vectors[:, strongest] * np.sqrt(np.maximum(values[strongest], 0.0))).T)
