"""Training rows predicted by fits that have not seen their source, chip or model, and residuals from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from accord.api.records import training_efficiency
from accord.api.train_validate import lookups
from accord.calibration.residuals import Held, Residuals, residuals
from accord.calibration.training_entries import KINDS, entry_of
from accord.calibration.training_fit import TrainingFit, solve, without
from accord.catalog.calibration import Constants
from accord.catalog.load import Catalog
from accord.validation.score import Scored, log_spread
from accord.validation.training_predict import WHOLE_RUN, predicted, smallest_runs
from accord.validation.training_rows import TrainingRow
from accord.validation.training_score import score_training

By = Literal["source", "chip", "model"]
ANY = dict.fromkeys(KINDS, 0.2)  # residuals of a fit that is asked for its parameters alone
KEYS: Mapping[By, Callable[[TrainingRow], str]] = MappingProxyType(
    {
        "source": lambda row: row.text["source_id"],
        "chip": lambda row: row.text["chip"],
        "model": lambda row: row.text.get("model") or row.flags.get("model", ""),
    }
)


def kind_of(row: TrainingRow) -> str:
    """Which residual a row follows."""
    return "residual.train_run" if row.text["metric"] in WHOLE_RUN else "residual.train_step"


def with_fit(catalog: Catalog, fit: TrainingFit, sds: Mapping[str, float]) -> Catalog:
    """The catalog with the parameters of a fit in place of its own."""
    entry: Constants = entry_of(fit, sds, "2026-11-25")
    return catalog.with_calibration({entry.id: entry}, "training")


def left_out(fit: TrainingFit, group: Callable[[TrainingRow], str]) -> dict[str, TrainingFit]:
    """Fits without each group of rows, by the slopes of the whole fit."""
    names = np.asarray([group(row) for row in fit.rows])
    found: dict[str, TrainingFit] = {}
    for name in sorted(set(names)):
        found[str(name)] = replace(fit, logs=without(fit, names == name))
    return found


def scored_without(
    catalog: Catalog, rows: Sequence[TrainingRow], by: By, level: float, fit: TrainingFit | None = None
) -> tuple[Scored, ...]:
    """Measured rows scored by fits that have not seen their group, with the residuals of the whole."""
    whole = fit or solve(catalog, rows)
    sds = {name: float(catalog.constants("training", "generic").parameters[name].si) for name in KINDS}
    found: dict[str, Scored] = {}
    for name, part in left_out(whole, KEYS[by]).items():
        own = [row for row in rows if row.to_score and KEYS[by](row) == name]
        plain, drawn = lookups(with_fit(catalog, part, sds), training_efficiency)
        found |= {one.id: one for one in score_training(own, plain, drawn, level)}
    return tuple(found[row.id] for row in rows if row.id in found)


def residuals_of(catalog: Catalog, fit: TrainingFit) -> Residuals:
    """Residuals that rows of sources left out ask for, beyond the spread of parameters and facts."""
    held: list[Held] = []
    for source, part in left_out(fit, KEYS["source"]).items():
        own = [row for row in fit.rows if row.text["source_id"] == source]
        plain, drawn = lookups(with_fit(catalog, part, ANY), training_efficiency)
        smallest = smallest_runs(own)
        for row in own:
            made, spread = predicted(row, plain, smallest).value, predicted(row, drawn, smallest).value
            if made is not None and made[0] > 0.0:
                miss = abs(float(np.log(made[0] / row.numbers["value"])))
                held.append(Held(kind_of(row), source, miss, log_spread(spread)))
    return residuals(held)
