"""A job on several sites: the part of one site, and what the exchange between them adds to a step."""

from __future__ import annotations

import math

import msgspec

from accord.api.train_request import SitesAsk
from accord.base.array import Array
from accord.base.errors import UsageError
from accord.models.params import count
from accord.report.train_result import Across
from accord.training.estimate import TrainEstimate
from accord.training.flop import lora_params
from accord.training.request import TrainRequest
from accord.training.sites import SitesStep, sites_step


def one_site(request: TrainRequest, ask: SitesAsk) -> TrainRequest:
    """The part of one site: its chips, its replicas and its share of the batch. Raises UsageError."""
    sites = ask.sites
    assert request.chips is not None, "completed before"
    for name, value in (("chips", request.chips), ("dp", request.dp)):
        if value is not None and value % sites:
            near = max(round(value / sites), 1) * sites
            raise UsageError(f"{name} {value:,} does not divide over {sites} sites", where="--sites",
                             hint=f"use {name} {near:,}")  # fmt: skip
    batch = request.global_batch / sites if request.global_batch is not None else None
    if batch is not None and request.seq is not None and batch < request.seq:
        raise UsageError(
            f"{batch / request.seq:.3g} sequences of a step for each of {sites} sites",
            where="--sites",
            hint=f"use a global batch of {sites * request.seq:,} tokens ({sites} sequences) or more",
        )
    dp = request.dp // sites if request.dp is not None else None
    return msgspec.structs.replace(request, chips=request.chips // sites, dp=dp, global_batch=batch)


def across(found: TrainEstimate, ask: SitesAsk) -> SitesStep:
    """One step of all sites; arrays of shape ``(D,)``."""
    job = found.job
    trained = float(lora_params(job.spec, job.lora_rank)) if job.frozen else float(count(job.spec).total)
    return sites_step(
        found.metrics["step_s"], trained * job.gradient_bytes, float(ask.sites), ask.wan_bytes_per_s, ask.rtt_s,
        "sync" if ask.local_steps is None else "local", float(ask.local_steps or 1), ask.bits, ask.overlap,
        gradient_bits=8.0 * job.gradient_bytes,
    )  # fmt: skip


def joined(metrics: dict[str, Array], step: SitesStep, sites: int) -> dict[str, Array]:
    """Metrics of one site as those of all of them, which wait for each other."""
    slower = step.step_s / step.compute_s
    found = {name: values / slower for name, values in metrics.items()}
    found["step_s"] = step.step_s
    found["tokens_per_s_total"] = found["tokens_per_s_total"] * sites
    return found


def told(step: SitesStep, ask: SitesAsk, chips: int, power_w: float | None) -> Across:
    """What is told of a step. chips: of one site; power_w: of a chip, the mean over the run."""
    enough = float(step.enough_bytes_per_s[0])
    watts = None if power_w is None else chips * power_w
    return Across(
        sites=ask.sites, mode="sync" if ask.local_steps is None else "local", local_steps=ask.local_steps or 1,
        chips_per_site=chips, sync_s=float(step.sync_s[0]), exposed_s=float(step.exposed_s[0]),
        exposed_share=float(step.share[0]), busy_share=float(step.busy_share[0]),
        wan_bytes=float(step.wan_bytes[0]), wan_byte_per_s=float(step.wan_bytes_per_s[0]),
        enough_byte_per_s=enough if math.isfinite(enough) else None, power_w_per_site=watts,
    )  # fmt: skip
