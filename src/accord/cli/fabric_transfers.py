"""Concurrent transfers as a flag or a CSV file, and what else the flags of ``accord fabric`` must agree on."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from click.core import ParameterSource

from accord.base import units
from accord.base.errors import AccordError, TableError, UsageError
from accord.cli.read import read_text

if TYPE_CHECKING:
    from accord.fabric.transfers import Transfers

MOST_TRANSFERS = 5_000
COLUMNS = ("source", "target", "size_bytes")
FLAGS: Mapping[str, str] = {
    "collective": "--collective", "ranks": "--ranks", "sizes": "--size", "stride": "--stride",
    "algorithm": "--algorithm", "topk": "--topk",
}  # fmt: skip
_ONE = re.compile(r"\s*(\d{1,9})\s*->\s*(\d{1,9})\s*:\s*(.+?)\s*")
_FORM = "write each as 'FROM->TO:SIZE' with device numbers, such as '0->8:1GB,1->8:1GB', or name a CSV file"
Row = tuple[int, int, float, float]


def read_transfers(text: str) -> Transfers:
    """Transfers from a list, or from a CSV file of that name.

    Raises UsageError for a malformed list, TableError for a file that is none, both with the place.
    """
    from accord.fabric.transfers import Transfers

    rows = _from_list(text) if "->" in text else _from_csv(Path(text))
    source, target, size, start = (np.asarray(side) for side in zip(*rows, strict=True))
    return Transfers(source.astype(np.int64), target.astype(np.int64), size.astype(float), start.astype(float))


def _from_list(text: str) -> list[Row]:
    rows: list[Row] = []
    for part in text.split(","):
        found = _ONE.fullmatch(part)
        if found is None:
            raise UsageError(f"'{part.strip()}' is no transfer", where="--transfers", hint=_FORM)
        try:
            size = units.parse(found[3], "B")
        except AccordError as error:
            raise UsageError(f"'{part.strip()}': {error.what}", where="--transfers", hint=error.hint or _FORM) from None
        if not size > 0.0:
            raise UsageError(f"'{part.strip()}' sends nothing", where="--transfers", hint="a size is above 0")
        rows.append((int(found[1]), int(found[2]), size, 0.0))
    return rows


def _from_csv(path: Path) -> list[Row]:
    if not path.exists():
        raise UsageError(f"'{path}' is neither a transfer nor a file", where="--transfers", hint=_FORM)
    table = csv.DictReader(io.StringIO(read_text(path)))
    try:
        return _rows(table, path)
    except csv.Error as error:
        raise TableError(f"not a CSV table: {error}", where=f"{path}:{table.line_num + 1}") from None


def _rows(table: csv.DictReader[str], path: Path) -> list[Row]:
    names = tuple(name.strip() for name in table.fieldnames or ())
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise TableError(
            f"has no column '{missing[0]}'", where=str(path), hint=f"columns: {','.join(COLUMNS)}[,start_s]"
        )
    rows: list[Row] = []
    for number, row in enumerate(table, start=2):
        rows.append(_row({str(key).strip(): value for key, value in row.items()}, f"{path}:{number}"))
        if len(rows) > MOST_TRANSFERS:
            raise TableError(f"has more than {MOST_TRANSFERS:,} transfers", where=str(path))
    if not rows:
        raise TableError("has no rows", where=str(path))
    return rows


def _row(row: Mapping[str, str | None], where: str) -> Row:
    source, target = (_number(row.get(name), name, where) for name in COLUMNS[:2])
    for name, value in zip(COLUMNS, (source, target), strict=False):
        if value < 0 or value != int(value) or value > 1e9:
            raise TableError(f"{name} is {value:g}, no device number", where=where)
    size = _number(row.get("size_bytes"), "size_bytes", where)
    start = _number(row.get("start_s") or "0", "start_s", where)
    if not size > 0.0 or start < 0.0:
        raise TableError(f"size_bytes is {size:g}, start_s {start:g}", where=where, hint="above 0, and 0 or more")
    return int(source), int(target), size, start


def _number(text: str | None, name: str, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise TableError(f"{name} is '{text or ''}', no number", where=where)
    return value


def typed() -> tuple[str, ...]:
    """Flags of a collective that stand on the command line, in the order of :data:`FLAGS`."""
    context = click.get_current_context()
    return tuple(
        flag for name, flag in FLAGS.items() if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )


def check_flags(collective: str | None, transfers: str | None, stated: Collection[str]) -> None:
    """Refuse flags that would change nothing; stated: those that were typed. Raises UsageError."""
    from accord.api.fabric import collective_name
    from accord.api.fabric_price import EXPERT

    if transfers is not None:
        for flag in stated:
            raise UsageError(
                f"{flag} with --transfers", where=flag, hint="ask for a collective or for transfers, not for both"
            )
        return
    if "--topk" in stated and (collective is None or collective_name(collective) not in EXPERT):
        raise UsageError(
            f"--topk {'without --collective' if collective is None else f'with {collective}'}", where="--topk",
            hint="only ep-dispatch and ep-combine have copies of a token, such as '--collective ep-dispatch'",
        )  # fmt: skip
    if "--algorithm" in stated and collective is None:
        raise UsageError(
            "--algorithm without --collective", where="--algorithm",
            hint="name one, such as '--collective all-reduce'; all of them at once each take their quickest",
        )  # fmt: skip


def check_picture(path: Path | None) -> None:
    """Refuse a picture of another kind than SVG. Raises UsageError."""
    if path is not None and path.suffix.lower() != ".svg":
        raise UsageError(f"'{path}' is no SVG file", where="--draw", hint=f"name it '{path.with_suffix('.svg')}'")
