"""Traces of one JSON object a line: fast where a line is right, in words where it is not."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from accord.workloads.numbers import Time, Tokens, length_fault, shown, time_fault
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
            tally.bad(number, *fault_of(line, record))
        else:
            yield number, row


def fault_of(line: str, record: type[msgspec.Struct]) -> Fault:
    """Say why a line is no such record."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return "is no JSON", shown(line.strip())
    if not isinstance(found, dict):
        return "is no JSON object", shown(found)
    return _fault(found, record, "") or ("is no such record", shown(line.strip()))


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
    if hint == Time:
        return time_fault(value) or otherwise
    if typing.get_origin(hint) is list:
        return "is no list of block ids"
    return "is of the wrong type" if not isinstance(hint, type) else f"is no {_noun(hint)}"


def _noun(hint: type) -> str:
    return {str: "text", int: "whole number", float: "number", bool: "flag"}.get(hint, "object")
