"""Single rules: verdict, results of their comparisons, and what is told of each."""

from __future__ import annotations

import datetime
import itertools

import numpy as np
import pytest
from tests.policy.made_up import DAY, GROUPS
from tests.policy.small import instrument, rule

from accord.catalog.instrument import Clause, Scope
from accord.policy.facts import FactValue, Uncertain
from accord.policy.logic import FALSE, TRUE, UNKNOWN, VERDICTS, CompiledRule, compile_rule, scope_clause
from accord.policy.places import Places

OPEN = Scope()
YES = Clause(fact="has_hbm", op="is", value="yes")
NO = Clause(fact="open_weights", op="is", value="yes")
TPP = Clause(fact="tpp", op=">=", param="tpp")
STATES: dict[int, dict[str, FactValue]] = {FALSE: {"has_hbm": "no"}, UNKNOWN: {}, TRUE: {"has_hbm": "yes"}}
OTHERS: dict[int, dict[str, FactValue]] = {FALSE: {"open_weights": "no"}, UNKNOWN: {}, TRUE: {"open_weights": "yes"}}


def compiled(
    when: Clause | None, scope: Scope = OPEN, what_if: dict[str, float] | None = None, **params: float
) -> CompiledRule:
    one = instrument(rule("one", "class", "none", when=when, scope=scope, params=params), id="made-up")
    return compile_rule(one, one.rules[0], one.rules[0].spans[0], Places(GROUPS, DAY), what_if)


def test_the_names_of_verdicts() -> None:
    assert [VERDICTS[one] for one in (FALSE, UNKNOWN, TRUE)] == ["false", "unknown", "true"]


@pytest.mark.parametrize("one, other", list(itertools.product((FALSE, UNKNOWN, TRUE), repeat=2)))
def test_tables_of_truth(one: int, other: int) -> None:
    facts = {**STATES[one], **OTHERS[other]}
    assert compiled(Clause(all=(YES, NO))).evaluate(facts) == (min(one, other), [one, other])
    assert compiled(Clause(any=(YES, NO))).evaluate(facts) == (max(one, other), [one, other])
    assert compiled(Clause(not_=YES)).evaluate(facts) == (2 - one, [one])
    both = Clause(all=(Clause(not_=Clause(any=(YES, NO))), Clause(any=(YES,))))
    assert compiled(both).evaluate(facts) == (min(2 - max(one, other), one), [one, other, one])


def test_a_rule_that_asks_nothing_always_holds() -> None:
    rule = compiled(None)
    assert rule.evaluate({}) == (TRUE, [])
    assert rule.leaves == ()
    assert rule.explain({}, []) == ()
    assert rule.vectorised({}, 3).tolist() == [TRUE] * 3


def test_its_name_and_what_it_asks() -> None:
    rule = compiled(Clause(all=(TPP, YES)), Scope(items=("ic",)), tpp=4800.0)
    assert rule.id == "made-up/one"
    assert [leaf.fact for leaf in rule.leaves] == ["item_type", "tpp", "has_hbm"]


@pytest.mark.parametrize(
    "op, below, at, above",
    [(">=", FALSE, TRUE, TRUE), (">", FALSE, FALSE, TRUE), ("<=", TRUE, TRUE, FALSE), ("<", TRUE, FALSE, FALSE)],
)
def test_numbers(op: str, below: int, at: int, above: int) -> None:
    rule = compiled(Clause(fact="tpp", op=op, param="tpp"), tpp=4800.0)  # type: ignore[arg-type]
    found = [rule.evaluate({"tpp": number})[0] for number in (4799.0, 4800.0, 4801.0)]
    assert found == [below, at, above]
    assert rule.vectorised({"tpp": np.array([4799.0, 4800.0, 4801.0, np.nan])}, 4).tolist() == [*found, UNKNOWN]


def test_a_number_in_place_of_a_parameter() -> None:
    rule = compiled(TPP, what_if={"tpp": 6000.0}, tpp=4800.0)
    assert rule.evaluate({"tpp": 5000.0})[0] == FALSE
    assert rule.leaves[0].threshold == 6000.0


def test_a_word_where_a_number_belongs_says_nothing() -> None:
    assert compiled(TPP, tpp=4800.0).evaluate({"tpp": "large"})[0] == UNKNOWN


def test_days() -> None:
    day = datetime.date(2025, 8, 2).toordinal()
    before = compiled(Clause(fact="placed_on_market", op="before", value="2025-08-02"))
    since = compiled(Clause(fact="placed_on_market", op="from", value="2025-08-02"))
    for at, (early, late) in {day - 1: (TRUE, FALSE), day: (FALSE, TRUE), day + 1: (FALSE, TRUE)}.items():
        facts: dict[str, FactValue] = {"placed_on_market": float(at)}
        assert (before.evaluate(facts)[0], since.evaluate(facts)[0]) == (early, late)
    told = since.explain({"placed_on_market": float(day)}, [TRUE])[0]
    assert (told.threshold, told.margin, told.probability) == ("2025-08-02", None, None)


def test_sets_meet_or_do_not() -> None:
    rule = compiled(Clause(fact="output_modality", op="meets", among=("text", "speech")))
    for words, verdict in ((("text", "image"), TRUE), (("image",), FALSE), ((), FALSE)):
        assert rule.evaluate({"output_modality": frozenset(words)})[0] == verdict
    assert rule.evaluate({"output_modality": "text"})[0] == FALSE  # no set
    arrays = {"output_modality": np.array(["image|text", "image", "|", ""])}
    assert rule.vectorised(arrays, 4).tolist() == [TRUE, FALSE, FALSE, UNKNOWN]


