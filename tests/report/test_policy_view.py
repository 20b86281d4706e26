"""Export control in words: comparisons, branches, bounds, periods, and the tables that hold them."""

from __future__ import annotations

import datetime
import functools

import pytest

from accord.api.law import Law
from accord.api.policy_ask import Question
from accord.api.policy_classify import classify_answer, migrate_answer
from accord.catalog.load import load_catalog
from accord.policy.branches import Branch
from accord.policy.countries import named_as
from accord.policy.facts import Uncertain
from accord.policy.history import Period
from accord.policy.logic import FALSE, TRUE, UNKNOWN, LeafTrace
from accord.report import policy_words as words
from accord.report.policy_branches import merged
from accord.report.policy_view import periods_table
from accord.report.tables import Table, to_text

DAY = datetime.date(2025, 5, 1)


@functools.cache
def law() -> Law:
    return Law(load_catalog())


def shown(question: Question, day: datetime.date = DAY, **more: bool) -> str:
    return "\n".join(to_text(table) for table in classify_answer(question, day, law(), **more).tables)


def leaf(fact: str, op: str, threshold: float | str, value: object, result: int, **more: object) -> LeafTrace:
    margin = value / threshold - 1.0 if isinstance(value, float) and isinstance(threshold, float) else None
    fields = {"unit": "1", "margin": margin, "probability": None, **more}
    return LeafTrace(fact=fact, op=op, threshold=threshold, value=value, result=result, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (leaf("tpp", ">=", 4800.0, 2368.0, FALSE), "TPP 2,368 < 4,800 (51 % below)"),
        (leaf("tpp", ">=", 4800.0, 4800.0, TRUE), "TPP 4,800 >= 4,800 (at it)"),
        (leaf("tpp", "<", 21000.0, 20919.0, TRUE), "TPP 20,919 < 21,000 (0.39 % below)"),
        (leaf("tpp", ">=", 1600.0, 36000.0, TRUE), "TPP 36,000 >= 1,600 (22.5 times it)"),
        (leaf("tpp", ">=", 4800.0, None, UNKNOWN), "TPP not known (>= 4,800?)"),
        (leaf("io_bandwidth", ">=", 600e9, 400e9, FALSE), "I/O bandwidth 400 GB/s < 600 GB/s (33 % below)"),
        (leaf("performance_density", ">=", 5.92, 6.5, TRUE), "performance density 6.5 1/mm2 >= 5.92 1/mm2 (9.8 % above)"),  # noqa: E501
        (leaf("destination", "in", "D:5, MO", "CN", TRUE), "destination CN: in D:5, MO"),
        (leaf("destination", "in", "D:5, MO", "DE", FALSE), "destination DE: not in D:5, MO"),
        (leaf("hq", "in", "D:5", None, UNKNOWN), "consignee's headquarters not known (in D:5?)"),
        (leaf("hq", "in", "D:4", "XX", UNKNOWN), "consignee's headquarters XX: perhaps in D:4"),
        (leaf("item_names", "meets", "h20", frozenset({"h20", "nvidia"}), TRUE), "words of its name h20, nvidia: meets h20"),  # noqa: E501
        (
            leaf("tpp", ">=", 4800.0, Uncertain(5000.0, 4000.0, 6000.0), UNKNOWN, margin=0.04, probability=0.63),
            "TPP 5,000 (4,000 to 6,000) >=? 4,800 (4 % above, holds with 63 % probability)",
        ),
    ],
)  # fmt: skip
def test_comparisons(one: LeafTrace, said: str) -> None:
    assert words.comparison(one) == said


def branch(
    low: float | None, high: float | None, eccn: str, *, with_low: bool = False, with_high: bool = False
) -> Branch:
    return Branch("die_area", low, high, with_low, with_high, (), 1.0, eccn, "no_licence", "no_rule")


def test_branches_of_numbers() -> None:
    found = [
        branch(None, 400.0, "3A090.a", with_high=True), branch(400.0, 800.0, "3A090.b", with_high=True),
        branch(800.0, None, "none"),
    ]  # fmt: skip
    assert [words.branch_text(one) for one in found] == ["400 mm2 or less", "above 400 mm2 to 800 mm2", "above 800 mm2"]
    assert words.bound(found, "3A090.a") == "not 3A090.a if the applicable die area is above 400 mm2"
    assert words.bound(found, "3A090.b") == "not 3A090.b if the applicable die area is above 800 mm2 or 400 mm2 or less"
    assert words.bound(found, "3A090.c") is None
    assert words.bound(found[:1], "3A090.a") is None
    split = [found[0], found[1], branch(800.0, None, "3A090.a")]
    assert words.bound(split, "3A090.a") is None
    assert words.branch_text(branch(None, None, "none")) == "any"
    assert words.branch_text(branch(400.0, 400.0, "none", with_low=True, with_high=True)) == "400 mm2 exactly"
    assert words.branch_text(branch(400.0, None, "none", with_low=True)) == "400 mm2 or more"
    assert words.branch_text(branch(None, 400.0, "none")) == "below 400 mm2"
    assert words.branch_text(branch(400.0, 800.0, "none", with_low=True)) == "400 mm2 to below 800 mm2"


