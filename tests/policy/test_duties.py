"""What AI law asks: verdicts, probabilities, days of duties, what lifts them, and which facts would decide."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.small import book, instrument, rule

from accord.base.errors import UsageError
from accord.catalog.instrument import Instrument
from accord.policy.duties import DutyAnswer, duties, elsewhen, known_jurisdictions, with_rules
from accord.policy.facts import Uncertain
from accord.policy.logic import FALSE, TRUE, UNKNOWN

DAY = datetime.date(2025, 9, 1)
PROVIDER = {"fact": "role", "op": "is", "value": "provider"}
LARGE = {"fact": "training_flop", "op": ">", "param": "flop"}
OPEN = {"fact": "open_licence", "op": "is", "value": "yes"}
OLD = {"fact": "placed_on_market", "op": "before", "value": "2025-08-02"}
DUTIES = {"duties": [{"text": "Tell.", "due": "in two weeks", "locator": "Art. 2"},
                     {"text": "Report.", "from_day": "2026-08-02"}]}  # fmt: skip
NOTIFY = rule("notify", "obligation", "obligation", then=DUTIES, when={"all": [PROVIDER, LARGE]}, params={"flop": 1e25})


def law(*rules: Mapping[str, object], id: str = "act", **more: Any) -> Instrument:
    return instrument(*map(dict, rules), id=id, **{"jurisdiction": "eu", "topic": "ai", **more})


def exempt(name: str, when: object, lifts: str = "act/notify", **more: Any) -> dict[str, object]:
    return rule(name, "exemption", "exempt", then={"lifts": [lifts]}, when=when, **more)


def asked(
    *instruments: Instrument, day: datetime.date = DAY, places: tuple[str, ...] = ("eu",), **facts: Any
) -> dict[str, DutyAnswer]:
    return {one.rule.id: one for one in duties(book(*instruments, day=day), facts, places)}


def one(*rules: Mapping[str, object], day: datetime.date = DAY, **facts: Any) -> DutyAnswer:
    return asked(law(*rules), day=day, **facts)["act/notify"]


@pytest.mark.parametrize(("flop", "verdict", "outcome"), [
    (3.3e24, FALSE, "does_not_apply"), (1e25, FALSE, "does_not_apply"), (1.1e25, TRUE, "applies"),
])  # fmt: skip
def test_more_than_a_threshold_is_more(flop: float, verdict: int, outcome: str) -> None:
    found = one(NOTIFY, role="provider", training_flop=flop)
    assert (found.verdict, found.outcome, found.probability) == (verdict, outcome, None)
    assert found.jurisdiction == "eu"
    assert found.standing == "in_force"
    compute = found.because[1]
    assert compute.log10_distance == pytest.approx(math.log10(flop / 1e25))
    assert found.because[0].log10_distance is None


def test_deepseek_v3_lies_below_1e25_by_half_a_power_of_ten() -> None:
    compute = one(NOTIFY, role="provider", training_flop=6.0 * 37e9 * 14.8e12).because[1]
    assert compute.log10_distance == pytest.approx(-0.483, abs=1e-3)
    assert compute.pivotal
    assert not one(NOTIFY, role="deployer", training_flop=1e24).because[1].pivotal


def test_duties_come_with_the_first_day_they_must_be_kept() -> None:
    found = one(NOTIFY, role="provider", training_flop=2e25)
    assert [(due.duty.text, due.from_day) for due in found.duties] == [
        ("Tell.", "2024-01-01"),
        ("Report.", "2026-08-02"),
    ]
    assert one(NOTIFY, role="deployer", training_flop=2e25).duties == ()


def test_in_force_is_not_yet_to_be_kept() -> None:
    later = {**NOTIFY, "spans": [{"start": "2024-08-01", "compliance": "2025-08-02"}]}
    before, after = (one(later, day=datetime.date.fromisoformat(day), role="provider", training_flop=2e25)
                     for day in ("2025-08-01", "2025-08-02"))  # fmt: skip
    assert (before.outcome, after.outcome) == ("applies_from:2025-08-02", "applies")
    assert [due.from_day for due in before.duties] == ["2025-08-02", "2026-08-02"]


@pytest.mark.parametrize(("standing", "outcome"), [
    ("in_force", "applies"), ("reported", "applies"), ("unverified", "check:2024-01-01"), ("voluntary", "voluntary"),
    ("suspended", "suspended"), ("proposed", "proposed"), ("vetoed", "vetoed"),
])  # fmt: skip
def test_what_follows_hangs_on_how_a_rule_stands(standing: str, outcome: str) -> None:
    told = {**NOTIFY, "spans": [{"start": "2024-01-01", "standing": standing}]}
    found = one(told, role="provider", training_flop=2e25)
    assert (found.verdict, found.outcome, found.standing) == (TRUE, outcome, standing)
    not_so = one(told, role="provider", training_flop=2e24)
    assert not_so.outcome == (outcome if standing in ("suspended", "proposed", "vetoed") else "does_not_apply")


def test_within_the_interval_it_is_open_and_has_a_probability() -> None:
    flop = Uncertain(1.1e25, 0.5e25, 2.42e25)
    found = one(NOTIFY, role="provider", training_flop=flop)
    assert (found.verdict, found.outcome) == (UNKNOWN, "depends:training_flop")
    assert found.probability == pytest.approx(flop.chance_above(1e25)) == found.because[1].trace.probability
    assert found.missing[0].decides == (("at most 1e25 FLOP", FALSE), ("above 1e25 FLOP", TRUE))
    assert one(NOTIFY, role="provider", training_flop=Uncertain(2e25, 1.1e25, 3e25)).verdict == TRUE
    assert one(NOTIFY, training_flop=flop).probability is None  # somebody else's role may be missing


@given(st.floats(-1.2, 1.2), st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_probability_and_verdict_agree_with_the_interval(middle: float, down: float, up: float) -> None:
    value = 1e25 * 10.0**middle
    flop = Uncertain(value, value * 10.0**-down, value * 10.0**up)
    found = one(NOTIFY, role="provider", training_flop=flop)
    assert found.verdict == (TRUE if flop.low > 1e25 else FALSE if flop.high <= 1e25 else UNKNOWN)
    if found.verdict == UNKNOWN:
        assert found.probability == pytest.approx(flop.chance_above(1e25))
        assert found.probability is not None and 0.049 < found.probability < 0.951
    else:
        assert found.probability is None


def test_probabilities_of_two_numbers_multiply() -> None:
    costly = {"all": [LARGE, {"fact": "compute_cost_usd", "op": ">=", "param": "usd"}]}
    both = rule("notify", "obligation", "obligation", when=costly, params={"flop": 1e26, "usd": 1e8})
    flop, usd = Uncertain(1.2e26, 0.6e26, 2e26), Uncertain(0.9e8, 0.5e8, 1.5e8)
    found = one(both, training_flop=flop, compute_cost_usd=usd)
    assert found.probability == pytest.approx(flop.chance_above(1e26) * usd.chance_above(1e8))
    assert found.outcome == "depends:training_flop|depends:compute_cost_usd"


def test_a_band_between_two_thresholds_has_the_chance_of_the_band() -> None:
    band = {"all": [LARGE, {"fact": "training_flop", "op": "<", "param": "most"}]}
    found = one(rule("notify", "obligation", "obligation", when=band, params={"flop": 1e25, "most": 2e25}),
                training_flop=(flop := Uncertain(1.4e25, 0.7e25, 2.8e25)))  # fmt: skip
    assert found.probability == pytest.approx(flop.chance_above(1e25) - flop.chance_above(2e25))
    assert [words for words, _ in found.missing[0].decides] == [
        "at most 1e25 FLOP", "above 1e25 FLOP and below 2e25 FLOP", "at least 2e25 FLOP",
    ]  # fmt: skip


def test_a_share_of_the_original_is_made_of_both_computes() -> None:
    third = {"all": [{"fact": "role", "op": "is", "value": "modifier"},
                     {"fact": "modification_share", "op": ">", "param": "share"}]}  # fmt: skip
    modifier = rule("notify", "obligation", "obligation", when=third, params={"share": 1.0 / 3.0})
    known = one(modifier, role="modifier", modification_flop=2e24, original_flop=5e24)
    assert known.outcome == "applies"
    unknown = one(modifier, role="modifier", modification_flop=2e24)
    assert unknown.outcome == "depends:original_flop"
    assert unknown.missing[0].decides == (("below 6e24 FLOP", TRUE), ("at least 6e24 FLOP", FALSE))
    nothing = one(modifier, role="modifier")
    assert nothing.outcome == "depends:modification_flop|depends:original_flop"
    assert all(not deciding.decides for deciding in nothing.missing)


# What lifts duties


def test_an_exemption_lifts_and_an_unknown_one_is_named() -> None:
    free = exempt("free", {"all": [OPEN, {"not": LARGE}]}, params={"flop": 1e26})
    facts: dict[str, Any] = {"role": "provider", "training_flop": 2e25}
    lifted, kept, unknown = (one(NOTIFY, free, **{**facts, **more})
                             for more in ({"open_licence": "yes"}, {"open_licence": "no"}, {}))  # fmt: skip
    assert (lifted.verdict, lifted.outcome, lifted.duties) == (TRUE, "lifted:act/free", ())
    assert (kept.outcome, kept.lifted_by) == ("applies", ())
    assert (unknown.outcome, unknown.lifted_by) == ("depends:open_licence", (("act/free", None),))
    assert set(unknown.missing[0].decides) == {("yes", FALSE), ("no", TRUE)}
    assert unknown.transition is None
    answers = asked(law(NOTIFY, free), **facts, open_licence="yes")
    assert answers["act/free"].outcome == "exempt"


def test_a_transition_ends_on_its_day() -> None:
    for_now = exempt("transition", OLD, spans=[{"start": "2025-08-02", "until": "2027-08-02"}])
    facts: dict[str, Any] = {"role": "provider", "training_flop": 2e25}
    old, new = (float(datetime.date(*day).toordinal()) for day in ((2025, 8, 1), (2025, 8, 2)))
    found = one(NOTIFY, for_now, **facts, placed_on_market=old)
    assert (found.outcome, found.transition) == ("lifted:act/transition", "2027-08-02")
    assert {due.from_day for due in found.duties} == {"2027-08-02"}
    assert one(NOTIFY, for_now, **facts, placed_on_market=new).outcome == "applies"
    after = one(NOTIFY, for_now, day=datetime.date(2027, 8, 2), **facts, placed_on_market=old)
    assert after.outcome == "applies"
    unknown = one(NOTIFY, for_now, **facts)
    assert unknown.outcome == "depends:placed_on_market"
    assert unknown.missing[0].decides == (("before 2025-08-02", FALSE), ("on or after 2025-08-02", TRUE))
    assert unknown.duties[0].from_day == "2024-01-01"


def test_what_takes_the_place_of_a_rule_lifts_it() -> None:
    newer = rule("newer", "obligation", "obligation", overrides=["act/notify"], when=PROVIDER)
    assert one(NOTIFY, newer, role="provider", training_flop=2e25).outcome == "lifted:act/newer"


def test_what_lifts_is_what_is_known_to_not_what_may() -> None:
    may, does = exempt("a-may", OPEN), exempt("b-does", OLD)
    old = float(datetime.date(2024, 1, 1).toordinal())
    found = one(NOTIFY, may, does, role="provider", training_flop=2e25, placed_on_market=old)
    assert found.outcome == "lifted:act/b-does"
    assert [name for name, _ in found.lifted_by] == ["act/b-does", "act/a-may"]


def test_an_exemption_nobody_checked_never_surely_lifts() -> None:
    unsure = exempt("unsure", OPEN, spans=[{"start": "2025-02-01", "standing": "unverified"}])
    facts: dict[str, Any] = {"role": "provider", "training_flop": 2e25}
    assert one(NOTIFY, unsure, **facts, open_licence="yes").outcome == "check:2025-02-01"
    assert one(NOTIFY, unsure, **facts, open_licence="no").outcome == "applies"
    proposed = exempt("proposed", OPEN, spans=[{"start": "2025-02-01", "standing": "proposed"}])
    assert one(NOTIFY, proposed, **facts, open_licence="yes").outcome == "applies"


# Facts that are missing


def test_missing_facts_say_what_they_would_decide() -> None:
    words = {"all": [PROVIDER, {"fact": "output_modality", "op": "meets", "among": ["text", "speech"]}]}
    writes = rule("notify", "obligation", "obligation", when=words)
    found = one(writes, role="provider")
    assert found.outcome == "depends:output_modality"
    assert found.missing[0].decides == (("speech or text", TRUE), ("anything else", FALSE))
    nobody = one(writes)
    assert nobody.outcome == "depends:role|depends:output_modality"
    assert dict(nobody.missing[0].decides) == {"provider": UNKNOWN, "modifier or deployer": FALSE}
    assert one(writes, role="deployer").outcome == "does_not_apply"


def test_a_fact_that_decides_nothing_alone_comes_last() -> None:
    both = {
        "any": [{"all": [OPEN, LARGE]}, {"all": [PROVIDER, {"fact": "public_service", "op": "is", "value": "yes"}]}]
    }
    found = one(rule("notify", "obligation", "obligation", when=both, params={"flop": 1e25}), role="provider")
    assert found.outcome == "depends:public_service"
    assert [(deciding.fact, bool(deciding.decides)) for deciding in found.missing] == [
        ("public_service", True), ("open_licence", False), ("training_flop", False),
    ]  # fmt: skip


def test_single_values_and_values_without_a_threshold_are_told() -> None:
    edge = {"all": [{"fact": "cluster_sites", "op": ">=", "param": "one"},
                    {"fact": "cluster_sites", "op": "<=", "param": "one"}]}  # fmt: skip
    found = one(rule("notify", "obligation", "obligation", when=edge, params={"one": 1.0}))
    assert found.missing[0].decides == (("below 1", FALSE), ("1", TRUE), ("above 1", FALSE))


def test_the_class_of_an_item_may_be_asked_and_is_not_known_here() -> None:
    weights = rule("notify", "obligation", "obligation", when={"fact": "class", "op": "is", "value": "3A090.a"})
    assert one(weights).outcome == "depends:class"
    licensed = rule("notify", "licence", "licence", "required", when=PROVIDER)
    assert one(licensed, role="provider").outcome == "licence:required"


def test_a_rule_without_a_consequence_asks_nothing() -> None:
    assert one(rule("notify", "obligation", "none")).outcome == "no_duty"


# Jurisdictions


def test_jurisdictions_are_those_of_the_catalog_and_states_are_apart() -> None:
    laws = (law(NOTIFY), law(NOTIFY, id="bill", jurisdiction="us-ca"), law(NOTIFY, id="order", jurisdiction="us"),
            instrument(rule("tariff", "duty", "duty"), jurisdiction="kr"))  # fmt: skip
    assert known_jurisdictions(laws) == ("eu", "kr", "us", "us-ca")
    assert with_rules(laws) == ("eu", "us", "us-ca")
    assert set(asked(*laws, places=("us-ca",))) == {"bill/notify"}
    assert list(asked(*laws, places=("us", "eu", "us"))) == ["order/notify", "act/notify"]
    assert asked(*laws, places=("kr",)) == {}
    with pytest.raises(UsageError, match="jurisdiction 'us-cal'") as raised:
        asked(*laws, places=("us-cal",))
    assert raised.value.hint == "did you mean 'us-ca'?"


def test_rules_of_other_days_are_listed_with_their_days() -> None:
    spans = [{"start": "2024-01-01", "until": "2025-01-20"}, {"start": "2027-01-01"}]
    laws = (law({**NOTIFY, "spans": spans}), law(NOTIFY, id="now"), law(NOTIFY, id="else", jurisdiction="us"),
            instrument({**NOTIFY, "spans": spans}, id="items", jurisdiction="eu"))  # fmt: skip
    (found,) = elsewhen(book(*laws, day=DAY), ("eu",))
    assert (found.instrument.id, found.rule, found.starts, found.ended) == ("act", "notify", "2027-01-01", "2025-01-20")
    assert [one.starts for one in elsewhen(book(*laws, day=datetime.date(2024, 5, 1)), ("eu",))] == []


def test_a_bill_is_never_said_to_begin() -> None:
    vetoed = law({**rule("notify", "obligation", "obligation"),
                  "spans": [{"start": "2024-05-01", "standing": "vetoed", "note": "by the governor"}]})  # fmt: skip
    (found,) = elsewhen(book(vetoed, day=datetime.date(2024, 4, 1)), ("eu",))
    assert (found.starts, found.ended, found.span.standing) == ("2024-05-01", None, "vetoed")


def test_compute_of_original_and_modification_is_added() -> None:
    above = rule("notify", "obligation", "obligation", when={"fact": "training_flop", "op": ">", "param": "most"},
                 params={"most": 4e24})  # fmt: skip
    assert one(above, original_flop=3e24, modification_flop=1.01e24).outcome == "applies"
    assert one(above, original_flop=3e24, modification_flop=0.99e24).outcome == "does_not_apply"
    assert one(above, original_flop=3e24, modification_flop=1.01e24, training_flop=1e24).outcome == "does_not_apply"
    open_ = one(above, original_flop=Uncertain(3e24, 2e24, 4e24), modification_flop=1e24)
    assert open_.verdict == UNKNOWN and open_.probability == pytest.approx(0.5, abs=0.01)
    assert one(above, original_flop=3e24).outcome == "depends:training_flop"


def test_duties_of_an_offer_wait_for_it() -> None:
    tomorrow = float(DAY.toordinal() + 1)
    asks = {"duties": [{"text": "tell", "from_day": "2024-01-01"},
                       {"text": "show", "from_day": "2024-01-01", "once_offered": True}]}  # fmt: skip
    both, alone = (rule("notify", "obligation", "obligation", then={"duties": some}) for some in
                   (asks["duties"], asks["duties"][1:]))  # fmt: skip
    assert [due.from_day for due in one(both, placed_on_market=tomorrow).duties] == ["2024-01-01", "2025-09-02"]
    assert one(both, placed_on_market=tomorrow).outcome == "applies"
    assert one(alone, placed_on_market=tomorrow).outcome == "applies_from:2025-09-02"
    assert one(alone, placed_on_market=tomorrow - 1.0).outcome == one(alone).outcome == "applies"
