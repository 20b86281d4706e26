"""What ``accord train`` is asked: a run, and what is wanted to be known of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from datetime import date

import msgspec

from accord.base.errors import UsageError
from accord.economics.scenario import Scenario
from accord.hardware.system import Machine
from accord.models.params import count
from accord.models.spec import ModelSpec
from accord.reliability.run import OnLoss
from accord.training.accounting import StageKind
from accord.training.candidates import divisors
from accord.training.request import TrainRequest
from accord.validation.training_rows import batch_of

DEFAULT_SEQ = 4096
SHORT_BATCH = 4.0 * 2**20  # tokens of a step of a run of unknown length
NATIVE = ("fp8",)  # formats in which a released checkpoint says how it was trained
BATCH_OFF = 0.15  # logarithm by which a batch may be off the rule, so that many layouts can deal it out
SNAP = 0.06  # part by which a stated batch may be moved to a number of sequences that deals out
WHOLE = 1e-6  # sequences
FIRST_YEAR, LAST_YEAR = 1990, 2100  # of scenarios
LARGEST_COUNT = 10_000_000  # chips of a job


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureAsk:
    """How a run deals with interruptions; None takes what the catalog says.

    details: play runs at random and tell more; runs, seed: of that play
    spares_chips: that stand by; interval_s: between checkpoints, None the best
    checkpoint_bytes_per_s: at which all of the job's state is written
    on_loss: without a spare: wait, go on without the domain, or with the rest of it
    """

    details: bool = False
    runs: int = 1000
    seed: int = 0
    spares_chips: float | None = None
    interval_s: float | None = None
    checkpoint_bytes_per_s: float | None = None
    on_loss: OnLoss = "spare"
    detection_s: float | None = None
    restart_s: float | None = None
    repair_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SitesAsk:
    """Sites that train one model together.

    wan_bytes_per_s: of one site, each way; rtt_s: there and back; local_steps: between exchanges, None sums every step
    bits: a number is sent in, None as it is summed; overlap: share of a step that may hide the exchange
    """

    sites: int
    wan_bytes_per_s: float
    rtt_s: float
    local_steps: int | None = None
    bits: float | None = None
    overlap: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageAsk:
    """Another stage of training, for the account of compute alone. seq: None for the run's own [token]."""

    kind: StageKind
    tokens: float
    seq: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainAsk:
    """A run on a system, and what is wanted to be known of it.

    request: the run; flop: of the whole run in place of its tokens [FLOP]
    auto: search the layouts, and re-time the best by simulating their pipelines
    scenario: place and money; start: first day; power_w: feed at the racks, None where it is no limit [W]
    stages: after the run; base_flop: training compute of the model one starts from, None where one starts anew
    explain: also why intervals are as wide, and constants with their sources
    """

    request: TrainRequest
    flop: float | None = None
    auto: bool = False
    scenario: Scenario = Scenario()
    start: date | None = None
    power_w: float | None = None
    failures: FailureAsk = FailureAsk()
    sites: SitesAsk | None = None
    stages: tuple[StageAsk, ...] = ()
    base_flop: float | None = None
    level: float = 0.9
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """A request with everything stated that a job needs but its layout.

    filled: what defaults say, in words; said: what was changed
    """

    request: TrainRequest
    filled: dict[str, str]
    said: tuple[str, ...] = ()


