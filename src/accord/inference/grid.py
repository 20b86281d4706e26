"""Many deployments at once: decode, prefill and memory over arrays, in slices that stay in cache.

Intervals come from two more evaluations. On a small part of the grid the logarithm of each time is followed
along every fitted parameter and disputed fact. Most of what these do together lies along one direction of all
of them, and the whole grid is evaluated at both ends of it. What lies beside it follows from the shares of the
parts of a step (attention, feed-forward, exchange ...), whose own slopes are regressed on the small part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.hardware.derate import draw
from accord.hardware.noted import noting
from accord.hardware.system import drawn
from accord.inference.pools import decode_point, prefill_point
from accord.parallel.plan import Deployments, Setting
from accord.step.breakdown import StepTime
from accord.step.decode import decode_step
from accord.step.prefill import prefill_step
from accord.uncertainty.draws import correlation

SLICE = 8192
FOLLOWED = 64  # deployments on which every cause is followed
PARTS = tuple(field.name for field in fields(StepTime))

Index = npt.NDArray[np.intp]
Timed = Callable[[Setting, Deployments], StepTime]


@dataclass(frozen=True, slots=True)
class Grid:
    """Answers for ``D`` deployments: TPOT [s], rates per device [token/s], and whether each fits."""

    tpot_s: Array
    decode_tokens_per_s_per_device: Array
    prefill_tokens_per_s_per_device: Array
    prefill_step_s: Array
    fits: Array


@dataclass(frozen=True, slots=True)
class GridSpread:
    """Standard deviation of logarithms by parameters and disputed facts, shape ``(D,)``.

    decode: of TPOT and decode rate; prefill: of step time and prefill rate
    """

    decode: Array
    prefill: Array


def evaluate(setting: Setting, plan: Deployments) -> Grid:
    """Estimate every deployment of ``plan`` in both phases, shape ``(D,)`` each.

    Deployments with and without separate attention groups may be mixed; each kind is computed in
    slices of :data:`SLICE`.
    """
    count = len(plan)
    columns = {name: np.empty(count) for name in Grid.__dataclass_fields__}
    for kind in _kinds(plan):
        for index in _slices(kind):
            part = plan.pick(index)
            decode, prefill = decode_point(setting, part), prefill_point(setting, part)
            columns["tpot_s"][index] = decode.tpot_s
            columns["decode_tokens_per_s_per_device"][index] = decode.tokens_per_s_per_device
            columns["prefill_tokens_per_s_per_device"][index] = prefill.tokens_per_s_per_device
            columns["prefill_step_s"][index] = prefill.step_s
            columns["fits"][index] = (decode.memory.free_bytes >= 0.0) & (prefill.memory.free_bytes >= 0.0)
    return Grid(**columns)


def spread(setting: Setting, plan: Deployments) -> GridSpread:
    """How widely parameters and disputed facts spread the answers of :func:`evaluate`."""
    found = np.zeros((2, len(plan)))
    for kind in _kinds(plan):
        for row, timed in zip(found, (_decode, _prefill), strict=True):
            row[kind] = log_sd(timed, setting, plan.pick(kind))
    return GridSpread(found[0], found[1])


def _kinds(plan: Deployments) -> Iterator[Index]:
    """Deployments with separate attention groups, and those without."""
    separate = plan.groups > 1.0
    for kind in (separate, ~separate):
        if np.any(kind):
            yield np.flatnonzero(kind)


def _slices(index: Index) -> Iterator[Index]:
    for start in range(0, len(index), SLICE):
        yield index[start : start + SLICE]


def _decode(setting: Setting, plan: Deployments) -> StepTime:
    return decode_step(setting, plan)[0]


def _prefill(setting: Setting, plan: Deployments) -> StepTime:
    return prefill_step(setting, plan)[0]


def log_sd(
    timed: Timed, setting: Setting, plan: Deployments, most: int = FOLLOWED, few: Deployments | None = None
) -> Array:
    """Standard deviation of the logarithm of a time by parameters and disputed facts, shape ``(D,)``.

    plan: deployments that agree on whether attention groups are separate
    most: deployments on which every cause is followed, taken evenly from ``plan``; few: these deployments instead, so
        that what is found for one of ``plan`` does not depend on the others
    """
    index = np.linspace(0, len(plan) - 1, min(most, len(plan))).astype(np.intp)
    names, slopes = _slopes(timed, setting, plan.pick(index) if few is None else few)
    if not names:
        return np.zeros(len(plan))
    root = np.linalg.cholesky(correlation(names, setting.efficiency.correlations))
    followed = slopes @ root
    way = np.linalg.svd(followed, full_matrices=False)[2][0]
    ends = _shifted(setting, names, (root @ way)[:, None, None] * [[1.0], [-1.0]])
    along, shares = _between(timed, ends, plan)
    of_few = shares[index] if few is None else _between(timed, ends, few)[1]
    of_parts = np.linalg.lstsq(of_few, followed, rcond=1e-3)[0]
    beside = _beside(shares @ of_parts, way)
    reached = beside[index] if few is None else _beside(of_few @ of_parts, way)
    missed = np.mean(_beside(followed, way) - reached)
    return np.sqrt(np.maximum(along**2 + beside + missed, 0.0))


def _between(timed: Timed, ends: Setting, plan: Deployments) -> tuple[Array, Array]:
    """Half the logarithm between both ends of each deployment, and the shares of the parts of its step."""
    along, shares = np.empty(len(plan)), np.empty((len(plan), len(PARTS)))
    for index in _slices(np.arange(len(plan))):
        step = timed(ends, plan.pick(index))
        above, below = step.total_s
        along[index] = 0.5 * np.log(above / below)
        shares[index] = np.stack([_both(getattr(step, part)) / (above + below) for part in PARTS], axis=1)
    return along, shares


def _both(part: Array) -> Array:
    """Sum over both ends of a part, also of one that is the same at both."""
    return part[0] + part[1] if part.ndim > 1 else 2.0 * part


def _beside(slopes: Array, way: Array) -> Array:
    """Variance of each deployment in all directions but one."""
    return np.asarray(np.sum(slopes**2, axis=1) - (slopes @ way) ** 2, dtype=np.float64)


def _slopes(timed: Timed, setting: Setting, plan: Deployments) -> tuple[list[str], Array]:
    """Parameters and disputed facts that are read, and what one standard deviation of each does, shape ``(D, P)``."""
    watched, noted = noting(setting.efficiency)
    timed(replace(setting, efficiency=watched), plan)
    names = [*(name for name in setting.efficiency.fits if name in noted.read), *setting.machine.claims]
    repeated = plan.pick(np.tile(np.arange(len(plan)), 2 * len(names)))
    moved = np.repeat(np.concatenate([np.eye(len(names)), -np.eye(len(names))], axis=1), len(plan), axis=1)
    above, below = np.log(timed(_shifted(setting, names, moved), repeated).total_s).reshape(2, len(names), len(plan))
    return names, (0.5 * (above - below)).T


def _shifted(setting: Setting, names: Sequence[str], moves: Array) -> Setting:
    """The setting with each named cause moved by so many standard deviations, shape ``(P, D)`` or ``(P, E, 1)``."""
    by_name = {name: np.asarray(move) for name, move in zip(names, moves, strict=True)}
    claims = setting.machine.claims
    ratios = {name: np.exp(by_name.pop(name) * np.std(np.log(points))) for name, points in claims.items()}
    machine, efficiency = drawn(setting.machine, ratios), draw(setting.efficiency, by_name)
    return replace(setting, machine=machine, efficiency=efficiency, axes=moves.ndim - 1)
