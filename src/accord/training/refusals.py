"""Why a layout cannot be, and the nearest one that can.

A rule that is broken names the counts that could mend it. Each is tried, nearest first, until layouts agree with what
is asked; where one change is not enough, the first is kept and the next rule is mended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import msgspec

from accord.base.errors import AccordError, DoesNotFit, UsageError
from accord.base.registry import did_you_mean
from accord.models.spec import ModelSpec
from accord.training.request import RECOMPUTE, SCHEDULES, TrainRequest

TRIED = 64  # values of one field
DEEP = 3  # fields that are mended at once
CONTEXT = 64  # context-parallel ranks
MOST = 600  # changes that are tried in all
_RANKS = ("tp", "cp", "pp", "dp")
_FLAGS = {"micro_batch": "micro-batch", "batch": "global batch", "devices": "devices"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its counts completed: devices; seq: of a sequence, batch: of a step [token]; per_chip: devices."""

    request: TrainRequest
    devices: int
    seq: float
    batch: float
    per_chip: int = 1

    @property
    def sequences(self) -> float:
        """Sequences of a step."""
        return self.batch / self.seq

    def product(self) -> int:
        """Ranks that the stated counts multiply to."""
        whole = 1
        for name in _RANKS:
            whole *= getattr(self.request, name) or 1
        return whole

    def given(self, name: str) -> int | None:
        """A count that was stated."""
        value: int | None = getattr(self.request, name)
        return value

    def replicas(self) -> int | None:
        """Data-parallel replicas, where the request fixes them."""
        if self.request.dp is not None:
            return self.request.dp
        if self.request.tp is None or self.request.pp is None:
            return None
        cut = self.request.tp * self.request.pp * (self.request.cp or 1)
        return self.devices // cut if self.devices % cut == 0 else None

    def with_(self, name: str, value: float | str | tuple[int, ...] | None) -> Asked:
        """The same with another count, or with several of them as ``name`` and ``value`` spell them out."""
        if isinstance(value, tuple):
            return replace(self, request=msgspec.structs.replace(self.request, **dict(zip(_RANKS, value, strict=True))))
        if name == "devices":
            return replace(self, devices=int(value or 0))
        if name == "batch":
            return replace(self, batch=float(value or 0.0) * self.seq)
        return replace(self, request=msgspec.structs.replace(self.request, **{name: value}))


Choices = tuple[str, Iterable[int | str | tuple[int, ...] | None]]
Works = Callable[[Asked], bool]


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that is broken, and fields with the values that could mend it, nearest first.

    fits: it is of the batch and the chips together, and of no count that was stated; rule: its name
    """

    what: str
    choices: tuple[Choices, ...]
    fits: bool = False
    rule: str = ""


class NotDealtOut(DoesNotFit):
    """A step's sequences that no layout deals out over so many devices, however much these hold."""

    exit_code: ClassVar[int] = 2


def refusal(spec: ModelSpec, asked: Asked, works: Works) -> AccordError:
    """The first rule that is broken, with the nearest choice that works."""
    broken = _broken(spec, asked) or _nothing(spec, asked)
    left = MOST

    def tried(one: Asked) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and works(one)

    mended = _mended(spec, asked, tried, DEEP)
    mended = mended or _recut(spec, asked, works)
    hint = _said(asked, mended) if mended is not None else "leave the layout open"
    return (NotDealtOut if broken.fits else UsageError)(broken.what, hint=hint)


def _recut(spec: ModelSpec, asked: Asked, works: Works) -> Asked | None:
    """The nearest ranks with which all else that was asked works, or all else but what depends on them."""
    free = asked
    for name in ("ep", "vp", "micro_batch", "schedule"):
        free = free.with_(name, None)
    for base in (asked, free):
        for cut in _cuts(spec, asked)[:TRIED]:
            tried = base.with_("ranks", cut)
            if works(tried):
                return tried
    return None


