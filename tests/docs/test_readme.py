"""Documents cannot drift: verbs are mentioned, versions agree, links lead somewhere, and the examples run.

``pytest tests/docs --refresh-golden`` writes what the examples print now below their commands.
"""

from __future__ import annotations

import os
import re

import pytest
from tests.docs import console
from tests.docs.console import ROOT, Example

from accord import __version__
from accord.cli.main import VERBS

PAGES = ("README.md", "README.zh.md", "CONTRIBUTING.md")


def _document(name: str) -> str:
    file = ROOT / name
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _run(name: str) -> list[Example]:
    return [example for example in console.examples(_document(name)) if example.is_run]


def _cases() -> list[object]:
    return [
        pytest.param(name, at, id=f"{name}-{at}", marks=[pytest.mark.slow] if example.flag == "slow" else [])
        for name in PAGES
        for at, example in enumerate(_run(name))
    ]


@pytest.mark.parametrize(("name", "at"), _cases())
def test_examples_print_what_is_written(name: str, at: int, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--refresh-golden"):
        assert "PYTEST_XDIST_WORKER" not in os.environ, "refresh in one process: leave -n out"
        console.rewrite(ROOT / name, at)
    example = _run(name)[at]
    got = console.printed(example.command)
    assert console.matches(example.expected, got), f"{name}:{example.line} prints:\n" + "\n".join(got)


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_readme_mentions_every_verb(verb: str) -> None:
    assert re.search(rf"accord {verb}\b|do\.py {verb}\b|`{verb}`", _document("README.md")), f"README has no '{verb}'"


def test_both_readmes_keep_in_step() -> None:
    one, other = _document("README.md"), _document("README.zh.md")
    assert [example[1:3] for example in console.examples(one)] == [example[1:3] for example in console.examples(other)]
    for mark in (r"^#+ ", r"^\| ?-", r"^```"):
        assert len(re.findall(mark, one, re.MULTILINE)) == len(re.findall(mark, other, re.MULTILINE)), mark


def test_changelog_has_this_version() -> None:
    assert re.search(rf"^## \[?{re.escape(__version__)}\]?\b", _document("CHANGELOG.md"), re.MULTILINE)


def test_citation_has_this_version() -> None:
    assert f"\nversion: {__version__}\n" in _document("CITATION.cff")


def test_relative_links_of_documents_lead_somewhere() -> None:
    broken = [
        f"{file.relative_to(ROOT)}: {target}"
        for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
        if not (file.parent / target).exists()
    ]
    assert not broken, "\n".join(broken)


def test_invariants_name_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", _document("ARCHITECTURE.md"))
    assert named
    for path, function in named:
        file = ROOT / path
        assert file.is_file(), path
        text = file.read_text(encoding="utf-8")
        made = (f"def {function}(", f"\n{function} = ")
        assert not function or any(one in text for one in made), f"{path}::{function}"