@pytest.mark.parametrize(
    ("field", "names", "said"),
    [
        ("exporter", ("nvidia",), "nvidia"), ("exporter", (), "anybody else"), ("hq", (), "elsewhere"),
        ("memory_kind", ("gddr", "ddr"), "gddr or ddr"), ("item_names", (), "anything else"),
    ],
)  # fmt: skip
def test_branches_of_words(field: str, names: tuple[str, ...], said: str) -> None:
    assert words.branch_text(Branch(field, None, None, False, False, names, "x", "none", "x", "no_rule")) == said


def test_facts_with_their_units() -> None:
    assert words.fact_text("dram_bandwidth", 4e12) == "4 TB/s"
    assert words.fact_text("transistors", 80e9) == "80 billion"
    assert words.fact_text("placed_on_market", float(DAY.toordinal())) == "2025-05-01"
    assert words.fact_text("tpp", None) == "not known"
    assert words.fact_text("hq", "CN") == "CN"


def test_spans() -> None:
    day = datetime.date
    assert words.span_text(None, None) == "always"
    assert words.span_text(None, day(2022, 8, 26)) == "until 2022-08-25"
    assert words.span_text(day(2022, 8, 26), None) == "from 2022-08-26"
    assert words.span_text(day(2022, 8, 26), day(2022, 10, 21)) == "2022-08-26 to 2022-10-20"
    assert words.span_text(day(2022, 8, 26), day(2022, 8, 27)) == "2022-08-26"


def test_what_was_before_and_what_follows() -> None:
    day = datetime.date(2023, 11, 17)
    periods = (
        Period(None, day, "3A090", "no_licence", "no_rule", (), ()),
        Period(day, None, "3A090.a", "licence:required", "restricted:blocked", (), ("a/b", "c/d"), beyond=True),
    )
    said = words.near_text(periods, datetime.date(2023, 1, 1))
    assert said == (
        "until 2023-11-16: 3A090 / no_licence; "
        "from 2023-11-17: 3A090.a / licence:required (importer: restricted:blocked)"
    )
    assert words.near_text(periods, day).startswith("before: 3A090 / no_licence; from 2023-11-17")
    assert "--history" in words.near_text((), day)
    text = to_text(periods_table("T", periods))
    assert "a/b\nc/d" in text
    assert "From 2023-11-17 on" in text


def test_unknown_countries_and_parties_are_no_errors() -> None:
    said = shown(Question(id="nvidia-h100-sxm", seller="US", buyer="MY", exporter="nvidia"))
    assert "depends:hq" in said
    assert "depends on consignee's headquarters" in said
    open_ = shown(Question(id="nvidia-h100-sxm", buyer="MY"), datetime.date(2025, 2, 1))
    assert "depends:transaction" not in open_
    bare = shown(Question(id="nvidia-h100-sxm"))
    assert "no country of destination is told" in bare
    assert "from an unstated country to an unstated country, headquarters not stated" in bare


def test_standings_are_told() -> None:
    said = shown(
        Question(id="nvidia-h20", seller="US", buyer="CN", hq="CN", exporter="nvidia"), datetime.date(2025, 9, 1)
    )
    assert "reported, no public text was seen" in said
    assert "(a stricter rule, or one in its place, counts)" in said
    early = shown(Question(id="nvidia-h100-sxm", seller="US", buyer="PL", hq="PL"), datetime.date(2025, 2, 1))
    assert "to be kept from 2025-05-15 on" in early
    assert "(not to be kept yet)" in early
    materials = {"item_type": "material", "material": "gallium", "origin": "CN"}
    late = Question(id="nvidia-h20", seller="CN", buyer="US", hq="US", given=materials)
    assert "nobody has checked that it holds" in shown(late, datetime.date(2026, 12, 1))


def test_the_importers_side_is_asked_as_an_import() -> None:
    question = Question(id="nvidia-h200-sxm", seller="US", buyer="CN", hq="CN", exporter="nvidia")
    assert "transaction import_into_cn: in import_into_cn" in shown(question, datetime.date(2026, 2, 1), explain=True)


