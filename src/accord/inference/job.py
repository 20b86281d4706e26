"""A request with everything it needs: machine, formats, defaults, layouts and plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import UsageError
from accord.inference.check import RANKS
from accord.inference.complete import Assumed, Defaults, Layout, layout_for, number
from accord.inference.request import EstimateRequest, PoolRequest
from accord.inference.result import Estimate
from accord.models.spec import ModelSpec
from accord.parallel.memory import Memory
from accord.parallel.plan import Deployments, Setting, deployments
from accord.step.breakdown import StepTime

LIST_FIELDS = (
    "tp", "pp", "dp", "cp", "ep", "batch_per_device", "tokens_per_device", "concurrency", "request_rate", "isl", "osl",
    "kv_len", "mtp_tokens", "mtp_accept", "microbatches", "reuse",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """A request with everything it needs.

    near: requests running at parameters near these, shape ``(D,)``, where that is known
    """

    request: EstimateRequest
    setting: Setting
    defaults: Defaults
    assumed: Assumed
    points: tuple[Mapping[str, float], ...]
    near: Array | None = None

    def column(self, field: str, fallback: float | None = None, *, section: str = "serving") -> Array:
        """Values of a listed field, one a point; the default (noted) where the request is silent."""
        if getattr(self.request, field) is not None:
            return array([point[field] for point in self.points])
        if fallback is None:
            fallback = number(self.defaults, section, field)
            self.assumed.note(field)
        return np.full(len(self.points), float(fallback))


def points_of(request: EstimateRequest) -> tuple[Mapping[str, float], ...]:
    """Every combination of the listed fields, the last field fastest."""
    listed: dict[str, tuple[float, ...]] = {}
    for field in LIST_FIELDS:
        value = getattr(request, field)
        if value is not None:
            listed[field] = tuple(value) if isinstance(value, tuple) else (value,)
    return tuple(dict(zip(listed, values, strict=True)) for values in product(*listed.values()))


def devices_of(job: Job, fallback: int) -> int:
    """Ranks in use: stated, or whole chips, or ``fallback``."""
    request, machine = job.request, job.setting.machine
    if request.devices is not None:
        return request.devices
    if request.chips is not None:
        return request.chips * machine.devices_per_chip
    return fallback


def one_of(value: object) -> int | None:
    """A rank field of a request whose rank lists have been taken apart."""
    if isinstance(value, tuple):
        value = value[0]
    return int(value) if isinstance(value, int | float) else None


def layout_of(job: Job, pool: PoolRequest | None, devices: int, prefix: str = "") -> Layout:
    """Ranks of a pool, or of the request itself where it has none."""
    request = job.request
    if pool is None:
        pool = PoolRequest(
            devices=devices,
            tp=one_of(request.tp),
            pp=one_of(request.pp),
            dp=one_of(request.dp),
            cp=one_of(request.cp),
            ep=one_of(request.ep),
        )
    return layout_for(job.setting, pool, devices, job.defaults, job.assumed, prefix)


def plan_of(job: Job, layout: Layout) -> Deployments:
    """Deployments of one pool: ranks of the layout unless the request lists them."""
    request = job.request
    isl = _prompt(job)
    alone = request.phase == "prefill" or (request.phase == "decode" and request.kv_len is not None)
    osl = job.column("osl", 1.0 if alone else None)
    mtp = job.column("mtp_tokens", number(job.defaults, "speculation", "mtp_tokens") if request.speculative else 0.0)
    accept = job.column("mtp_accept", number(job.defaults, "speculation", "mtp_accept"))
    if request.speculative and request.mtp_tokens is None:
        job.assumed.note("mtp_tokens")
    if np.any(mtp > 0.0) and request.mtp_accept is None:
        job.assumed.note("mtp_accept")
    ranks = {name: array(float(getattr(layout, name))) for name in RANKS}
    context = job.column("kv_len", 0.0)
    context = np.where(context > 0.0, context, isl + osl / 2.0)
    shared = job.setting.efficiency.scalar("engine.redundant_share") * experts_of(job.setting.spec)
    wide = ranks["ep"] >= number(job.defaults, "serving", "wide_ep")
    overlaps = job.setting.efficiency.has("microbatch_overlap")
    return deployments(
        **ranks, isl=isl, osl=osl, context=context, mtp_tokens=mtp, accept=np.where(mtp > 0.0, accept, 0.0),
        batch=job.column("batch_per_device", 1.0), tokens=job.column("tokens_per_device", 0.0),
        microbatches=job.column("microbatches", 0.0 if overlaps else 1.0),
        reuse=job.column("reuse", 0.0), redundant=np.where(wide, shared, 0.0),
    )  # fmt: skip


def _prompt(job: Job) -> Array:
    """Prompt tokens: stated, else the decode context, else as long as a stated answer where both are served."""
    request = job.request
    if request.isl is None and request.kv_len is not None:
        return job.column("kv_len")
    if request.isl is None and request.osl is not None and request.phase in ("serve", "offline"):
        job.assumed.note("isl")
        return job.column("osl") * number(job.defaults, "serving", "isl_per_osl")
    return job.column("isl")


def experts_of(spec: ModelSpec) -> int:
    """Routed experts of the widest layer."""
    return max(layer.ffn.experts for layer in spec.distinct_layers)


def answer_of(
    job: Job, metrics: dict[str, Array], plans: Mapping[str, Deployments], layouts: Mapping[str, Layout], chips: float,
    steps: Mapping[str, StepTime] | None = None, memories: Mapping[str, Memory] | None = None,
    idle: int = 0,
) -> Estimate:  # fmt: skip
    """Metrics stretched to one entry a point, with what they rest on."""
    shaped = {name: np.broadcast_to(values, (len(job.points),)) for name, values in metrics.items()}
    return Estimate(
        shaped,
        job.points,
        tuple(job.assumed.names),
        steps or {},
        memories or {},
        job.setting,
        plans,
        layouts,
        chips,
        idle,
    )


def enough(plan: Deployments, devices: int) -> None:
    """Refuse an instance larger than the devices in use. Raises UsageError."""
    if np.any(plan.devices > devices):
        raise UsageError(
            f"tp x pp x dp is {plan.devices.max():g}, more than the {devices} devices in use",
            hint="raise --chips or lower the ranks",
        )


def ranks_asked(request: EstimateRequest) -> int:
    """Ranks the request names, 0 where it names none."""
    tp, pp, dp, cp, ep = (one_of(getattr(request, name)) for name in RANKS)
    if tp is None and dp is None:
        return (ep or 0) * (pp or 1)
    return max((tp or 1) * (dp or 1) * (cp or 1), ep or 1) * (pp or 1)
