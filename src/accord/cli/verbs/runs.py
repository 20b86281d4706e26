"""``accord runs``: the store of past runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from accord.api import runs as api
from accord.catalog.load import load_catalog
from accord.cli.flags import Decorated, json_option
from accord.cli.output import emit
from accord.report.tables import Table
from accord.report.to_json import envelope
from accord.store import runs_view as view


def _options(function: Decorated) -> Decorated:
    """Add ``--store`` and ``--json``."""
    option = click.option(
        "--store",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="PATH",
        help="The file of the store; else runs.sqlite in $ACCORD_HOME, or accord/runs.sqlite in the data folder.",
    )
    return option(json_option(function))


@click.group("runs")
def command() -> None:
    """The store of past runs: list, show, compare, delete."""


@command.command("list")
@click.option("--verb", help="Only runs of this verb.")
@click.option("--model", help="Only runs of this model.")
@click.option("--system", help="Only runs on this system.")
@click.option("--label", help="Only runs with this label.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@_options
def list_(
    verb: str | None,
    model: str | None,
    system: str | None,
    label: str | None,
    limit: int | None,
    store: Path | None,
    as_json: bool,
) -> None:
    """List kept runs, newest first."""
    found = api.list_runs(verb=verb, model=model, system=system, label=label, limit=limit, store=store)
    inputs = {"verb": verb, "model": model, "system": system, "label": label, "limit": limit, "store": store}
    _emit("list", inputs, view.list_dict(found), (view.list_table(found),), as_json)


@command.command("show")
@click.argument("id")
@_options
def show(id: str, store: Path | None, as_json: bool) -> None:
    """Show one run: its inputs, metrics and files. ID may be the beginning of an id."""
    run = api.show_run(id, store=store)
    _emit("show", {"id": id, "store": store}, view.run_dict(run), view.show_tables(run), as_json)


@command.command("compare")
@click.argument("ids", metavar="ID ID...", nargs=-1, required=True)
@_options
def compare(ids: tuple[str, ...], store: Path | None, as_json: bool) -> None:
    """Put runs side by side: inputs that differ, and metrics with their ratios to the first run's."""
    found = api.compare_runs(ids, store=store)
    _emit("compare", {"ids": ids, "store": store}, view.compare_dict(found), view.compare_tables(found), as_json)


@command.command("delete")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@_options
def delete(ids: tuple[str, ...], store: Path | None, as_json: bool) -> None:
    """Forget runs, all or none of those named; files they wrote stay."""
    gone = api.delete_runs(ids, store=store)
    _emit("delete", {"ids": ids, "store": store}, {"deleted": list(gone)}, (view.deleted_table(gone),), as_json)


def _emit(
    verb: str, inputs: Mapping[str, object], result: Mapping[str, object], tables: tuple[Table, ...], as_json: bool
) -> None:
    body = envelope(f"runs.{verb}", inputs=inputs, result=result, catalog_digest=load_catalog().digest)
    emit(body, *tables, as_json=as_json)
