"""Cases that a lawyer can read: an item, a deal, a day, and what follows, each with the rule it is read from.

Files in ``cases``. A case names an ``item`` of the catalog, or the figures of a ``part`` in the units
of the legal facts.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from accord.api.law import Law
from accord.api.policy_ask import Question, parse_fact, read_question
from accord.catalog.legal_fact import FACTS
from accord.catalog.load import load_catalog
from accord.policy.classify import Verdict
from accord.policy.item import Item

FOLDER = Path(__file__).parent / "cases"
FEWEST = 60
KNOWN = {
    "case", "item", "part", "day", "from", "to", "hq", "exporter", "consignee", "transaction", "set", "class",
    "outcome", "importer", "why", "cite",
}  # fmt: skip
NEEDED = {"case", "day", "class", "outcome", "why", "cite"}


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{file.stem}-{case['case']}")
        for file in sorted(FOLDER.glob("*.yaml"))
        for case in yaml.safe_load(file.read_text(encoding="utf-8"))
    ]


CASES = _cases()


@functools.cache
def law() -> Law:
    return Law(load_catalog())


def stated(name: str, value: object) -> str:
    """A fact as a flag states it: numbers of a case are in the unit of the fact."""
    unit = FACTS[name].unit
    return f"{value} {unit}" if isinstance(value, int | float) and unit != "1" else str(value)


def answer(case: Mapping[str, Any]) -> Verdict:
    """What the rules say of a case."""
    day = datetime.date.fromisoformat(case["day"])
    question = Question(
        id=case.get("item", "nvidia-h20"), seller=case.get("from"), buyer=case.get("to"), hq=case.get("hq"),
        consignee=case.get("consignee"), exporter=case.get("exporter"), transaction=case.get("transaction"),
        given={name: stated(name, value) for name, value in case.get("set", {}).items()},
    )  # fmt: skip
    asked = read_question(question, law())
    if "part" in case:
        facts = {name: parse_fact(name, stated(name, value)) for name, value in case["part"].items()}
        asked = replace(asked, item=Item(case["case"], "a part", facts, {}))
    return law().classified(asked.item, asked.deal(day), day).verdict


@pytest.mark.parametrize("case", CASES)
def test_case(case: Mapping[str, Any]) -> None:
    assert NEEDED <= set(case) <= KNOWN
    assert ("item" in case) != ("part" in case)
    found = answer(case)
    assert (found.eccn, found.outcome) == (case["class"], case["outcome"]), case["why"]
    if "importer" in case:
        assert found.importer == case["importer"], case["why"]


def test_there_are_enough_and_each_is_named_once() -> None:
    names = [case.values[0]["case"] for case in CASES]
    assert len(names) == len(set(names))
    assert len(names) >= FEWEST


def test_every_citation_is_a_rule_of_the_catalog() -> None:
    rules = {f"{one.id}/{rule.name}" for one in law().instruments for rule in one.rules}
    assert {case.values[0]["cite"] for case in CASES} <= rules


def test_every_instrument_on_exports_and_imports_has_a_case() -> None:
    cited = {case.values[0]["cite"].partition("/")[0] for case in CASES}
    asked = {one.id for one in law().instruments if one.topic in ("export", "import")}
    assert asked - cited <= {"us-dcveu-2024", "us-4e091", "cn-re-2025-10"}  # no outcome of a chip hangs on these
