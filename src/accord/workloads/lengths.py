"""Laws of length, drawn or in words, and the means a steady state needs of answers.

Open-ended chat is taken as exponential: most answers are short, few are long. ``mean`` is in the
same unit as the other length, tokens or iterations; arrays have shape ``(D,)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.base.registry import did_you_mean
from accord.workloads.request import Ints
from accord.workloads.words import parse_call, quantity


def share_within(length: Array, mean: Array) -> Array:
    """Mean over answers ``n`` of ``min(1, length / n)``: the share of an answer that the first ``length`` makes.

    For exponential answers ``1 - exp(-x) + x E1(x)`` with ``x = length / mean``.
    """
    x = np.maximum(length / mean, 1e-9)
    return np.clip(1.0 - np.exp(-x) + x * exponential_integral(x), 0.0, 1.0)


def mean_inverse(shortest: float, mean: Array) -> Array:
    """Mean over answers ``n`` of ``1 / n`` where none is shorter than ``shortest``: ``E1(shortest / mean) / mean``."""
    return exponential_integral(shortest / mean) / mean


def exponential_integral(x: Array) -> Array:
    """``E1(x)`` for x > 0 between its classic bounds, two thirds up: within 9 % from 1e-3 to 10.

    ``exp(-x) / 2 ln(1 + 2 / x) < E1(x) < exp(-x) ln(1 + 1 / x)`` (Abramowitz and Stegun 5.1.20).
    """
    return np.asarray(np.exp(-x) * (0.5 * np.log1p(2.0 / x) + 2.0 * np.log1p(1.0 / x)) / 3.0, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Law:
    """A law of a positive number: tokens of a prompt, seconds of thinking, turns of a session.

    kind: a name of :data:`KINDS`; mean: before ``least`` and ``most`` cut; cv: standard deviation over the mean
    ratio: half the width of ``uniform`` over the mean, as vLLM's range ratio; exponent: of ``zipf``
    least, most: what is drawn below or above becomes this; ``zipf`` is drawn between them
    values: what ``empirical`` draws from, shape ``(V,)``
    Raises UsageError for what is no law.
    """

    kind: str
    mean: float = math.nan
    cv: float = 0.0
    ratio: float = 0.0
    exponent: float = 0.0
    least: float = 0.0
    most: float = math.inf
    values: Array | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse numbers that make no law."""
        hint = f"known: {', '.join(KINDS)}; such as 'lognormal:mean=1200,cv=1.1,max=32768'"
        if self.kind not in KINDS:
            raise UsageError(f"'{self.kind}' is no law", hint=did_you_mean(self.kind, KINDS))
        if not 0.0 <= self.least <= self.most:
            raise UsageError(f"a least of {self.least:g} and a most of {self.most:g}", hint=hint)
        if self.kind in _OF_A_MEAN and not 0.0 < self.mean < math.inf:
            raise UsageError(f"the law '{self.kind}' has a mean of {self.mean:g}", hint=f"give 'mean='; {hint}")
        if self.kind in ("lognormal", "gamma") and not 0.0 < self.cv < math.inf:
            raise UsageError(f"the law '{self.kind}' has a cv of {self.cv:g}", hint=f"give 'cv=', above 0; {hint}")
        if not 0.0 <= self.ratio <= 1.0:
            raise UsageError(f"a range ratio of {self.ratio:g}", hint="0 to 1")
        if self.kind == "geometric" and self.mean < 1.0:
            raise UsageError(f"the law 'geometric' has a mean of {self.mean:g}", hint="1 or more")
        if self.kind == "zipf" and not 1.0 <= self.least <= self.most <= _MOST_RANKS:
            raise UsageError(
                f"the law 'zipf' is cut at {self.least:g} and {self.most:g}", hint="give 'min=' and 'max='"
            )
        if self.kind == "empirical" and (self.values is None or not len(self.values)):
            raise UsageError("the law 'empirical' has no values")

    def sample(self, rng: np.random.Generator, count: int) -> Array:
        """``count`` numbers, shape ``(count,)``; more of them begin with the same ones."""
        return np.clip(KINDS[self.kind](self, rng, count), self.least, self.most)

    def whole(self, rng: np.random.Generator, count: int) -> Ints:
        """The same as whole numbers of 1 or more."""
        return np.maximum(np.rint(self.sample(rng, count)), 1.0).astype(np.int64)

    def expected(self) -> float:
        """Mean of what :meth:`whole` gives: exact for constant, geometric and empirical, else of 65,536 draws."""
        if self.kind == "geometric" and self.least <= 1.0 and math.isinf(self.most):
            return self.mean
        if self.kind == "empirical" and self.values is not None:
            return float(np.maximum(np.rint(np.clip(self.values, self.least, self.most)), 1.0).mean())
        return float(self.whole(np.random.default_rng(0), 1 if self.kind == "constant" else 1 << 16).mean())


