"""Parameters of training software fitted to measured steps and runs.

The public estimate predicts each row; damped Gauss-Newton steps on the logarithms find the most likely parameters,
given the beliefs. Rows of one source are not independent: together they weigh no more than ten. Rows that do not
state their layout, or are of whole runs, weigh less. Misses beyond 10 % pull less than in proportion. Only how many
rows a source has is used of it, never its name, and rows are put into an order of their own content first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accord.api.records import machine_of, training_efficiency
from accord.api.train_validate import CatalogTrainLookup
from accord.base.array import Array
from accord.base.errors import AccordError
from accord.calibration.training_beliefs import BELIEFS
from accord.catalog.load import Catalog
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.training.estimate import TrainEstimate, drawn, estimate
from accord.training.request import TrainRequest
from accord.validation.training_predict import WHOLE_RUN, predict_training, smallest_runs
from accord.validation.training_rows import TrainingRow

NAMES = tuple(BELIEFS)
SPREAD = 0.06  # of a row around the model, of the logarithm
LOOSE_LAYOUT, LOOSE_RUN = 1.8, 2.5  # as many times that where a row omits its layout, and for chip-hours of a whole run
MOST_ROWS = 10.0  # of a source, in independent ones
NODE = 8.0  # chips whose layout matters little
STEP = 0.04  # of a derivative, of the logarithm
LONGEST = 0.5  # step of a parameter
ROUNDS, SETTLED = 9, 0.3
FIXED_FROM = 3  # round from which layouts stay as chosen, and misses beyond the spread pull less
SLOW = ("step_s", "time_to_train_s", "chip_hours")  # metrics that grow with time; others fall


@dataclass(frozen=True, slots=True)
class TrainingFit:
    """Parameters by name, with the rows they were fitted to.

    logs: logarithms of the parameters, in the order of ``NAMES``; covariance: of these
    misses: predicted over measured time of each row, of the logarithm; slopes: of the misses, shape ``(rows, P)``
    """

    logs: Array
    covariance: Array
    rows: tuple[TrainingRow, ...]
    misses: Array
    slopes: Array

    def numbers(self) -> dict[str, float]:
        """Values in SI by name."""
        return {name: float(value) for name, value in zip(NAMES, np.exp(self.logs), strict=True)}


class World:
    """Estimates of rows at any parameters; layouts are chosen anew unless ``fixed``."""

    def __init__(self, catalog: Catalog) -> None:
        """Read machines from ``catalog``."""
        self.catalog = catalog
        self.fixed = False
        self._machines: dict[str, tuple[Machine, Efficiency]] = {}
        self._chosen: dict[tuple[TrainRequest, ModelSpec], TrainEstimate] = {}

    def lookup(self, logs: Array) -> CatalogTrainLookup:
        """Answers at parameters of shape ``(P, S)``; layouts are those of the first set."""
        if not self.fixed:
            self._chosen.clear()
        values = np.exp(np.minimum(logs, _most()[:, None]))
        sets = dict(zip(NAMES, values, strict=True))
        first = {name: float(value[0]) for name, value in sets.items()}

        def train(request: TrainRequest, spec: ModelSpec) -> TrainEstimate:
            machine, efficiency = self._machine(request.system)
            key = (request, spec)
            if key not in self._chosen:
                self._chosen[key] = estimate(spec, machine, _with(efficiency, first), request, strict=False)
            return drawn(self._chosen[key], machine, _with(efficiency, sets), values.shape[1])

        return CatalogTrainLookup(self.catalog, train)

    def _machine(self, system: str) -> tuple[Machine, Efficiency]:
        if system not in self._machines:
            machine = machine_of(self.catalog, system)
            self._machines[system] = (machine, training_efficiency(self.catalog, machine.chip))
        return self._machines[system]


def _with(efficiency: Efficiency, numbers: Mapping[str, float | Array]) -> Efficiency:
    return replace(efficiency, numbers={**efficiency.numbers, **numbers})


def _most() -> Array:
    return np.log([BELIEFS[name].most for name in NAMES])


def in_order(rows: Sequence[TrainingRow]) -> tuple[TrainingRow, ...]:
    """Rows to fit, in an order that depends on what they say alone."""

    def content(row: TrainingRow) -> str:
        text = {key: value for key, value in row.text.items() if key not in ("id", "source_id", "source", "location")}
        return repr((sorted(text.items()), sorted(row.numbers.items()), sorted(row.flags.items()), row.words))

    return tuple(sorted((row for row in rows if row.to_score), key=content))


def misses_of(world: World, rows: Sequence[TrainingRow], logs: Array) -> tuple[tuple[TrainingRow, ...], Array]:
    """Rows with a prediction, and ln(predicted over measured time) at parameters ``(P, S)``, shape ``(rows, S)``."""
    lookup = world.lookup(logs)
    smallest = smallest_runs(rows)
    kept, found = [], []
    for row in rows:
        try:
            made = predict_training(row, lookup, smallest).value
        except AccordError:
            continue
        measured = row.numbers["value"]
        if made is None or not np.all(np.isfinite(made) & (made > 0.0)) or not measured > 0.0:
            continue
        sign = 1.0 if row.text["metric"] in SLOW else -1.0
        kept.append(row)
        found.append(sign * (np.log(made) - np.log(measured)))
    return tuple(kept), np.asarray(found, dtype=np.float64)


def weights_of(rows: Sequence[TrainingRow], misses: Array, *, robust: bool) -> Array:
    """Weight of each row's squared miss, shape ``(rows,)``."""
    counts = Counter(row.text["source_id"] for row in rows)
    share = np.asarray([min(MOST_ROWS / counts[row.text["source_id"]], 1.0) for row in rows])
    loose = np.asarray([_looseness(row) for row in rows])
    pull = np.maximum(np.abs(misses) / SPREAD, 1.0) if robust else 1.0
    return np.asarray(share / (SPREAD * loose) ** 2 / pull)


