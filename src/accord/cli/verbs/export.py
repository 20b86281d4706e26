"""``accord export``: a plan as launch files of engines and orchestrators."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import cast

import click

from accord.api import launch as api
from accord.api.plan_file import parse_plans
from accord.base.errors import DataError, UsageError
from accord.catalog.load import load_catalog
from accord.cli.flags import json_option
from accord.cli.output import emit, say, warn, write
from accord.report import launch_view as view
from accord.report.launch import About, Bundle, Launch
from accord.report.outputs import TARGETS
from accord.report.to_json import envelope
from accord.store import files

REFUSED = 1
MOST_BYTES = 256 << 20


@click.command("export")
@click.argument("plan_file", metavar="PLAN.json")
@click.option("--to", "to", required=True, metavar="TARGET[,...]", help=f"One or more of {', '.join(TARGETS)}; or all.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write DIR/TARGET/FILE.")
@click.option("--plan", "which", metavar="N|ID", help="Which of the plans; the first by default.")
@click.option("--model-path", metavar="PATH", help="Weights, as the engine takes them; else $MODEL where it starts.")
@click.option("--served-model-name", metavar="NAME", help="As clients ask for it; the model's id by default.")
@click.option("--port", type=click.IntRange(1024, 65000), default=8000, show_default=True, help="Clients connect to.")
@click.option("--devices-per-node", type=click.IntRange(min=1), metavar="N", help="Where the catalog says otherwise.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    plan_file: str,
    to: str,
    out: Path | None,
    which: str | None,
    model_path: str | None,
    served_model_name: str | None,
    port: int,
    devices_per_node: int | None,
    as_json: bool,
) -> None:
    """Write a plan as launch files, each naming the version it is for and how such files are checked.

    PLAN.json is what 'accord plan --json' printed; '-' reads it from standard input. A target that cannot express the
    plan says why and writes nothing; the others are written, and the exit code is 1.
    """
    targets = _targets(to)
    catalog = load_catalog()
    plans = parse_plans(_read(plan_file), "stdin" if plan_file == "-" else plan_file).plans
    plan = api.chosen(plans, which)
    launching = partial(
        api.launch_of, catalog, model_path=_text(model_path, "--model-path"), port=port,
        devices_per_node=devices_per_node, served_name=_text(served_model_name, "--served-model-name"),
    )  # fmt: skip
    launch, warnings = launching(plan)
    made = api.export(launch, {name: _launcher(name) for name in targets})
    if out is not None:
        _to_disk(out, made)
    inputs = {
        "plan": plan.id, "file": plan_file, "to": list(targets), "out": str(out) if out else None, "port": port,
        "model_path": model_path, "served_model_name": launch.model.name, "devices_per_node": devices_per_node,
    }  # fmt: skip
    shown = [view.target_dict(one.target, _about(one.target), one.bundle, _why(one)) for one in made]
    if as_json:
        result = {"plan": plan.id, "targets": shown}
        answer = envelope("export", inputs=inputs, result=result, warnings=warnings, catalog_digest=catalog.digest)
        emit(answer, as_json=True)
    else:
        _print(made, warnings, out)
        for one in made:
            if one.refused is not None:
                say(f"error: {one.target}: {one.refused.what}")
                at = api.takes((launching(other)[0] for other in plans), _launcher(one.target))
                say(f"hint: {_hint(one.refused.hint, at, len(plans))}")
    if any(one.refused for one in made):
        ctx.exit(REFUSED)


def _targets(to: str) -> tuple[str, ...]:
    """Names between commas, each known; ``all`` is every one. Raises UsageError with the closest name."""
    names = [name.strip() for name in to.split(",") if name.strip()]
    if not names:
        raise UsageError("names no target", where="--to", hint=f"one or more of {', '.join(TARGETS)}, commas between")
    wanted = TARGETS.names() if names == ["all"] else tuple(dict.fromkeys(names))
    for name in wanted:
        TARGETS[name]
    return wanted


def _text(value: str | None, flag: str) -> str | None:
    """A word of the user's that goes into files. Raises UsageError for what an engine would not read as a word."""
    if value is not None and (not value.strip() or not value.isprintable()):
        raise UsageError("is empty or has control characters", where=flag, hint="give one line of text")
    if value is not None and value.startswith("-"):
        raise UsageError(f"{value!r} would be read as a flag", where=flag, hint="begin it with another character")
    return value


def _read(plan_file: str) -> bytes:
    with click.open_file(plan_file, "rb") as stream:
        data = cast(bytes, stream.read(MOST_BYTES + 1))
    if len(data) > MOST_BYTES:
        raise DataError(
            f"is larger than {MOST_BYTES >> 20} MiB", where=plan_file, hint="give one answer of accord plan"
        )
    return data


def _launcher(name: str) -> Callable[[Launch], Bundle]:
    output = TARGETS[name]
    return cast(Callable[[Launch], Bundle], getattr(import_module(output.module), output.function))


def _about(name: str) -> About:
    return cast(About, import_module(TARGETS[name].module).ABOUT)


def _why(one: api.Exported) -> str | None:
    return one.refused.what if one.refused is not None else None


def _to_disk(out: Path, made: Sequence[api.Exported]) -> None:
    """Write every file of the targets that did not refuse; scripts may be run."""
    for one in made:
        if one.bundle is None:
            continue
        folder = out / TARGETS[one.target].file
        folder.mkdir(parents=True, exist_ok=True)
        for file in one.bundle.files:
            path = folder / file.name
            files.write(path, [file.text.encode()])
            if file.run:
                path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def _print(made: Sequence[api.Exported], warnings: Sequence[str], out: Path | None) -> None:
    """Text on stdout, warnings on stderr."""
    for warning in warnings:
        warn(warning)
    parts = []
    for one in made:
        if one.bundle is not None:
            folder = out / TARGETS[one.target].file if out is not None else None
            listed = "".join(f"{folder}/{file.name}\n" for file in one.bundle.files)
            parts.append(listed if folder is not None else view.as_text(one.target, one.bundle.files))
            for departure in one.bundle.departures:
                warn(f"{one.target}: {departure}")
    if parts:
        write("".join(parts) if out is not None else "\n".join(parts))


def _hint(hint: str | None, at: int | None, plans: int) -> str:
    """How to go on after a refusal: what the target says, and another plan of the file that it can express."""
    other = f"--plan {at} can be written" if at is not None else f"none of the {plans} plans of the file can be written"
    return f"{hint}; {other}" if hint else other
