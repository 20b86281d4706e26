"""When requests come: laws of arrival at a rate, all at once, or as earlier ones end."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.base.registry import did_you_mean
from accord.base.streams import stream
from accord.workloads.words import parse_call, quantity

DAY_S = 86_400.0
MOST = 100_000_000  # requests of one workload


@dataclass(frozen=True, slots=True)
class Arrivals:
    """A law of arrival.

    kind: a name of :data:`KINDS`; per_s: mean rate [1/s], not for ``at-once`` and ``closed``
    burstiness: of ``gamma``, the shape of its gaps as in vllm bench: 1 is Poisson, below 1 comes in bursts
    period_s, peak: of ``diurnal``, whose rate is ``per_s (1 + (peak - 1) sin(2 pi t / period))``; peak is 1 to 2
    concurrency: of ``closed``, requests in flight
    Raises UsageError for what is no law.
    """

    kind: str
    per_s: float = math.nan
    burstiness: float = 1.0
    period_s: float = DAY_S
    peak: float = 2.0
    concurrency: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that make no law."""
        if self.kind not in KINDS:
            raise UsageError(f"'{self.kind}' is no law of arrival", hint=did_you_mean(self.kind, KINDS))
        if self.rated and not 0.0 < self.per_s < math.inf:
            raise UsageError(f"'{self.kind}' arrivals at {self.per_s:g} a second", hint="give a rate above 0")
        if not 0.0 < self.burstiness < math.inf:
            raise UsageError(f"a burstiness of {self.burstiness:g}", hint="above 0; 1 is Poisson")
        if not (0.0 < self.period_s < math.inf and 1.0 <= self.peak <= 2.0):
            raise UsageError(
                f"a peak of {self.peak:g} times the mean every {self.period_s:g} s", hint="a peak of 1 to 2"
            )
        if self.kind == "closed" and self.concurrency < 1:
            raise UsageError(f"a closed loop of {self.concurrency} requests", hint="1 or more")

    @property
    def rated(self) -> bool:
        """Whether the law has a rate."""
        return self.kind not in ("at-once", "closed")

    def times(self, seed: int, name: str, count: int) -> Array:
        """The first ``count`` arrivals [s] of a stream, shape ``(count,)``; more of them begin with the same ones."""
        return KINDS[self.kind](self, seed, name, count)

    def until(self, seed: int, name: str, duration_s: float) -> Array:
        """Arrivals before ``duration_s``: as :meth:`times`, cut there. Raises UsageError for a law without a rate."""
        if not self.rated:
            raise UsageError(f"'{self.kind}' arrivals do not end with time", hint="give a number of requests")
        if not 0.0 < duration_s < math.inf:
            raise UsageError(f"a duration of {duration_s:g} s", hint="above 0")
        expected = self.per_s * duration_s
        if expected > MOST:
            raise UsageError(f"{expected:.3g} requests in {duration_s:g} s", hint=f"at most {MOST:,}")
        times = self.times(seed, name, math.ceil(expected + 8.0 * math.sqrt(expected) + 16.0))
        while times[-1] < duration_s:
            times = self.times(seed, name, 2 * len(times))
        return times[: int(np.searchsorted(times, duration_s))]


def _together(law: Arrivals, seed: int, name: str, count: int) -> Array:
    del law, seed, name
    return np.zeros(count)


def _constant(law: Arrivals, seed: int, name: str, count: int) -> Array:
    del seed, name
    return np.arange(count) / law.per_s


def _poisson(law: Arrivals, seed: int, name: str, count: int) -> Array:
    return np.cumsum(stream(seed, name).exponential(1.0 / law.per_s, count))


def _gamma(law: Arrivals, seed: int, name: str, count: int) -> Array:
    """Gaps of mean ``1 / rate`` and squared variation ``1 / burstiness``."""
    return np.cumsum(stream(seed, name).gamma(law.burstiness, 1.0 / (law.per_s * law.burstiness), count))


def _diurnal(law: Arrivals, seed: int, name: str, count: int) -> Array:
    """Poisson arrivals at the peak rate, each kept with the rate of its time over the peak (Lewis and Shedler 1979)."""
    tried = 2 * count + 16
    while True:
        times = np.cumsum(stream(seed, name).exponential(1.0 / (law.per_s * law.peak), tried))
        share = (1.0 + (law.peak - 1.0) * np.sin(2.0 * math.pi / law.period_s * times)) / law.peak
        kept = times[stream(seed, f"{name}/kept").random(tried) < share]
        if len(kept) >= count:
            return kept[:count]
        tried *= 2


KINDS: Mapping[str, Callable[[Arrivals, int, str, int], Array]] = {
    "poisson": _poisson,
    "gamma": _gamma,
    "constant": _constant,
    "diurnal": _diurnal,
    "at-once": _together,
    "closed": _together,
}
_KEYS = {
    "rate": ("per_s", "req/s"),
    "burstiness": ("burstiness", "1"),
    "period": ("period_s", "s"),
    "peak": ("peak", "1"),
    "concurrency": ("concurrency", "1"),
}


def parse_arrivals(text: str, per_s: float | None = None) -> Arrivals:
    """Arrivals from words.

    text: ``poisson``, ``gamma:burstiness=0.5``, ``diurnal:period=24h,peak=1.8``, ``closed:concurrency=64``, ...
    per_s: the rate [1/s] where the words give none (``rate=3``). Raises UsageError.
    """
    name, given = parse_call(text)
    parts: dict[str, float] = {} if per_s is None else {"per_s": per_s}
    for key, value in given.items():
        if key not in _KEYS:
            raise UsageError(f"{text!r}: arrivals have no '{key}'", hint=did_you_mean(key, _KEYS))
        field, unit = _KEYS[key]
        number = quantity(value, unit)
        if number is None:
            raise UsageError(f"{text!r}: '{key}' is {value!r}, no number in {unit}", hint="such as 'rate=3'")
        parts[field] = number
    loop = parts.pop("concurrency", 0.0)
    if not loop.is_integer():
        raise UsageError(f"{text!r}: 'concurrency' is {loop:g}", hint="a whole number")
    return Arrivals(name, concurrency=int(loop), **parts)
