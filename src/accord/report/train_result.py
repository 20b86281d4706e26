"""What is known of a training run, and the same as the ``result`` of its verb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import msgspec

from accord.planner.plan import Metric
from accord.report.estimate_view import Causes

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the job is cut; devices: of the whole job, on ``chips`` packages; micro_batches: of a replica and step.

    sites: equal parts of the job, each with ``devices / sites`` ranks; every one holds ``dp`` replicas
    """

    tp: int
    cp: int
    pp: int
    dp: int
    ep: int
    vp: int
    micro_batch: int
    micro_batches: float
    zero: int
    recompute: str
    schedule: str
    sequence_parallel: bool
    offload: bool
    precision: str
    seq: int
    global_batch: float
    devices: int
    chips: int
    sites: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A layout that was not the best. step_s: of one site; used_bytes: on the fullest device."""

    layout: Layout
    step_s: float
    used_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlopMethod:
    """One way of counting [FLOP], and the interval of its inputs in powers of ten."""

    name: str
    flop: float
    log10: float
    log10_low: float
    log10_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlopStage:
    """One stage [FLOP]; base: of the model one starts from."""

    name: str
    kind: str
    base: bool
    tokens: float
    flop: float
    six_nd_flop: float
    cumulative_flop: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far a total lies above a round figure, in powers of ten; below zero is under it."""

    flop: float
    log10_above: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """Training compute as counted for the record [FLOP]; the first method's is the total."""

    methods: tuple[FlopMethod, ...]
    stages: tuple[FlopStage, ...]
    total_flop: float
    log10: float
    log10_low: float
    log10_high: float
    base_flop: float
    own_flop: float
    own_over_base: float | None
    flop_per_token: float
    distances: tuple[Reached, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A run played many times at random: median, low and high of elapsed days, effective time and interruptions."""

    runs: int
    seed: int
    days: tuple[float, float, float]
    effective_training_time: tuple[float, float, float]
    interruptions: tuple[float, float, float]
    waiting_s: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """What becomes of a run by failures.

    lost_s: by cause, the mean of one run [s]; by_component: interruptions by what they struck
    interval_s, best_interval_s: between checkpoints, as planned and the best; write_s: of one checkpoint, at
    checkpoint_byte_per_s; rate_stated, spares_stated: in the question, else assumed
    domain_chips: that leave with one that fails; spares_chips: that stand by, in no chip-hours, power or cost;
    spares_needed_chips: with which the job waits for one with a chance under 1 % at the median of the rates
    """

    mttf_s: Metric
    by_component: Mapping[str, float]
    lost_s: Mapping[str, float]
    interval_s: float
    best_interval_s: float
    checkpoint_bytes: float
    write_s: float
    checkpoint_byte_per_s: float
    rate_stated: bool
    spares_stated: bool
    detection_s: float
    restart_s: float
    repair_s: float
    domain_chips: float
    spares_chips: float
    spares_needed_chips: float
    on_loss: str
    played: Played | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """One step across sites [s, 1, B, W]; enough_byte_per_s: at which nothing waits, None: none is."""

    sites: int
    mode: str
    local_steps: int
    chips_per_site: int
    sync_s: float
    exposed_s: float
    exposed_share: float
    busy_share: float
    wan_bytes: float
    wan_byte_per_s: float
    enough_byte_per_s: float | None
    power_w_per_site: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """A training run.

    title: in words; metrics: by name with intervals; conventions: what a name means
    parts: seconds of a step, they sum to ``step_s``; memory: bytes of the fullest device; run: seconds of the whole
    run, they sum to its elapsed time, empty where no tokens are given; cost: USD by part of the hourly price
    assumed: what defaults say, by field; chosen: fields of the layout that the search chose
    searched: layouts evaluated, fitted and timed; others: the next best
    law: what rules would need to be told; explain: causes of intervals and constants, empty unless asked for
    """

    title: str
    metrics: Mapping[str, Metric]
    conventions: Words
    parts: Mapping[str, float]
    memory: Mapping[str, float]
    layout: Layout
    run: Mapping[str, float]
    cost: Mapping[str, float]
    compute: Compute | None
    failures: Failing | None
    sites: Across | None
    assumed: Words
    chosen: tuple[str, ...]
    searched: Mapping[str, int]
    others: tuple[Other, ...]
    ends: Words
    law: Mapping[str, object]
    limits: Sequence[Mapping[str, object]]
    level: float
    causes: Mapping[str, Causes] = field(default_factory=dict)
    constants: Sequence[tuple[str, str, str, str, str]] = ()


def result_dict(one: TrainResult) -> dict[str, object]:
    """The verb's ``result``."""
    found: dict[str, object] = {
        "metrics": {name: msgspec.to_builtins(metric) for name, metric in one.metrics.items()},
        "conventions": dict(one.conventions),
        "parts": {**one.parts, "total_s": sum(one.parts.values())},
        "memory": dict(one.memory),
        "layout": asdict(one.layout),
        "run": {**one.run, "elapsed_s": sum(one.run.values())} if one.run else None,
        "cost": dict(one.cost) or None,
        "flop": asdict(one.compute) if one.compute is not None else None,
        "failures": _failures(one.failures),
        "sites": asdict(one.sites) if one.sites is not None else None,
        "assumed": dict(one.assumed),
        "chosen": list(one.chosen),
        "search": {**one.searched, "others": [asdict(other) for other in one.others]},
        "law": dict(one.law),
        "limits": [dict(limit) for limit in one.limits],
    }
    if one.ends:
        found["dates"] = dict(one.ends)
    if one.causes:
        found["explain"] = {
            name: {**by._asdict(), "causes": [cause._asdict() for cause in by.causes]}
            for name, by in one.causes.items()
        }
        names = ("name", "value", "basis", "known", "source")
        found["constants"] = [dict(zip(names, constant, strict=True)) for constant in one.constants]
    return found


def _failures(one: Failing | None) -> dict[str, object] | None:
    if one is None:
        return None
    found = asdict(one)
    found["mttf_s"] = msgspec.to_builtins(one.mttf_s)
    if one.played is not None:
        names = ("value", "low", "high")
        bands = ("days", "effective_training_time", "interruptions", "waiting_s")
        found["played"] = {
            "runs": one.played.runs, "seed": one.played.seed,
            **{name: dict(zip(names, getattr(one.played, name), strict=True)) for name in bands},
        }  # fmt: skip
    return found
