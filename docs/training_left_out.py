"""Predictions of training, collectives and failures by fits that have not seen a row's group, and where they are kept.

Kept figures stand in docs/training_accuracy.json with a hash of the constants they belong to, and with the predictions
of the packaged constants, so that it shows when either has changed since.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.api.fabric_validate import validate_fabric
from accord.api.records import training_efficiency
from accord.api.reliability import failure_constants, validate_failures
from accord.api.train_validate import lookups, validate_training
from accord.calibration import fabric_crossval, fabric_fit, training_crossval, training_fit
from accord.calibration.training_entries import KINDS
from accord.catalog.load import DATA, Catalog, load_catalog
from accord.reliability.fit import NAMES as FAILURE_NAMES
from accord.report.accuracy_store import stored
from accord.report.training_scores import ANEW, Evidence, Fitted
from accord.validation.fabric_rows import FabricRow, read_fabric
from accord.validation.failure_rows import FailureRow, observations_of, read_failures
from accord.validation.score import Scored
from accord.validation.training_rows import TrainingRow, read_training
from accord.validation.training_score import score_training

HERE = Path(__file__).parent
ROOT = HERE.parent
STORE = HERE / "training_accuracy.json"
FITTED = ("training", "collectives", "reliability", "calibration")  # folders of the catalog that predictions rest on
TABLES = ("training.csv", "fabric.csv", "failures.csv")
LEVEL = 0.9
WORKERS = 2
MOVED = 0.01  # by which a prediction may move, of its logarithm, before figures kept beside it are out of date


@dataclass(frozen=True, slots=True)
class Tables:
    """The measured tables as text and as rows."""

    texts: Mapping[str, str]
    training: tuple[TrainingRow, ...]
    fabric: tuple[FabricRow, ...]
    failures: tuple[FailureRow, ...]


def measured() -> Tables | None:
    """The measured tables, None where one is not at hand."""
    folder = Path(os.environ.get("ACCORD_MEASURED", ROOT.parent / "shared"))
    texts = {}
    for name in TABLES:
        file = next((one for one in (folder / "measured" / name, folder / name) if one.is_file()), None)
        if file is None:
            return None
        texts[name] = file.read_text(encoding="utf-8")
    return Tables(
        texts,
        read_training(texts["training.csv"], "training.csv"),
        read_fabric(texts["fabric.csv"], "fabric.csv"),
        read_failures(texts["failures.csv"], "failures.csv"),
    )


def in_sample(tables: Tables, catalog: Catalog) -> dict[str, tuple[Scored, ...]]:
    """Rows scored with the packaged constants, by table."""
    texts = tables.texts
    return {
        "training": validate_training(texts["training.csv"], "training.csv", catalog, LEVEL),
        "collectives": validate_fabric(texts["fabric.csv"], "fabric.csv", catalog, LEVEL),
        "failures": validate_failures(texts["failures.csv"], "failures.csv", catalog, LEVEL),
    }


def refit(tables: Tables, catalog: Catalog, every: bool) -> None:
    """Fit without each group of rows and keep what comes out. every: see :func:`anew`."""
    digest = fitted_digest()
    say("fitting training, whole and without each source, chip and model")
    fit = training_fit.solve(catalog, tables.training)
    entry = catalog.constants("training", "generic").parameters
    off = max(abs(math.log(number / entry[name].si)) for name, number in fit.numbers().items())
    if off > MOVED:
        say(f"warning: packaged constants are up to {math.expm1(off):.0%} off this fit; see make_training.py")
    training: dict[str, list[dict[str, object]]] = {
        by: stored(training_crossval.scored_without(catalog, tables.training, by, LEVEL, fit))
        for by in training_crossval.KEYS
    }
    training[ANEW] = stored(anew(tables.training, every))
    say("fitting collectives without each system, source and chip")
    collectives = {
        by: stored(
            row
            for row in fabric_crossval.scored_without(catalog, tables.fabric, by, LEVEL)
            if fabric_crossval.NOT_LEFT_OUT not in row.assumed
        )
        for by in ("system", "source", "chip")
    }
    fabric = fabric_fit.solve(catalog, tables.fabric)
    text = tables.texts["failures.csv"]
    failures = {"source": stored(validate_failures(text, "failures.csv", catalog, LEVEL, "source"))}
    chips = len(failure_constants(catalog).chips)
    fits = {
        "training": Fitted(len(training_fit.NAMES), len(KINDS), len(fit.rows)),
        "collectives": Fitted(fabric.count, 3, len(fabric.rows)),
        "failures": Fitted(len(FAILURE_NAMES) + chips, 2, len(observations_of(tables.failures))),
    }
    predictions = {
        name: {row.id: float(f"{row.predicted:.4g}") for row in rows if row.predicted}
        for name, rows in in_sample(tables, catalog).items()
    }
    if digest != fitted_digest():
        raise SystemExit("error: the catalog changed while it was being fitted to; run this again")
    keep({"training": training, "collectives": collectives, "failures": failures}, fits, predictions, catalog)


def anew(rows: Sequence[TrainingRow], every: bool) -> list[Scored]:
    """Rows by whole fits, from the first beliefs, that have not seen their source.

    every: of all sources, which takes half a minute each, or only of those that timed steps alone
    """
    sources = sorted({row.text["source_id"] for row in rows if row.to_score and (every or is_timed_alone(row))})
    say(f"fitting training anew without {', '.join(sources)}")
    with ProcessPoolExecutor(WORKERS) as pool:
        found = pool.map(anew_without, sources, [rows] * len(sources))
        return [row for own in found for row in own]


def anew_without(source: str, rows: Sequence[TrainingRow]) -> tuple[Scored, ...]:
    """The rows of a source by a fit that has not seen it."""
    catalog = load_catalog()
    entry = catalog.constants("training", "generic").parameters
    sds = {name: float(entry[name].si) for name in KINDS}
    own = [row for row in rows if row.text["source_id"] == source]
    fit = training_fit.solve(catalog, [row for row in rows if row.text["source_id"] != source])
    plain, drawn = lookups(training_crossval.with_fit(catalog, fit, sds), training_efficiency)
    found = score_training(own, plain, drawn, LEVEL)
    say(f"  {source}: {len(found)} rows")
    return found


def is_timed_alone(row: TrainingRow) -> bool:
    """Whether a row is a step of a short run for its own sake."""
    return row.text.get("phase") == "step" and row.text["metric"] == "step_s"


def keep(
    cross: Mapping[str, Mapping[str, list[dict[str, object]]]], fits: Mapping[str, Fitted],
    predictions: Mapping[str, Mapping[str, float]], catalog: Catalog,
) -> None:  # fmt: skip
    """Write docs/training_accuracy.json, one row a line. predictions: with the packaged constants, by table and row."""
    numbers = {name: {"numbers": one.numbers, "spreads": one.spreads, "rows": one.rows} for name, one in fits.items()}
    head = {
        "catalog": catalog.digest,
        "fitted": fitted_digest(),
        "level": LEVEL,
        "fits": numbers,
        "in_sample": predictions,
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for table, kinds in cross.items():
        parts = [
            f"{json.dumps(kind)}: [\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"
            for kind, rows in kinds.items()
        ]
        lines.append(f"{json.dumps(table)}: {{\n" + ",\n".join(parts) + "\n}")
    STORE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def kept_store() -> dict[str, Any]:
    """What docs/training_accuracy.json holds, empty where there is none."""
    found: dict[str, Any] = json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {}
    return found


def is_stale() -> bool:
    """Whether the kept figures were computed with other constants than the packaged ones."""
    kept = kept_store()
    return bool(kept) and kept["fitted"] != fitted_digest()


def moved(found: Evidence) -> str:
    """Which predictions are not those that stood beside the kept figures, in words; "" for none."""
    kept = kept_store().get("in_sample", {})
    far = [
        row.id
        for name, scores in (
            ("training", found.training),
            ("collectives", found.collectives),
            ("failures", found.failures),
        )
        for row in scores.in_sample
        if row.predicted and row.id in kept.get(name, {}) and abs(math.log(row.predicted / kept[name][row.id])) > MOVED
    ]
    return f"{len(far)} predictions moved by more than {MOVED:.0%}, such as that of {far[0]}" if far else ""


def fitted_digest() -> str:
    """SHA-256 [hex] over the constants that predictions of training, collectives and failures rest on."""
    files = [file for folder in FITTED for file in (DATA / folder).glob("*.yaml")]
    total = hashlib.sha256()
    for name, file in sorted((file.relative_to(DATA).as_posix(), file) for file in files):
        total.update(name.encode() + b"\0" + hashlib.sha256(undated(file.read_bytes())).digest())
    return total.hexdigest()


def undated(content: bytes) -> bytes:
    """A file without the line that says when it was fitted."""
    return b"\n".join(line for line in content.splitlines() if not line.startswith(b"fitted:"))


def say(text: str) -> None:
    """Print on stderr."""
    sys.stderr.write(f"{text}\n")
