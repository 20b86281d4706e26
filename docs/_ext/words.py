"""Text of docstrings and helps as Markdown or reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_ITEM = re.compile(r"(\w+(?:(?:, | / )\w+)*)(?: \[[^\]]*\])?: (?=\S)")
_WORDS = ("Raises", "Returns", "Return", "Example")


def escaped(text: str) -> str:
    """Plain text as Markdown that shows just it."""
    return re.sub(r"([\\`*_{}\[\]<>|#~$])", r"\\\1", text)


def cell(text: str) -> str:
    """Text of a docstring as a cell of a table: what stands in backquotes is code."""
    parts = re.split(r"``(.+?)``|(?::\w+:)?`[~!]?([^`]+)`", " ".join(text.split()))
    plain, code = parts[0::3], [one or other for one, other in zip(parts[1::3], parts[2::3], strict=True)]
    shown = [escaped(plain[0])]
    for span, after in zip(code, plain[1:], strict=True):
        shown += ["`" + span.replace("|", "\\|") + "`", escaped(after)]
    return "".join(shown)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells are Markdown already."""
    lines = ["| " + " | ".join(one) + " |" for one in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def listed(lines: Sequence[str]) -> list[str]:
    """Lines of a docstring, each that begins ``name: `` or ``name, name: `` made an item of a list."""
    found: list[str] = []
    inside = False
    for line in lines:
        item = _ITEM.match(line)
        if item and item[1].split(",")[0] not in _WORDS:
            found += [*([] if inside or not found or not found[-1] else [""]), f"- **{item[1]}**{line[len(item[1]) :]}"]
            inside = True
        elif inside and line.startswith(" "):
            found.append("  " + line.strip())
        else:
            found += ["", line] if inside and line else [line]
            inside = False
    return found
