"""Documents cannot drift: verbs are mentioned, versions agree, and the examples of the README run.

An example is a fenced block marked ``console``. A line ``$ accord ...`` is run, and the lines up to the
next ``$`` must be what it prints, byte for byte but for spaces at line ends; a line ``...`` stands for
any number of lines. ``# not run`` at the end of the command leaves it out, ``# slow`` marks it slow.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from accord import __version__
from accord.cli.main import VERBS

ROOT = Path(__file__).parents[2]
ELLIPSIS = "..."


class Example(NamedTuple):
    """A command of a console block and the lines it must print."""

    line: int
    command: str
    expected: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command, comments=True)

    @property
    def flag(self) -> str:
        return self.command.partition(" # ")[2].strip()


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
            current = Example(number, line[2:], ())
        elif inside and current and current.command.endswith("\\"):
            current = current._replace(command=current.command[:-1] + line.removeprefix("> "))
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


def _document(name: str) -> str:
    file = ROOT / name
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _runnable() -> list[object]:
    return [
        pytest.param(example, id=f"line{example.line}", marks=[pytest.mark.slow] if example.flag == "slow" else [])
        for example in examples(_document("README.md"))
        if example.words[0] == "accord" and example.flag != "not run"
    ]


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_readme_mentions_every_verb(verb: str) -> None:
    assert re.search(rf"accord {verb}\b|do\.py {verb}\b|`{verb}`", _document("README.md")), f"README has no '{verb}'"


def test_changelog_has_this_version() -> None:
    assert re.search(rf"^## \[?{re.escape(__version__)}\]?\b", _document("CHANGELOG.md"), re.MULTILINE)


def test_citation_has_this_version() -> None:
    assert f"\nversion: {__version__}\n" in _document("CITATION.cff")


@pytest.mark.parametrize("example", _runnable())
def test_examples_of_the_readme(example: Example) -> None:
    settings = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *example.words],
        cwd=ROOT,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    got = [line.rstrip() for line in done.stdout.splitlines()]
    assert matches(example.expected, got), f"README.md:{example.line} prints:\n" + "\n".join(got)


def test_relative_links_of_documents_lead_somewhere() -> None:
    broken = [
        f"{file.relative_to(ROOT)}: {target}"
        for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
        if not (file.parent / target).exists()
    ]
    assert not broken, "\n".join(broken)


def test_the_harness_reads_blocks() -> None:
    text = "```console\n$ accord a \\\n> --b 1\nout\n...\n\n$ ls  # not run\n```\n```python\n$ accord no\n```\n"
    found = list(examples(text))
    assert [example.words for example in found] == [["accord", "a", "--b", "1"], ["ls"]]
    assert found[0].expected == ("out", "...", "")
    assert found[1].flag == "not run"


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (["a"], ["a"], True),
        (["a"], ["a", "b"], False),
        (["a", "..."], ["a", "b", "c"], True),
        (["...", "c"], ["a", "c"], True),
        (["a", "...", "d"], ["a", "d"], True),
        (["a", "...", "d"], ["a", "b"], False),
        (["a"], [], False),
    ],
)
def test_the_harness_compares(expected: list[str], got: list[str], same: bool) -> None:
    assert matches(expected, got) is same
