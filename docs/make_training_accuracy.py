"""Write docs/training_accuracy.md: how near training, collectives and failures are to published measurements.

    python3 docs/make_training_accuracy.py            write the page; left-out figures come from training_accuracy.json
    python3 docs/make_training_accuracy.py --check    write nothing; 1 where the committed page is out of date
    python3 docs/make_training_accuracy.py --refit    first fit again, without each source, chip, model and system
                                                      (minutes)

Measured rows are ``training.csv``, ``fabric.csv`` and ``failures.csv`` in the folder ``measured`` of the folder that
ACCORD_MEASURED names (or in that folder), else of ``shared`` beside the project. Left-out figures are kept with a hash
of the constants that were fitted, and shown only while those are the packaged ones. ``docs/make_accuracy.py`` takes
:func:`summary` into its page.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.api.fabric_validate import shown_fabric, validate_fabric
from accord.api.records import training_efficiency
from accord.api.reliability import failure_constants, validate_failures
from accord.api.train_validate import lookups, validate_training
from accord.calibration import fabric_crossval, fabric_fit, training_crossval, training_fit
from accord.calibration.training_entries import KINDS
from accord.catalog.load import DATA, Catalog, load_catalog
from accord.reliability.fit import NAMES as FAILURE_NAMES
from accord.report.accuracy_store import restored, stored
from accord.report.training_accuracy import COMMAND, page, section
from accord.report.training_scores import ANEW, Aim, Evidence, Fitted, Scaling, Scores
from accord.validation.fabric_rows import FabricRow, read_fabric, to_score
from accord.validation.failure_rows import FailureRow, observations_of, read_failures
from accord.validation.score import Scored
from accord.validation.training_predict import run_of
from accord.validation.training_rows import TrainingRow, read_training
from accord.validation.training_score import score_training

HERE = Path(__file__).parent
ROOT = HERE.parent
PAGE = HERE / "training_accuracy.md"
STORE = HERE / "training_accuracy.json"
AIMS = HERE / "training_aims.csv"
REFIT = "python3 docs/make_training_accuracy.py --refit"
FITTED = ("training", "collectives", "reliability", "calibration")  # folders of the catalog that predictions rest on
TABLES = ("training.csv", "fabric.csv", "failures.csv")
LEVEL = 0.9
NO_ROWS = 4
WIDE = 8  # times as many chips in the largest run of a scaling table as in its smallest
RATES = ("tokens_per_s_per_chip", "mfu")  # of a chip, the first first
PEER = re.compile(r"another simulator \(([^)]+)\) predicted ([0-9.]+) s")
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Tables:
    """The measured tables as text and as rows."""

    texts: Mapping[str, str]
    training: tuple[TrainingRow, ...]
    fabric: tuple[FabricRow, ...]
    failures: tuple[FailureRow, ...]


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the page. Returns 0, 1 where a check finds it out of date, 4 without the measured rows."""
    parser = argparse.ArgumentParser(description="Write docs/training_accuracy.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is out of date")
    parser.add_argument("--refit", action="store_true", help="fit again with each group left out first (minutes)")
    asked = parser.parse_args(words)
    if asked.check and is_stale():
        say(f"error: constants of training, collectives or failures changed since {STORE.name}; regenerate: {REFIT}")
        return 1
    tables = measured()
    if tables is None:
        say(f"error: no measured/{', '.join(TABLES)}; set ACCORD_MEASURED to the folder that has them")
        return NO_ROWS
    catalog = load_catalog()
    if asked.refit:
        refit(tables, catalog)
    text = page(evidence(tables, catalog))
    if asked.check:
        return check(text)
    PAGE.write_text(text, encoding="utf-8")
    say(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def summary() -> str | None:
    """The section of docs/accuracy.md, None without the measured rows."""
    tables = measured()
    return None if tables is None else section(evidence(tables, load_catalog()))


def check(text: str) -> int:
    """Whether the committed page is ``text``."""
    have = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    if have == text:
        return 0
    known = set(have.splitlines())
    say(f"error: {PAGE.name} is out of date; regenerate: {COMMAND}")
    say("\n".join(f"now: {line}" for line in [line for line in text.splitlines() if line not in known][:10]))
    return 1


def evidence(tables: Tables, catalog: Catalog) -> Evidence:
    """All that the page is made of: rows scored with the packaged constants, and what is kept of other fits."""
    kept = kept_store()
    if is_stale():
        say(f"warning: {STORE.name} was computed with other constants and is left out; run '{REFIT}'")
        kept = {}
    texts = tables.texts
    found = {
        "training": validate_training(texts["training.csv"], "training.csv", catalog, LEVEL),
        "collectives": validate_fabric(texts["fabric.csv"], "fabric.csv", catalog, LEVEL),
        "failures": validate_failures(texts["failures.csv"], "failures.csv", catalog, LEVEL),
    }
    scores = {name: Scores(rows, cross_of(kept.get(name, {}), rows)) for name, rows in found.items()}
    aims = read_aims()
    return Evidence(
        **scores,
        systems={
            **{row.id: system_of(row) for row in tables.training},
            **{row.id: row.system for row in tables.fabric},
        },
        about=about(tables),
        titles=titles(texts.values()),
        timed_alone=frozenset(row.id for row in tables.training if is_timed_alone(row)),
        peers={row.id: peer for row in tables.training if (peer := peer_of(row)) is not None},
        scaling=scalings(tables.training),
        shown=shown_fabric(texts["fabric.csv"], "fabric.csv", catalog, LEVEL),
        unscored=unscored(tables, found),
        fitted={name: Fitted(**numbers) for name, numbers in kept.get("fits", {}).items()},
        step_aims=aims["steps"],
        scaling_aims=aims["scaling"],
        level=LEVEL,
    )


def cross_of(
    kept: Mapping[str, Sequence[Mapping[str, object]]], rows: Sequence[Scored]
) -> dict[str, tuple[Scored, ...]]:
    """Kept rows again, by what was left out."""
    return {kind: restored(found, rows) for kind, found in kept.items()}


# What is fitted again


def refit(tables: Tables, catalog: Catalog) -> None:
    """Fit without each group of rows and keep what comes out."""
    say("fitting training, whole and without each source, chip and model")
    fit = training_fit.solve(catalog, tables.training)
    training: dict[str, list[dict[str, object]]] = {
        by: stored(training_crossval.scored_without(catalog, tables.training, by, LEVEL, fit))
        for by in training_crossval.KEYS
    }
    training[ANEW] = stored(anew(tables.training, catalog))
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
    keep({"training": training, "collectives": collectives, "failures": failures}, fits, catalog)


def anew(rows: Sequence[TrainingRow], catalog: Catalog) -> list[Scored]:
    """Steps timed alone, each by a whole fit, from the first beliefs, that has not seen its source."""
    entry = catalog.constants("training", "generic").parameters
    sds = {name: float(entry[name].si) for name in KINDS}
    found: list[Scored] = []
    for source in sorted({row.text["source_id"] for row in rows if row.to_score and is_timed_alone(row)}):
        say(f"fitting training without {source}, anew")
        own = [row for row in rows if row.text["source_id"] == source]
        fit = training_fit.solve(catalog, [row for row in rows if row.text["source_id"] != source])
        plain, drawn = lookups(training_crossval.with_fit(catalog, fit, sds), training_efficiency)
        found += score_training(own, plain, drawn, LEVEL)
    return found


def keep(
    cross: Mapping[str, Mapping[str, list[dict[str, object]]]], fits: Mapping[str, Fitted], catalog: Catalog
) -> None:
    """Write docs/training_accuracy.json, one row a line."""
    numbers = {name: {"numbers": one.numbers, "spreads": one.spreads, "rows": one.rows} for name, one in fits.items()}
    head = {"catalog": catalog.digest, "fitted": fitted_digest(), "level": LEVEL, "fits": numbers}
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


# What rows say


def is_timed_alone(row: TrainingRow) -> bool:
    """Whether a row is a step of a short run for its own sake."""
    return row.text.get("phase") == "step" and row.text["metric"] == "step_s"


def system_of(row: TrainingRow) -> str:
    """The system of a row, its chip where it names none."""
    return row.text.get("system") or row.text["chip"]


def peer_of(row: TrainingRow) -> tuple[str, float] | None:
    """Name and prediction of another simulator, where the notes quote it."""
    found = PEER.search(row.text.get("notes", ""))
    return None if found is None else (found[1], float(found[2]))


def about(tables: Tables) -> dict[str, str]:
    """Configurations in words, by row."""
    said = {row.id: training_words(row) for row in tables.training}
    said |= {row.id: fabric_words(row) for row in tables.fabric}
    return said | {row.id: failure_words(row) for row in tables.failures}


def training_words(row: TrainingRow) -> str:
    """Model, chips, ranks and recomputation."""
    model = row.text.get("model") or row.flags.get("model", "model")
    ranks = [f"{name} {row.count(name)}" for name in ("tp", "cp", "pp", "vp", "dp", "ep") if (row.count(name) or 1) > 1]
    parts = [f"{row.count('chips') or '?'} chips", *ranks]
    if row.noted("micro_batches"):
        parts.append(f"{row.noted('micro_batches')} micro-batches")
    if "recompute" in row.text:
        parts.append(f"{row.text['recompute']} recompute")
    return f"{model}, {', '.join(parts)}"


def fabric_words(row: FabricRow) -> str:
    """System, collective, ranks and size."""
    size = row.numbers.get("size_bytes")
    ranks, nodes = row.count("ranks"), row.count("nodes") or 1
    parts = [row.system, row.text["collective"], row.text.get("algorithm", "default")]
    parts += [f"{ranks} ranks" + (f" on {nodes} nodes" if nodes > 1 else "")] if ranks else []
    parts += [f"{size:,.0f} B"] if size else []
    return ", ".join(parts)


def failure_words(row: FailureRow) -> str:
    """What it is about, on how many chips and for how long."""
    parts = [row.component, row.chip or "any chip"]
    parts += [f"{row.chips:,.0f} chips"] if row.chips else []
    parts += [f"{row.lasts_s / DAY_S:,.0f} days"] if row.lasts_s else []
    bound = f"{row.bound} bound" if row.bound else f"up to {row.upper:g}" if row.upper is not None else ""
    return ", ".join([*parts, bound] if bound else parts)


def titles(texts: Iterable[str]) -> dict[str, str]:
    """Titles of sources, as the tables print them first."""
    found: dict[str, str] = {}
    for text in texts:
        for row in csv.DictReader(text.splitlines()):
            found.setdefault(row["source_id"], row.get("source", ""))
    return found


def scalings(rows: Sequence[TrainingRow]) -> tuple[Scaling, ...]:
    """Scaling tables that span enough chips: same model, machine, format, length, cut and recomputation."""
    found: dict[tuple[object, ...], list[TrainingRow]] = {}
    for row in rows:
        if row.to_score and row.text["metric"] in RATES and row.count("chips"):
            cut = tuple(row.numbers.get(name) for name in ("pp", "cp", "ep", "micro_batch_sequences"))
            key: tuple[object, ...] = (
                row.text["source_id"],
                row.text["metric"],
                cut,
                row.text.get("recompute"),
                *run_of(row),
            )
            found.setdefault(key, []).append(row)
    tables: dict[tuple[object, ...], Scaling] = {}
    for key, own in sorted(found.items(), key=lambda item: RATES.index(str(item[0][1]))):
        small, large = (pick(own, key=lambda row: row.numbers["chips"]) for pick in (min, max))
        chips = (int(small.numbers["chips"]), int(large.numbers["chips"]))
        if chips[1] >= WIDE * chips[0]:
            model = small.text.get("model") or small.flags.get("model", "model")
            words = ", ".join(filter(None, (model, system_of(small), small.flags.get("software"))))
            one = Scaling(str(key[0]), words, (small.id, large.id), chips)
            tables.setdefault((key[0], *key[2:]), one)
    return tuple(sorted(tables.values(), key=lambda one: (one.source_id, one.about, one.chips)))


def unscored(tables: Tables, found: Mapping[str, Sequence[Scored]]) -> dict[str, dict[str, int]]:
    """Why rows of each table are in no total."""
    counts: dict[str, Counter[str]] = {
        name: Counter(f"no prediction: `{row.skipped}`" for row in rows if row.skipped is not None)
        for name, rows in found.items()
    }
    for row in tables.training:
        if not row.to_score:
            low = row.text["kind"] == "measured"
            counts["training"]["low confidence" if low else f"{row.text['kind']}, not measured"] += 1
    counted = to_score(tables.fabric)
    for one in tables.fabric:
        if one.id not in counted:
            counts["collectives"][fabric_reason(one)] += 1
    return {name: dict(count) for name, count in counts.items()}


def fabric_reason(row: FabricRow) -> str:
    """Why a row of a collective is in no total."""
    if row.text["kind"] != "measured":
        return f"{row.text['kind']}, not measured: {row.text['metric']}"
    if not row.sure:
        return f"low confidence: {row.text['metric']}"
    return f"shown, another quantity than the time of a collective: {row.text['metric']}"


def read_aims() -> dict[str, dict[str, Aim]]:
    """What is aimed at for single sources: tables of docs/training_aims.csv."""
    found: dict[str, dict[str, Aim]] = {"steps": {}, "scaling": {}}
    with AIMS.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            inner, outer = (float(row[name]) if row[name] else None for name in ("in_sample", "left_out"))
            found[row["what"]][row["source_id"]] = Aim(inner, outer, row["why_missed"])
    return found


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


def say(text: str) -> None:
    """Print on stderr."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
