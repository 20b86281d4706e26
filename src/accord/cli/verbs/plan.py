"""``accord plan``: what to build or rent."""

from __future__ import annotations

from pathlib import Path

import click

from accord.cli.deployment_flags import add
from accord.cli.flags import Decorated, common_options
from accord.cli.plan_flags import ASKED, LAW, LIMITS, MATRIX, SEARCH, SPACE, PlanCommand


def _flags(function: Decorated) -> Decorated:
    return add(function, (*ASKED, *LIMITS, *LAW, *SPACE, *SEARCH, *MATRIX))


@click.command("plan", cls=PlanCommand)
@_flags
@common_options
def command(as_json: bool, catalog_paths: tuple[Path, ...], **flags: object) -> int:
    """What to build or rent: the best deployments of a model under latency limits, budget, power and law.

    Searches systems, layouts, formats and loads exactly; a limit holds with --confidence. With a trace or a profile
    the best plans are simulated too.

    \b
    accord plan --model deepseek-v3 --system nvidia-hgx-h200-8 --chips 32
        --isl 4000 --osl 1000 --ttft 1000ms --tpot 40ms
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.cli.plan_run import run

    return run("plan", ("goodput",), dict(flags), catalog_paths, as_json=as_json)
