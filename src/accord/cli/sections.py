"""Help of a command with many options: one list a section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import click

from accord.cli.deployment_flags import Option

Sections = Sequence[tuple[str, Sequence[Option]]]


class Sectioned(click.Command):
    """A command whose help lists its options by section; a subclass says which."""

    sections: ClassVar[Sections] = ()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list a section, and what is left at the end."""
        left = {one.name or "": one.get_help_record(ctx) for one in self.get_params(ctx)}
        for title, options in (*self.sections, ("Output", ())):
            names = [_name(one) for one in options] if options else list(left)
            lines = [line for name in names if (line := left.pop(name, None)) is not None]
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)


def _name(option: Option) -> str:
    """The parameter that an option decorates a function with."""

    def bare() -> None: ...

    option(bare)
    made: list[click.Parameter] = bare.__click_params__  # type: ignore[attr-defined]
    return made[0].name or ""
