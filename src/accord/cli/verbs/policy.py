"""``accord policy``: what export control and AI law say, as of a day. Subcommands are loaded one at a time."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click

from accord.base.errors import UsageError
from accord.base.registry import did_you_mean


class Part(NamedTuple):
    """One line of the table of subcommands: its name, the module whose ``command`` it is, and what help says."""

    name: str
    module: str
    summary: str


PARTS: tuple[Part, ...] = (
    Part("classify", "accord.cli.policy_classify", "Class and outcome of a chip or system on a day, both sides."),
    Part("migrate", "accord.cli.policy_migrate", "Class and outcome of a chip or system through time."),
    Part("check", "accord.cli.policy_check", "What AI law and licences ask of a plan or a training run."),
    Part("party", "accord.cli.policy_party", "Which lists a party is on, and who owns it."),
    Part("adoption", "accord.cli.policy_adoption", "Who has joined which instrument; where systems stand."),
    Part("evidence", "accord.cli.policy_evidence", "What result files of tests show, and which risks they cover."),
    Part("bom", "accord.cli.policy_bom", "Bill of materials of a model and what runs it (CycloneDX ML-BOM)."),
    Part("conformance", "accord.cli.policy_conformance", "Whether two parties' results of one test agree."),
    Part("commitments", "accord.cli.policy_commitments", "What instruments ask of a plan, and what can be shown."),
    Part("cases", "accord.cli.policy_cases", "Dated cases of a table: expected against got, and why."),
)


class PartGroup(click.Group):
    """A group that imports a subcommand's module only when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return [part.name for part in PARTS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one subcommand, or None where the table has no such name."""
        for part in PARTS:
            if part.name == cmd_name:
                command = import_module(part.module).command
                assert isinstance(command, click.Command), f"{part.module}.command is not a click command"
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands from the table, without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(part.name, part.summary) for part in PARTS])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand, or say which ones come close."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            raise UsageError(f"'accord policy' has no command '{args[0]}'", hint=did_you_mean(args[0], known))
        return super().resolve_command(ctx, args)


@click.group("policy", cls=PartGroup)
def command() -> None:
    """Export control and AI law as dated data: class, outcome, duties, with sources. Not legal advice."""
