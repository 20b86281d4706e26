"""``accord catalog``: what is known, with unit, basis, source and the values that were not chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from accord.base.errors import UsageError
from accord.catalog.check import check_catalog
from accord.catalog.load import KINDS, Catalog, load_catalog
from accord.catalog.schema import json_schema
from accord.cli.flags import CatalogId, common_options
from accord.cli.output import emit, say, write
from accord.report import catalog_view as view
from accord.report.to_json import envelope, to_bytes

BAD_DATA = 3


@click.group("catalog")
def command() -> None:
    """What is known: every value with unit, basis, source and alternatives."""


@command.command("list")
@click.argument("kind", required=False)
@common_options
def list_(kind: str | None, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """List the kinds of entries, or the entries of one KIND (chips, systems, models, prices, ...)."""
    catalog = load_catalog(catalog_paths)
    if kind is None:
        result, table = view.kinds_dict(catalog), view.kinds_table(catalog)
    else:
        kind = view.kind_named(kind)
        result, table = view.list_dict(catalog, kind), view.list_table(catalog, kind)
    inputs = {"kind": kind, "catalog": catalog_paths}
    emit(_answer("catalog.list", catalog, inputs, result), table, as_json=as_json)


@command.command("show")
@click.argument("id", type=CatalogId(*KINDS))
@common_options
def show(id: str, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """Show one entry: every value with unit, basis and source, the alternatives, and why one was chosen.

    ID may be written as KIND/ID where two kinds share an id.
    """
    catalog = load_catalog(catalog_paths)
    kind, record = catalog.find(id)
    sources = view.entry_sources(record, f"{kind}/{view.entry_id(record)}")
    inputs = {"id": id, "catalog": catalog_paths}
    answer = _answer("catalog.show", catalog, inputs, view.show_dict(kind, record), sources)
    emit(answer, *view.show_tables(kind, record), as_json=as_json)


@command.command("check")
@common_options
@click.pass_context
def check(ctx: click.Context, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """Read every entry and apply the rules across files; exit 3 if anything is wrong."""
    catalog = load_catalog(catalog_paths)
    report = check_catalog(catalog)
    if not as_json:
        for problem in report.problems:
            say(f"error: {problem}")
    inputs = {"catalog": catalog_paths}
    answer = _answer("catalog.check", catalog, inputs, view.check_dict(report))
    emit(answer, view.check_table(report), as_json=as_json)
    if not report.ok:
        ctx.exit(BAD_DATA)


@command.command("schema")
@click.argument("kind")
def schema(kind: str) -> None:
    """Print the JSON Schema of a KIND of entries (chips, systems, models, ...), made from the records."""
    write(to_bytes(json_schema(view.kind_named(kind))).decode())


@command.command("diff")
@click.argument("a", type=CatalogId(*KINDS))
@click.argument("b", type=CatalogId(*KINDS), required=False)
@common_options
def diff(a: str, b: str | None, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """Compare two entries of one kind field by field, or one built-in entry with yours in --catalog DIR."""
    catalog = load_catalog(catalog_paths)
    if b is None and not catalog_paths:
        raise UsageError(f"'{a}' is compared with nothing", hint="name a second entry, or your own file with --catalog")
    kind, first = (catalog if b is not None else load_catalog()).find(a)
    kind_b, second = catalog.find(b if b is not None else f"{kind}/{view.entry_id(first)}")
    if kind != kind_b:
        raise UsageError(f"'{a}' is of the {kind} and '{b}' of the {kind_b}", hint="compare entries of one kind")
    names = ("built in", "yours") if b is None else (view.entry_id(first), view.entry_id(second))
    owners = (f"{kind}/{names[0]}", f"{kind}/{names[1]}")
    sources = [*view.entry_sources(first, owners[0]), *view.entry_sources(second, owners[1])]
    inputs = {"a": a, "b": b, "catalog": catalog_paths}
    answer = _answer("catalog.diff", catalog, inputs, view.diff_dict(first, second, owners), sources)
    emit(answer, view.diff_table(first, second, names), as_json=as_json)


def _answer(
    verb: str,
    catalog: Catalog,
    inputs: Mapping[str, object],
    result: Mapping[str, object],
    sources: Sequence[Mapping[str, object]] = (),
) -> dict[str, object]:
    """The envelope, with what the user's entries replace as warnings."""
    return envelope(
        verb,
        inputs=inputs,
        result=result,
        sources=sources,
        warnings=catalog.notes,
        catalog_digest=catalog.digest,
    )
