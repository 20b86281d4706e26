"""Write catalog/data/training: parameters of training fitted to a table of measured steps and runs.

python docs/make_training.py TRAINING.csv            fit, write the entry, and say how far it is off
python docs/make_training.py TRAINING.csv --check    write nothing; 1 where the entry is not that of this table
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

from accord.api.train_validate import lookups
from accord.base.errors import AccordError
from accord.calibration.training_crossval import By, residuals_of, scored_without, with_fit
from accord.calibration.training_entries import entry_of
from accord.calibration.training_fit import NAMES, TrainingFit, solve
from accord.calibration.write import yaml_of
from accord.catalog.load import DATA, Catalog, load_catalog
from accord.validation.score import Scored, summarise
from accord.validation.training_rows import TrainingRow, read_training
from accord.validation.training_score import score_training

FILE = Path(str(DATA)) / "training" / "generic.yaml"
HEAD = "# Parameters of training; written by docs/make_training.py, not by hand.\n"
LEVEL = 0.9


def main(words: Sequence[str] | None = None) -> int:
    """Fit and write. Returns 0, 1 where a check finds other numbers, or the exit code of a bad table."""
    parser = argparse.ArgumentParser(description="Fit the parameters of training.")
    parser.add_argument("table", type=Path, metavar="TRAINING.csv")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where the entry differs")
    asked = parser.parse_args(words)
    try:
        rows = read_training(asked.table.read_text(encoding="utf-8"), asked.table.name)
        catalog = load_catalog()
        fit = solve(catalog, rows)
        sds = residuals_of(catalog, fit).log_sd
    except AccordError as error:
        say(f"error: {error}")
        return error.exit_code
    text = HEAD + yaml_of(entry_of(fit, sds, datetime.date.today().isoformat())).split("\n", 1)[1]
    if asked.check:
        stale = undated(FILE.read_text(encoding="utf-8")) != undated(text)
        say("error: the entry differs; regenerate" if stale else "the entry is that of this table")
        return int(stale)
    FILE.write_text(text, encoding="utf-8")
    say(f"{len(NAMES)} numbers fitted on {len(fit.rows)} rows")
    report(load_catalog(), rows, fit)
    return 0


def report(catalog: Catalog, rows: Sequence[TrainingRow], fit: TrainingFit) -> None:
    """Errors in sample and with each source, chip and model left out."""
    sds = {name: catalog.constants("training", "generic").parameters[name].si for name in RESIDUALS}
    plain, drawn = lookups(with_fit(catalog, fit, sds))
    table("in sample", score_training(rows, plain, drawn, LEVEL))
    for by in BYS:
        table(f"{by} left out", scored_without(catalog, rows, by, LEVEL, fit))


RESIDUALS = ("residual.train_step", "residual.train_run")
BYS: tuple[By, ...] = ("source", "chip", "model")


def table(title: str, scored: Sequence[Scored]) -> None:
    """Totals and one line a source."""
    whole, complete = summarise(scored, level=LEVEL), summarise(scored, complete_only=True, level=LEVEL)
    say(f"{title}: all {whole.macro_error_pct:.1f} %, complete {complete.macro_error_pct:.1f} %, "
        f"inside {whole.coverage_90:.3f}, over sources {whole.macro_coverage_90.value:.3f}, "
        f"scored {whole.scored}, skipped {whole.skipped}")  # fmt: skip
    for source, group in whole.by_source.items():
        errors = f"median {group['median_abs_log_error']:.3f}  mean {group['mean_abs_log_error']:.3f}"
        rest = f"bias {group['bias_log']:+.3f}  inside {group['coverage_90']:.2f}"
        say(f"  {source:20s} {group['rows']:4.0f} rows  {errors}  {rest}")


def undated(text: str) -> str:
    """A text without the line that says when it was fitted."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("fitted:"))


def say(line: str) -> None:
    """A line on stderr."""
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