def _constant(law: Law, rng: np.random.Generator, count: int) -> Array:
    del rng
    return np.full(count, law.mean)


def _uniform(law: Law, rng: np.random.Generator, count: int) -> Array:
    return rng.uniform(law.mean * (1.0 - law.ratio), law.mean * (1.0 + law.ratio), count)


def _exponential(law: Law, rng: np.random.Generator, count: int) -> Array:
    return rng.exponential(law.mean, count)


def _lognormal(law: Law, rng: np.random.Generator, count: int) -> Array:
    variance = math.log1p(law.cv**2)
    return rng.lognormal(math.log(law.mean) - variance / 2.0, math.sqrt(variance), count)


def _gamma(law: Law, rng: np.random.Generator, count: int) -> Array:
    return rng.gamma(law.cv**-2, law.mean * law.cv**2, count)


def _geometric(law: Law, rng: np.random.Generator, count: int) -> Array:
    return rng.geometric(1.0 / law.mean, count).astype(np.float64)


def _zipf(law: Law, rng: np.random.Generator, count: int) -> Array:
    ranks = np.arange(math.ceil(law.least), math.floor(law.most) + 1, dtype=np.float64)
    below = np.cumsum(ranks**-law.exponent)
    return np.asarray(ranks[np.searchsorted(below / below[-1], rng.random(count), side="right")], dtype=np.float64)


def _empirical(law: Law, rng: np.random.Generator, count: int) -> Array:
    values = law.values if law.values is not None else np.ones(1)
    return np.asarray(values[rng.integers(len(values), size=count)], dtype=np.float64)


KINDS: Mapping[str, Callable[[Law, np.random.Generator, int], Array]] = {
    "constant": _constant,
    "uniform": _uniform,
    "exponential": _exponential,
    "lognormal": _lognormal,
    "gamma": _gamma,
    "geometric": _geometric,
    "zipf": _zipf,
    "empirical": _empirical,
}
_OF_A_MEAN = ("constant", "uniform", "exponential", "lognormal", "gamma", "geometric")
_MOST_RANKS = 10_000_000
_KEYS = {"mean": "mean", "cv": "cv", "ratio": "ratio", "exponent": "exponent", "min": "least", "max": "most"}


def parse_law(text: str, unit: str = "tok") -> Law:
    """A law from words: ``1024``, ``uniform:mean=1024,ratio=0.2``, ``lognormal:mean=1200,cv=1.1,max=32768``.

    unit: of mean, min and max; a bare number has it, another of its kind is converted (``mean=2 min``)
    Raises UsageError.
    """
    number = quantity(text, unit)
    if number is not None:
        return Law("constant", mean=number)
    name, given = parse_call(text)
    if name == "empirical":
        raise UsageError(f"{text!r}: values cannot be given in words", hint="use a trace")
    parts: dict[str, float] = {}
    for key, value in given.items():
        if key not in _KEYS:
            raise UsageError(f"{text!r}: the law has no '{key}'", hint=did_you_mean(key, _KEYS))
        number = quantity(value, unit if key in ("mean", "min", "max") else "1")
        if number is None:
            raise UsageError(f"{text!r}: '{key}' is {value!r}, no number in {unit}", hint="such as 'mean=1200'")
        parts[_KEYS[key]] = number
    return Law(name, **parts)  # type: ignore[arg-type]  # no key is that of an array
