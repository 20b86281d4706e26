"""How sure an estimate is: the same estimate on draws of its parameters and of disputed facts.

Formulas are elementwise, so each deployment is repeated once a draw and the parameters are tiled: one
evaluation gives all draws. What was chosen at the mean (layouts, formats, a batch that was asked for as "the
most within a limit") stays chosen. Draws in which the deployment does not fit its memory are left out, so
intervals are those of a deployment that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Efficiency, Number, draw
from accord.hardware.noted import noting
from accord.hardware.system import Machine, drawn
from accord.inference.check import RANKS
from accord.inference.complete import Assumed, Defaults
from accord.inference.estimate import estimate_parts, joined, run
from accord.inference.job import Job
from accord.inference.request import EstimateRequest, PoolRequest
from accord.inference.result import Estimate, fitting
from accord.models.spec import ModelSpec
from accord.uncertainty.draws import COUNT, among, correlation, normals
from accord.uncertainty.variance import variance

SLICE = 4096  # entries of one evaluation, so that arrays stay in cache


@dataclass(frozen=True, slots=True)
class Spread:
    """How widely metrics are spread by parameters and disputed facts, shape ``(D,)`` each.

    log_sd: standard deviation of the logarithm, by metric
    causes: parameters, and facts as ``says: FACT``; parts: variance of the logarithm by cause, shape
        ``(P, D)``, by metric; what is missing to ``log_sd ** 2`` is due to causes together
    fits: share of draws that fit the memory
    """

    log_sd: Mapping[str, Array]
    causes: tuple[str, ...]
    parts: Mapping[str, Array]
    fits: Array


@dataclass(frozen=True, slots=True)
class Draws:
    """A machine and its parameters drawn ``count`` times.

    names: what is drawn, parameters first; columns: standard draws, shape ``(P, count)``
    """

    machine: Machine
    efficiency: Efficiency
    names: tuple[str, ...]
    columns: Array
    correlation: Array

    @property
    def count(self) -> int:
        """Number of draws."""
        return int(self.columns.shape[1])


def draws(machine: Machine, efficiency: Efficiency, used: Collection[str] | None = None, count: int = COUNT) -> Draws:
    """Draws of the fitted parameters among ``used`` (all if omitted) and of the facts that sources disagree about."""
    names = [name for name in efficiency.fits if used is None or name in used]
    claims = machine.claims
    count = max(count, 2 * (len(names) + len(claims)))
    normal = normals(efficiency, count)
    ratios = {fact: among(fact, points, count) for fact, points in claims.items()}
    columns = [normal[name] for name in names] + [_standard(np.log(ratio)) for ratio in ratios.values()]
    named = (*names, *(f"says: {fact}" for fact in ratios))
    return Draws(
        drawn(machine, ratios),
        draw(efficiency, {name: normal[name] for name in names}),
        named,
        np.stack(columns) if columns else np.zeros((0, count)),
        correlation(named, efficiency.correlations),
    )


def _standard(values: Array) -> Array:
    centred = values - values.mean()
    return np.asarray(centred / centred.std(), dtype=np.float64)


def estimate_spread(
    spec: ModelSpec, machine: Machine, efficiency: Efficiency, request: EstimateRequest, defaults: Defaults,
    count: int = COUNT,
) -> tuple[Estimate, Spread]:  # fmt: skip
    """The estimate at the mean, as :func:`accord.inference.estimate.estimate` gives it, and its spread."""
    watched, noted = noting(efficiency)
    parts = estimate_parts(spec, machine, watched, request, defaults)
    mean = joined([part for _, part in parts])
    mean = replace(mean, setting=replace(mean.setting, efficiency=efficiency))
    sample = draws(machine, efficiency, noted.read, count)
    if not sample.names:
        zero = np.zeros(len(mean.points))
        return mean, Spread({name: zero for name in mean.metrics}, (), {}, zero + 1.0)
    found = [_logs(one, part, sample, defaults, tuple(mean.metrics)) for one, part in parts]
    return mean, _spread(np.concatenate([logs for logs, _ in found], axis=1), sample, mean, [fit for _, fit in found])


def spread_of(
    evaluate: Callable[[Machine, Efficiency], Mapping[str, Number]], machine: Machine, efficiency: Efficiency,
    count: int = COUNT,
) -> Mapping[str, float]:  # fmt: skip
    """Standard deviation of the logarithm of anything that is calculated elementwise from parameters, by name."""
    watched, noted = noting(efficiency)
    evaluate(machine, watched)
    sample = draws(machine, efficiency, noted.read, count)
    if not sample.names:
        return dict.fromkeys(evaluate(machine, efficiency), 0.0)
    values = evaluate(sample.machine, sample.efficiency)
    logs = np.stack([_log(np.broadcast_to(value, (sample.count,))) for value in values.values()])
    total = variance(logs, sample.columns, sample.correlation).total
    return dict(zip(values, np.sqrt(total).tolist(), strict=True))


def _logs(
    request: EstimateRequest, part: Estimate, sample: Draws, defaults: Defaults, names: Sequence[str]
) -> tuple[Array, Array]:
    """Logarithms of the metrics of one layout, shape ``(M, D, S)``, and the share of draws that fit, ``(D,)``."""
    logs: list[Array] = []
    fits: list[Array] = []
    stated, points = fixed(request, part)
    running = part.metrics.get("running")
    most = max(SLICE // sample.count, 1)
    for start in range(0, len(points), most):
        some = points[start : start + most]
        machine, efficiency = _tiled(sample, len(some))
        setting = replace(part.setting, machine=machine, efficiency=efficiency)
        repeated = tuple(point for point in some for _ in range(sample.count))
        near = None if running is None else np.repeat(running[start : start + most], sample.count)
        done = run(Job(stated, setting, defaults, Assumed(), repeated, near))
        shape = (len(some), sample.count)
        good = fitting(done).reshape(shape)
        logs.append(np.stack([np.where(good, _log(done.metrics[name]).reshape(shape), np.nan) for name in names]))
        fits.append(np.asarray(good.mean(axis=1), dtype=np.float64))
    return np.concatenate(logs, axis=1), np.concatenate(fits)


def _log(values: Array) -> Array:
    """Logarithms, NaN where there is none."""
    return np.log(np.where(values > 0.0, values, np.nan))


def _spread(logs: Array, sample: Draws, mean: Estimate, fits: Sequence[Array]) -> Spread:
    metrics, points, count = logs.shape
    found = variance(logs.reshape(metrics * points, count), sample.columns, sample.correlation)
    log_sd = np.sqrt(found.total).reshape(metrics, points)
    parts = found.parts.reshape(len(sample.names), metrics, points)
    return Spread(
        dict(zip(mean.metrics, log_sd, strict=True)), sample.names,
        {name: parts[:, at] for at, name in enumerate(mean.metrics)}, np.concatenate(fits),
    )  # fmt: skip


def _tiled(sample: Draws, times: int) -> tuple[Machine, Efficiency]:
    """The drawn machine and parameters, once for each of ``times`` deployments."""
    if times == 1:
        return sample.machine, sample.efficiency
    efficiency = replace(
        sample.efficiency, numbers={name: _tile(value, times) for name, value in sample.efficiency.numbers.items()}
    )
    device = sample.machine.device
    device = replace(
        device,
        peak_flop_per_s={fmt: _tile(peak, times) for fmt, peak in device.peak_flop_per_s.items()},
        memory_bytes=_tile(device.memory_bytes, times),
        memory_bytes_per_s=_tile(device.memory_bytes_per_s, times),
    )
    tiers = tuple(replace(tier, bytes_per_s=_tile(tier.bytes_per_s, times)) for tier in sample.machine.tiers)
    return replace(sample.machine, device=device, tiers=tiers), efficiency


def _tile(value: Number, times: int) -> Number:
    return np.tile(value, times) if isinstance(value, np.ndarray) else value


def fixed(request: EstimateRequest, part: Estimate) -> tuple[EstimateRequest, tuple[Mapping[str, float], ...]]:
    """The request and its points with everything stated that was chosen at the mean."""
    devices = round(part.chips * part.setting.machine.devices_per_chip) + part.idle
    split = request.phase in ("serve", "offline") and request.disaggregated
    changes: dict[str, object] = {"chips": None, "devices": devices}
    if split:
        changes |= {pool: _pool(getattr(request, pool), part, pool) for pool in ("prefill", "decode")}
    else:
        layout = next(iter(part.layouts.values()))
        changes |= {"prefill": None, "decode": None, **{name: getattr(layout, name) for name in RANKS}}
    points = part.points
    if request.phase == "decode" and request.batch_per_device is None:
        batches = np.broadcast_to(part.plans["decode"].batch, (len(points),))
        changes["batch_per_device"] = float(batches[0])
        points = tuple({**point, "batch_per_device": float(b)} for point, b in zip(points, batches, strict=True))
    return msgspec.structs.replace(request, **changes), points


def _pool(pool: PoolRequest, part: Estimate, name: str) -> PoolRequest:
    layout = part.layouts[name]
    return msgspec.structs.replace(pool, **{rank: getattr(layout, rank) for rank in RANKS})
