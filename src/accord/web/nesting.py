"""How deep JSON is nested, told from its brackets alone and at the speed of the memory, before anything parses it."""

from __future__ import annotations

import numpy as np

_KEPT = bytes(set(range(256)) - set(b'"[]{}'))
_STEP = np.zeros(256, dtype=np.int32)
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1
_AT_ONCE = 1 << 20  # characters


def nested_deeper(data: bytes | bytearray, levels: int) -> bool:
    """Whether JSON is nested deeper than so many levels, up to where it stops being JSON.

    Takes time and memory in proportion to its length, whatever it holds.
    """
    if data.count(b"[") + data.count(b"{") <= levels:
        return False
    plain = bytes(data).replace(b"\\\\", b"").replace(b'\\"', b"")  # a reverse solidus is only ever within a text
    marks = np.frombuffer(plain.translate(None, _KEPT), dtype=np.uint8)
    depth, quotes = 0, 0
    for start in range(0, len(marks), _AT_ONCE):
        piece = marks[start : start + _AT_ONCE]
        counted = quotes + np.cumsum(piece == ord('"'), dtype=np.int32)
        depths = depth + np.cumsum(np.where(counted % 2 == 0, _STEP[piece], 0), dtype=np.int32)
        if depths.max() > levels:
            return True
        depth, quotes = int(depths[-1]), int(counted[-1]) % 2
    return False


def line_nested_deeper(data: bytes, levels: int) -> int | None:
    """Number of the first line, counted from 1, that is nested deeper; None for none. For a value a line."""
    if data.count(b"[") + data.count(b"{") <= levels:
        return None
    return next((at for at, line in enumerate(data.split(b"\n"), 1) if nested_deeper(line, levels)), None)
