"""Parameters of collectives from measured times, pooled over chip families.

A time is predicted by :func:`accord.fabric.collective.collective_s`; its logarithm is a smooth function of the
parameters' logarithms, found by damped Gauss-Newton steps with a prior on each. A parameter has one pooled value; a
few also differ between families, by logarithms with a prior around nought. Rows of one source on one system are not
independent, so however many there are they weigh no more than so many independent ones, and rows far off count less.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from accord.api.records import machine_of, training_efficiency
from accord.base.array import Array
from accord.base.errors import AccordError
from accord.calibration.rows_stage import SOFT, SPEAKS
from accord.catalog.calibration import Fit
from accord.catalog.load import Catalog
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.validation.fabric_predict import in_metric, seconds_of
from accord.validation.fabric_rows import FabricQuestion, FabricRow, question_of, to_score

STEP = 0.03  # of a logarithm, for differences
ROUNDS = 12
OWN_ROWS = 20  # rows of a system from which its family has numbers of its own
LEAST_SD = 0.02
_MOST_STEP = 0.6
_TRIALS = (1.0, 0.5, 0.2)


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a parameter before any row.

    value: its centre, in ``unit``; log_sd: of its logarithm; between: of the logarithm between families and libraries
    by_family: whether families that have rows get values of their own
    """

    value: float
    unit: str
    log_sd: float
    between: float
    note: str
    by_family: bool = False


