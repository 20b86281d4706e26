"""Write docs/training_accuracy.md: how near training, collectives and failures are to published measurements.

    python3 docs/make_training_accuracy.py            write the page; left-out figures come from training_accuracy.json
    python3 docs/make_training_accuracy.py --check    write nothing; 1 where the committed page is out of date
    python3 docs/make_training_accuracy.py --refit    first fit again, without each source, chip, model and system
                                                      (minutes)
    python3 docs/make_training_accuracy.py --anew     the same, and a whole fit without each source (a quarter hour)

Measured rows are ``training.csv``, ``fabric.csv`` and ``failures.csv`` in the folder ``measured`` of the folder that
ACCORD_MEASURED names (or in that folder), else of ``shared`` beside the project. Left-out figures are kept with a hash
of the constants that were fitted, and shown only while those are the packaged ones; a check also fails where
predictions have moved since. ``docs/make_accuracy.py`` takes :func:`summary` into its page.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from training_left_out import (
    LEVEL,
    ROOT,
    STORE,
    TABLES,
    Tables,
    in_sample,
    is_stale,
    is_timed_alone,
    kept_store,
    measured,
    moved,
    refit,
    say,
)  # fmt: skip

from accord.api.fabric_validate import shown_fabric
from accord.catalog.load import Catalog, load_catalog
from accord.report.accuracy_store import restored
from accord.report.training_accuracy import COMMAND, page, section
from accord.report.training_scores import Aim, Evidence, Fitted, Scaling, Scores
from accord.validation.fabric_rows import FabricRow, to_score
from accord.validation.failure_rows import FailureRow
from accord.validation.score import Scored
from accord.validation.training_predict import run_of
from accord.validation.training_rows import TrainingRow

HERE = Path(__file__).parent
PAGE = HERE / "training_accuracy.md"
AIMS = HERE / "training_aims.csv"
REFIT = "python3 docs/make_training_accuracy.py --refit"
NO_ROWS = 4
WIDE = 8  # times as many chips in the largest run of a scaling table as in its smallest
RATES = ("tokens_per_s_per_chip", "mfu")  # of a chip, the first first
PEER = re.compile(r"another simulator \(([^)]+)\) predicted ([0-9.]+) s")
DAY_S = 86400.0


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the page. Returns 0, 1 where a check finds it out of date, 4 without the measured rows."""
    parser = argparse.ArgumentParser(description="Write docs/training_accuracy.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is out of date")
    parser.add_argument("--refit", action="store_true", help="fit again with each group left out first (minutes)")
    parser.add_argument("--anew", action="store_true", help="the same, with a whole fit for each source (15 minutes)")
    asked = parser.parse_args(words)
    if asked.check and is_stale():
        say(f"error: constants of training, collectives or failures changed since {STORE.name}; regenerate: {REFIT}")
        return 1
    tables = measured()
    if tables is None:
        say(f"error: no measured/{', '.join(TABLES)}; set ACCORD_MEASURED to the folder that has them")
        return NO_ROWS
    catalog = load_catalog()
    if asked.refit or asked.anew:
        refit(tables, catalog, asked.anew)
    found = evidence(tables, catalog)
    gone = moved(found)
    if gone:
        say(f"{'error' if asked.check else 'warning'}: {gone}; left-out figures are older; regenerate: {REFIT}")
    text = page(found)
    if asked.check:
        return check(text) or int(bool(gone))
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
    texts, found = tables.texts, in_sample(tables, catalog)
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


# What rows say


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


if __name__ == "__main__":
    sys.exit(main())
