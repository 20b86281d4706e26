"""JSON as bytes that are signed: read without leniency, written in the one form of RFC 8785.

The form (RFC 8785, "JSON Canonicalization Scheme", June 2020, sections 3.2.1 to 3.2.4): no space, members sorted by
their names as UTF-16 code units, strings with the fewest escapes, numbers as ECMAScript writes a double. Written here
and not taken from a package, because whole numbers above 2^53 are answers of verbs and are written as the double they
are, and because hashes of results are wanted where no extra is installed; the tests hold it against a package.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from accord.base.errors import DataError

MOST_BYTES = 16 << 20
MOST_DEPTH = 64
_SAFE = 2**53
_RISKY = re.compile(r"[0-9]{16}|[eE]\+?[0-9]{3}")
_quoted = json.JSONEncoder(ensure_ascii=False).encode  # escapes what RFC 8785 escapes, and as it does


def canonical(value: object) -> bytes:
    """Encode plain values in canonical form, UTF-8 without an end of line.

    value: None, bool, int, float, str, lists, tuples, and mappings whose keys are text
    Raises DataError, naming the place, for NaN, an infinity, a whole number that no double is, a lone surrogate,
    another type, and for what is nested deeper than 64.
    """
    parts: list[str] = []
    try:
        _write(value, parts, 0, {})
    except DataError as error:
        raise DataError(error.what, where=f"${error.where}") from None
    text = "".join(parts)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - 20) : error.start]
        raise DataError(f"a text has half of a surrogate pair, after {near!r}") from None


def read_json(data: bytes, where: str) -> object:
    """Read JSON from elsewhere, and refuse what two readers may understand in two ways.

    where: name for messages. Whole numbers above 2^53 become doubles. Raises DataError for what is larger than 16 MiB,
    not UTF-8, not JSON, nested deeper than 64, or has a name twice in an object, NaN, an infinity, a number out of
    range or half of a surrogate pair.
    """
    if len(data) > MOST_BYTES:
        raise DataError(f"is larger than {MOST_BYTES >> 20} MiB", where=where)
    try:
        text = data.decode()
        hooks = _NUMBERS if _RISKY.search(text) else {}  # calls for every number only where one may be out of range
        found = json.loads(text, object_pairs_hook=_members, parse_constant=_no_number, **hooks)
    except UnicodeDecodeError as error:
        raise DataError(f"is not UTF-8 (byte {error.start})", where=where) from None
    except json.JSONDecodeError as error:
        raise DataError(f"is not JSON, or cut short: {error.msg} (line {error.lineno})", where=where) from None
    except RecursionError:
        raise DataError(f"is nested deeper than {MOST_DEPTH}", where=where) from None
    except DataError as error:
        raise error.at(where) from None
    _check(found, where, escaped="\\u" in text)
    return found


def differences(one: object, other: object, path: str = "$") -> Iterator[tuple[str, object, object]]:
    """Yield paths at which two values differ, with both; None stands for what is missing.

    path: of the values themselves. Numbers that are written alike are equal, whatever their type.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            if key not in one or key not in other:
                yield f"{path}.{key}", one.get(key), other.get(key)
            else:
                yield from differences(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from differences(left, right, f"{path}[{index}]")
        both = min(len(one), len(other))
        yield from ((f"{path}[{index}]", item, None) for index, item in enumerate(one[both:], both))
        yield from ((f"{path}[{index}]", None, item) for index, item in enumerate(other[both:], both))
    elif canonical(one) != canonical(other):
        yield path, one, other


# Writing


Orders = dict[tuple[object, ...], tuple[tuple[str, str], ...]]  # members in order, by the names of an object


def _write(value: object, parts: list[str], depth: int, orders: Orders) -> None:
    if isinstance(value, str):
        parts.append(_quoted(value))
    elif isinstance(value, float):
        parts.append(_number(value))
    elif value is None or isinstance(value, bool):
        parts.append("null" if value is None else "true" if value else "false")
    elif isinstance(value, int):
        parts.append(str(value) if -_SAFE < value < _SAFE else _number(_double(value)))
    elif depth >= MOST_DEPTH:
        raise DataError(f"is nested deeper than {MOST_DEPTH}", where="")
    elif isinstance(value, (dict, Mapping)):
        _write_object(value, parts, depth + 1, orders)
    elif isinstance(value, (list, tuple)):
        _write_array(value, parts, depth + 1, orders)
    else:
        raise DataError(f"{type(value).__name__} has no JSON form", where="")


def _write_array(value: Sequence[object], parts: list[str], depth: int, orders: Orders) -> None:
    comma, index = "[", 0
    try:
        for index, item in enumerate(value):  # noqa: B007  the place of an error
            parts.append(comma)
            comma = ","
            _write(item, parts, depth, orders)
    except DataError as error:
        raise DataError(error.what, where=f"[{index}]{error.where}") from None
    parts.append("]" if value else "[]")


def _write_object(value: Mapping[object, object], parts: list[str], depth: int, orders: Orders) -> None:
    names, name = tuple(value), ""
    order = orders.get(names)
    if order is None:
        order = orders[names] = _in_order(names)
    parts.append("{")
    try:
        for name, written in order:
            parts.append(written)
            _write(value[name], parts, depth, orders)
    except DataError as error:
        raise DataError(error.what, where=f".{name}{error.where}") from None
    parts.append("}")


def _in_order(names: tuple[object, ...]) -> tuple[tuple[str, str], ...]:
    """Names as they are written, sorted as UTF-16 code units: code points are too, up to U+FFFF."""
    texts = [name for name in names if isinstance(name, str)]
    if len(texts) != len(names):
        raise DataError("a name of an object is no text", where="")
    if all(map(str.isascii, texts)):
        texts.sort()
    else:
        texts.sort(key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return tuple((name, f"{',' if index else ''}{_quoted(name)}:") for index, name in enumerate(texts))


def _double(value: int) -> float:
    """The double that a large whole number is; another reader would round it, so it must be exact."""
    try:
        found = float(value)
    except OverflowError:
        found = float("nan")
    if found != value:
        raise DataError("is a whole number above 2^53 that no double holds", where="")
    return found


def _number(value: float) -> str:
    """As ECMAScript writes a double; Python's shortest digits are the same, the exponent is not."""
    text = repr(value)
    if text.endswith(".0"):
        return "0" if value == 0.0 else text[:-2]
    mantissa, letter, power = text.partition("e")
    if not letter:
        if text[-1] in "nf":  # nan, inf
            raise DataError(f"is {value}, which JSON cannot carry", where="")
        return text
    exponent = int(power)
    if not -7 < exponent < 21:
        return f"{mantissa}e{exponent:+d}"
    sign, digits = ("-" if value < 0.0 else ""), mantissa.lstrip("-").replace(".", "")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    return f"{sign}{digits.ljust(exponent + 1, '0')}"


# Reading


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise DataError(f"has the name {twice[:40]!r} twice in one object")
    return found


def _no_number(word: str) -> object:
    raise DataError(f"has {word}, which is no JSON")


def _whole(text: str) -> int | float:
    """A whole number; above 2^53 the nearest double, which is what a reader in another language has of it."""
    value = _finite(text)
    return int(text) if -_SAFE < value < _SAFE else value


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise DataError(f"has the number {text[:40]}, which is out of range")
    return value


_NUMBERS: Mapping[str, Any] = {"parse_float": _finite, "parse_int": _whole}


def _check(value: object, where: str, escaped: bool) -> None:
    """Look at every level for its depth and, where texts have escapes, for half of a surrogate pair."""
    level, depth = [value], 0
    while level:
        if escaped:
            texts = [item for item in level if isinstance(item, str)]
            texts += [key for item in level if isinstance(item, dict) for key in item]
            if any("\ud800" <= sign <= "\udfff" for text in texts if not text.isascii() for sign in text):
                raise DataError("a text has half of a surrogate pair", where=where)
        nested = [item for item in level if isinstance(item, (dict, list))]
        depth += bool(nested)
        if depth > MOST_DEPTH:
            raise DataError(f"is nested deeper than {MOST_DEPTH}", where=where)
        level = [child for item in nested for child in (item.values() if isinstance(item, dict) else item)]