@pytest.mark.parametrize(
    "among, country, verdict",
    [
        (("G:1",), "CN", TRUE), (("G:1",), "US", FALSE), (("G:1",), "SA", TRUE),  # a whole list; from that day on
        (("G:1",), "VN", FALSE), (("G:1",), "AE", FALSE),  # a day too early, a day too late
        (("G:2",), "IL", TRUE), (("G:2",), "CN", FALSE),  # not a whole list: named inside, named outside
        (("G:2",), "US", UNKNOWN), (("G:2",), "CY", FALSE), (("G:2",), "SA", UNKNOWN),  # not named, left, not yet out
        (("G:2", "US"), "US", TRUE), (("G:1", "G:2"), "CN", TRUE), (("G:1", "G:2"), "VN", UNKNOWN),
        (("G:2", "CN"), "MO", UNKNOWN), (("CN",), "US", FALSE),
        (("G:2", "G:3"), "MY", FALSE), (("G:2", "G:3"), "CN", UNKNOWN), (("G:2", "G:3"), "IL", TRUE),
    ],
)  # fmt: skip
def test_countries_and_groups(among: tuple[str, ...], country: str, verdict: int) -> None:
    rule = compiled(Clause(fact="destination", op="in", among=among))
    assert rule.evaluate({"destination": country})[0] == verdict
    assert rule.vectorised({"destination": np.array([country, ""])}, 2).tolist() == [verdict, UNKNOWN]


def test_a_scope_as_a_condition() -> None:
    assert scope_clause(Scope()) is None
    assert scope_clause(Scope(items=("ic",))) == Clause(fact="item_type", op="in", among=("ic",))
    assert scope_clause(Scope(headquarters=("CN",))) == Clause(fact="hq", op="in", among=("CN",))
    there, here = Clause(fact="destination", op="in", among=("G:1",)), Clause(fact="hq", op="in", among=("CN",))
    but = Clause(not_=Clause(fact="destination", op="in", among=("IL",)))
    both = Scope(destinations=("G:1",), except_destinations=("IL",), headquarters=("CN",), addressees=("nvidia",))
    ways = Clause(any=(Clause(all=(there, but)), here))
    assert scope_clause(both) == Clause(all=(Clause(fact="exporter", op="in", among=("nvidia",)), ways))


def test_headquarters_count_wherever_the_consignee_is() -> None:
    rule = compiled(None, Scope(destinations=("G:1",), except_destinations=("SA",), headquarters=("CN",)))
    for destination, hq, verdict in (
        ("CN", "US", TRUE), ("SA", "US", FALSE), ("SA", "CN", TRUE), ("US", "CN", TRUE), ("US", "US", FALSE)
    ):  # fmt: skip
        assert rule.evaluate({"destination": destination, "hq": hq})[0] == verdict
    assert rule.evaluate({"destination": "US"})[0] == UNKNOWN
    assert rule.evaluate({"destination": "CN"})[0] == TRUE


def test_margins_and_chances() -> None:
    rule = compiled(Clause(all=(TPP, Clause(fact="tpp", op="<", param="less"), YES)), tpp=4000.0, less=8000.0)
    facts: dict[str, FactValue] = {"tpp": 5000.0}
    verdict, results = rule.evaluate(facts)
    least, most, word = rule.explain(facts, results)
    assert (verdict, results) == (UNKNOWN, [TRUE, TRUE, UNKNOWN])
    assert (least.fact, least.op, least.threshold, least.unit, least.value, least.result) == (
        "tpp", ">=", 4000.0, "1", 5000.0, TRUE,
    )  # fmt: skip
    assert least.margin == pytest.approx(0.25)
    assert most.margin == pytest.approx(-0.375)
    assert least.probability is most.probability is None
    assert (word.threshold, word.value, word.margin, word.result) == ("yes", None, None, UNKNOWN)
    unsure: dict[str, FactValue] = {"tpp": Uncertain(4000.0, 2000.0, 9000.0)}
    _, results = rule.evaluate(unsure)
    least, most, _ = rule.explain(unsure, results)
    assert (least.result, least.margin) == (UNKNOWN, 0.0)
    assert least.probability == pytest.approx(0.5)
    assert most.probability is not None
    assert 0.5 < most.probability < 0.95
    certain = rule.evaluate({"tpp": Uncertain(5000.0, 4000.0, 7999.0)})[1]
    assert certain == [TRUE, TRUE, UNKNOWN]


def test_no_margin_to_a_threshold_of_nothing() -> None:
    rule = compiled(Clause(fact="consignee_listed_share", op=">", param="share"), share=0.0)
    assert rule.explain({"consignee_listed_share": 0.5}, [TRUE])[0].margin is None


def test_the_words_of_a_list_are_told_as_the_rule_writes_them() -> None:
    rule = compiled(Clause(fact="destination", op="in", among=("G:1", "MO")))
    assert rule.explain({"destination": "CN"}, [TRUE])[0].threshold == "G:1, MO"


def test_one_result_for_each_comparison() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compiled(TPP, tpp=4800.0).explain({}, [])
