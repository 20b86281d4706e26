"""Numbers with units: ``3.2 TB/s`` in, SI floats inside, ``3.2 TB/s`` out.

Conversion happens once on the way in (:func:`parse`) and once on the way out (:func:`show`). Arithmetic is
exact until the last step, so ``1.2 us`` is the float nearest to 1.2e-6. GB is 10^9 bytes and GiB is 2^30; KB is
read as 1,000 bytes. Bits are never read as bytes, nor bytes as bits. Case matters: ``Gb`` is not ``GB``.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
from fractions import Fraction

from accord.base.errors import UnitError

_SI = {
    "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1), "k": Fraction(10**3),
    "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12), "P": Fraction(10**15), "E": Fraction(10**18),
    "Z": Fraction(10**21), "Y": Fraction(10**24),
}  # fmt: skip
_LARGE = {p: f for p, f in _SI.items() if f >= 1}
_BINARY = {p + "i": Fraction(1024**n) for n, p in enumerate("KMGTPE", start=1)}
_SCALE_WORDS = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
CURRENCIES = ("USD", "CNY", "EUR", "SGD", "GBP", "JPY", "KRW", "TWD", "INR", "AED", "SAR", "MYR", "HKD", "AUD", "CAD")

# symbol as written -> (dimension, size in the dimension's base unit, prefixes allowed)
_ATOMS: dict[str, tuple[str, Fraction, dict[str, Fraction]]] = {
    **{s: ("B", Fraction(1), {**_LARGE, "K": Fraction(1000), **_BINARY}) for s in ("B", "byte", "bytes")},
    **{s: ("b", Fraction(1), {**_LARGE, "K": Fraction(1000), **_BINARY}) for s in ("b", "bit", "bits")},
    "FLOP": ("FLOP", Fraction(1), _LARGE),
    "OP": ("OP", Fraction(1), _LARGE),
    "W": ("W", Fraction(1), _SI),
    "J": ("J", Fraction(1), _SI),
    "Wh": ("J", Fraction(3600), _LARGE),
    "Hz": ("Hz", Fraction(1), _LARGE),
    "kgCO2e": ("kgCO2e", Fraction(1), {"": Fraction(1)}),
    "gCO2e": ("kgCO2e", Fraction(1, 1000), {"": Fraction(1)}),
    "tCO2e": ("kgCO2e", Fraction(1000), {"": Fraction(1)}),
    **{s: ("tok", Fraction(1), _LARGE) for s in ("tok", "token", "tokens")},
    **{s: ("req", Fraction(1), {"": Fraction(1)}) for s in ("req", "request", "requests")},
    "s": ("s", Fraction(1), _SI),
    **{s: ("s", Fraction(1), {"": Fraction(1)}) for s in ("sec", "second", "seconds")},
    **{s: ("s", Fraction(60), {"": Fraction(1)}) for s in ("min", "minute", "minutes")},
    **{s: ("s", Fraction(3600), {"": Fraction(1)}) for s in ("h", "hr", "hour", "hours")},
    **{s: ("s", Fraction(86400), {"": Fraction(1)}) for s in ("d", "day", "days")},
    **{s: ("month", Fraction(1), {"": Fraction(1)}) for s in ("month", "months")},
    **{s: ("year", Fraction(1), {"": Fraction(1)}) for s in ("year", "years")},
    **{f"{p}m": ("m", f, {"": Fraction(1)}) for p, f in _SI.items() if p in ("n", "u", "m", "", "k")},
    **{s: ("m2", f, {"": Fraction(1)}) for s, f in {"m2": _SI[""], "mm2": _SI["u"], "cm2": _SI["m"] / 10}.items()},
    "g": ("kg", Fraction(1, 1000), {"": Fraction(1)}),
    "kg": ("kg", Fraction(1), {"": Fraction(1)}),
    "t": ("kg", Fraction(1000), {"": Fraction(1)}),
    **{c: (c, Fraction(1), {"": Fraction(1), "k": Fraction(10**3), "M": Fraction(10**6)}) for c in CURRENCIES},
    "%": ("1", Fraction(1, 100), {"": Fraction(1)}),
    "x": ("1", Fraction(1), {"": Fraction(1)}),
    "1": ("1", Fraction(1), {"": Fraction(1)}),
    **{p: ("1", f, {"": Fraction(1)}) for p, f in {**_LARGE, **_BINARY}.items()},
}  # fmt: skip

# dimension -> the unit Accord stores and prints; the first of several is the one used for other spellings
_STORED: dict[str, tuple[str, ...]] = {
    **{d: (d,) for d in ("1", "B", "b", "B/s", "b/s", "FLOP", "FLOP/s", "OP", "OP/s", "W", "J", "Hz", "s", "month")},
    **{d: (d,) for d in ("year", "kg", "kgCO2e", "tok", "tok/s", "req", "req/s", "J/tok", *CURRENCIES)},
    "m": ("m", "nm"),
    "m2": ("m2", "mm2"),
    "kgCO2e/J": ("kgCO2e/kWh",),
    **{
        f"{c}/{d}": (f"{c}/{u}",)
        for c in CURRENCIES
        for d, u in (("s", "h"), ("J", "kWh"), ("month", "month"), ("year", "year"), ("tok", "Mtok"))
    },
}  # fmt: skip

_WORDS = {
    "1": ("a plain number", "a plain number", "12"),
    "B": ("a size in bytes", "bytes", "64 GB"),
    "b": ("a size in bits", "bits", "512 Gb"),
    "B/s": ("a byte rate", "bytes per second", "3.2 TB/s"),
    "b/s": ("a bit rate", "bits per second", "400 Gb/s"),
    "FLOP/s": ("a rate of floating-point operations", "FLOP per second", "800 TFLOP/s"),
    "OP/s": ("a rate of integer operations", "operations per second", "800 TOP/s"),
    "FLOP": ("a count of floating-point operations", "FLOP", "1e24 FLOP"),
    "OP": ("a count of operations", "operations", "1e24 OP"),
    "W": ("a power", "watts", "600 W"),
    "J": ("an energy", "joules", "3.6 MJ"),
    "s": ("a duration", "seconds", "50 ms"),
    "Hz": ("a frequency", "hertz", "1.8 GHz"),
    "m": ("a length", "metres", "7 nm"),
    "m2": ("an area", "square metres", "600 mm2"),
    "kg": ("a mass", "kilograms", "1200 kg"),
    "tok": ("a count of tokens", "tokens", "15 trillion tok"),
    "tok/s": ("a token rate", "tokens per second", "2000 tok/s"),
    "req/s": ("a request rate", "requests per second", "5 req/s"),
}
_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,40})?(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?"
_TEXT = re.compile(
    rf"\s*([+-]?(?=[0-9.]){_DIGITS})(?![0-9.,])\s*(?:(thousand|million|billion|trillion)\b)?\s*([^\s].*?)?\s*"
)
_MAX_CHARS = 120
_NOT_FINITE = "leave it out if it is not known"


def _atom(symbol: str) -> tuple[str, Fraction] | None:
    """Split a symbol without ``/`` into dimension and size, or None if it is unknown."""
    for at in range(min(3, len(symbol))):
        known = _ATOMS.get(symbol[at:])
        if known is not None and symbol[:at] in known[2]:
            return known[0], known[1] * known[2][symbol[:at]]
    return None


@functools.lru_cache(maxsize=1024)
def _resolve(symbol: str) -> tuple[str, Fraction] | None:
    """Dimension such as ``B/s`` and size in its base units, or None if the unit is unknown."""
    text = (
        symbol.replace("\N{MICRO SIGN}", "u")
        .replace("\N{GREEK SMALL LETTER MU}", "u")
        .replace("\N{SUPERSCRIPT TWO}", "2")
    )
    if re.fullmatch(r".{0,2}[Bb]ps", text):
        text = text[:-2] + "/s"
    elif re.fullmatch(r".?(FLOPS|OPS)", text):
        text = text[:-1] + "/s"
    top, slash, below = text.partition("/")
    over = _atom(top.strip())
    if over is None or not slash:
        return over
    under = _atom(below.strip())
    if under is None or f"{over[0]}/{under[0]}" not in _STORED:
        return None
    return f"{over[0]}/{under[0]}", over[1] / under[1]


def _words(dimension: str) -> tuple[str, str, str]:
    """What a value of this dimension is called, what a field of it takes, and an example."""
    stored = _STORED[dimension][0]
    return _WORDS.get(dimension, (f"a value in {stored}", stored, f"2.5 {stored}"))


def known_units() -> tuple[str, ...]:
    """Return every unit Accord stores, each as :func:`parse_any` names it."""
    return tuple(unit for units in _STORED.values() for unit in units)


def _split(text: str | int | float, name: str) -> tuple[Fraction, str]:
    """Exact number and unit symbol of a text; the symbol is empty where there is none."""
    if isinstance(text, bool):
        raise UnitError(
            f"{name} is {str(text).lower()}; a number with a unit is wanted", hint="write it as in '3.2 TB/s'"
        )
    if isinstance(text, int | float):
        if not math.isfinite(text):
            raise UnitError(f"{name} is {text}, not a finite number", hint=_NOT_FINITE)
        return Fraction(str(text)) if isinstance(text, float) else Fraction(text), ""
    shown = text if len(text) <= _MAX_CHARS else text[:40] + "..."
    if re.fullmatch(r"\s*[+-]?\.?(nan|inf|infinity)\b.*", text[:_MAX_CHARS], re.IGNORECASE | re.DOTALL):
        raise UnitError(f"{name} is {shown!r}, not a finite number", hint=_NOT_FINITE)
    found = _TEXT.fullmatch(text) if len(text) <= _MAX_CHARS else None
    if found is None or not any(c.isdigit() for c in found[1]):
        raise UnitError(f"{name} is {shown!r}; a number with a unit is wanted", hint="write it as in '3.2 TB/s'")
    number = Fraction(found[1].replace(",", "")) * _SCALE_WORDS.get(found[2] or "", 1)
    return number, found[3] or ""


def _float(number: Fraction, text: object, name: str) -> float:
    try:
        return float(number)
    except OverflowError:
        raise UnitError(f"{name} is {text!r}, not a finite number", hint=_NOT_FINITE) from None


def _unknown(text: object, symbol: str, name: str) -> UnitError:
    prefixed = (p + u for u in ("b/s", "B", "B/s", "FLOP/s", "OP/s", "W", "FLOPS", "OPS") for p in "kMGTPE")
    spellings = {s: s for s in (*known_units(), *prefixed, "ms", "us", "GiB", "MiB")}
    spellings |= {"watt": "W", "kilowatt": "kW", "megawatt": "MW", "joule": "J", "hertz": "Hz"}
    near = difflib.get_close_matches(symbol.lower()[:20], [s.lower() for s in spellings], n=1, cutoff=0.5)
    meant = dict.fromkeys(unit for spelling, unit in spellings.items() if spelling.lower() in near)
    hint = f"units are {', '.join(_WORDS)} and money"
    if meant:
        hint = f"did you mean {' or '.join(map(repr, meant))}? Case matters"
    if symbol == "K":
        hint = "write k for 1,000 or Ki for 1,024"
    elif symbol.endswith(("FLOPs", "OPs")):
        hint = f"write '{symbol[:-1]}/s' for a rate, '{symbol[:-1]}' for a count"
    return UnitError(f"{name} is {text!r}; {symbol!r} is no unit Accord knows", hint=hint)


def _mismatch(text: object, number: Fraction, symbol: str, got: str, wanted: str, name: str) -> UnitError:
    what = f"{name} is {text!r}, {_words(got)[0]}; this takes {_words(wanted)[1]}"
    if {got, wanted} in ({"B", "b"}, {"B/s", "b/s"}):
        letter, meant, factor = ("B", "bits", Fraction(1, 8)) if wanted.startswith("B") else ("b", "bytes", Fraction(8))
        swapped = re.sub(r"[Bb](yte|it)?s?(?=/|ps|$)", letter, symbol, count=1)
        same, converted = _plain(float(number), 12), _plain(float(number * factor), 12)
        return UnitError(what, hint=f"write '{same} {swapped}', or '{converted} {swapped}' if the source meant {meant}")
    if symbol == "B" and wanted == "1":
        return UnitError(what, hint=f"write '{_plain(float(number), 12)} billion' if that was meant")
    return UnitError(what, hint=f"write it as in '{_words(wanted)[2]}'")


def parse(text: str | int | float, unit: str, *, name: str = "value") -> float:
    """Read a number with a unit and return it in ``unit``.

    text: such as ``3.2 TB/s``, ``400 Gbps``, ``50ms``, ``8.2 million USD``, ``84 %``; a bare number, or one with a
        multiplier (``128k``, ``4Ki``), is accepted only where ``unit`` is ``1``
    unit: unit of the result, such as ``B/s``; any unit Accord knows
    name: what the number is, for messages (a flag or a key)
    Raises UnitError if the unit is missing, unknown or of another kind; bits are never taken for bytes.
    """
    wanted = _resolve(unit)
    if wanted is None:
        raise _unknown(unit, unit, "unit")
    number, symbol = _split(text, name)
    if not symbol and wanted[0] != "1":
        shown = text.strip() if isinstance(text, str) else text
        takes, example = _words(wanted[0])[1:]
        hint = f"write '{shown} {_STORED[wanted[0]][0]}' or, say, '{example}'"
        raise UnitError(f"{name} is {shown!r}, a number without a unit; this takes {takes}", hint=hint)
    got = _resolve(symbol) if symbol else ("1", Fraction(1))
    if got is None:
        raise _unknown(text, symbol, name)
    if got[0] != wanted[0]:
        raise _mismatch(text, number, symbol, got[0], wanted[0], name)
    return _float(number * got[1] / wanted[1], text, name)


def parse_any(text: str | int | float, *, name: str = "value") -> tuple[float, str]:
    """Read a number with any known unit; return it with the unit Accord stores for that kind of quantity.

    ``80 GB`` gives (8e10, "B"), ``814 mm2`` (814.0, "mm2"), ``150 SGD/MWh`` (0.15, "SGD/kWh"), ``12`` (12.0, "1").
    Raises UnitError if the unit is unknown or the number is not finite.
    """
    number, symbol = _split(text, name)
    got = _resolve(symbol) if symbol else ("1", Fraction(1))
    if got is None:
        raise _unknown(text, symbol, name)
    stored = _STORED[got[0]]
    unit = symbol if symbol in stored else stored[0]
    return parse(text, unit, name=name), unit


def dimension(unit: str) -> str:
    """Return the kind of quantity a unit measures, equal for units that convert into one another (``h`` and ``s``).

    Raises UnitError if the unit is unknown.
    """
    got = _resolve(unit)
    if got is None:
        raise _unknown(unit, unit, "unit")
    return got[0]


def _plain(value: float, digits: int) -> str:
    """Decimal text with ``digits`` significant digits, integer part never cut, no exponent, no trailing zeros."""
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    text = f"{value:,.{max(0, digits - 1 - exponent)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_PREFIXED = ("B", "b", "B/s", "b/s", "FLOP", "FLOP/s", "OP", "OP/s", "W", "J", "Hz")
_TIMES = (("d", 172800.0), ("h", 7200.0), ("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 0.0))


def show(value: float, unit: str, digits: int = 3) -> str:
    """Write a value with its unit so that :func:`parse` reads it back to the printed digits.

    value: in ``unit``, one of the units Accord stores; digits: significant digits (the integer part is never cut)
    ``show(3.2e12, "B/s")`` is ``3.2 TB/s``; a duration turns into hours or days, a large count into millions.
    """
    tail = "" if unit == "1" else f" {unit}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}{tail}"
    rounded = float(f"{value:.{digits - 1}e}")
    size = abs(rounded)
    if unit == "s":
        symbol = next(s for s, least in _TIMES if size >= least)
        return f"{_plain(float(Fraction(value) / _ATOM_S[symbol]), digits)} {symbol}"
    if unit in ("FLOP", "OP") and size >= _SCALE_WORDS["trillion"] * 1000:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}{tail}"
    if unit in _PREFIXED:
        least = ("m" if unit in ("W", "J") else "") if size < 1 else ""
        prefix = max((p for p in _LARGE if _LARGE[p] <= size), key=lambda p: _LARGE[p], default=least)
        return f"{_plain(float(Fraction(rounded) / _SI[prefix]), digits)} {prefix}{unit}"
    for word in ("trillion", "billion", "million"):
        if size >= _SCALE_WORDS[word] and "/" not in unit and unit not in ("m2", "mm2", "m", "nm"):
            return f"{_plain(rounded / _SCALE_WORDS[word], digits)} {word}{tail}"
    return f"{_plain(value, digits)}{tail}"


_ATOM_S = {"d": Fraction(86400), "h": Fraction(3600), "s": Fraction(1), "ms": _SI["m"], "us": _SI["u"], "ns": _SI["n"]}
