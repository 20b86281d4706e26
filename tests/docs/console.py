"""Console blocks of a document: read, run, compared, and written anew.

An example is a fenced block marked ``console``. A line ``$ accord ...`` is run, and the lines up to the
next ``$`` must be what it prints, byte for byte but for spaces at line ends; a line ``...`` stands for
any number of lines. ``# not run`` at the end of the command leaves it out, ``# slow`` marks it slow. A command
that ends with ``> FILE`` shows what goes to stderr; others may name FILE, and the first command that writes it is then
run before. FILE lies in a folder of its own, not in the checkout.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ELLIPSIS = "..."
WIDTH = 100


class Example(NamedTuple):
    """A command of a console block and the lines it must print.

    line: of the command, from 1; after: lines of the document up to and with the whole command
    """

    line: int
    command: str
    expected: tuple[str, ...]
    after: int

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command, comments=True)

    @property
    def flag(self) -> str:
        return self.command.partition(" # ")[2].strip()

    @property
    def is_run(self) -> bool:
        return self.words[:1] == ["accord"] and self.flag != "not run"


def examples(text: str) -> Iterator[Example]:
    """Every command of every console block, with its expected output."""
    inside = False
    current: Example | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.rstrip()
        if line.startswith("```"):
            if current:
                yield current
            current = None
            inside = not inside and line == "```console"
        elif inside and line.startswith("$ "):
            if current:
                yield current
            current = Example(number, line[2:], (), number)
        elif inside and current and current.command.endswith("\\"):
            current = current._replace(command=current.command[:-1] + line.removeprefix("> "), after=number)
        elif inside and current:
            current = current._replace(expected=(*current.expected, line))
    if current:
        yield current


def matches(expected: Sequence[str], got: Sequence[str]) -> bool:
    """Whether the printed lines are the expected ones, ``...`` standing for any number of lines."""
    if not expected:
        return not got
    if expected[0] == ELLIPSIS:
        return any(matches(expected[1:], got[start:]) for start in range(len(got) + 1))
    return bool(got) and expected[0] == got[0] and matches(expected[1:], got[1:])


@functools.cache
def printed(command: str) -> tuple[str, ...]:
    """What a command prints on stdout and stderr, at a fixed width and without colour."""
    settings = {**os.environ, "COLUMNS": str(WIDTH), "NO_COLOR": "1"}
    words = shlex.split(command, comments=True)
    target = words[-1] if words[-2:-1] == [">"] else None
    if target is None:
        words = [str(_file(word)) if word in _files() else word for word in words]
    else:
        words = words[:-2]
    with (_folder() / target).open("w") if target else contextlib.nullcontext(subprocess.PIPE) as stdout:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env=settings,
            stdout=stdout,
            stderr=subprocess.PIPE if target else subprocess.STDOUT,
            text=True,
            check=False,
        )
    text = (done.stderr if target else done.stdout).replace(f"{_folder()}{os.sep}", "")
    return tuple(line.rstrip() for line in text.splitlines())


@functools.cache
def _folder() -> Path:
    """Where files of examples lie; made anew, and removed at the end of the process."""
    folder = tempfile.mkdtemp(prefix="accord-examples-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@functools.cache
def _files() -> dict[str, str]:
    """Files that examples of the README write, with the first command that does."""
    found: dict[str, str] = {}
    for example in examples((ROOT / "README.md").read_text(encoding="utf-8")):
        if example.is_run and example.words[-2:-1] == [">"]:
            found.setdefault(example.words[-1], example.command)
    return found


def _file(name: str) -> Path:
    """A file of an example, written first where it is not there."""
    place = _folder() / name
    if not place.exists():
        printed(_files()[name])
    return place


def refreshed(expected: Sequence[str], got: Sequence[str]) -> tuple[str, ...]:
    """The printed lines with the elisions of the expected ones.

    Lines before the first ``...`` are the first printed ones, lines after the last are the last; a part between
    two elisions keeps its length and moves to where the printed lines, numbers aside, are most like it.
    """
    parts: list[list[str]] = [[]]
    for line in expected:
        if line == ELLIPSIS:
            parts.append([])
        else:
            parts[-1].append(line)
    if len(parts) == 1:
        return tuple(got)
    head = min(len(parts[0]), len(got))
    tail = max(len(got) - len(parts[-1]), head)
    shown, at = list(got[:head]), head
    for part in parts[1:-1]:
        start = _likest(part, got, range(at, max(tail - len(part), at) + 1))
        at = min(start + len(part), tail)
        shown += [ELLIPSIS, *got[start:at]]
    return (*shown, ELLIPSIS, *got[tail:])


def _likest(part: Sequence[str], got: Sequence[str], starts: range) -> int:
    """The place in ``got`` whose lines are most like ``part``; the first of equals."""
    wanted = [_skeleton(line) for line in part]
    have = [_skeleton(line) for line in got]

    def likeness(start: int) -> float:
        pairs = zip(wanted, have[start : start + len(part)], strict=False)
        return sum(SequenceMatcher(None, one, other, autojunk=False).ratio() for one, other in pairs)

    return max(starts, key=lambda start: (likeness(start), -start))


def _skeleton(line: str) -> str:
    """A line without the digits and the spacing that move with the numbers."""
    return re.sub(r"[ -]+", " ", re.sub(r"[0-9][0-9.,]*", "0", line))


def rewrite(document: Path, at: int) -> None:
    """Put what the example at index ``at`` prints now below its command."""
    text = document.read_text(encoding="utf-8")
    example = [one for one in examples(text) if one.is_run][at]
    lines = text.splitlines()
    lines[example.after : example.after + len(example.expected)] = refreshed(example.expected, printed(example.command))
    document.write_text("\n".join(lines) + "\n", encoding="utf-8")
