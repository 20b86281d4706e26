"""Write docs/accuracy.md: how far the estimates are from published measurements.

    python3 do.py accuracy                        write the page; held-out figures come from docs/accuracy.json
    python3 do.py accuracy --check                write nothing; 1 where the committed page is out of date
    python3 do.py accuracy --cross source=FILE    first take one cross-validation into docs/accuracy.json: FILE is what
                                                  'accord validate TABLE --cv source --json' printed
    python3 do.py accuracy --refit                first fit again, without each source, chip and model (minutes; needs
                                                  the extra [calibrate])

The measured rows are ``measured/inference.csv`` or ``inference.csv`` in the folder that ACCORD_MEASURED names, else in
``shared`` beside the project. Cross-validated figures are kept with a hash of the data they were computed with, and
shown only while that data is the packaged one. The section on training, collectives and failures is that of
``make_training_accuracy.py``, which keeps its own.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import make_training_accuracy  # beside this file

from accord import api
from accord.catalog.load import DATA, Catalog, load_catalog
from accord.report.accuracy import COMMAND, KINDS, Evidence, PeerAnswer, TableMet, page
from accord.report.accuracy_store import restored, stored
from accord.report.training_accuracy import TITLE
from accord.validation.rows import read_rows
from accord.validation.score import Scored

HERE = Path(__file__).parent
ROOT = HERE.parent
PAGE = HERE / "accuracy.md"
STORE = HERE / "accuracy.json"
PEERS = ROOT / "bench" / "peers"
FITTED = ("calibration", "engines")  # folders of the catalog that a fit writes; with defaults.yaml
LEVEL = 0.9
NO_ROWS = 4


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the page. Returns 0, 1 where a check finds it out of date, 4 without the measured rows."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write docs/accuracy.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is out of date")
    parser.add_argument("--cross", action="append", default=[], metavar="KIND=FILE", help="a cross-validation to store")
    parser.add_argument("--refit", action="store_true", help="run the cross-validations first (minutes)")
    asked = parser.parse_args(words)
    if asked.check and is_stale():
        say(f"error: calibration, engines or defaults changed since {STORE.name}; regenerate: {COMMAND}")
        say(f"hint: '{COMMAND} --refit' fits again, which takes minutes")
        return 1
    table = measured_table()
    if table is None:
        say("error: no measured/inference.csv; set ACCORD_MEASURED to the folder that has it")
        return NO_ROWS
    catalog = load_catalog()
    scored = api.validate(table.read_text(encoding="utf-8"), table.name, catalog=catalog, level=LEVEL)
    if asked.check:
        return check(catalog, table, scored)
    if asked.refit:
        refit(table, catalog)
    for kind, rows in (named_file(pair) for pair in asked.cross):
        store(kind, rows, catalog)
    PAGE.write_text(page(evidence(catalog, table, scored)), encoding="utf-8")
    say(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def store(kind: str, scored: Sequence[Scored] | Sequence[Mapping[str, object]], catalog: Catalog) -> None:
    """Keep the rows of one cross-validation; those of other data are dropped.

    kind: what was left out, one of KINDS; scored: the held-out rows, as records or as rows of ``validate --json``
    """
    if kind not in KINDS:
        raise SystemExit(f"error: {kind!r} is not one of {', '.join(KINDS)}")
    kept = kept_store()
    fresh = kept.get("fitted") == fitted_digest()
    cross = dict(kept["cross"]) if fresh else {}
    cross[kind] = stored(scored)
    keep(catalog, cross, kept.get("tables", []) if fresh else [])


def keep(
    catalog: Catalog, cross: Mapping[str, Sequence[Mapping[str, object]]], tables: Sequence[Mapping[str, object]]
) -> None:
    """Write docs/accuracy.json. tables: how far each operator table is met, as ``accord calibrate --json`` says it."""
    head = {"catalog": catalog.digest, "fitted": fitted_digest(), "level": LEVEL, "tables": list(tables)}
    STORE.write_text(store_text(head, cross), encoding="utf-8")


def store_text(head: Mapping[str, object], cross: Mapping[str, Sequence[Mapping[str, object]]]) -> str:
    """The kept figures as JSON, one row a line."""
    lines = [f"{json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
    kinds = (
        f"{json.dumps(kind)}: [\n" + ",\n".join(json.dumps(row) for row in cross[kind]) + "\n]"
        for kind in sorted(cross)
    )
    return "{\n" + "\n".join(lines) + '\n"cross": {\n' + ",\n".join(kinds) + "\n}\n}\n"


def evidence(catalog: Catalog, table: Path, scored: tuple[Scored, ...]) -> Evidence:
    """All that the page is made of."""
    rows = tuple(row for row in read_rows(table.read_text(encoding="utf-8"), table.name) if row.to_score)
    kept = kept_store()
    if is_stale():
        say(f"warning: {STORE.name} was computed with other constants and is left out; run '{COMMAND} --refit'")
        kept = {}
    cross = {kind: restored(found, scored) for kind, found in kept.get("cross", {}).items()}
    models = {row.text["model"] for row in rows if "model" in row.text} & set(catalog.ids("models"))
    families = {name: str((catalog.model(name).config or {}).get("model_type", name)) for name in models}
    file = max(PEERS.glob("aiconfigurator-*.csv"), default=None)
    name = "AIConfigurator" if file is None else f"AIConfigurator {file.stem.removeprefix('aiconfigurator-')}"
    peer = None if file is None else peer_answers(file)
    tables = tuple(
        TableMet(one["table"], one["chip"], one["shapes"], one["in_sample"], one["chip_left_out"])
        for one in kept.get("tables", [])
    )
    return Evidence(scored, rows, families, catalog.digest, cross, peer, name, LEVEL, tables, training_section())


def training_section() -> str:
    """The section on training; the committed one where its rows are not at hand."""
    found = make_training_accuracy.summary()
    if found is not None:
        return found
    text = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    start, end = text.find(TITLE), text.rfind("\nRegenerated with")
    return text[start:end] if 0 <= start < end else ""


def check(catalog: Catalog, table: Path, scored: tuple[Scored, ...]) -> int:
    """Whether the committed page says what the rows say today; the catalog hash in its last line may be older."""
    want = page(evidence(catalog, table, scored)).splitlines()[:-1]
    have = PAGE.read_text(encoding="utf-8").splitlines()[:-1]
    if want == have:
        return 0
    moved = [line for line in want if line not in set(have)]
    say(f"error: {PAGE.name} is out of date; regenerate: {COMMAND}")
    say("\n".join(f"now: {line}" for line in moved[:10]))
    return 1


def measured_table() -> Path | None:
    """The measured rows, None where they are not at hand."""
    folder = Path(os.environ.get("ACCORD_MEASURED", ROOT.parent / "shared"))
    files = (folder / "measured" / "inference.csv", folder / "inference.csv")
    return next((file for file in files if file.is_file()), None)


def refit(table: Path, catalog: Catalog) -> None:
    """Fit once to everything, then without each source, chip and model family, and keep what comes out."""
    from accord.calibration import view, whole  # noqa: PLC0415  an extra

    rows = read_rows(table.read_text(encoding="utf-8"), table.name)
    done = whole.calibrate(catalog, rows)
    cross = {}
    for kind in KINDS:
        say(f"cross-validating: one {kind} left out at a time")
        cross[kind] = stored(whole.scored_without(done, catalog, rows, kind, LEVEL))
    keep(catalog, cross, view.result_dict(done, ())["tables"])


def named_file(pair: str) -> tuple[str, list[Mapping[str, object]]]:
    """Kind and rows of ``KIND=FILE``."""
    kind, _, file = pair.partition("=")
    if not file:
        raise SystemExit(f"error: --cross {pair}: write KIND=FILE, KIND one of {', '.join(KINDS)}")
    return kind, json.loads(Path(file).read_text(encoding="utf-8"))["result"]["rows"]


def kept_store() -> dict[str, Any]:
    """What docs/accuracy.json holds, empty where there is none."""
    found: dict[str, Any] = json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {}
    return found


def is_stale() -> bool:
    """Whether the kept cross-validation was computed with other constants than the packaged ones."""
    kept = kept_store()
    return bool(kept) and kept["fitted"] != fitted_digest()


def fitted_digest() -> str:
    """SHA-256 [hex] over the files that a fit writes or starts from: calibration, engines, defaults."""
    files = [DATA / "defaults.yaml", *(file for folder in FITTED for file in (DATA / folder).glob("*.yaml"))]
    total = hashlib.sha256()
    for name, file in sorted((file.relative_to(DATA).as_posix(), file) for file in files):
        total.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def peer_answers(file: Path) -> tuple[PeerAnswer, ...]:
    """Answers of another program: columns id, source_id, metric, predicted, note; an empty prediction is none."""
    with file.open(encoding="utf-8", newline="") as lines:
        return tuple(
            PeerAnswer(row["id"], row["metric"], float(row["predicted"]) if row["predicted"] else None, row["note"])
            for row in csv.DictReader(lines)
        )


def say(text: str) -> None:
    """Print on stderr."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