def sound(request: TrainRequest) -> None:
    """Raises UsageError for counts below one and words that name nothing."""
    for name in (*_RANKS, "ep", "vp", "micro_batch"):
        value: int | None = getattr(request, name)
        if value is not None and value < 1:
            raise UsageError(f"{_FLAGS.get(name, name)} is {value}", hint=f"use {_FLAGS.get(name, name)} 1 or more")
    if request.zero is not None and request.zero not in range(4):
        raise UsageError(f"zero is {request.zero}", hint=f"use zero {min(max(request.zero, 0), 3)}")
    for name, word, known in (("recompute", request.recompute, RECOMPUTE), ("schedule", request.schedule, SCHEDULES)):
        if word is not None and word not in known:
            raise UsageError(f"no {name} is called '{word}'", hint=did_you_mean(word, known))


def _mended(spec: ModelSpec, asked: Asked, works: Works, deep: int) -> Asked | None:
    """The nearest that works: one count of the broken rule changed, else that one and the next rule mended."""
    broken = _broken(spec, asked) or _nothing(spec, asked)
    for name, values in broken.choices:
        for _, value in zip(range(TRIED), values, strict=False):
            tried = asked.with_(name, value)
            if works(tried):
                return tried
    if deep <= 1:
        return None
    for name, values in broken.choices:
        for _, value in zip(range(TRIED // 8), values, strict=False):
            tried = asked.with_(name, value)
            after = _broken(spec, tried)
            if after is not None and after.rule != broken.rule:
                found = _mended(spec, tried, works, deep - 1)
                if found is not None:
                    return found
    return None


def _said(asked: Asked, mended: Asked) -> str:
    """What to change."""
    changes: list[str] = []
    gone: list[str] = []
    for name in (*_RANKS, "ep", "vp", "micro_batch", "schedule", "zero"):
        old, new = getattr(asked.request, name), getattr(mended.request, name)
        if old != new:
            (gone if new is None else changes).append(_FLAGS.get(name, name) + ("" if new is None else f" {new}"))
    if mended.batch != asked.batch:
        changes.append(f"a global batch of {mended.batch:,.0f} tokens ({_sequences(round(mended.sequences))})")
    if mended.devices != asked.devices:
        changes.append(f"{mended.devices // mended.per_chip:,} chips")
    used = ["use " + " and ".join(changes)] if changes else []
    return ", ".join([*used, *(["leave out " + " and ".join(gone)] if gone else [])])


def _broken(spec: ModelSpec, asked: Asked) -> Broken | None:
    """The first rule that what is asked breaks."""
    for rule in (_of_model, _of_ranks, _of_experts, _of_batch, _of_schedule):
        found = rule(spec, asked)
        if found is not None:
            return replace(found, rule=rule.__name__)
    return None


def _of_model(spec: ModelSpec, asked: Asked) -> Broken | None:
    """Counts that divide the model."""
    heads = max(layer.attention.heads for layer in spec.layers)
    tp, pp, ep, vp, cp = (asked.given(name) for name in ("tp", "pp", "ep", "vp", "cp"))
    if tp is not None and heads % tp:
        return Broken(f"tp {tp} does not divide the {heads} heads of {spec.id}", (("tp", _dividing(heads, tp)),))
    if cp is not None and asked.seq % cp:
        whole = f"cp {cp} does not divide sequences of {asked.seq:,.0f} tokens"
        return Broken(whole, (("cp", _dividing(int(asked.seq), cp)),))
    if pp is not None and pp > spec.n_layers:
        return Broken(f"pp {pp} is more than the {spec.n_layers} layers of {spec.id}",
                      (("pp", _near(range(1, spec.n_layers + 1), pp)),))  # fmt: skip
    if pp is not None and vp is not None and pp * vp > spec.n_layers:
        fewer: tuple[Choices, ...] = (
            ("vp", _near(range(1, spec.n_layers // pp + 1), vp)),
            ("pp", _near(range(1, pp), pp)),
        )
        stages = f"vp {vp} on pp {pp} is {pp * vp} stages"
        return Broken(f"{stages}, more than the {spec.n_layers} layers of {spec.id}", fewer)
    experts = max(layer.ffn.experts for layer in spec.layers)
    if ep is not None and ep > 1 and not experts:
        return Broken(f"ep {ep} was asked, but {spec.id} has no routed experts", (("ep", (1,)),))
    if ep is not None and experts and experts % ep:
        return Broken(f"ep {ep} does not divide the {experts} experts of {spec.id}", (("ep", _dividing(experts, ep)),))
    return None


def _of_ranks(spec: ModelSpec, asked: Asked) -> Broken | None:
    """Ranks that multiply to the devices."""
    named = [name for name in _RANKS if asked.given(name) is not None]
    whole = asked.product()
    said = " x ".join(f"{name} {asked.given(name)}" for name in named)
    full = {"tp", "pp", "dp"} <= set(named)
    if asked.devices % whole == 0 and (not full or "cp" not in named or whole == asked.devices):
        return None
    order = [*[name for name in ("dp", "pp", "cp", "tp") if name in named], "devices"]
    choices: list[Choices] = []
    for name in order:
        devices = name == "devices"
        value = asked.devices if devices else asked.given(name) or 1
        free = _multiples(math.lcm(whole, asked.per_chip), value) if devices else _dividing(asked.devices, value)
        choices.append((name, free))
    if full:
        choices.insert(-1, ("ranks", _cuts(spec, asked)))
    is_not = "ranks, not the" if full and "cp" in named else "ranks, which do not divide"
    return Broken(f"{said} is {whole:,} {is_not} {asked.devices:,} devices", tuple(choices))


def _of_experts(spec: ModelSpec, asked: Asked) -> Broken | None:
    """Experts spread over the ranks of a stage."""
    ep, pp = asked.given("ep"), asked.given("pp")
    if ep is None or ep == 1:
        return None
    ranks = asked.devices // pp if pp is not None else asked.devices
    if ranks % ep == 0:
        return None
    where = f"the {ranks:,} ranks of a pipeline stage" if pp is not None else f"{ranks:,} devices"
    return Broken(f"ep {ep} does not divide {where}", (("ep", _dividing(ranks, ep)),))


def _of_batch(spec: ModelSpec, asked: Asked) -> Broken | None:
    """Whole sequences for every replica, and whole micro-batches."""
    sequences, dp, micro = asked.sequences, asked.replicas(), asked.given("micro_batch")
    if abs(sequences - round(sequences)) > 1e-6:
        said = f"the global batch of {asked.batch:,.0f} tokens is no whole number of sequences of {asked.seq:,.0f}"
        return Broken(said, (("batch", _multiples(dp or 1, sequences)),))
    if dp is None:
        return None
    count = round(sequences)
    if count % dp:
        choices: tuple[Choices, ...] = (("batch", _multiples(dp, sequences)),)
        if asked.given("dp") is not None:
            choices = (*choices, ("dp", _dividing(count, dp)))
        divide = "does not divide" if count == 1 else "do not divide"
        return Broken(f"{_sequences(count)} {divide} over dp {dp}", choices)
    if micro is not None and (count // dp) % micro:
        each = count // dp
        word = "is more than" if micro > each else "does not divide"
        mends: tuple[Choices, ...] = (
            ("micro_batch", _dividing(each, micro)), ("batch", _multiples(dp * micro, sequences)),
        )  # fmt: skip
        return Broken(f"micro-batch {micro} {word} the {_sequences(each)} of a replica", mends)
    return None


def _of_schedule(spec: ModelSpec, asked: Asked) -> Broken | None:
    """Schedules that are defined for these counts."""
    pp, vp, schedule = asked.given("pp"), asked.given("vp"), asked.request.schedule
    if schedule in ("1f1b", "zero-bubble", "dualpipe") and vp is not None and vp > 1:
        return Broken(f"vp {vp} was asked of {schedule}, which has one stage a rank",
                      (("schedule", ("interleaved",)), ("vp", (1,))))  # fmt: skip
    if schedule == "interleaved" and vp == 1:
        choices: tuple[Choices, ...] = (("vp", range(2, 17)), ("schedule", ("1f1b",)))
        return Broken("interleaved takes two virtual stages or more, and vp is 1", choices)
    if vp is not None and vp > 1 and pp == 1:
        return Broken(f"vp {vp} needs a pipeline, and pp is 1", (("vp", (1,)),))
    if schedule == "dualpipe" and pp is not None and pp > 1 and pp % 2:
        return Broken(f"dualpipe takes an even number of stages, and pp is {pp}",
                      (("pp", _near(range(2, spec.n_layers + 1, 2), pp)), ("schedule", ("1f1b",))))  # fmt: skip
    return _of_counts(spec, asked)


def _of_counts(spec: ModelSpec, asked: Asked) -> Broken | None:
    """Micro-batches that a schedule needs."""
    pp, vp, dp, micro = (asked.given("pp"), asked.given("vp"), asked.replicas(), asked.given("micro_batch"))
    if pp is None or pp == 1 or dp is None:
        return None
    each = round(asked.sequences) // dp
    count, said = each // (micro or 1), f"micro-batch {micro}" if micro else "micro-batches of one sequence"
    smaller: tuple[Choices, ...] = (("micro_batch", _dividing(each, micro)),) if micro else ()
    if asked.request.schedule == "dualpipe" and (count % 2 or count < 2 * pp):
        rounds = _multiples(2 * dp * (micro or 1), max(asked.sequences, 2.0 * pp * dp * (micro or 1)))
        return Broken(f"dualpipe on pp {pp} takes an even number of micro-batches, {2 * pp} or more; {said} leave "
                      f"{count:,}", (*smaller, ("batch", rounds), ("schedule", ("1f1b",))))  # fmt: skip
    interleaved = (vp or 1) > 1 or asked.request.schedule == "interleaved"
    if interleaved and count % pp:
        whole = _multiples(dp * pp * (micro or 1), asked.sequences)
        return Broken(f"interleaved stages on pp {pp} take a multiple of {pp} micro-batches; {said} leave {count:,}",
                      (*smaller, ("batch", whole), ("vp", (1,)) if vp else ("schedule", ("1f1b",))))  # fmt: skip
    return None


def _nothing(spec: ModelSpec, asked: Asked) -> Broken:
    """No rule that stands above is broken, and still nothing agrees: drop what was asked, one by one."""
    names = [name for name in ("vp", "micro_batch", "ep", "schedule", "cp", "dp", "pp", "tp") if asked.given(name)]
    said = " ".join(f"{_FLAGS.get(name, name)} {asked.given(name)}" for name in reversed(names)) or "any layout"
    dealt = {max(round(asked.sequences / each), 1) * each for each in _dividing(asked.devices, 1.0)}
    choices: list[Choices] = [("batch", _near(dealt, asked.sequences))]
    choices += [(name, (None,)) for name in names]
    count = round(asked.sequences)
    do = "does" if count == 1 else "do"
    return Broken(
        f"{_sequences(count)} of {asked.seq:,.0f} tokens {do} not deal out over {said} on "
        f"{asked.devices:,} devices", tuple(choices), fits=True,
    )  # fmt: skip


def _sequences(count: int) -> str:
    return f"{count:,} sequence{'' if count == 1 else 's'}"


def _cuts(spec: ModelSpec, asked: Asked) -> list[tuple[int, ...]]:
    """Ranks that multiply to the devices and divide the model, by how far all of them are from what is asked."""
    heads = max(layer.attention.heads for layer in spec.layers)
    aim = [asked.given(name) or 1 for name in _RANKS]
    found: list[tuple[int, ...]] = []
    for tp in (n for n in _dividing(asked.devices, 1.0) if heads % n == 0):
        for cp in (n for n in _dividing(asked.devices // tp, 1.0) if asked.seq % n == 0 and n <= CONTEXT):
            left = asked.devices // (tp * cp)
            found += [(tp, cp, pp, left // pp) for pp in _dividing(left, 1.0) if pp <= spec.n_layers]
    return sorted(found, key=lambda cut: sum(abs(math.log(new / old)) for new, old in zip(cut, aim, strict=True)))


def _near(values: Iterable[int], aim: float) -> list[int]:
    """Values by how far they are from ``aim``, the smaller first of two."""
    return sorted(values, key=lambda value: (abs(value - aim), value))


def _dividing(whole: int, aim: float) -> list[int]:
    """Divisors of ``whole``, nearest first."""
    low = [d for d in range(1, int(whole**0.5) + 1) if whole % d == 0]
    return _near({*low, *(whole // d for d in low)}, aim)


def _multiples(step: int, aim: float) -> Iterator[int]:
    """Multiples of ``step``, nearest first."""
    middle = max(round(aim / step), 1)
    for away in range(TRIED):
        for sign in (1, -1) if away else (1,):
            if middle + sign * away >= 1:
                yield (middle + sign * away) * step
