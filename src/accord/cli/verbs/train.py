"""``accord train``: what a training run takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from accord.cli.flags import common_options
from accord.cli.output import emit
from accord.cli.train_flags import TrainCommand, add


@click.command("train", cls=TrainCommand)
@add
@common_options
def command(as_json: bool, catalog_paths: tuple[Path, ...], **flags: Any) -> int:
    """What a training run takes: step, MFU, days, energy, cost, failures, compute.

    What is left open of the layout is chosen. Exit 1 where it does not fit, or a limit is not met.

    \b
    accord train --model deepseek-v3 --system nvidia-hgx-h800-8
        --chips 2048 --tokens 14.8T --auto --price 2
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.train import train_answer
    from accord.api.train_draw import schedule_picture, schedule_tasks
    from accord.catalog.load import load_catalog
    from accord.cli.train_ask import ask_of, check_picture
    from accord.cli.watching import begin
    from accord.report.to_json import envelope
    from accord.store.files import write

    check_picture(flags["drawing"])
    catalog = load_catalog(catalog_paths)
    asked = ask_of(flags, catalog)
    begin()
    answer = train_answer(asked, catalog)
    result, warnings = dict(answer.result), list(answer.warnings)
    if flags["drawing"] is not None:
        drawn, said = schedule_picture(answer.found)
        write(flags["drawing"], [drawn])
        result["picture"] = str(flags["drawing"])
        warnings += [said] if said else []
    if flags["timeline"]:
        result["timeline"] = schedule_tasks(answer.found)
    body = envelope(
        "train", inputs={**answer.inputs, "catalog": [str(path) for path in catalog_paths]}, result=result,
        sources=answer.sources, warnings=warnings, catalog_digest=catalog.digest,
    )  # fmt: skip
    emit(body, *answer.tables, as_json=as_json)
    return 0 if answer.answer else 1
