"""The command line, from the click commands themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import click
import words

from accord.base import errors
from accord.cli.main import cli


class _Collected(click.HelpFormatter):
    """Takes the lists of a help as they are, by section."""

    def __init__(self) -> None:
        super().__init__()
        self.lists: list[tuple[str, list[tuple[str, str]]]] = []
        self.heading = "Options"

    @contextlib.contextmanager
    def section(self, name: str) -> Iterator[None]:
        self.heading = name
        yield

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        self.lists.append((self.heading, list(rows)))


def commands() -> str:
    """Every verb and its commands: usage, help, flags."""
    return "\n".join(
        _told(command, context)
        for command, context in walk(cli, click.Context(cli, info_name="accord", **cli.context_settings))
    )


def walk(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """All commands below one, in the order of its help, with the context that names each."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, name
            inner = click.Context(below, info_name=name, parent=context)
            yield below, inner
            yield from walk(below, inner)


def _told(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    level = "##" if context.parent is not None and context.parent.parent is None else "###"
    lines = [f"{level} {context.command_path}", "", *_help(command.help or ""), "```text", usage, "```", ""]
    formatter = _Collected()
    if not isinstance(command, click.Group):
        command.format_options(context, formatter)
    for heading, rows in formatter.lists:
        lines += [f"**{words.escaped(heading)}**", ""]
        for flag, text in rows:
            lines += [f"`{flag}`", f": {words.escaped(' '.join(text.split())) or '-'}", ""]
    return "\n".join(lines)


def _help(text: str) -> list[str]:
    """Paragraphs of a help; those that begin with a backspace keep their lines."""
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        if paragraph.lstrip("\n").startswith("\b"):
            lines += ["```text", *paragraph.lstrip("\n").removeprefix("\b\n").split("\n"), "```", ""]
        else:
            lines += [words.escaped(" ".join(paragraph.split())), ""]
    return lines


def exit_codes() -> str:
    """Classes of errors and the exit codes they lead to."""
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.AccordError)]
    rows = [
        (f"`{one.__name__}`", str(one.exit_code), words.cell((one.__doc__ or "").split("\n\n")[0]))
        for one in found
        if one is not errors.AccordError
    ]
    return words.table(("class", "exit code", "when"), rows)
