"""``accord size``: the smallest system for a load."""

from __future__ import annotations

from pathlib import Path

import click

from accord.cli.deployment_flags import add
from accord.cli.flags import Decorated, common_options
from accord.cli.plan_flags import ASKED, LAW, LIMITS, SEARCH, SPACE, PlanCommand


def _flags(function: Decorated) -> Decorated:
    return add(function, (*ASKED, *LIMITS, *LAW, *SPACE, *SEARCH))


@click.command("size", cls=PlanCommand)
@_flags
@common_options
def command(as_json: bool, catalog_paths: tuple[Path, ...], **flags: object) -> int:
    """The fewest chips of each system that serve a load, and the smallest of all.

    The load is --goodput, or the rate of a trace or profile.

    \b
    accord size --model kimi-k2-instruct --system all --goodput 50 --tpot 50ms
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.cli.plan_run import run

    return run("size", ("chips",), dict(flags), catalog_paths, as_json=as_json)