def test_systems_say_that_they_follow_their_chips() -> None:
    said = shown(Question(id="nvidia-hgx-h100-8", seller="US", buyer="CN", hq="CN"))
    assert "4A090.a (follows its chips, 3A090.a)" in said


def test_other_parameters_and_history_are_shown() -> None:
    question = Question(id="nvidia-h20", seller="US", buyer="CN", hq="CN", what_if={"3A090.a.tpp": 2000.0})
    said = shown(question, through_time=True, explain=True)
    assert "3A090.a.tpp = 2,000" in said
    assert "NVIDIA H20 through time" in said
    assert "Rules that were asked" in said


@pytest.mark.parametrize("id", ["nvidia-h20", "huawei-cloudmatrix-384", "amd-mi308x", "amd-mi309"])
def test_json_and_tables_say_one_thing(id: str) -> None:
    told = classify_answer(Question(id=id, seller="US", buyer="CN"), DAY, law())
    text = "\n".join(to_text(table) for table in told.tables)
    assert str(told.result["eccn"]) in text
    assert str(told.result["outcome"]) in text
    for one in told.result["not_checked"]:  # type: ignore[attr-defined]
        assert one in text


def test_migrate_tables() -> None:
    told = migrate_answer(Question(id="nvidia-h20", seller="US", buyer="CN", exporter="Foo"), law())
    table = told.tables[0]
    assert isinstance(table, Table)
    assert table.title == "NVIDIA H20 through time, from US to CN, headquarters not stated, exporter Foo"
    assert any("Foo: not screened" in note for note in table.notes)
    assert told.warnings
    assert len(table.rows) == len(told.result["periods"])  # type: ignore[arg-type]


def test_countries_are_named_as_rules_name_them() -> None:
    said = shown(Question(id="nvidia-h100-sxm", seller="US", buyer="DE"), datetime.date(2024, 6, 1))
    assert "D:5 or MO -> licence:presumption_of_denial" in said
    assert "elsewhere -> no_licence" in said
    ways = {"D:5": frozenset("AB"), "A": frozenset("A"), "MO": frozenset("C"), "E:1": frozenset("BD")}
    assert named_as(("A", "B", "C"), ways) == ("D:5", "C")
    assert named_as(("A", "B", "C", "X"), ways) == ("D:5", "C", "X")
    assert named_as(("Y", "X"), ways) == ("X", "Y")
    many = {"D:5": frozenset("ABCDEFG"), "P": frozenset("ABC")}
    assert named_as(tuple("ABCDE"), many) == ("D:5 without F, G",)
    assert named_as(tuple("ABCDEX"), many) == ("D:5 without F, G", "X")
    assert named_as(tuple("ABC"), many) == ("P",)


def test_branches_that_answer_nothing_are_only_named() -> None:
    def one(words: tuple[str, ...], outcome: str, importer: str = "no_rule") -> Branch:
        return Branch("state_funded", None, None, False, False, words, "x", "none", outcome, importer)

    same = merged((one(("yes",), "depends:hq"), one(("no",), "depends:hq")), lambda way: (way.outcome,))
    assert [way.words for way in same] == [("yes", "no")]
    said = shown(Question(id="nvidia-h100-sxm", seller="US"), datetime.date(2024, 6, 1))
    assert "-> depends:hq\n" not in said or "-> licence" in said


def test_what_settles_a_rule_is_told_and_no_more() -> None:
    question = Question(id="nvidia-h100-sxm", seller="US", buyer="CN", hq="CN", exporter="nvidia")
    said = shown(question, datetime.date(2024, 6, 1))
    assert "TPP 15,832 >= 4,800" in said
    assert "TPP 15,832 >= 1,600" not in said
    assert "TPP 15,832 >= 1,600" in shown(question, datetime.date(2024, 6, 1), explain=True)
    assert said.count("89 FR 23876") == 1


def test_rules_that_decide_are_those_that_the_text_names_beside_the_law() -> None:
    """A rule that a deciding fact leaves open decides; one that takes back a presumption of no effect does not."""
    found = classify_answer(Question(id="nvidia-h20", seller="US", buyer="CN"), DAY, law())
    rules = found.result["rules"]
    assert isinstance(rules, list)
    deciding = {f"{one['instrument']}/{one['rule']}" for one in rules if one["decides"]}
    assert deciding == {"us-isinformed-2025-04/intel", "us-isinformed-2025-04/nvidia"}
    assert any(one["counts"] for one in rules if not one["decides"])