def _looseness(row: TrainingRow) -> float:
    if row.text["metric"] in WHOLE_RUN and row.text["metric"] != "time_to_train_s":
        return LOOSE_RUN
    stated = all(name in row.numbers for name in ("tp", "pp", "dp")) or row.numbers.get("chips", np.inf) <= NODE
    return 1.0 if stated else LOOSE_LAYOUT


def prior() -> tuple[Array, Array, Array]:
    """Beliefs as rows: matrix ``A``, means and deviations of ``A x``."""
    matrix = np.eye(len(NAMES))
    start = np.log([BELIEFS[name].value for name in NAMES])
    mean = start.copy()
    for at, name in enumerate(NAMES):
        parent = BELIEFS[name].parent
        if parent is not None:
            matrix[at, NAMES.index(parent)] = -1.0
            mean[at] = start[at] - start[NAMES.index(parent)]
    return matrix, mean, np.asarray([BELIEFS[name].log_sd for name in NAMES])


def normal_equations(logs: Array, misses: Array, slopes: Array, weights: Array) -> tuple[Array, Array]:
    """Curvature and slope of the misfit, beliefs included."""
    matrix, mean, deviation = prior()
    known = matrix.T / deviation**2
    curvature = known @ matrix + (slopes.T * weights) @ slopes
    return curvature, known @ (matrix @ logs - mean) + slopes.T @ (weights * misses)


def misfit(logs: Array, misses: Array, weights: Array) -> float:
    """Weighted squares of misses and of departures from the beliefs."""
    matrix, mean, deviation = prior()
    return float(np.sum(((matrix @ logs - mean) / deviation) ** 2) + np.sum(weights * misses**2))


def solve(catalog: Catalog, rows: Sequence[TrainingRow], start: Array | None = None) -> TrainingFit:
    """The most likely parameters given measured rows."""
    world = World(catalog)
    ordered = in_order(rows)
    logs = np.log([BELIEFS[name].value for name in NAMES]) if start is None else start
    damping = 1.0
    for turn in range(ROUNDS):
        world.fixed = turn >= FIXED_FROM
        kept, every = misses_of(world, ordered, _stencil(logs))
        misses, slopes = every[:, 0], (every[:, 1:] - every[:, :1]) / STEP
        weights = weights_of(kept, misses, robust=turn >= FIXED_FROM)
        before = misfit(logs, misses, weights)
        world.fixed = True
        moved, damping, after = _descend(world, kept, logs, (misses, slopes, weights), damping)
        logs = moved if after < before else logs
        if before - after < SETTLED and turn > FIXED_FROM:
            break
    world.fixed = False
    kept, every = misses_of(world, ordered, _stencil(logs))
    misses, slopes = every[:, 0], (every[:, 1:] - every[:, :1]) / STEP
    curvature, _ = normal_equations(logs, misses, slopes, weights_of(kept, misses, robust=True))
    covariance = np.asarray(np.linalg.inv(curvature), dtype=np.float64)
    return TrainingFit(np.asarray(logs), covariance, kept, misses, slopes)


def _stencil(logs: Array) -> Array:
    """The parameters, and each of them a step further, shape ``(P, P + 1)``."""
    count = len(logs)
    return np.asarray(logs[:, None] + STEP * np.eye(count, count + 1, 1), dtype=np.float64)


def _descend(
    world: World, rows: Sequence[TrainingRow], logs: Array, local: tuple[Array, Array, Array], damping: float
) -> tuple[Array, float, float]:
    """A damped step that lowers the misfit, the next damping, and the misfit there."""
    misses, slopes, weights = local
    before = misfit(logs, misses, weights)
    curvature, slope = normal_equations(logs, misses, slopes, weights)
    moved, after = logs, before
    for _ in range(5):
        damped = curvature + 0.05 * damping * np.diag(np.diag(curvature))
        step = np.clip(-np.linalg.solve(damped, slope), -LONGEST, LONGEST)
        moved = np.minimum(logs + step, _most())
        again, found = misses_of(world, rows, moved[:, None])
        after = misfit(moved, found[:, 0], weights) if len(again) == len(rows) else np.inf
        if after < before:
            return moved, max(damping / 4.0, 0.01), after
        damping *= 6.0
    return moved, damping, after


def without(fit: TrainingFit, left: npt.NDArray[np.bool_]) -> Array:
    """Logarithms of the parameters without some rows, by the slopes of the whole fit; left: which rows, as booleans.

    Misses are taken as straight lines of the parameters; rows left out are then predicted anew by whoever asks.
    """
    kept = [row for row, out in zip(fit.rows, left, strict=True) if not out]
    slopes = fit.slopes[~left]
    logs = fit.logs.copy()
    for _ in range(4):
        misses = fit.misses[~left] + slopes @ (logs - fit.logs)
        weights = weights_of(kept, misses, robust=True)
        curvature, slope = normal_equations(logs, misses, slopes, weights)
        step = np.clip(-np.linalg.solve(curvature, slope), -LONGEST, LONGEST)
        logs = np.minimum(logs + step, _most())
    return np.asarray(logs)
