"""Registries are explicit: every file of a folder of equals is listed, and every line leads to a file."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click
import pytest

from accord.cli.lazy import Entry
from accord.cli.main import VERBS


def test_every_verb_file_is_in_the_table(package: Path) -> None:
    files = {file.stem for file in (package / "cli" / "verbs").glob("*.py")} - {"__init__"}
    assert files == {verb.name for verb in VERBS} - {"web"}  # which is of the room above


def test_verbs_are_listed_once() -> None:
    names = [verb.name for verb in VERBS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: str(verb.name))
def test_every_line_leads_to_a_command(verb: Entry) -> None:
    assert verb.module == ("accord.web.command" if verb.name == "web" else f"accord.cli.verbs.{verb.name}")
    command = import_module(verb.module).command
    assert isinstance(command, click.Command)
    assert command.name == verb.name
    assert command.help, f"'accord {verb.name} --help' would say nothing"
    assert verb.summary.endswith(".") and len(verb.summary) <= 70
