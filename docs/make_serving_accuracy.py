"""Write docs/serving_accuracy.md: how near simulated serving is to measured serving.

    python3 docs/make_serving_accuracy.py            write the page and its pictures
    python3 docs/make_serving_accuracy.py --check    write nothing; 1 where the committed page is out of date

Measured rows are ``serving.csv`` and ``inference.csv`` in the folder ``measured`` of the folder that ACCORD_MEASURED
names (or in that folder), measured runs the files of ``traces`` there; else ``shared`` beside the project is tried.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from accord import api
from accord.api.replay import Replay, configured, misses, replay
from accord.catalog.load import Catalog, load_catalog
from accord.report.outputs import Drawn
from accord.report.plots.replay import picture
from accord.report.serving_accuracy import SHOWN, Evidence, Replayed, Stage, page
from accord.validation.rows import Row, read_rows
from accord.validation.score import Scored

HERE = Path(__file__).parent
ROOT = HERE.parent
PAGE = HERE / "serving_accuracy.md"
RUNS = ROOT / "tests" / "published" / "vllm_runs" / "runs.csv"
LOADS = ROOT / "tests" / "published" / "vllm_stages" / "loads.csv"
NO_ROWS = 4
MANY = 1_000_000  # prompts, more than any stage sends
_PATH = re.compile(r'(?<= d=")[^"]*')
_INDENT = re.compile(r"\s*\n\s*")
_UNUSED = re.compile(r'<!-- .*? -->|(?<=<g) id="[^"]*"')
_LETTERS = re.compile(r"\s*([A-Zz])\s*")
_DECIMALS = re.compile(r"\d+\.\d+")


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the page. Returns 0, 1 where a check finds it out of date, 4 without the measured rows."""
    parser = argparse.ArgumentParser(description="Write docs/serving_accuracy.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the page is out of date")
    asked = parser.parse_args(words)
    stages, rows = measured("serving.csv"), measured("inference.csv")
    if stages is None or rows is None:
        say("error: no measured/serving.csv and inference.csv; set ACCORD_MEASURED to the folder that has them")
        return NO_ROWS
    catalog = load_catalog()
    pictures: dict[str, bytes] = {}
    text = page(evidence(catalog, stages, rows, pictures))
    if asked.check:
        same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        if not same:
            say(f"error: {PAGE.name} is out of date; regenerate it")
        return 0 if same else 1
    PAGE.write_text(text, encoding="utf-8")
    for name, content in pictures.items():
        (HERE / name).write_bytes(content)
    say(f"wrote {PAGE.relative_to(ROOT)} and {len(pictures)} pictures")
    return 0


def evidence(catalog: Catalog, stages: Path, rows: Path, pictures: dict[str, bytes]) -> Evidence:
    """All that the page is made of; pictures go into ``pictures`` by file name."""
    content, facts = stages.read_text(encoding="utf-8"), LOADS.read_text(encoding="utf-8")
    table = {row.id: row for row in read_rows(content, stages.name)}
    both = [
        [
            stages_of(table, verb(content, stages.name, catalog=catalog, facts=more))
            for verb in (api.validate, api.censored)
        ]
        for more in ("", facts)
    ]
    (plain, plain_cut), (known, known_cut) = both
    never = "source_id,distinct_prompts\n" + "".join(
        f"{source},{MANY}\n" for source in dict.fromkeys(row.text["source_id"] for row in table.values())
    )
    fresh = stages_of(table, api.validate(content, stages.name, catalog=catalog, facts=never))
    other = rows.read_text(encoding="utf-8")
    ours = {row.id: row for row in api.validate(other, rows.name, catalog=catalog) if row.simulated}
    formula = {row.id: row for row in api.validate(other, rows.name, catalog=catalog, simulated=False)}
    return Evidence(runs(catalog, pictures), plain, known, fresh, plain_cut, known_cut, formula, ours)


def stages_of(table: Mapping[str, Row], scored: Iterable[Scored]) -> list[Stage]:
    """Rows of a table by the stage they are of, in the order of the table."""
    found: dict[tuple[object, ...], dict[str, Scored]] = {}
    words: dict[tuple[object, ...], str] = {}
    for one in scored:
        row = table[one.id]
        key = (one.model, row.count("tp"), row.number("request_rate"), row.number("isl"), row.number("osl"))
        words[key] = f"{one.model} TP{key[1]}, {key[2]:.0f}/s, {key[3]:.0f} in, {key[4]:.0f} out"
        found.setdefault(key, {})[one.metric] = one
    return [Stage(words[key], rows) for key, rows in found.items()]


def runs(catalog: Catalog, pictures: dict[str, bytes]) -> list[Replayed]:
    """The runs whose files are at hand."""
    found = []
    with RUNS.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            requests, series = (
                trace(f"llmservingsim_vllm_{row['run']}_{part}") for part in ("requests.jsonl", "timeseries.csv")
            )
            if requests is not None:
                text = None if series is None else series.read_text(encoding="utf-8")
                done = replayed(catalog, row, requests.read_text(encoding="utf-8"), text)
                name = f"serving_{row['run'].lower().replace('.', '-')}.svg"
                pictures[name] = shorter(picture(done.outcome, Drawn(measured=done.measured), "svg"))
                found.append(met(row, done, name))
    return found


def replayed(catalog: Catalog, row: Mapping[str, str], requests: str, series: str | None) -> Replay:
    """A run played again. row: of the table of runs; requests, series: text of its files."""
    return replay(catalog, *configured(row), requests, series, name=row["run"])


def met(row: Mapping[str, str], done: Replay, name: str) -> Replayed:
    """A run as the page shows it."""
    tokens = done.built[0].pool.kv_tokens
    layout = ", ".join(f"{rank.upper()}{row[rank]}" for rank in ("tp", "dp", "ep") if row[rank] != "1") or "one device"
    cache = "stated" if row["kv_blocks"] else "as estimated"
    about = (
        f"{row['model']} on {row['system']} ({layout}; {row['max_num_seqs']} requests, {row['max_num_batched_tokens']} "
        f"tokens a step, cache of {tokens:,} tokens {cache})"
    )
    metrics = {metric: (done.of(metric).measured, done.of(metric).predicted) for metric in SHOWN}
    return Replayed(row["run"], about, metrics, misses(done.outcome, done.measured), name)


def shorter(svg: bytes) -> bytes:
    """The same picture with coordinates to a tenth of a point, without indents, comments and names of groups."""

    def rounded(found: re.Match[str]) -> str:
        short = _DECIMALS.sub(lambda number: f"{float(number.group()):.1f}".removesuffix(".0"), found.group())
        return _LETTERS.sub(r"\1", short)

    return _INDENT.sub("\n", _UNUSED.sub("", _PATH.sub(rounded, svg.decode()))).encode()


def measured(name: str) -> Path | None:
    """A measured table, None where it is not at hand."""
    folder = Path(os.environ.get("ACCORD_MEASURED", ROOT.parent / "shared"))
    return next((file for file in (folder / "measured" / name, folder / name) if file.is_file()), None)


def trace(name: str) -> Path | None:
    """A file of a measured run, None where it is not at hand."""
    folder = Path(os.environ.get("ACCORD_MEASURED", ROOT.parent / "shared"))
    files = (folder / "traces" / name, folder.parent / "traces" / name, folder / name)
    return next((file for file in files if file.is_file()), None)


def say(text: str) -> None:
    """Print on stderr."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
