"""Verdicts as tables and dicts."""

from __future__ import annotations

from typing import Any

from accord.planner.lawful import UNCHECKED, Lawful, LawTerms, ModelLaw, SystemLaw
from accord.report.plan_cells import WIDTH
from accord.report.plan_law import law_dict, law_tables, law_words
from accord.report.tables import to_text

TERMS = LawTerms(
    mode="licensable", seller="US", buyer="CN", hq="CN", day="2026-02-01", exporter="nvidia", said=("assumed this",)
)


def system(name: str, **more: Any) -> SystemLaw:
    fields: dict[str, Any] = {"outcome": "no_licence", "importer": "no_rule", "passes": True, "reason": "no_licence"}
    return SystemLaw(system=name, **(fields | more))


def shown(found: Lawful) -> str:
    return "\n\n".join(map(to_text, law_tables(found)))


def test_what_is_shown_of_verdicts() -> None:
    found = Lawful(terms=TERMS, systems=(
        system("a", eccn="4A090.a", outcome="licence:case_by_case", conditions=("shared", "own " * 60),
               said=("a remark",)),
        system("b", conditions=("shared",)),
        system("c", passes=False, outcome="depends:exporter", reason="depends:exporter", deciding=("exporter",),
               branches=("exporter nvidia: licence:is_informed", "exporter anybody else: no_licence")),
    ))  # fmt: skip
    text = shown(found)
    assert max(map(len, text.splitlines())) <= WIDTH
    plain = " ".join(text.split())
    assert text.startswith("Law, from US to CN on 2026-02-01\n")
    assert "conditions shared" in plain and "a: own own" in plain and "remarks a: a remark" in plain
    assert "would decide c: exporter (exporter nvidia: licence:is_informed; exporter anybody else: no_licence)" in plain
    assert "assumed assumed this" in plain and "not covered data protection" in plain and "Not legal advice" in plain
    as_dict = law_dict(found)
    assert as_dict["answer"] == "checked" and as_dict["assumed"] == ["assumed this"]
    assert [one["system"] for one in as_dict["systems"]] == ["a", "b", "c"]  # type: ignore[attr-defined]


def test_nothing_is_shown_where_nothing_was_asked() -> None:
    assert law_tables(UNCHECKED) == ()
    assert law_dict(UNCHECKED)["answer"] == "not checked" and law_dict(UNCHECKED)["disclaimer"] is None
    open_terms = LawTerms(seller="US", buyer="CN")
    assert law_words(open_terms) == "not checked (give --from, --to and --date)"
    assert law_dict(Lawful(terms=open_terms))["from"] == "US"
    assert law_dict(UNCHECKED).keys() == law_dict(Lawful(terms=TERMS, systems=(system("a"),))).keys()


def test_a_licence_alone() -> None:
    terms = LawTerms(buyer="DE", day="2025-06-01")
    free = ModelLaw(model="m", licence="mit", answer="ok", passes=True, reason="ok")
    barred = ModelLaw(model="m", licence="x", answer="not_licensed", passes=False, reason="licence of m: not there")
    for model, words in ((free, "licence mit: ok"), (barred, "licence licence of m: not there")):
        plain = " ".join(shown(Lawful(terms=terms, model=model)).split())
        assert plain.startswith("Licence of m in DE") and words in plain and "as of 2025-06-01" in plain
    asked = Lawful(terms=TERMS, systems=(system("a"),), model=free)
    assert "consignee" not in law_words(TERMS) and "consignee c" in law_words(
        LawTerms(seller="US", buyer="CN", day="2025-06-01", hq="CN", consignee="c")
    )
    assert shown(asked).count("\n\n") == 1
