"""Traces of one JSON object a line: fast where a line is right, in words where it is not."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from accord.workloads.numbers import MOST_SHOWN, Nanoseconds, Time, Tokens, length_fault, shown, time_fault
from accord.workloads.tally import Tally

S = TypeVar("S", bound=msgspec.Struct)
Fault = tuple[str, str]  # what is wrong, and the value that is


def read_objects(lines: Iterable[str], tally: Tally, record: type[S]) -> Iterator[tuple[int, S]]:
    """Objects of the lines as records, with their line numbers; bad lines go to the tally."""
    decode = msgspec.json.Decoder(record).decode
    for number, line in tally.numbered(lines):
        try:
            row = decode(line)
        except (msgspec.DecodeError, RecursionError):
            slow = read_slowly(line, record)
            if isinstance(slow, tuple):
                tally.bad(number, *slow)
            else:
                yield number, slow
        else:
            yield number, row


def read_slowly(text: str | bytes, record: type[S]) -> S | Fault:
    """The record of a text whose whole numbers may be written as 5.0 or 1e3; else what is wrong with it."""
    try:
        found = _LOOSE.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return "is no JSON", cut(text)
    if not isinstance(found, dict):
        return "is no JSON object", shown(found)
    try:
        return msgspec.convert(found, record)
    except (msgspec.ValidationError, RecursionError):
        return _fault(found, record, "") or ("is no such record", cut(text))


def cut(text: str | bytes) -> str:
    """The beginning of a text, for messages."""
    begin = text[: 4 * MOST_SHOWN]
    return shown((begin if isinstance(begin, str) else begin.decode(errors="replace")).strip())


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


_LOOSE = msgspec.json.Decoder(float_hook=_number)


def _fault(found: dict[str, object], record: type[msgspec.Struct], prefix: str) -> Fault | None:
    hints = typing.get_type_hints(record, include_extras=True)
    for part in msgspec.structs.fields(record):
        key, hint = part.encode_name, hints[part.name]
        if key not in found:
            if part.required:
                return f"has no '{prefix}{key}'", ""
            continue
        value = found[key]
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct) and isinstance(value, dict):
            inner = _fault(value, hint, f"{prefix}{key}.")
            if inner:
                return inner
            continue
        try:
            msgspec.convert(value, hint)
        except (msgspec.ValidationError, RecursionError) as error:
            return f"'{prefix}{key}' {_words(hint, value, str(error))}", shown(value)
    return None


def _words(hint: object, value: object, otherwise: str) -> str:
    """What is wrong with a value of a type."""
    if hint == Tokens:
        return length_fault(value) or otherwise
    if hint in (Time, Nanoseconds):
        return time_fault(value) or otherwise
    nouns = [_noun(part) for part in typing.get_args(hint) or (hint,)]
    if typing.get_origin(hint) is list:
        return f"is no list of: {nouns[0]}"
    return f"is no {' or '.join(nouns)}"


def _noun(hint: object) -> str:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(_noun(part) for part in typing.get_args(hint))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        keys = (f"'{part.encode_name}'" for part in msgspec.structs.fields(hint) if part.required)
        return f"object of {' and '.join(keys)}"
    return {str: "text", int: "whole number", float: "number", type(None): "null"}.get(hint, "value")  # type: ignore[call-overload,no-any-return]
