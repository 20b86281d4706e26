"""A training request as numbers: completed, laid out, timed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from accord.base.array import Array
from accord.base.errors import DoesNotFit, MissingFact, UsageError
from accord.hardware.derate import Efficiency
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.training.candidates import Space, candidates
from accord.training.flop import lora_flop_per_token, recompute_flop_per_token, train_flop_per_token
from accord.training.layout import FULL, SELECTIVE, Job, Layouts
from accord.training.memory import TrainMemory, train_memory
from accord.training.request import RECOMPUTE, TrainRequest
from accord.training.step import StepParts, train_step

SECONDS_PER_HOUR, SECONDS_PER_DAY = 3600.0, 86400.0
DEFAULT_SEQ, DEFAULT_BATCH = 4096, 4.0 * 2**20  # tokens: of a sequence, and of a step where the run is long enough


@dataclass(frozen=True, slots=True)
class TrainEstimate:
    """One layout of a job, or several.

    metrics: by the names of the measured tables, in SI, shape ``(D,)``; assumed: fields that defaults filled
    warnings: what a reader must know
    """

    request: TrainRequest
    job: Job
    layouts: Layouts
    parts: StepParts
    memory: TrainMemory
    metrics: Mapping[str, Array]
    assumed: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def job_of(
    spec: ModelSpec, machine: Machine, efficiency: Efficiency, request: TrainRequest
) -> tuple[Job, int, tuple[str, ...], tuple[str, ...]]:
    """What all layouts share, devices, what was assumed, and warnings.

    Raises UsageError for lengths and counts that describe no job.
    """
    assumed: list[str] = []
    chips = request.chips
    if chips is None:
        chips, assumed = machine.chips, [*assumed, "chips"]
    seq, batch = request.seq, request.global_batch
    if seq is None:
        seq, assumed = min(DEFAULT_SEQ, spec.context or DEFAULT_SEQ), [*assumed, "seq"]
    if batch is None:
        batch, assumed = _batch(chips * machine.devices_per_chip, seq, request), [*assumed, "global_batch"]
    for name, value in (("chips", chips), ("seq", seq), ("global batch", batch)):
        if not (np.isfinite(value) and value >= 1.0):
            raise UsageError(f"{name} is {value:g}", hint=f"give a {name} of 1 or more")
    if batch < seq:
        raise UsageError(f"the global batch of {batch:,.0f} tokens is less than a sequence of {seq:,.0f}",
                         hint=f"use a global batch of {seq:,.0f} tokens or more")  # fmt: skip
    precision, said = precision_of(machine, request.precision)
    machine, joined = reaching(machine, efficiency, chips * machine.devices_per_chip)
    mtp = spec.mtp is not None and request.mtp is not False and not request.lora_rank
    job = Job(spec, machine, efficiency, float(seq), float(batch), precision, request.lora_rank or 0, mtp,
              request.balanced, request.timed_alone)  # fmt: skip
    return job, chips * machine.devices_per_chip, tuple(assumed), (*said, *joined)


def reaching(machine: Machine, efficiency: Efficiency, devices: int) -> tuple[Machine, tuple[str, ...]]:
    """The machine with a network that joins ``devices``; one is assumed, and said, where the catalog states none."""
    reach = machine.tiers[-1].devices if machine.tiers else 1.0
    if devices <= reach:
        return machine, ()
    rate = efficiency.get("train.network_bytes_per_s") / machine.devices_per_chip
    tier = FabricTier("network", "scale-out", float("inf"), rate)
    each = float(np.mean(rate)) * machine.devices_per_chip / 1e9
    said = f"no source states the network between domains of {machine.id}: {each:g} GB/s a chip is assumed"
    return replace(machine, tiers=(*machine.tiers, tier)), (said,)


def _batch(devices: int, seq: float, request: TrainRequest) -> float:
    """About four million tokens, a whole number of sequences for each device of 64 or each replica that is stated."""
    step = (request.dp or max(devices // 64, 1)) * seq
    return max(round(DEFAULT_BATCH / step), 1) * step


def precision_of(machine: Machine, asked: str | None) -> tuple[str, tuple[str, ...]]:
    """The format of the products: as asked where the chip has a unit for it, else 16 bits, which is said.

    Raises UsageError for a format nobody trains in, MissingFact for a chip without any rate.
    """
    precision = asked or "bf16"
    if precision not in ("bf16", "fp16", "fp8", "mxfp8", "fp4"):
        raise UsageError(f"'{precision}' is no training format", hint="use bf16, fp16, fp8, mxfp8 or fp4")
    unit = machine.device.compute(precision)
    if unit.native and unit.format != precision and {unit.format, precision} == {"fp8", "mxfp8"}:
        return unit.format, (f"{machine.chip} has no {precision} unit: products are made in {unit.format}",)
    if unit.native:
        return precision, ()
    if "bf16" not in machine.device.peak_flop_per_s and "fp16" not in machine.device.peak_flop_per_s:
        raise MissingFact(f"{machine.chip} has no published 16-bit rate")
    return "bf16", (f"{machine.chip} has no {precision} unit: products are made in bf16",)


def estimate(
    spec: ModelSpec, machine: Machine, efficiency: Efficiency, request: TrainRequest, *, space: Space | None = None,
    strict: bool = True,
) -> TrainEstimate:  # fmt: skip
    """The fastest layout that fits, of all that agree with the request.

    strict: refuse what does not fit; else take what is nearest to it (a run that was measured did fit)
    Raises UsageError, MissingFact and DoesNotFit, see :func:`candidates`.
    """
    job, devices, assumed, said = job_of(spec, machine, efficiency, request)
    found = candidates(spec, machine, request, devices, job.seq, job.global_batch, space, strict=strict)
    memory = train_memory(job, found)
    fits = memory.free_bytes >= 0.0
    if not np.any(fits):
        if strict:
            raise too_large(job, found, memory)
        order = np.lexsort((found.recompute, -memory.free_bytes))
        return at(job, found.pick(order[:1]), request, assumed=(*assumed, "memory"), warnings=said)
    kept = found.pick(np.flatnonzero(fits))
    total = train_step(job, kept).total_s
    best = int(np.lexsort((kept.zero, kept.recompute, total))[0])
    return at(job, kept.pick(np.asarray([best])), request, assumed=assumed, warnings=said)


def at(
    job: Job, lay: Layouts, request: TrainRequest, *, assumed: tuple[str, ...] = (), warnings: tuple[str, ...] = (),
    parts: StepParts | None = None,
) -> TrainEstimate:  # fmt: skip
    """Given layouts, timed; parts: of their steps where they are known."""
    parts = train_step(job, lay) if parts is None else parts
    memory = train_memory(job, lay)
    open_fields = [name for name in _CHOSEN if getattr(request, name) is None]
    return TrainEstimate(request, job, lay, parts, memory, metrics_of(job, lay, parts, request),
                         (*assumed, *open_fields), warnings)  # fmt: skip


_CHOSEN = ("tp", "cp", "pp", "dp", "ep", "vp", "micro_batch", "zero", "recompute", "schedule", "sequence_parallel")


def drawn(found: TrainEstimate, machine: Machine, efficiency: Efficiency, count: int) -> TrainEstimate:
    """The same layout on ``count`` draws of machine and parameters, shape ``(count,)``."""
    joined, _ = reaching(machine, efficiency, int(found.layouts.devices[0]))
    job = replace(found.job, machine=joined, efficiency=efficiency)
    lay = found.layouts.pick(np.zeros(count, dtype=np.intp))
    return at(job, lay, found.request)


def metrics_of(job: Job, lay: Layouts, parts: StepParts, request: TrainRequest) -> dict[str, Array]:
    """Metrics of the measured tables from the seconds of a step."""
    step = parts.total_s
    chips = lay.devices / job.machine.devices_per_chip
    rate = job.global_batch / step
    model, hardware = flop_per_token(job, lay)
    peaks = job.machine.device.peak_flop_per_s
    bf16 = peaks.get("bf16", peaks.get("fp16", np.nan)) * job.machine.devices_per_chip
    own = job.machine.device.compute(job.precision).flop_per_s * job.machine.devices_per_chip
    found = {
        "step_s": step,
        "tokens_per_s_total": rate,
        "tokens_per_s_per_chip": rate / chips,
        "model_flop_per_s_per_chip": rate / chips * model,
        "hardware_flop_per_s_per_chip": rate / chips * hardware,
        "mfu": rate / chips * model / bf16,
        "hfu": rate / chips * hardware / bf16,
        "mfu_own_peak": rate / chips * model / own,
    }
    efficiency = job.efficiency
    evaluated = 1.0 + efficiency.get("train.evaluation_share")
    found["e2e_tokens_per_s_per_chip"] = found["tokens_per_s_per_chip"] / evaluated
    if request.tokens is not None:
        steps = np.ceil(request.tokens / job.global_batch)
        running = steps * step
        found["run_s"] = running
        found["time_to_train_s"] = running * evaluated + efficiency.get("train.benchmark_s")
        found["e2e_tokens_per_s_per_chip"] = request.tokens / found["time_to_train_s"] / chips
        found["chip_hours"] = running * chips / SECONDS_PER_HOUR / efficiency.get("train.whole_run")
    return {name: np.asarray(value + np.zeros_like(step), dtype=np.float64) for name, value in found.items()}


def flop_per_token(job: Job, lay: Layouts, *, causal: bool = True) -> tuple[Array, Array]:
    """Model FLOP of a token and hardware FLOP, what is computed again included, shape ``(D,)``."""
    zero = np.zeros_like(lay.tp)
    if job.frozen:
        model = lora_flop_per_token(job.spec, job.seq, job.lora_rank, causal=causal) + zero
    else:
        model = train_flop_per_token(job.spec, job.seq, causal=causal, mtp=job.mtp) + zero
    full = recompute_flop_per_token(job.spec, job.seq, "full", causal=causal)
    again = np.select(
        [lay.recompute == FULL, lay.recompute == SELECTIVE], [full + zero, low_rank_flop(job.spec) + zero]
    )
    return model, np.asarray(model + again)


def low_rank_flop(spec: ModelSpec) -> float:
    """FLOP of a token in products out of a low rank, which selective recomputation makes again [FLOP/token]."""
    total = 0.0
    for layer in spec.layers:
        block = layer.attention
        if block.kind == "mla":
            keys = block.kv_lora_rank * (block.head_dim - block.rope_head_dim + block.v_head_dim)
            total += layer.count * 2.0 * block.heads * (block.q_lora_rank * block.head_dim + keys)
    return total


def too_large(job: Job, lay: Layouts, memory: TrainMemory) -> DoesNotFit:
    """Why nothing fits, and what would."""
    best = int(np.argmax(memory.free_bytes))
    short = -float(memory.free_bytes[best])
    used = float(memory.used_bytes[best])
    again = RECOMPUTE[int(lay.recompute[best])]
    how = "without recomputation" if again == "none" else f"with {again} recomputation"
    return DoesNotFit(
        f"{job.spec.id} needs {used / 1e9:.1f} GB a device, {short / 1e9:.1f} GB more than {job.machine.chip} has, "
        f"even as tp {lay.tp[best]:.0f} pp {lay.pp[best]:.0f} dp {lay.dp[best]:.0f} ep {lay.ep[best]:.0f} {how}",
        hint=f"use {int(np.ceil(float(lay.devices[best]) * used / (used - short))):,} devices or more, "
        "leave the layout open, or offload the optimizer",
    )
