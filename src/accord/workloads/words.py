"""Laws and arrivals in words, as on a command line: ``name:key=value,key=value``."""

from __future__ import annotations

import math

from accord.base import units
from accord.base.errors import UnitError, UsageError


def parse_call(text: str) -> tuple[str, dict[str, str]]:
    """Name and keys of ``name:key=value,key=value``; without a colon no keys. Raises UsageError."""
    name, _, rest = text.strip().partition(":")
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not key or not value:
            raise UsageError(f"{text!r}: {part!r} is no 'key=value'", hint="write it as 'name:key=value,key=value'")
        if key in found:
            raise UsageError(f"{text!r}: '{key}' is given twice", hint="give it once")
        found[key] = value
    return name.strip(), found


def quantity(text: str, unit: str) -> float | None:
    """A number of a unit: bare, or with a unit of the same kind, which is converted; None for anything else."""
    try:
        number = float(text)
    except ValueError:
        try:
            number = units.parse(text, unit)
        except UnitError:
            return None
    return number if math.isfinite(number) else None
