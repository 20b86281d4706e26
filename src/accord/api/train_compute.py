"""Compute of a training run as counted for the record, and what rules on compute would need to be told."""

from __future__ import annotations

from accord.api.train_request import TrainAsk
from accord.report.train_result import Compute, FlopMethod, FlopStage, Reached
from accord.training.accounting import ComputeAccount, HardwareUse, KnownCompute, Stage, StageKind, account
from accord.training.estimate import TrainEstimate

ROUND_FIGURES = (1e23, 1e25, 1e26)  # FLOP that distances are told to; rules use such figures
MAIN = "run"


def compute_of(
    ask: TrainAsk, found: TrainEstimate, tokens: float, flop_per_token: float, hardware: HardwareUse | None
) -> Compute:
    """The account of a run and of the stages that follow it.

    hardware: chips, peak, time and use of the run; another method where the run is the only stage
    Raises UsageError for stages that cannot be.
    """
    base = KnownCompute(flop=ask.base_flop) if ask.base_flop is not None else None
    stages = stages_of(ask, found, tokens)
    done = account(stages, spec=found.job.spec, base=base, hardware=hardware if len(stages) == 1 else None)
    return Compute(
        methods=tuple(
            FlopMethod(name=one.name, flop=one.flop, log10=0.5 * (one.log10_low + one.log10_high),
                       log10_low=one.log10_low, log10_high=one.log10_high)
            for one in done.methods
        ),
        stages=tuple(
            FlopStage(name=one.name, kind=one.kind, base=one.base, tokens=stage.tokens, flop=one.flop,
                      six_nd_flop=one.six_nd_flop, cumulative_flop=one.cumulative_flop)
            for one, stage in zip(done.stages, stages, strict=True)
        ),
        total_flop=done.total_flop, log10=done.log10, log10_low=done.log10_low, log10_high=done.log10_high,
        base_flop=done.base_flop, own_flop=done.own_flop, own_over_base=done.own_over_base,
        flop_per_token=flop_per_token, distances=tuple(_reached(done, flop) for flop in ROUND_FIGURES),
    )  # fmt: skip


def stages_of(ask: TrainAsk, found: TrainEstimate, tokens: float) -> tuple[Stage, ...]:
    """The run and what follows it. A run with adapters, or that starts from a model, trains it further."""
    job = found.job
    rank = job.lora_rank or None
    kind: StageKind = "sft" if rank else "continued" if ask.base_flop is not None else "pretraining"
    first = Stage(name=MAIN, kind=kind, tokens=tokens, seq=job.seq, lora_rank=rank, mtp=job.mtp and not rank)
    later = [
        Stage(name=f"{one.kind} {at}", kind=one.kind, tokens=one.tokens, seq=one.seq or job.seq)
        for at, one in enumerate(ask.stages, 2)
    ]
    return (first, *later)


def _reached(done: ComputeAccount, flop: float) -> Reached:
    found = done.distance_log10(flop)
    return Reached(flop=flop, log10_above=found.log10, low=found.low, high=found.high)
