"""What a trace's line may hold: lengths and times, and words for what is wrong with one."""

from __future__ import annotations

import math
from typing import Annotated

from msgspec import Meta
from msgspec.json import encode

LONGEST = 100_000_000  # tokens; ten times the longest context window sold, so more is a wrong column
LATEST = 1e20  # any unit; nanoseconds since 1970 are below 1e19
MOST_SHOWN = 40

Tokens = Annotated[int, Meta(ge=1, le=LONGEST)]
Time = Annotated[float, Meta(ge=0.0, le=LATEST)]
Nanoseconds = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


def whole(text: str) -> int | None:
    """A length written in a table: digits, or a decimal number without a fraction; None for anything else."""
    if text.isdecimal() and text.isascii():
        return int(text) if len(text) < MOST_SHOWN else None
    number = decimal(text)
    return int(number) if number is not None and number.is_integer() else None


def decimal(text: str) -> float | None:
    """A finite decimal number; None for anything else."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def length_fault(value: object) -> str | None:
    """What is wrong with a number of tokens, None if nothing is."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return "is no whole number"
    if value < 0:
        return "is negative"
    if value == 0:
        return "is 0; a request has 1 token or more"
    return f"is more than {LONGEST:,} tokens" if value > LONGEST else None


def time_fault(value: object) -> str | None:
    """What is wrong with a time, None if nothing is."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        return "is no number"
    if value < 0:
        return "is negative"
    return f"is more than {LATEST:g}" if value > LATEST else None


def shown(value: object) -> str:
    """A value for messages as JSON writes it, cut where it is long."""
    try:
        text = repr(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."
