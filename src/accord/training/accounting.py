"""Training compute as counted for the record: by operators, by 6ND and by hardware, summed over stages.

Three methods stand side by side. ``operators`` counts the products the model asks for (:mod:`accord.training.flop`),
``6nd`` multiplies six by active weights and tokens, ``hardware`` multiplies chips, peak, time and utilisation. The
first that is known, in this order, is the total; the interval spans all of them, each widened by what is not known of
its inputs. Nothing computed again is counted, unless the utilisation given is of hardware FLOP.

A stage may belong to the base model (somebody trained it before) or be one's own. Passes forward only (rollouts of
reinforcement learning, a distillation's teacher, text generated to train on) are listed apart and enter the total by
purpose. Where weights are frozen, 6ND becomes ``(4 + 2 x trainable share) N D``: no gradient of the frozen ones.

Both ways of estimating, by hardware and by architecture, are those of Sevilla et al., "Estimating Training Compute of
Deep Learning Models", Epoch AI (2022-01-20, epochai.org/blog/estimating-training-compute). No threshold and no
consequence is known here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from accord.base.errors import UsageError
from accord.models.params import count
from accord.models.spec import ModelSpec
from accord.training.flop import lora_flop_per_token, lora_params, model_flop, train_flop_per_token

StageKind = Literal["pretraining", "continued", "long-context", "sft", "rl", "distillation"]
Purpose = Literal["rollout", "teacher", "synthetic", "scoring"]
MethodName = Literal["operators", "6nd", "hardware"]
KINDS: tuple[StageKind, ...] = get_args(StageKind)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardPass:
    """Tokens that pass a model forward only, to train another or itself.

    purpose: ``rollout`` (answers reinforcement learning draws), ``teacher`` (probabilities to distil from),
        ``synthetic`` (text generated to train on, what was thrown away included), ``scoring`` (rewards, references)
    tokens: read and written [token]; seq: mean length of a sequence [token]
    spec: the model passed, None where only ``active_params`` is known; both None: the trained model itself
    """

    purpose: Purpose
    tokens: float
    seq: float
    spec: ModelSpec | None = None
    active_params: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of training.

    tokens: trained on, every epoch counted [token]; seq: of a sequence [token]
    trainable: share of weights that get gradients; lora_rank: adapters beside frozen weights instead
    base: belongs to the model one starts from; mtp: with the multi-token-prediction loss
    tokens_factor: the true tokens lie within this factor of ``tokens``, 1 = known
    forward: passes forward only that the stage needs
    """

    name: str
    kind: StageKind
    tokens: float
    seq: float
    trainable: float = 1.0
    lora_rank: int | None = None
    base: bool = False
    mtp: bool = False
    tokens_factor: float = 1.0
    forward: tuple[ForwardPass, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareUse:
    """Chips at work on one's own stages.

    chips; peak_flop_per_s: dense, of one chip; seconds: of the run
    utilisation: share of the peak that is model FLOP (MFU); an HFU counts what was computed again too
    factor: the product lies within this factor, 1 = known
    """

    chips: float
    peak_flop_per_s: float
    seconds: float
    utilisation: float
    factor: float = 1.0

    @property
    def flop(self) -> float:
        """``chips x peak x time x utilisation`` [FLOP]."""
        return self.chips * self.peak_flop_per_s * self.seconds * self.utilisation


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCompute:
    """A base model's training compute, known as one number within a factor [FLOP]."""

    flop: float
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class ForwardFlop:
    """FLOP of passes forward only; ``included``: in the totals."""

    purpose: Purpose
    flop: float
    included: bool


@dataclass(frozen=True, slots=True)
class StageFlop:
    """FLOP of one stage.

    training_flop: forward and backward, by the account's first method; six_nd_flop: by 6ND
    forward: passes forward only; flop: training and the included of these; cumulative_flop: with all stages before
        it, and the base where it is known as one number
    """

    name: str
    kind: StageKind
    base: bool
    training_flop: float
    six_nd_flop: float
    forward: tuple[ForwardFlop, ...]
    flop: float
    cumulative_flop: float


@dataclass(frozen=True, slots=True)
class Method:
    """One way of counting the total, and the interval of its inputs [FLOP, log10 FLOP]."""

    name: MethodName
    flop: float
    log10_low: float
    log10_high: float


@dataclass(frozen=True, slots=True)
class Distance:
    """``log10(total / threshold)``: below zero is under the threshold."""

    log10: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ComputeAccount:
    """What training took [FLOP].

    methods: each way of counting, the one the total is from first; log10_low, log10_high: the span of all of them
    base_flop: of the model one starts from; own_flop: of one's own stages; they sum to ``total_flop``
    left_out_flop: passes forward only that were not included
    """

    methods: tuple[Method, ...]
    stages: tuple[StageFlop, ...]
    total_flop: float
    log10_low: float
    log10_high: float
    base_flop: float
    own_flop: float
    left_out_flop: float

    @property
    def log10(self) -> float:
        """Of the total."""
        return math.log10(self.total_flop)

    @property
    def own_over_base(self) -> float | None:
        """One's own compute as a multiple of the base model's; None without a base."""
        return self.own_flop / self.base_flop if self.base_flop else None

    def distance_log10(self, threshold: float) -> Distance:
        """How far the total lies above ``threshold`` [FLOP], in powers of ten. Raises UsageError if it is not > 0."""
        if not threshold > 0.0:
            raise UsageError(f"the threshold is {threshold}", hint="give FLOP above 0")
        level = math.log10(threshold)
        return Distance(self.log10 - level, self.log10_low - level, self.log10_high - level)


def account(
    stages: Sequence[Stage],
    *,
    spec: ModelSpec | None = None,
    active_params: float | None = None,
    params_factor: float = 1.0,
    base: KnownCompute | None = None,
    hardware: HardwareUse | None = None,
    include: Sequence[Purpose] = PURPOSES,
) -> ComputeAccount:
    """Sum the training compute of ``stages``, in order; none where only the use of hardware is known.

    spec: the model; None where its shape is unknown, then ``active_params`` [weights a token passes] is needed
    active_params: N of 6ND, by default counted from ``spec`` with its embeddings
    params_factor: the true number of weights lies within this factor, 1 = known
    base: compute of a base model whose stages are not among ``stages``
    hardware: use of chips for one's own stages, as another method
    include: purposes of passes forward only that enter the totals
    Errors: UsageError where a number cannot be, or neither the shape nor the weights are known.
    """
    active = _active(spec, active_params) if stages else 0.0
    _check(stages, spec, params_factor, base, hardware, include)
    done = _stage_flops(stages, spec, active, base.flop if base else 0.0, include)
    passes = [one for stage in done for one in stage.forward]
    forward = sum(one.flop for one in passes if one.included)
    outside = base.flop if base else 0.0
    base_flop = outside + sum(stage.flop for stage in done if stage.base)
    own_flop = sum(stage.flop for stage in done if not stage.base)
    six = outside + forward + sum(stage.six_nd_flop for stage in done)

    doubt = _Doubt(stages, done, params_factor, base)
    methods: list[Method] = []
    if stages:
        methods += [doubt.method("operators", base_flop + own_flop)] if spec is not None else []
        methods.append(doubt.method("6nd", six))
    if hardware is not None:
        methods.append(doubt.hardware(hardware, base_flop))
        own_flop = own_flop if stages else hardware.flop
    return ComputeAccount(
        methods=tuple(methods),
        stages=done,
        total_flop=methods[0].flop,
        log10_low=min(one.log10_low for one in methods),
        log10_high=max(one.log10_high for one in methods),
        base_flop=base_flop,
        own_flop=own_flop,
        left_out_flop=sum(one.flop for one in passes if not one.included),
    )


def _active(spec: ModelSpec | None, active_params: float | None) -> float:
    """N of 6ND [1]."""
    if active_params is not None:
        if not 0.0 < active_params < math.inf:
            raise UsageError(f"active_params is {active_params}", hint="give a number of weights above 0")
        return active_params
    if spec is None:
        raise UsageError("neither the model's shape nor its active weights are known", hint="give active_params")
    return float(count(spec).active)


def _check(
    stages: Sequence[Stage],
    spec: ModelSpec | None,
    params_factor: float,
    base: KnownCompute | None,
    hardware: HardwareUse | None,
    include: Sequence[Purpose],
) -> None:
    """Refuse numbers that cannot be. Raises UsageError."""
    if not stages and hardware is None:
        raise UsageError("there is no stage of training", hint="give a stage with its tokens, or the use of hardware")
    factors = [params_factor, *(stage.tokens_factor for stage in stages)]
    factors += [base.factor] if base else []
    factors += [hardware.factor] if hardware else []
    if not all(1.0 <= factor < math.inf for factor in factors):
        raise UsageError(f"a factor of doubt is {min(factors)}", hint="use 1 for what is known, above 1 otherwise")
    if base and not base.flop > 0.0:
        raise UsageError(f"the base model's compute is {base.flop}", hint="give FLOP above 0, or no base")
    if hardware and not (hardware.flop > 0.0 and hardware.utilisation <= 1.0):
        raise UsageError(f"the hardware's use makes {hardware.flop} FLOP", hint="utilisation lies in (0, 1]")
    unknown = [purpose for purpose in include if purpose not in PURPOSES]
    if unknown:
        raise UsageError(f"no purpose of a pass is called {unknown[0]!r}", hint=f"one of {', '.join(PURPOSES)}")
    for stage in stages:
        _check_stage(stage, spec)


def _check_stage(stage: Stage, spec: ModelSpec | None) -> None:
    """Refuse a stage that cannot be. Raises UsageError."""
    where = f"stage {stage.name}"
    if stage.kind not in KINDS:
        raise UsageError(f"no kind of stage is called {stage.kind!r}", where=where, hint=f"one of {', '.join(KINDS)}")
    works: tuple[Stage | ForwardPass, ...] = (stage, *stage.forward)
    for work in works:
        if not (0.0 < work.tokens < math.inf and 0.0 < work.seq < math.inf):
            raise UsageError(f"{work.tokens} tokens in sequences of {work.seq}", where=where, hint="both above 0")
    for one in stage.forward:
        if one.active_params is not None and not 0.0 < one.active_params < math.inf:
            raise UsageError(f"active_params is {one.active_params}", where=where, hint="give a number above 0")
    if not 0.0 <= stage.trainable <= 1.0:
        raise UsageError(f"the trainable share is {stage.trainable}", where=where, hint="it lies in 0 to 1")
    if stage.lora_rank is not None and (spec is None or stage.trainable < 1.0):
        raise UsageError(
            "adapters need the model's shape and leave no share of its weights to train",
            where=where,
            hint="give the shape, and either lora_rank or trainable",
        )


def _stage_flops(
    stages: Sequence[Stage], spec: ModelSpec | None, active: float, before: float, include: Sequence[Purpose]
) -> tuple[StageFlop, ...]:
    """FLOP of each stage and the running sum from ``before`` on."""
    done: list[StageFlop] = []
    for stage in stages:
        six = _six_nd(stage, spec, active)
        training = six if spec is None else _training_flop(stage, spec)
        passes = tuple(
            ForwardFlop(one.purpose, _forward_flop(one, spec, active), one.purpose in include) for one in stage.forward
        )
        flop = training + sum(one.flop for one in passes if one.included)
        before += flop
        done.append(StageFlop(stage.name, stage.kind, stage.base, training, six, passes, flop, before))
    return tuple(done)


def _six_nd(stage: Stage, spec: ModelSpec | None, active: float) -> float:
    """Six, or less where weights are frozen, by active weights by tokens [FLOP]."""
    if stage.lora_rank is not None and spec is not None:
        return (4.0 * active + 6.0 * lora_params(spec, stage.lora_rank, active=True)) * stage.tokens
    return (4.0 + 2.0 * stage.trainable) * active * stage.tokens


def _training_flop(stage: Stage, spec: ModelSpec) -> float:
    """Forward and backward by operators [FLOP]."""
    if stage.lora_rank is not None:
        return lora_flop_per_token(spec, stage.seq, stage.lora_rank) * stage.tokens
    flop = model_flop(spec, stage.seq)
    frozen = (1.0 - stage.trainable) * (flop.matrices + flop.lm_head)
    return (train_flop_per_token(spec, stage.seq, mtp=stage.mtp) - frozen) * stage.tokens


def _forward_flop(one: ForwardPass, spec: ModelSpec | None, active: float) -> float:
    """FLOP of a pass forward only: by operators where the shape is known, else twice the active weights a token."""
    shape = one.spec if one.spec is not None or one.active_params is not None else spec
    if shape is not None:
        return float(model_flop(shape, one.seq).forward(causal=True)) * one.tokens
    return 2.0 * (one.active_params if one.active_params is not None else active) * one.tokens


@dataclass(frozen=True, slots=True)
class _Doubt:
    """How far a sum may be off.

    Doubts about tokens of different stages go the same way. Those about tokens and about weights are independent, so
    their logarithms add in quadrature. A base known as one number has its own factor, and is off the same way.
    """

    stages: Sequence[Stage]
    done: Sequence[StageFlop]
    params_factor: float
    base: KnownCompute | None

    def _factor(self, base_only: bool) -> float:
        """Factor within which the stages' sum lies [1]."""
        pairs = [
            (stage.tokens_factor, one.flop)
            for stage, one in zip(self.stages, self.done, strict=True)
            if stage.base or not base_only
        ]
        total = sum(flop for _, flop in pairs)
        tokens = sum(factor * flop for factor, flop in pairs) / total if total else 1.0
        return math.exp(math.hypot(math.log(tokens), math.log(self.params_factor)))

    def method(self, name: MethodName, flop: float) -> Method:
        """``flop`` of all stages and the known base, and its interval."""
        outside, reach = (self.base.flop, self.base.factor) if self.base else (0.0, 1.0)
        factor = self._factor(base_only=False)
        low = outside / reach + (flop - outside) / factor
        high = outside * reach + (flop - outside) * factor
        return Method(name, flop, math.log10(low), math.log10(high))

    def hardware(self, use: HardwareUse, base_flop: float) -> Method:
        """The base as it was counted, and one's own stages by chips, peak, time and utilisation."""
        outside, reach = (self.base.flop, self.base.factor) if self.base else (0.0, 1.0)
        factor = self._factor(base_only=True)
        low = outside / reach + (base_flop - outside) / factor + use.flop / use.factor
        high = outside * reach + (base_flop - outside) * factor + use.flop * use.factor
        return Method("hardware", base_flop + use.flop, math.log10(low), math.log10(high))
