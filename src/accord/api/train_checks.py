"""What a reader must know of a run before trusting its numbers."""

from __future__ import annotations

from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.training.estimate import TrainEstimate
from accord.training.request import TrainRequest


def cautions(request: TrainRequest, spec: ModelSpec, machine: Machine, found: TrainEstimate) -> list[str]:
    """What a reader must know of a run that can be."""
    said: list[str] = []
    lay, seq = found.layouts, found.job.seq
    if spec.context and seq > spec.context:
        said.append(f"sequences of {seq:,.0f} tokens are longer than the {spec.context:,} that {spec.id} accepts")
    tp = int(lay.tp[0])
    if tp > machine.scale_up_devices > 1:
        said.append(f"tp {tp} reaches beyond the {machine.scale_up_devices} devices of a scale-up domain")
    if request.schedule not in (None, "1f1b") and int(lay.pp[0]) == 1:
        said.append(f"there is one pipeline rank, and nothing for the schedule {request.schedule} to order")
    each = float(lay.micro_batches(found.job)[0])
    if abs(each - round(each)) > 1e-6:
        said.append(f"a replica has {each:,.4g} micro-batches a step, not a whole number: real batches differ a little")
    if request.tokens is not None and request.tokens < found.job.global_batch:
        said.append("the run is shorter than one step, and takes a whole one")
    if request.balanced and not spec.is_moe:
        said.append(f"{spec.id} has no routed experts: --balanced changes nothing")
    if request.mtp and spec.mtp is None:
        said.append(f"{spec.id} has no multi-token-prediction layers: trained without")
    return said
