"""How sure the steps of a training run are: the same layout on draws of parameters and of disputed facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from accord.api.records import calibration_chain
from accord.base.array import Array
from accord.base.errors import CatalogError
from accord.catalog.load import Catalog
from accord.hardware.derate import Efficiency
from accord.hardware.noted import known, noting
from accord.hardware.system import Machine
from accord.inference.spread import draws
from accord.report.estimate_view import Causes, causes_of, value_words
from accord.training.estimate import TrainEstimate
from accord.training.estimate import drawn as drawn_estimate
from accord.uncertainty.variance import variance

RESIDUALS: Mapping[str, float] = {"residual.train_step": 0.12, "residual.train_run": 0.25}
"""How far steps and whole runs are usually off beyond parameters and facts, where the catalog states none."""
Metrics = Callable[[TrainEstimate], Mapping[str, Array]]
Constant = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class StepSpread:
    """Standard deviations of logarithms.

    log_sd: of each metric, by parameters and facts; step, run: residuals of steps and of whole runs
    causes: of each metric, what its interval is due to; used: parameters that were read
    """

    log_sd: Mapping[str, float]
    step: float
    run: float
    causes: Mapping[str, Causes]
    used: tuple[str, ...]


def residual(efficiency: Efficiency, name: str) -> float:
    """A residual of training; that of :data:`RESIDUALS` where nobody has fitted it."""
    try:
        return efficiency.scalar(name)
    except CatalogError:
        return RESIDUALS[name]


def step_spread(found: TrainEstimate, machine: Machine, efficiency: Efficiency, metrics: Metrics) -> StepSpread:
    """Spread of the metrics of one layout. machine: as it was before a network was assumed."""
    watched, noted = noting(efficiency)
    names = tuple(metrics(drawn_estimate(found, machine, watched, 1)))
    sample = draws(machine, efficiency, noted.read)
    step, run = residual(efficiency, "residual.train_step"), residual(efficiency, "residual.train_run")
    if not sample.names:
        return StepSpread(dict.fromkeys(names, 0.0), step, run, {}, tuple(sorted(noted.read)))
    many = metrics(drawn_estimate(found, sample.machine, sample.efficiency, sample.count))
    logs = np.stack([np.log(np.maximum(many[name], 1e-300)) for name in names])
    whole = variance(logs, sample.columns, sample.correlation)
    how = [known(efficiency, machine.chip, name) for name in sample.names]
    causes = {
        name: causes_of(
            list(zip(sample.names, how, whole.parts[:, at].tolist(), strict=True)), float(whole.total[at]), step
        )
        for at, name in enumerate(names)
    }
    log_sd = dict(zip(names, np.sqrt(whole.total).tolist(), strict=True))
    return StepSpread(log_sd, step, run, causes, tuple(sorted(noted.read)))


KINDS = ("training", "collectives", "calibration")


def constants(catalog: Catalog, chip: str, efficiency: Efficiency, used: Sequence[str]) -> list[Constant]:
    """Parameters that a step depends on: name, value, basis, how it is known, source."""
    entries = [entry for kind in KINDS for entry in calibration_chain(catalog, chip, kind)]
    found: list[Constant] = []
    for name in used:
        owner = efficiency.owners.get(name)
        for entry in entries:
            if entry.id == owner and name in entry.parameters:
                value = entry.parameters[name]
                source = entry.sources[value.source]
                words = f"{entry.id}: {source.title} ({source.date})"
                found.append((name, value_words(value), value.basis, known(efficiency, chip, name), words))
                break
    return found
