"""Write docs/tpp.md: what the law asks of each chip of the catalog, its class, and Epoch AI's figures beside.

    python docs/make_tpp.py            write docs/tpp.md
    python docs/make_tpp.py --check    write nothing; 1 where the page is not what the catalog says

docs/tpp_epoch.csv holds Epoch AI's figures of total processing performance and die area (edition of 2026-01-14,
CC BY 4.0), and why the catalog differs where it does.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from accord.api.law import Law
from accord.catalog.load import load_catalog
from accord.policy.branches import Branch, branches
from accord.policy.classify import classify
from accord.policy.facts import FactValue, Uncertain
from accord.policy.item import Item
from accord.policy.rulebook import Rulebook

HERE = Path(__file__).parent
PAGE = HERE / "tpp.md"
EPOCH = HERE / "tpp_epoch.csv"
DAY = datetime.date(2024, 6, 1)
NEAR = 0.02  # relative; figures nearer than this agree
UNKNOWN = "unknown"
COLUMNS = {"tpp": "tpp", "die_area": "die_area_mm2"}  # fact -> column of EPOCH
SHOWN = {"tpp": "TPP", "die_area": "die area [mm2]"}
INTRO = """# Total processing performance of the chips

Written by `python docs/make_tpp.py` from the catalog; do not edit. Not legal advice.

TPP is the most, over FP16, BF16, FP8, INT8, FP4 and INT4, of the dense rate in TOPS times the bits of the format, of
all dies of a package; a printed TOPS counts a multiply and add as two already. Die area is that of logic dies with
their caches on a non-planar node; memory stacks, dies without circuits and planar dies are left out. PD is TPP over
die area. Data center: designed or marketed for one; where no page of the vendor was at hand that is assumed from the
form of the product. The class is that of the rules of {day}, of the item alone; whether a deal needs a licence
is another question. Figures, how each is known and from where: `accord catalog show CHIP`.
"""
KNOWN = "## Chips by class\n"
OPEN = """## Chips whose class is not known

What would decide, and what follows from it. A missing figure is no permission.
"""
NONE = """Of these nothing is published that the rules ask for: {names}.
"""
BESIDE = """## Against Epoch AI

{agree} of {all} figures of Epoch AI's table agree within {near:.0%}. The others, and the class that follows:
"""
CREDIT = """Epoch's figures: Epoch AI, "Data on Machine Learning Hardware", published online at epoch.ai, edition of
2026-01-14, licence CC BY 4.0.
"""


class Difference(NamedTuple):
    """A figure of Epoch's that is not the catalog's; fact: ``tpp`` or ``die_area``; why: in words."""

    chip: str
    fact: str
    ours: float
    theirs: float
    why: str


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the page. Returns 0, 1 where a check finds another page."""
    parser = argparse.ArgumentParser(description="Write docs/tpp.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where the page differs")
    asked = parser.parse_args(words)
    text = page()
    if asked.check:
        same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        sys.stderr.write("docs/tpp.md is up to date\n" if same else "error: run 'python docs/make_tpp.py'\n")
        return 0 if same else 1
    PAGE.write_text(text, encoding="utf-8")
    sys.stderr.write("wrote docs/tpp.md\n")
    return 0


def page() -> str:
    """The whole page."""
    law = Law(load_catalog())
    book = law.book(DAY)
    items = {id: law.item(id) for id in law.catalog.ids("chips")}
    classes = {id: classify(book, item.facts).eccn for id, item in items.items()}
    epoch = epoch_rows()
    told = {id: item for id, item in items.items() if classes[id] != UNKNOWN}
    unknown = {id: item for id, item in items.items() if classes[id] == UNKNOWN}
    bare = [item.name for item in unknown.values() if not {"tpp", "die_area"} & set(item.facts)]
    parts = [INTRO.format(day=DAY.isoformat()), KNOWN, known_table(told, classes, epoch)]
    parts += [OPEN, open_table({id: item for id, item in unknown.items() if item.name not in bare}, book)]
    parts += [NONE.format(names=", ".join(bare))] if bare else []
    found = differences(items, epoch)
    total = sum(bool(row[column]) for row in epoch.values() for column in COLUMNS.values())
    parts += [
        BESIDE.format(agree=total - len(found), all=total, near=NEAR),
        difference_table(found, items, book),
        CREDIT,
    ]
    return "\n".join(parts)


def epoch_rows() -> dict[str, dict[str, str]]:
    """Epoch's figures by chip."""
    with EPOCH.open(encoding="utf-8", newline="") as file:
        return {row["chip"]: row for row in csv.DictReader(file)}