def completed(
    ask: TrainAsk, spec: ModelSpec, machine: Machine, flop_per_token: float | None, times: int = 1
) -> Completed:
    """The request with chips, lengths, batch and format.

    flop_per_token: of the model, where the run's compute is given in place of its tokens
    times: larger than the usual batch, see :func:`usual_batch`
    Raises UsageError for numbers that cannot be.
    """
    request, filled = ask.request, dict[str, str]()
    check_numbers(ask)
    if request.lora_rank is not None and request.lora_rank > spec.hidden:
        raise UsageError(
            f"rank {request.lora_rank:,} is above the hidden size of {spec.id}, {spec.hidden:,}",
            where="--lora-rank",
            hint="use a rank such as 16, or leave it out to train all weights",
        )
    changes: dict[str, object] = {}
    if ask.flop is not None and flop_per_token is not None:
        changes["tokens"] = ask.flop / flop_per_token
        filled["tokens"] = f"{changes['tokens']:.4g}, what {ask.flop:.4g} FLOP pay for"
    if request.chips is None:
        changes["chips"], filled["chips"] = machine.chips, f"{machine.chips:,}, the whole system"
    if request.seq is None:
        seq = min(DEFAULT_SEQ, spec.context or DEFAULT_SEQ)
        changes["seq"], filled["seq"] = seq, f"{seq:,}"
    if request.precision is None:
        native = spec.weights in NATIVE
        changes["precision"] = spec.weights if native else "bf16"
        filled["precision"] = f"{changes['precision']}" + (", as the model is released" if native else "")
    if request.cp is None and None not in (request.tp, request.pp, request.dp):
        changes["cp"], filled["cp"] = 1, "1, as the other ranks are stated"
    request = msgspec.structs.replace(request, **changes)
    if request.global_batch is None:
        batch, filled["global_batch"] = usual_batch(ask, request, spec, machine, times)
        return Completed(msgspec.structs.replace(request, global_batch=batch), filled)
    assert request.seq is not None, "completed above"
    sequences = request.global_batch / request.seq
    near = whole_sequences(ask, request, machine)
    if near is None or abs(near - sequences) < WHOLE:
        return Completed(request, filled)
    said = (
        f"{request.global_batch:,.0f} tokens are {sequences:,.1f} sequences of {request.seq:,}: the batch is taken as"
        f" {near:,} sequences, {near * request.seq:,} tokens; --global-batch-seqs says it exactly"
    )
    return Completed(msgspec.structs.replace(request, global_batch=float(near * request.seq)), filled, (said,))


