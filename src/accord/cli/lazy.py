"""A group of commands that are loaded one at a time, from a table that is written out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import click

from accord.base.errors import UsageError
from accord.base.registry import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """One line of a table of commands.

    name: as typed; module: where its click command, named ``command``, is found; summary: what the help says of it
    """

    name: str
    module: str
    summary: str


class LazyGroup(click.Group):
    """A click group that imports a command's module only when that command is run.

    table: its commands; heading: of their list in the help; unknown: what is said of a name the table has not
    """

    table: ClassVar[tuple[Entry, ...]] = ()
    heading: ClassVar[str] = "Commands"
    unknown: ClassVar[str] = "there is no command '{}'"

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return [entry.name for entry in self.table]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command, or None where the table has no such name."""
        for entry in self.table:
            if entry.name == cmd_name:
                command = import_module(entry.module).command
                assert isinstance(command, click.Command), f"{entry.module}.command is not a click command"
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without loading any."""
        with formatter.section(self.heading):
            formatter.write_dl([(entry.name, entry.summary) for entry in self.table])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands from the table, and options, without loading any command."""
        from click.shell_completion import CompletionItem

        named = [CompletionItem(one.name, help=one.summary) for one in self.table if one.name.startswith(incomplete)]
        return named + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which ones come close."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            raise UsageError(self.unknown.format(name), hint=did_you_mean(name, known))
        return super().resolve_command(ctx, args)
