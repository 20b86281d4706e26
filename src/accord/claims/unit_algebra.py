"""Units that are multiplied and divided: ``FLOP/s/W`` over ``FLOP/J`` is a plain number.

A watt is a joule a second, an operation counts as a FLOP, a bit as an eighth of a byte. A month and a year are units of
their own, for they are of no fixed length.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from accord.base import units
from accord.base.errors import UnitError

_DERIVED: Mapping[str, tuple[float, tuple[tuple[str, int], ...]]] = {
    "1": (1.0, ()),
    "W": (1.0, (("J", 1), ("s", -1))),
    "OP": (1.0, (("FLOP", 1),)),
    "b": (0.125, (("B", 1),)),
    "Hz": (1.0, (("s", -1),)),
    "m": (1.0, (("m", 1),)),
    "m2": (1.0, (("m", 2),)),
    "mm2": (1e-6, (("m", 2),)),
    "nm": (1e-9, (("m", 1),)),
}
_PART = re.compile(r"\s*([*/])?\s*([^\s*/]+)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as a size in base units and powers of them, sorted by name."""

    size: float = 1.0
    powers: tuple[tuple[str, int], ...] = ()

    def __mul__(self, other: Unit) -> Unit:
        """Return the unit of a product."""
        return Unit(self.size * other.size, _joined(self.powers, other.powers, 1))

    def __truediv__(self, other: Unit) -> Unit:
        """Return the unit of a quotient."""
        return Unit(self.size / other.size, _joined(self.powers, other.powers, -1))

    @property
    def base(self) -> Unit:
        """The base unit of the same kind."""
        return Unit(1.0, self.powers)

    @property
    def name(self) -> str:
        """The base unit in words, ``FLOP/s``; ``1`` for a plain number."""
        above = "*".join(_power(name, power) for name, power in self.powers if power > 0) or "1"
        return above + "".join(f"/{_power(name, -power)}" for name, power in self.powers if power < 0)

    def alike(self, other: Unit) -> bool:
        """Return whether the two measure one kind of quantity."""
        return self.powers == other.powers


PLAIN = Unit()


@functools.lru_cache(maxsize=512)
def parse_unit(text: str) -> Unit:
    """Read a unit such as ``FLOP/s/W``, ``kWh``, ``USD/h`` or ``1``. Raises UnitError for one that is not known."""
    found, at = PLAIN, 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or (at > 0) != (part[1] is not None):
            raise UnitError(f"{text!r} is no unit", hint="write it as in 'FLOP/s/W' or 'USD/h'")
        one = _atom(part[2])
        found = found / one if part[1] == "/" else found * one
        at = part.end()
    if at == 0:
        raise UnitError("the unit is empty", hint="write '1' for a plain number")
    return found


def _atom(text: str) -> Unit:
    size, stored = (1.0, text) if text in _DERIVED else units.parse_any(f"1 {text}", name="unit")
    factor, powers = _DERIVED.get(stored, (1.0, ((stored, 1),)))
    return Unit(size * factor, powers)


def _joined(
    first: tuple[tuple[str, int], ...], second: tuple[tuple[str, int], ...], sign: int
) -> tuple[tuple[str, int], ...]:
    total = dict(first)
    for name, power in second:
        total[name] = total.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in total.items() if power))


def _power(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"
