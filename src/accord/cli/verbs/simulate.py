"""``accord simulate``: a trace, a profile or a synthetic load against a deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from accord.cli.deployment_flags import MACHINE, RECIPE, add
from accord.cli.flags import Decorated, common_options
from accord.cli.simulate_flags import ENGINE, LOAD, OUTPUT, RUN

WORDS = "accord.simulate.words"


def _flags(function: Decorated) -> Decorated:
    """All flags, in the order of the help."""
    return add(function, (*MACHINE, *RECIPE, *LOAD, *ENGINE, *RUN, *OUTPUT))


class Recalled(click.Command):
    """A command that keeps the words it was called with, for the record of the run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep them in ``ctx.meta``, then parse."""
        ctx.meta[WORDS] = [word for word in args if word != "--json"]
        return super().parse_args(ctx, args)


@click.command("simulate", cls=Recalled)
@_flags
@common_options
def command(as_json: bool, catalog_paths: tuple[Path, ...], **flags: Any) -> int:
    """What users of a deployment feel under real traffic, request by request.

    The load is a trace (--trace), a profile of the catalog (--workload), or lengths and arrivals (--isl, --osl,
    --rate). docs/serving.md says exactly what is simulated.
    """
    from accord.cli.simulate_run import run_simulation

    words = click.get_current_context().meta[WORDS]
    return run_simulation(flags, words, as_json=as_json, catalog_paths=catalog_paths)
