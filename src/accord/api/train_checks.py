"""What no layout can be, said with the nearest that can, and what a reader must know of a run that can be."""

from __future__ import annotations

import math

from accord.base.errors import UsageError
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.training.candidates import divisors
from accord.training.estimate import TrainEstimate
from accord.training.request import TrainRequest


def check_layout(request: TrainRequest, spec: ModelSpec, machine: Machine) -> None:
    """Refuse ranks that the model, the lengths or the batch cannot be cut into. Raises UsageError."""
    heads = max(layer.attention.heads for layer in spec.layers)
    if request.tp is not None and heads % request.tp:
        near = nearest(request.tp, divisors(heads))
        raise UsageError(f"{heads} heads of {spec.id} do not divide over tp {request.tp}", where="--tp",
                         hint=f"use tp {near}")  # fmt: skip
    if request.pp is not None and request.pp > spec.n_layers:
        raise UsageError(f"{spec.id} has {spec.n_layers} layers, fewer than pp {request.pp}", where="--pp",
                         hint=f"use pp {spec.n_layers} or less")  # fmt: skip
    deep = request.pp or 1
    stages = deep * (request.vp or 1)
    if request.vp is not None and stages > spec.n_layers:
        raise UsageError(f"pp {deep} x vp {request.vp} is {stages:,} stages, more than {spec.n_layers} layers",
                         where="--vp", hint=f"use vp {max(spec.n_layers // deep, 1)} or less")  # fmt: skip
    if (request.vp or 1) > 1 and request.schedule not in (None, "interleaved"):
        raise UsageError(f"virtual stages are of the interleaved schedule, not of {request.schedule}", where="--vp",
                         hint="use --schedule interleaved, or leave out --vp")  # fmt: skip
    if request.schedule == "interleaved" and request.vp == 1:
        raise UsageError("the interleaved schedule needs virtual stages", where="--vp", hint="use vp 2 or more")
    if request.schedule == "dualpipe" and request.pp is not None and request.pp > 1 and request.pp % 2:
        raise UsageError(f"DualPipe pairs stages, and pp {request.pp} is odd", where="--pp",
                         hint=f"use pp {request.pp + 1}")  # fmt: skip
    if request.zero == 3 and (request.pp or 1) > 1:
        raise UsageError("ZeRO-3 gathers weights for every micro-batch of a pipeline, which nobody does",
                         where="--zero", hint="use --zero 1 or 2, or pp 1")  # fmt: skip
    _check_experts(request, spec)
    _check_batch(request, machine)


def _check_experts(request: TrainRequest, spec: ModelSpec) -> None:
    if request.ep is None or request.ep == 1:
        return
    if not spec.is_moe:
        raise UsageError(f"{spec.id} is dense: it has no experts to spread over ep {request.ep}", where="--ep",
                         hint="leave out --ep")  # fmt: skip
    experts = max(layer.ffn.experts for layer in spec.layers)
    if experts % request.ep:
        raise UsageError(f"{experts} experts do not divide over ep {request.ep}", where="--ep",
                         hint=f"use ep {nearest(request.ep, divisors(experts))}")  # fmt: skip
    if request.dp is not None:
        ranks = (request.tp or 1) * (request.cp or 1) * request.dp
        if ranks % request.ep and request.tp is not None:
            fit = [n for n in divisors(experts) if ranks % n == 0]
            raise UsageError(f"ep {request.ep} does not divide the {ranks:,} ranks of tp x cp x dp", where="--ep",
                             hint=f"use ep {nearest(request.ep, fit)}")  # fmt: skip


def _check_batch(request: TrainRequest, machine: Machine) -> None:
    """Whether the batch holds a sequence for each replica, a whole number of micro-batches of them."""
    if request.seq is None or request.global_batch is None:
        return
    if request.global_batch < request.seq:
        raise UsageError(f"a step of {request.global_batch:,.0f} tokens is less than a sequence of {request.seq:,}",
                         where="--global-batch", hint=f"use {request.seq:,} tokens or more")  # fmt: skip
    sequences = request.global_batch / request.seq
    dp = request.dp
    if dp is None and request.chips is not None and request.tp is not None and request.pp is not None:
        dp = request.chips * machine.devices_per_chip // (request.tp * request.pp * (request.cp or 1))
    if dp is not None and sequences < dp * (1.0 - 1e-9):
        least = math.ceil(dp * request.seq)
        raise UsageError(f"{sequences:,.4g} sequences of a step are fewer than dp {dp:,}", where="--global-batch",
                         hint=f"use {least:,} tokens or more, or dp {max(int(sequences), 1):,}")  # fmt: skip
    each = sequences / (dp or 1)
    if dp is not None and request.micro_batch is not None and request.micro_batch > each + 1e-9:
        raise UsageError(f"a micro-batch of {request.micro_batch} is more than the {each:,.4g} sequences of a replica",
                         where="--micro-batch", hint=f"use {max(int(each), 1)} or less")  # fmt: skip


def nearest(value: float, among: list[int]) -> int:
    """The one of some counts that is nearest by ratio."""
    return min(among, key=lambda one: (abs(math.log(one / value)), one))


def cautions(request: TrainRequest, spec: ModelSpec, machine: Machine, found: TrainEstimate) -> list[str]:
    """What a reader must know of a run that can be."""
    said: list[str] = []
    lay, seq = found.layouts, found.job.seq
    if spec.context and seq > spec.context:
        said.append(f"sequences of {seq:,.0f} tokens are longer than the {spec.context:,} that {spec.id} accepts")
    tp = int(lay.tp[0])
    if tp > machine.scale_up_devices > 1:
        said.append(f"tp {tp} reaches beyond the {machine.scale_up_devices} devices of a scale-up domain")
    each = float(lay.micro_batches(found.job)[0])
    if abs(each - round(each)) > 1e-6:
        said.append(f"a replica has {each:,.4g} micro-batches a step, not a whole number: real batches differ a little")
    if request.tokens is not None and request.tokens < found.job.global_batch:
        said.append("the run is shorter than one step, and takes a whole one")
    if request.mtp and spec.mtp is None:
        said.append(f"{spec.id} has no multi-token-prediction layers: trained without")
    return said
