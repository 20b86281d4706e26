"""A kind of traffic: how long its texts are, how often people come back, and what they wait for."""

from __future__ import annotations

from typing import Literal

import msgspec

from accord.base.errors import CatalogError
from accord.catalog.value import Count, Seconds, Sources, Tokens, Value

LawKind = Literal["constant", "uniform", "exponential", "lognormal", "gamma", "geometric"]
ArrivalKind = Literal["poisson", "gamma", "constant", "diurnal", "at-once"]
_NEEDS: dict[str, tuple[str, ...]] = {"lognormal": ("cv",), "gamma": ("cv",), "uniform": ("ratio",)}


class Spread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a law spreads around its mean.

    law: of the number; cv: standard deviation over the mean, of ``lognormal`` and ``gamma``
    ratio: half the width of ``uniform`` over the mean
    """

    law: LawKind = "constant"
    cv: Count | None = None
    ratio: Count | None = None

    def __post_init__(self) -> None:
        """Refuse a law without its spread, and a spread that the law has no use for. Raises CatalogError."""
        for name in ("cv", "ratio"):
            needed, given = name in _NEEDS.get(self.law, ()), getattr(self, name) is not None
            if needed and not given:
                raise CatalogError(f"law is {self.law!r}, which needs '{name}'", hint=f"add '{name}:'")
            if given and not needed:
                raise CatalogError(f"{name} is given, but the law {self.law!r} has none", hint=f"drop '{name}:'")


class TokenLaw(Spread, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A law of a length.

    mean: before it is cut; least, most: shorter and longer texts are made this long
    """

    mean: Tokens
    least: Tokens | None = None
    most: Tokens | None = None


class CountLaw(Spread, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A law of a number of things, 1 or more."""

    mean: Count

    def __post_init__(self) -> None:
        """Refuse a mean below 1. Raises CatalogError."""
        Spread.__post_init__(self)
        if self.mean.number is not None and self.mean.number < 1.0:
            raise CatalogError(f"mean is {self.mean.number:g}, fewer than 1", hint="a session has 1 turn or more")


class TimeLaw(Spread, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A law of a time."""

    mean: Seconds


class Arrivals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sessions come; at which rate is for the question to say.

    burstiness: of ``gamma``, the shape of its gaps, as in vllm bench: 1 is Poisson, below 1 comes in bursts
    period, peak: of ``diurnal``; peak over mean rate, 1 to 2
    """

    law: ArrivalKind
    burstiness: Count | None = None
    period: Seconds | None = None
    peak: Count | None = None

    def __post_init__(self) -> None:
        """Refuse a law without its numbers, and numbers that it has no use for. Raises CatalogError."""
        needs = {"gamma": ("burstiness",), "diurnal": ("period", "peak")}.get(self.law, ())
        for name in ("burstiness", "period", "peak"):
            if (getattr(self, name) is not None) != (name in needs):
                what = f"needs '{name}'" if name in needs else f"has no '{name}'"
                raise CatalogError(
                    f"law is {self.law!r}, which {what}", hint=f"its numbers: {', '.join(needs) or 'none'}"
                )


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user expects, all together, the radio's time included.

    ttft: to the first token; tpot: a token after it; e2e: to the last one
    needed: share of requests that must keep them
    """

    ttft: Seconds | None = None
    tpot: Seconds | None = None
    e2e: Seconds | None = None
    needed: Count

    def __post_init__(self) -> None:
        """Refuse limits that limit nothing, and a share that is none. Raises CatalogError."""
        if self.ttft is None and self.tpot is None and self.e2e is None:
            raise CatalogError("ttft, tpot and e2e are all missing", hint="add 'ttft:', 'tpot:' or 'e2e:'")
        if self.needed.number is not None and not 0.0 < self.needed.number <= 1.0:
            raise CatalogError(f"needed is {self.needed.number:g}, no share", hint="write it as 0.99 or 99 %")


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of traffic.

    about: who sends it, in a sentence
    prompt: the first question, without the system prompt, what was said before and images
    answer: each answer; later: questions after the first, as long as the first where left out
    turns: requests of a session, one where left out; think: from an answer to the next question
    system_prompt: tokens that all sessions begin with; image_tokens: in each question
    context: most tokens of prompt and answer together; a session ends before the turn that would exceed it
    arrivals: of sessions; slo: limits; priority: lower goes first
    patience: until a user gives up, never where left out; radio: to the user and back
    """

    id: str
    name: str
    about: str
    prompt: TokenLaw
    answer: TokenLaw
    later: TokenLaw | None = None
    turns: CountLaw | None = None
    think: TimeLaw | None = None
    system_prompt: Tokens | None = None
    image_tokens: Tokens | None = None
    context: Tokens | None = None
    arrivals: Arrivals
    slo: Limits
    priority: Count | None = None
    patience: Seconds | None = None
    radio: Seconds | None = None
    sources: Sources

    def __post_init__(self) -> None:
        """Refuse what belongs to later turns where there are none, and no room in the context. Raises CatalogError."""
        if self.turns is None:
            for name in ("think", "later"):
                if getattr(self, name) is not None:
                    raise CatalogError(f"{name} is given, but a session has one turn", hint="add 'turns:' or drop it")
        elif self.think is None:
            raise CatalogError("turns is given without the time between them", hint="add 'think:'")
        fixed = sum(_number(value) for value in (self.system_prompt, self.image_tokens))
        if self.context is not None and fixed + 2 > _number(self.context):
            raise CatalogError(
                f"context is {_number(self.context):g} tokens, of which {fixed:g} are taken before the question",
                hint="leave room for a question and an answer",
            )


def _number(value: Value | None) -> float:
    return value.number or 0.0 if value is not None else 0.0