def differences(items: Mapping[str, Item], epoch: Mapping[str, Mapping[str, str]]) -> list[Difference]:
    """Figures that are more than ``NEAR`` apart, in the order of chips."""
    found = []
    for id, row in epoch.items():
        for fact, column in COLUMNS.items():
            ours = _number(items[id].facts.get(fact))
            if row[column] and ours is not None and abs(ours / float(row[column]) - 1.0) > NEAR:
                found.append(Difference(id, fact, ours, float(row[column]), row["why_different"]))
    return found


def flips(one: Difference, item: Item, book: Rulebook) -> tuple[str, str, bool]:
    """Return the class with the catalog's figure and with Epoch's, and whether that is as marketed for data centers.

    Where the two are the same for a chip that is not marketed so, they are compared as if it were.
    """
    pairs = []
    for marketed in (item.facts.get("datacenter_marketed"), "yes"):
        facts: dict[str, FactValue] = dict(item.facts)
        if marketed is not None:
            facts["datacenter_marketed"] = marketed
        ours = classify(book, facts).eccn
        theirs = classify(book, {**facts, one.fact: one.theirs}).eccn
        pairs.append((ours, theirs))
        if ours != theirs:
            break
    changed = pairs[-1][0] != pairs[-1][1]
    ours, theirs = pairs[-1] if changed else pairs[0]
    return ours, theirs, len(pairs) == 2 and changed


def known_table(items: Mapping[str, Item], classes: Mapping[str, str], epoch: Mapping[str, Mapping[str, str]]) -> str:
    """Chips whose class is known, by class and falling TPP."""
    head = ("chip", "class", "TPP", "from", "die area [mm2]", "PD", "data center", "TPP, Epoch", "die area, Epoch")
    lines = []
    for id in sorted(items, key=lambda id: (classes[id], -(_number(items[id].facts.get("tpp")) or 0.0), id)):
        item, row = items[id], epoch.get(id, {})
        tpp, area = _number(item.facts.get("tpp")), _number(item.facts.get("die_area"))
        density = f"{tpp / area:.2f}" if tpp and area else ""
        marketed = str(item.facts.get("datacenter_marketed", "not said"))
        how = item.told["tpp"].how if "tpp" in item.told else ""
        theirs = (_shown(float(row[column])) if row.get(column) else "" for column in COLUMNS.values())
        lines.append((item.name, classes[id], _shown(tpp), how, _shown(area), density, marketed, *theirs))
    return table(head, lines, right=(2, 4, 5, 7, 8))


def open_table(items: Mapping[str, Item], book: Rulebook) -> str:
    """Chips whose class hangs on a figure that nobody published, with what follows."""
    lines = []
    for item in items.values():
        missing = [fact for fact in ("tpp", "die_area") if fact not in item.facts]
        follows = "; ".join(_branch_words(one) for one in branches(book, item.facts, missing[0])) if missing else ""
        lines.append((item.name, _shown(_number(item.facts.get("tpp"))), SHOWN[missing[0]] if missing else "", follows))
    return table(("chip", "TPP", "missing", "class"), lines, right=(1,))


def difference_table(found: Sequence[Difference], items: Mapping[str, Item], book: Rulebook) -> str:
    """Figures that differ, and whether that flips the class."""
    lines = []
    for one in found:
        ours, theirs, supposed = flips(one, items[one.chip], book)
        changes = "no" if ours == theirs else "if it counts as marketed for data centers" if supposed else "yes"
        both = f"{ours}, {theirs}" if ours != theirs else ours
        lines.append(
            (items[one.chip].name, SHOWN[one.fact], _shown(one.ours), _shown(one.theirs), one.why, both, changes)
        )
    head = ("chip", "figure", "here", "Epoch", "why", "class here, with Epoch's figure", "flips")
    return table(head, lines, right=(2, 3))


def table(head: Sequence[str], lines: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table in Markdown; right: columns of numbers."""
    rule = ["--:" if at in right else ":--" for at in range(len(head))]
    return (
        "\n".join(f"| {' | '.join(line)} |" for line in (head, *lines)).replace("|\n", f"|\n|{'|'.join(rule)}|\n", 1)
        + "\n"
    )


def _branch_words(one: Branch) -> str:
    low, high = _shown(one.low), _shown(one.high)
    if one.low is None and one.high is None:
        return one.eccn
    if one.low is None:
        return f"{one.eccn} {'up to' if one.with_high else 'below'} {high}"
    if one.high is None:
        return f"{one.eccn} {'from' if one.with_low else 'above'} {low}"
    return f"{one.eccn} between {low} and {high}"


def _number(value: FactValue | None) -> float | None:
    if isinstance(value, Uncertain):
        return value.value
    return float(value) if isinstance(value, int | float) else None


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


if __name__ == "__main__":
    sys.exit(main())
