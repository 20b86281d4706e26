"""Text of docstrings and helps as Markdown or reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_ITEM = re.compile(r"(\w+(?:(?:, | / )\w+)*)(?: \[[^\]]*\])?: (?=\S)")
_NEXT = re.compile(r"; (?=[a-z]\w*(?:, [a-z]\w*)*: )")
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
    """Lines of a docstring, each that begins ``name: `` or ``name, name: `` made items of a list."""
    found: list[str] = []
    item: list[str] = []
    for line in [*lines, ""]:
        begins = _ITEM.match(line)
        if begins and begins[1].split(",")[0] not in _WORDS:
            found += items(item) if item else [""] if found and found[-1] else []
            item = [line]
        elif item and line.startswith(" "):
            item.append(line)
        else:
            found += [*items(item), ""] if item else []
            found += [line]
            item = []
    return found[:-1]


def items(lines: Sequence[str]) -> list[str]:
    """Items of a list: one for each ``name: words``, between which there are semicolons."""
    parts = _NEXT.split(" ".join(" ".join(lines).split()))
    return [_ITEM.sub(lambda name: f"- **{name[1]}**{name[0][len(name[1]) :]}", part, count=1) for part in parts]
