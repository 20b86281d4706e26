"""How deep JSON is nested, told from its brackets alone and at the speed of the memory, before anything parses it."""

from __future__ import annotations

import re

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_INNERMOST = re.compile(rb"\[\]|\{\}")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def nested_deeper(data: bytes, levels: int) -> bool:
    """Whether JSON is nested deeper than so many levels, or has more brackets than that which do not match."""
    if data.count(b"[") + data.count(b"{") <= levels:
        return False
    brackets = _STRING.sub(b"", data).translate(None, _NOT_BRACKETS)
    for _ in range(levels):
        inner = _INNERMOST.sub(b"", brackets)
        if len(inner) == len(brackets):
            break
        brackets = inner
    return len(brackets) > levels or _INNERMOST.search(brackets) is not None


def line_nested_deeper(data: bytes, levels: int) -> int | None:
    """Number of the first line, counted from 1, that is nested deeper; None for none. For a value a line."""
    if data.count(b"[") + data.count(b"{") <= levels:
        return None
    return next((at for at, line in enumerate(data.split(b"\n"), 1) if nested_deeper(line, levels)), None)