def whole_sequences(ask: TrainAsk, request: TrainRequest, machine: Machine) -> int | None:
    """Sequences of a batch that was stated in tokens: its own where whole, else a number within 6 % that deals out.

    request: completed. Of such numbers, multiples of the replicas where these are stated, that one which shares the
    largest divisor with the devices, then the one that is the multiple of the largest power of two; None for none.
    """
    assert request.chips is not None and request.seq is not None and request.global_batch is not None, "completed"
    sequences = request.global_batch / request.seq
    if abs(sequences - round(sequences)) < WHOLE:
        return round(sequences)
    devices = request.chips * machine.devices_per_chip
    step, cut = ask.sites.sites if ask.sites is not None else 1, 0
    if request.tp is not None and request.pp is not None:
        cut = request.tp * request.pp * (request.cp or 1)
    replicas = request.dp or (devices // cut if cut and devices % cut == 0 else None)
    if replicas is not None:
        step = math.lcm(step, replicas * (request.micro_batch or 1))

    def within(each: int) -> int | None:
        near = max(round(sequences / each), 1) * each
        return near if abs(near - sequences) <= SNAP * sequences else None

    for divisor in reversed(divisors(devices)):
        each = math.lcm(divisor, step)
        if within(each) is None:
            continue
        while within(2 * each) is not None:
            each *= 2
        return within(each)
    return None


def usual_batch(
    ask: TrainAsk, request: TrainRequest, spec: ModelSpec, machine: Machine, times: int = 1
) -> tuple[float, str]:
    """Tokens of a step as suit the compute of the run, a number that many layouts can deal out, and that in words.

    request: completed but for the batch; times: larger, where no layout can deal out the usual one
    The rule is that of measured rows (docs/training.md), or 4 Mi tokens for a run of unknown length. The number of
    sequences is a multiple of the replicas, or of as large a divisor of the devices as leaves the batch within 15 %.
    """
    assert request.chips is not None and request.seq is not None, "completed before"
    wanted = batch_of(msgspec.structs.replace(request, dp=1), float(count(spec).active))
    words = "near 0.2920 C^0.3271 at C = 6ND (DeepSeek LLM, arXiv 2401.02954)"
    if wanted is None:
        wanted, words = SHORT_BATCH, "near 4 Mi"
    sites = ask.sites.sites if ask.sites is not None else 1
    sequences = max(times * wanted / request.seq, 1.0)
    whole = request.chips * machine.devices_per_chip
    if request.dp is not None and whole % request.dp == 0:
        step = request.dp * (request.micro_batch or 1)
    else:
        devices = max(whole // sites, 1)
        step = max((n * sites for n in divisors(devices) if _near(n * sites, sequences)), default=sites)
    batch = float(step * request.seq * max(round(sequences / step), 1))
    more = f", and {times} times that, as no layout deals out less" if times > 1 else ""
    return batch, f"{batch:,.0f} tokens, {words}{more}"


def _near(step: int, sequences: float) -> bool:
    """Whether a multiple of ``step`` is near to so many sequences."""
    return abs(math.log(max(round(sequences / step), 1) * step / sequences)) <= BATCH_OFF


_ABOVE = ("tokens", "global_batch")
_COUNTS = ("chips", "seq", "micro_batch", "tp", "cp", "pp", "dp", "ep", "vp", "lora_rank")


def check_numbers(ask: TrainAsk) -> None:
    """Refuse numbers that cannot be. Raises UsageError naming the flag."""
    request = ask.request
    if ask.flop is not None and request.tokens is not None:
        raise UsageError("both tokens and compute of the run are given", where="--flop", hint="give one of them")
    values = [(name, getattr(request, name), 0.0, False) for name in _ABOVE]
    values += [(name, getattr(request, name), 1.0, True) for name in _COUNTS]
    values += [("flop", ask.flop, 0.0, False), ("base_flop", ask.base_flop, 0.0, False)]
    values += [("power_kw", ask.power_w, 0.0, False)]
    if ask.sites is not None:
        values += [("sites", ask.sites.sites, 1.0, True), ("wan", ask.sites.wan_bytes_per_s, 0.0, False)]
        values += [("local_steps", ask.sites.local_steps, 1.0, True), ("bits", ask.sites.bits, 0.0, False)]
    for name, value, least, included in values:
        if value is None:
            continue
        good = math.isfinite(value) and (value >= least if included else value > least)
        if not good:
            wanted = f"{least:g} or more" if included else "above 0"
            raise UsageError(f"{value:g} is not {wanted}", where=_flag(name), hint=f"give a number {wanted}")
    if request.chips is not None and request.chips > LARGEST_COUNT:
        raise UsageError(f"{request.chips:,} chips", where="--chips", hint=f"at most {LARGEST_COUNT:,}")
    if request.zero is not None and request.zero not in (0, 1, 2, 3):
        raise UsageError(f"ZeRO-{request.zero}", where="--zero", hint="0, 1, 2 or 3")
    if ask.start is not None and not FIRST_YEAR <= ask.start.year <= LAST_YEAR:
        raise UsageError(f"a run that begins in {ask.start.year} is not one that can be priced", where="--start",
                         hint=f"give a day from {FIRST_YEAR} to {LAST_YEAR}")  # fmt: skip
    failures = ask.failures
    for one in fields(failures):
        value = getattr(failures, one.name)
        if isinstance(value, int | float) and not isinstance(value, bool) and not (0.0 <= value < math.inf):
            raise UsageError(f"{value:g} is not 0 or more", where=_flag(one.name), hint="give a number 0 or more")


def _flag(name: str) -> str:
    short = {"interval_s": "checkpoint-interval", "checkpoint_bytes_per_s": "checkpoint-bandwidth"}
    plain = name.removesuffix("_s").removesuffix("_chips")
    return f"--{short.get(name, plain).replace('_', '-')}"
