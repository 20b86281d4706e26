"""Write catalog/data/collectives: parameters of collectives fitted to a table of measured ones.

python docs/make_collectives.py FABRIC.csv            fit, write the entries, and say how far they are off
python docs/make_collectives.py FABRIC.csv --check    write nothing; 1 where the entries are not those of this table
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from accord.base.errors import AccordError
from accord.base.source import Source
from accord.calibration.fabric_crossval import By, errors_without, latency_shares, scored_without
from accord.calibration.fabric_entries import entries_of, residuals_of
from accord.calibration.fabric_fit import solve
from accord.calibration.write import yaml_of
from accord.catalog.calibration import Constants
from accord.catalog.load import DATA, load_catalog
from accord.validation.fabric_rows import FabricRow, read_fabric
from accord.validation.fabric_score import by_system, macro

FOLDER = Path(str(DATA)) / "collectives"
HEAD = "# Parameters of collectives; written by docs/make_collectives.py, not by hand.\n"


def main(words: Sequence[str] | None = None) -> int:
    """Fit and write. Returns 0, 1 where a check finds other numbers, or the exit code of a bad table."""
    parser = argparse.ArgumentParser(description="Fit the parameters of collectives.")
    parser.add_argument("table", type=Path, metavar="FABRIC.csv")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where the entries differ")
    asked = parser.parse_args(words)
    try:
        rows = read_fabric(asked.table.read_text(encoding="utf-8"), asked.table.name)
        catalog = load_catalog()
        fit = solve(catalog, rows)
        residuals = residuals_of(fit, latency_shares(catalog, fit), errors_without(catalog, rows))
    except AccordError as error:
        say(f"error: {error}")
        return 3
    texts = {id: text_of(entry) for id, entry in entries_of(fit, rows, residuals, today()).items()}
    stale = [id for id, text in texts.items() if not same(FOLDER / f"{id}.yaml", text)]
    if asked.check:
        say(f"error: {', '.join(stale)} differ; regenerate" if stale else "the entries are those of this table")
        return int(bool(stale))
    for id, text in texts.items():
        (FOLDER / f"{id}.yaml").write_text(text, encoding="utf-8")
    say(f"{fit.count} numbers fitted on {len(fit.rows)} rows; median error {median(fit.errors):.1f} %")
    for by in ("system", "family", "source"):
        report(rows, by)
    return 0


def report(rows: Sequence[FabricRow], by: By) -> None:
    """Errors of each system by fits without its group."""
    errors = by_system(rows, scored_without(load_catalog(), rows, by))
    say(f"left out by {by}: mean over systems {100.0 * math.expm1(macro(errors) or 0.0):.1f} %")
    for one in errors:
        off = 100.0 * math.expm1(one.median_abs_log_error)
        say(f"  {one.system:24s} {one.rows:4d} rows  {off:5.1f} %  bias {one.bias_log:+.3f}  inside {one.coverage:.2f}")


def median(errors: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Median error in percent."""
    return 100.0 * math.expm1(float(np.median(np.abs(errors))))


def text_of(entry: Constants) -> str:
    """An entry as the text of its file."""
    body = yaml_of(entry).split("\n", 1)[1]
    lines = [f"  {key}: {{{', '.join(cited(source))}}}" for key, source in entry.sources.items()]
    return HEAD + body[: body.index("\nsources:\n")] + "\nsources:\n" + "\n".join(lines) + "\n"


def cited(source: Source) -> list[str]:
    """All that is known of a source, as YAML."""
    named = {"title": source.title, "publisher": source.publisher, "date": source.date, "locator": source.locator}
    more = {"url": source.url, "licence": source.licence}
    return [f"{key}: {json.dumps(text, ensure_ascii=False)}" for key, text in {**named, **more}.items() if text]


def same(file: Path, text: str) -> bool:
    """Whether a file has this text, but for the day of the fit."""
    return file.is_file() and undated(file.read_text(encoding="utf-8")) == undated(text)


def undated(text: str) -> str:
    """A text without the line that says when it was fitted."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("fitted:"))


def today() -> str:
    """The day of the fit."""
    return datetime.date.today().isoformat()


def say(line: str) -> None:
    """A line on stderr."""
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