BELIEFS: Mapping[str, Belief] = MappingProxyType(
    {
        "collective.base_s": Belief(7e-6, "s", 1.0, 0.4, "launch and start of a collective", by_family=True),
        "collective.step_s.scale-up": Belief(1e-6, "s", 1.0, 0.4, "latency of a step of a ring inside a domain"),
        "collective.chunk_s": Belief(1.2e-6, "s", 1.0, 0.4, "fixed time of one chunk of a collective"),
        "collective.local_bytes_per_s": Belief(1e12, "B/s", 1.0, 0.4, "rate of the part that stays on the device"),
        "collective.share.scale-up": Belief(
            0.8, "1", 0.3, 0.1, "rate of a ring over the nominal one, inside a domain", by_family=True
        ),
        "collective.share.switch": Belief(
            0.65, "1", 0.3, 0.15, "rate of sums in the switch over the nominal one", by_family=True
        ),
        "collective.share.exchange": Belief(0.85, "1", 0.3, 0.1, "rate of an all-to-all over that of a ring"),
        "collective.share.scale-out": Belief(
            0.87, "1", 0.1, 0.1, "rate of a ring over the nominal one, between domains"
        ),
        "collective.peer_s": Belief(0.5e-6, "s", 1.0, 0.5, "time of a message to one more rank"),
        "collective.sum_s": Belief(20e-6, "s", 1.0, 0.3, "latency of a sum in the switch"),
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """Rows of one system. family: of its chip; groups: rows of one collective and one algorithm, by index."""

    machine: Machine
    efficiency: Efficiency
    family: str
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Rows that teach. measured: logarithms of seconds; weights: of each row; names: parameter and family, or ""."""

    rows: tuple[FabricRow, ...]
    asked: tuple[FabricQuestion, ...]
    measured: Array
    weights: Array
    places: Mapping[str, Place]
    names: tuple[tuple[str, str], ...]
    sd: Array


@dataclass(frozen=True, slots=True)
class FabricFit:
    """Parameters by name, pooled (family "") and of families, each with its Fit; the rows' logarithms there.

    errors: ln(predicted / measured) of each row; count: numbers that were fitted
    """

    values: Mapping[tuple[str, str], float]
    fits: Mapping[tuple[str, str], Fit]
    errors: Array
    rows: tuple[FabricRow, ...]
    families: tuple[str, ...]
    count: int

    def of(self, family: str) -> tuple[dict[str, float], dict[str, Fit]]:
        """Numbers and fits for chips of a family; the pooled ones where it has no rows."""
        own = family if family in self.families else ""
        return (
            {name: self.values[name, own] for name in BELIEFS},
            {name: self.fits[name, own] for name in BELIEFS},
        )


def teaching(rows: Sequence[FabricRow]) -> tuple[FabricRow, ...]:
    """Rows that count and are collectives, in the order of what they say, not of the file."""
    counted = to_score(rows)
    kept = [row for row in rows if row.id in counted]
    asked = [(row, question_of(row)) for row in kept]
    chosen = [row for row, one in asked if one.kind == "collective" and one.skipped is None]
    return tuple(sorted(chosen, key=_said))


def _said(row: FabricRow) -> tuple[object, ...]:
    skipped = ("id", "source_id", "source", "location", "date", "notes")
    words = tuple(sorted((key, value) for key, value in row.text.items() if key not in skipped))
    return words, tuple(sorted(row.numbers.items()))


def pose(catalog: Catalog, rows: Sequence[FabricRow]) -> Problem:
    """The problem of the rows whose system the catalog has and that the model can answer."""
    kept: list[FabricRow] = []
    built: dict[str, tuple[Machine, Efficiency, str]] = {}
    for row in teaching(rows):
        try:
            if row.system not in built:
                machine = machine_of(catalog, row.system)
                efficiency = training_efficiency(catalog, machine.chip)
                built[row.system] = (machine, efficiency, catalog.chip(machine.chip).family)
            seconds_of([question_of(row)], *built[row.system][:2])
        except AccordError:
            continue
        kept.append(row)
    asked = tuple(question_of(row) for row in kept)
    groups: dict[str, dict[tuple[str, str], list[int]]] = defaultdict(lambda: defaultdict(list))
    for at, (row, one) in enumerate(zip(kept, asked, strict=True)):
        groups[row.system][one.name, one.algorithm].append(at)
    places = {
        system: Place(*built[system], tuple(tuple(found) for found in by.values())) for system, by in groups.items()
    }
    many = Counter(row.system for row in kept)
    families = sorted({places[system].family for system, count in many.items() if count >= OWN_ROWS})
    names = [(name, "") for name in BELIEFS]
    names += [(name, family) for name, belief in BELIEFS.items() if belief.by_family for family in families]
    names = [(name, family) for name, family in names if name != "collective.share.switch" or _sums(family, places)]
    sd = [BELIEFS[name].between if family else BELIEFS[name].log_sd for name, family in names]
    seconds = [
        float(in_metric(one, row.text["metric"], np.asarray([row.numbers["value"]]))[0])
        for row, one in zip(kept, asked, strict=True)
    ]
    counts = Counter((row.text["source_id"], row.system) for row in kept)
    weights = [min(SPEAKS / np.sqrt(counts[row.text["source_id"], row.system]), 1.0) for row in kept]
    return Problem(tuple(kept), asked, np.log(seconds), np.array(weights), places, tuple(names), np.array(sd))


def _sums(family: str, places: Mapping[str, Place]) -> bool:
    """Whether the switches of a family's systems add up; true of the pooled value."""
    return not family or any(place.machine.tiers[0].sums for place in places.values() if place.family == family)


def solve(catalog: Catalog, rows: Sequence[FabricRow]) -> FabricFit:
    """The most likely parameters."""
    problem = pose(catalog, rows)
    logs = np.zeros(len(problem.names))
    for _ in range(ROUNDS):
        predicted, slopes = _linear(problem, logs)
        step = _step(problem, predicted, slopes, logs)
        trials = [logs + share * step for share in _TRIALS]
        losses = [_loss(problem, logs_of(problem, trial), trial) for trial in trials]
        best = int(np.argmin(losses))
        if losses[best] >= _loss(problem, predicted, logs) * (1.0 - 1e-5):
            break
        logs = trials[best]
    return _found(problem, logs)


def logs_of(problem: Problem, logs: Array) -> Array:
    """Logarithms of the rows' predicted seconds, shape ``(R,)``."""
    found = np.zeros(len(problem.rows))
    for place in problem.places.values():
        numbers = {**place.efficiency.numbers, **_numbers(problem.names, logs, place.family)}
        efficiency = replace(place.efficiency, numbers=numbers)
        for group in place.groups:
            seconds = seconds_of([problem.asked[at] for at in group], place.machine, efficiency)
            found[list(group)] = np.log(seconds)
    return found


def _numbers(names: Sequence[tuple[str, str]], logs: Array, family: str) -> dict[str, float]:
    """Parameters of a family at a point; a share stops at 1."""
    found = {name: belief.value for name, belief in BELIEFS.items()}
    for (name, own), log in zip(names, logs, strict=True):
        if own in ("", family):
            found[name] *= float(np.exp(log))
    return {name: min(value, 1.0) if ".share." in name else value for name, value in found.items()}


def _linear(problem: Problem, logs: Array) -> tuple[Array, Array]:
    here = logs_of(problem, logs)
    there = [logs_of(problem, logs + STEP * unit) for unit in np.eye(len(logs))]
    return here, (np.stack(there, axis=1) - here[:, None]) / STEP


def _strength(problem: Problem, predicted: Array) -> Array:
    z = (predicted - problem.measured) / SOFT
    return np.asarray(problem.weights**2 / np.sqrt(1.0 + z * z) / SOFT**2)


def _loss(problem: Problem, predicted: Array, logs: Array) -> float:
    """Soft-l1 misfit of the rows and the prior's."""
    z = (predicted - problem.measured) / SOFT
    return float(np.sum(problem.weights**2 * 2.0 * (np.sqrt(1.0 + z * z) - 1.0)) + np.sum((logs / problem.sd) ** 2))


def _step(problem: Problem, predicted: Array, slopes: Array, logs: Array) -> Array:
    strength = _strength(problem, predicted)
    normal = slopes.T @ (slopes * strength[:, None]) + np.diag(problem.sd**-2)
    pull = slopes.T @ (strength * (predicted - problem.measured)) + logs / problem.sd**2
    return np.asarray(np.clip(np.linalg.solve(normal, -pull), -_MOST_STEP, _MOST_STEP))


def _found(problem: Problem, logs: Array) -> FabricFit:
    """Values and how sure they are: of families the posterior, of the pooled ones what families differ by as well."""
    predicted, slopes = _linear(problem, logs)
    precision = slopes.T @ (slopes * _strength(problem, predicted)[:, None]) + np.diag(problem.sd**-2)
    covariance = np.linalg.inv(precision)
    place = {key: at for at, key in enumerate(problem.names)}
    families = tuple(sorted({family for _, family in problem.names if family}))
    values: dict[tuple[str, str], float] = {}
    fits: dict[tuple[str, str], Fit] = {}
    for family in ("", *families):
        numbers = _numbers(problem.names, logs, family)
        for name, belief in BELIEFS.items():
            parts = [place[key] for key in ((name, ""), (name, family)) if key in place]
            parts = sorted(set(parts))
            own = float(np.sqrt(covariance[np.ix_(parts, parts)].sum()))
            spread = np.hypot(own, belief.between) if not family else max(own, LEAST_SD)
            values[name, family] = numbers[name]
            fits[name, family] = _fit(problem, slopes, place[name, ""], family, float(spread))
    return FabricFit(values, fits, predicted - problem.measured, problem.rows, families, len(problem.names))


def _fit(problem: Problem, slopes: Array, column: int, family: str, log_sd: float) -> Fit:
    """How sure, on how many rows that the parameter moves, and of which chips."""
    moved = np.abs(slopes[:, column]) > 1e-3
    rows = [
        row
        for row, moves in zip(problem.rows, moved, strict=True)
        if moves and family in ("", problem.places[row.system].family)
    ]
    return Fit(log_sd=round(log_sd, 3), n=len(rows), chips=tuple(sorted({row.text["chip"] for row in rows})))
