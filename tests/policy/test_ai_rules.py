"""What the catalog's rules on AI, and China's rules on trade, say on a day: thresholds from both sides, and gaps."""

from __future__ import annotations

import datetime
import functools

import pytest

from accord.catalog.instrument import Instrument
from accord.catalog.load import load_catalog
from accord.policy.decide import export_side, import_side
from accord.policy.duties import DutyAnswer, duties
from accord.policy.facts import FactValue, Uncertain, completed
from accord.policy.rulebook import Rulebook, rulebook


@functools.cache
def instruments() -> tuple[Instrument, ...]:
    catalog = load_catalog()
    return tuple(catalog.instrument(id) for id in catalog.ids("instruments"))


@functools.cache
def book(day: str) -> Rulebook:
    catalog = load_catalog()
    groups = [catalog.group(id) for id in catalog.ids("groups")]
    return rulebook(instruments(), groups, datetime.date.fromisoformat(day))


def date(text: str) -> float:
    return float(datetime.date.fromisoformat(text).toordinal())


def asked(day: str, jurisdiction: str, **facts: FactValue) -> dict[str, DutyAnswer]:
    return {one.rule.id: one for one in duties(book(day), facts, [jurisdiction])}


def outcome(day: str, rule: str, jurisdiction: str, **facts: FactValue) -> str:
    return asked(day, jurisdiction, **facts)[rule].outcome


TEXT = frozenset({"text"})
MODEL: dict[str, FactValue] = {
    "role": "provider", "output_modality": TEXT, "input_modality": TEXT, "open_licence": "no", "open_weights": "no",
    "placed_on_market": date("2025-10-01"),
}  # fmt: skip
SYSTEMIC = "eu-aia-51/presumed-systemic"
AB, CD = "eu-gpai-guidelines/art-53-ab", "eu-gpai-guidelines/art-53-cd"
OPEN = "lifted:eu-aia-open-source/free-and-open-source"
OLD = "lifted:eu-aia-transition/before-2025-08-02"


# EU: general-purpose models


@pytest.mark.parametrize(
    ("flop", "expected"), [(1e25, "does_not_apply"), (1.0000001e25, "applies"), (3.3e24, "does_not_apply")]
)
def test_systemic_risk_is_presumed_above_1e25(flop: float, expected: str) -> None:
    assert outcome("2026-03-01", SYSTEMIC, "eu", **MODEL, training_flop=flop) == expected


def test_before_its_day_a_duty_waits() -> None:
    assert outcome("2025-07-20", SYSTEMIC, "eu", **MODEL, training_flop=2e25) == "applies_from:2025-08-02"
    assert outcome("2025-07-20", AB, "eu", **MODEL, training_flop=2e24) == "applies_from:2025-08-02"
    assert AB not in asked("2025-07-17", "eu", **MODEL, training_flop=2e24)


def test_duties_of_a_model_with_systemic_risk() -> None:
    found = asked("2026-03-01", "eu", **MODEL, training_flop=2e25)
    locators = [due.duty.locator for due in found[SYSTEMIC].duties]
    assert locators == ["Art. 52(1)", "Art. 55(1)(a)", "Art. 55(1)(b)", "Art. 55(1)(c)", "Art. 55(1)(d)"]
    assert "two weeks" in (found[SYSTEMIC].duties[0].duty.due or "")
    both = [due.duty.locator for name in (AB, CD) for due in found[name].duties]
    assert [one for one in both if one != "Art. 54(1)"] == [f"Art. 53(1)({letter})" for letter in "abcd"]
    assert {due.from_day for one in (SYSTEMIC, AB, CD) for due in found[one].duties} == {"2025-08-02"}


def test_an_uncertain_compute_says_how_probable_it_is() -> None:
    found = asked("2026-03-01", "eu", **MODEL, training_flop=Uncertain(1.1e25, 0.6e25, 2e25))[SYSTEMIC]
    assert found.outcome == "depends:training_flop"
    assert found.probability == pytest.approx(0.605, abs=0.02)
    assert found.because[1].log10_distance == pytest.approx(0.0414, abs=1e-3)


@pytest.mark.parametrize(
    ("output", "source", "flop", "expected"),
    [
        ("text", "text", 1.01e23, "applies"),
        ("speech", "speech", 1.01e23, "applies"),
        ("text", "text", 1e23, "does_not_apply"),
        ("image", "text", 1.01e23, "applies"),
        ("video", "text", 1.01e23, "applies"),
        ("image", "image", 1.01e23, "does_not_apply"),
        ("weather", "weather", 1e24, "does_not_apply"),
    ],
)
def test_the_indicative_criterion(output: str, source: str, flop: float, expected: str) -> None:
    facts = {**MODEL, "output_modality": frozenset({output}), "input_modality": frozenset({source})}
    assert outcome("2026-03-01", CD, "eu", **facts, training_flop=flop) == expected


def test_a_criterion_is_told_from_a_presumption() -> None:
    found = asked("2026-03-01", "eu", **MODEL, training_flop=2e25)
    assert found[SYSTEMIC].rule.rule.consequence.value == "presumed_systemic_risk"
    assert found[CD].rule.rule.consequence.value == "indicative_criterion"
    assert found[SYSTEMIC].rule.instrument.binding == "binding"
    assert found[CD].rule.instrument.binding == "guidance"


def test_an_old_model_has_time() -> None:
    old: dict[str, FactValue] = {**MODEL, "placed_on_market": date("2024-12-26"), "training_flop": 2e25}
    found = asked("2026-11-25", "eu", **old)
    for name in (SYSTEMIC, AB, CD):
        assert found[name].outcome == OLD
        assert found[name].transition == "2027-08-02"
    assert outcome("2027-08-02", SYSTEMIC, "eu", **old) == "applies"
    first_new = {**old, "placed_on_market": date("2025-08-02")}
    assert outcome("2026-11-25", SYSTEMIC, "eu", **first_new) == "applies"


def test_an_unknown_day_of_release_is_asked_for() -> None:
    facts = {name: value for name, value in MODEL.items() if name != "placed_on_market"}
    assert outcome("2026-11-25", CD, "eu", **facts, training_flop=2e24) == "depends:placed_on_market"


@pytest.mark.parametrize(
    ("licence", "weights", "flop", "ab"),
    [
        ("yes", "yes", 3.3e24, OPEN), ("no", "yes", 3.3e24, "applies"), ("yes", "no", 3.3e24, "applies"),
        ("yes", "yes", 1e25, OPEN), ("yes", "yes", 1.1e25, "applies"),
    ],
)  # fmt: skip
def test_open_source_lifts_documentation_alone(licence: str, weights: str, flop: float, ab: str) -> None:
    facts: dict[str, FactValue] = {**MODEL, "open_licence": licence, "open_weights": weights, "training_flop": flop}
    found = asked("2026-11-25", "eu", **facts)
    assert found[AB].outcome == ab
    assert found[CD].outcome == "applies"


def test_deepseek_v3() -> None:
    facts: dict[str, FactValue] = {
        **MODEL, "open_licence": "yes", "open_weights": "yes", "placed_on_market": date("2024-12-26"),
        "training_flop": Uncertain(3.3e24, 2.5e24, 4.4e24),
    }  # fmt: skip
    found = asked("2026-11-25", "eu", **facts)
    assert found[SYSTEMIC].outcome == "does_not_apply"
    assert found[SYSTEMIC].because[1].log10_distance == pytest.approx(-0.4815, abs=1e-3)
    assert found[CD].outcome == OLD
    assert found[AB].outcome in (OLD, OPEN)
    assert found["eu-gpai-code/transparency-and-copyright"].outcome == "voluntary"
    assert found["eu-gpai-code/safety-and-security"].outcome == "does_not_apply"


# EU: modifiers

MODIFIER: dict[str, FactValue] = {
    "role": "modifier", "output_modality": TEXT, "open_licence": "no", "open_weights": "no",
    "placed_on_market": date("2025-10-01"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "becomes", "systemic"),
    [
        ({"original_flop": 3e24, "modification_flop": 1e24, "original_systemic": "no"}, False, False),
        ({"original_flop": 3e24, "modification_flop": 1.01e24, "original_systemic": "no"}, True, False),
        ({"original_flop": 3e25, "modification_flop": 1.01e25, "original_systemic": "yes"}, True, True),
        ({"original_flop": 3e25, "modification_flop": 9e24, "original_systemic": "yes"}, False, False),
        ({"original_flop_known": "no", "modification_flop": 3.3e22, "original_systemic": "no"}, False, False),
        ({"original_flop_known": "no", "modification_flop": 3.4e22, "original_systemic": "no"}, True, False),
        ({"original_flop_known": "no", "modification_flop": 3.3e24, "original_systemic": "yes"}, False, False),
        ({"original_flop_known": "no", "modification_flop": 3.4e24, "original_systemic": "yes"}, True, True),
        ({"original_flop": 9e24, "modification_flop": 4e24, "original_systemic": "no"}, True, True),
    ],
)
def test_a_modifier_becomes_a_provider_above_one_third(
    facts: dict[str, FactValue], becomes: bool, systemic: bool
) -> None:
    original = facts.get("original_flop")
    total = float(str(facts["modification_flop"])) + (original if isinstance(original, float) else 0.0)
    found = asked("2026-03-01", "eu", **MODIFIER, **facts, training_flop=total)
    words = {True: "applies", False: "does_not_apply"}
    assert found["eu-gpai-modifier/art-53-ab"].outcome == words[becomes]
    assert found["eu-gpai-modifier/art-53-cd"].outcome == words[becomes]
    assert found["eu-gpai-modifier/systemic"].outcome == words[systemic]
    assert found[CD].outcome == "does_not_apply"


def test_an_unknown_original_needs_no_more_where_all_agree() -> None:
    facts: dict[str, FactValue] = {"original_flop_known": "no", "modification_flop": 5e24, "training_flop": 6e24}
    assert outcome("2026-03-01", "eu-gpai-modifier/art-53-cd", "eu", **MODIFIER, **facts) == "applies"


def test_an_original_beyond_knowing_is_not_asked_for() -> None:
    facts = {**MODEL, "role": "modifier", "modification_flop": 3.4e22, "original_flop_known": "no"}
    assert outcome("2025-11-01", "eu-gpai-modifier/art-53-ab", "eu", **facts) == "depends:original_systemic"


def test_a_bill_of_california_that_is_not_vetoed_yet() -> None:
    for day, expected in (("2024-06-01", "proposed"), ("2024-09-29", "vetoed")):
        assert outcome(day, "us-ca-sb1047/covered-model", "us-ca", training_flop=2e26) == expected


def test_a_modifier_that_says_nothing_of_the_original_is_asked() -> None:
    found = asked("2026-03-01", "eu", **MODIFIER, modification_flop=1e24, training_flop=2e24, original_systemic="no")
    assert found["eu-gpai-modifier/art-53-cd"].outcome.startswith("depends:")


# EU: high-risk systems


@pytest.mark.parametrize(
    ("day", "rule", "kind", "expected"),
    [
        ("2026-11-25", "high-risk-annex-3", "annex3", "suspended"),
        ("2027-12-02", "high-risk-annex-3", "annex3", "applies"),
        ("2027-12-02", "high-risk-annex-3", "no", "does_not_apply"),
        ("2027-12-02", "high-risk-annex-1", "annex1", "suspended"),
        ("2028-08-02", "high-risk-annex-1", "annex1", "applies"),
    ],
)
def test_high_risk_days_move(day: str, rule: str, kind: str, expected: str) -> None:
    assert outcome(day, f"eu-omnibus-2026/{rule}", "eu", high_risk=kind) == expected


# US

CLUSTER: dict[str, FactValue] = {"cluster_op_per_s": 1e20, "cluster_network_b_per_s": 4e11, "cluster_sites": 1.0}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "applies"),
        ({"cluster_op_per_s": 0.99e20}, "does_not_apply"),
        ({"cluster_network_b_per_s": 1e11}, "does_not_apply"),
        ({"cluster_sites": 2.0}, "does_not_apply"),
    ],
)
def test_a_cluster_of_the_order_of_2023(change: dict[str, FactValue], expected: str) -> None:
    assert outcome("2024-06-01", "us-eo-14110/cluster", "us", **{**CLUSTER, **change}) == expected


def test_models_of_the_order_of_2023() -> None:
    biology: dict[str, FactValue] = {"role": "provider", "training_domain": frozenset({"biology"})}
    found = asked("2024-06-01", "us", **biology, training_flop=1.1e23)
    assert found["us-eo-14110/model-biology"].outcome == "applies"
    assert found["us-eo-14110/model"].outcome == "does_not_apply"
    other: dict[str, FactValue] = {"role": "provider", "training_domain": TEXT}
    assert outcome("2024-06-01", "us-eo-14110/model-biology", "us", **other, training_flop=1e25) == "does_not_apply"
    assert outcome("2025-01-19", "us-eo-14110/model", "us", **other, training_flop=1.1e26) == "applies"
    ended = asked("2025-01-20", "us", **other, training_flop=1.1e26)
    assert not [name for name in ended if name.startswith("us-eo-14110")]


def test_the_order_of_2025_asks_nothing() -> None:
    assert outcome("2026-01-05", "us-eo-preempt-2025/litigation-task-force", "us") == "no_duty"


def test_a_vetoed_bill_is_shown_and_asks_nothing() -> None:
    found = outcome("2026-01-05", "us-ca-sb1047/covered-model", "us-ca", training_flop=2e26, compute_cost_usd=2e8)
    assert found == "vetoed"


@pytest.mark.parametrize(
    ("flop", "revenue", "frontier", "large"),
    [
        (1e26, 1e9, "does_not_apply", "does_not_apply"), (1.01e26, 5e8, "applies", "does_not_apply"),
        (1.01e26, 5.01e8, "applies", "applies"), (1.01e26, None, "applies", "depends:revenue_usd"),
    ],
)  # fmt: skip
def test_california_and_new_york(flop: float, revenue: float | None, frontier: str, large: str) -> None:
    facts: dict[str, FactValue] = {"role": "provider", "training_flop": flop}
    if revenue is not None:
        facts["revenue_usd"] = revenue
    for id, place, day in (("us-ca-sb53", "us-ca", "2026-01-01"), ("us-ny-raise", "us-ny", "2027-01-01")):
        found = asked(day, place, **facts)
        assert found[f"{id}/frontier-developer"].outcome == frontier
        assert found[f"{id}/large-frontier-developer"].outcome == large


def test_incident_clocks() -> None:
    facts: dict[str, FactValue] = {"role": "provider", "training_flop": 2e26, "revenue_usd": 1e9}
    california = asked("2026-06-01", "us-ca", **facts)["us-ca-sb53/frontier-developer"].duties
    assert {"within 15 days of discovery", "within 24 hours"} <= {due.duty.due for due in california}
    york = asked("2027-06-01", "us-ny", **facts)["us-ny-raise/frontier-developer"].duties
    assert any("72 hours" in (due.duty.due or "") for due in york)


def test_new_york_waits_for_2027() -> None:
    facts: dict[str, FactValue] = {"role": "provider", "training_flop": 2e26}
    assert outcome("2026-11-25", "us-ny-raise/frontier-developer", "us-ny", **facts) == "applies_from:2027-01-01"


def test_a_signature_nobody_has_seen() -> None:
    facts: dict[str, FactValue] = {"role": "provider", "training_flop": 2e26, "revenue_usd": 1e9}
    large, audit = "us-il-sb315/large-frontier-developer", "us-il-sb315/third-party-audit"
    assert outcome("2026-11-25", large, "us-il", **facts) == "proposed"
    assert outcome("2027-02-01", large, "us-il", **facts) == "check:2027-01-01"
    assert outcome("2027-02-01", audit, "us-il", **facts) == "proposed"
    assert outcome("2028-01-01", audit, "us-il", **facts) == "check:2028-01-01"


# Asia and the Council of Europe


@pytest.mark.parametrize(("flop", "expected"), [(1e26, "applies"), (0.99e26, "does_not_apply")])
def test_korea_reaches_1e26_itself(flop: float, expected: str) -> None:
    assert outcome("2026-01-22", "kr-aiba/art-32-safety", "kr", role="provider", training_flop=flop) == expected


def test_china_asks_services_to_the_public() -> None:
    facts: dict[str, FactValue] = {"public_service": "yes", "output_modality": TEXT, "opinion_capability": "yes"}
    found = asked("2025-11-01", "cn", **facts)
    for name in ("cn-algo/filing", "cn-deep-synth/filing", "cn-genai/filing", "cn-genai/service", "cn-label/labels"):
        assert found[name].outcome == "applies", name
    assert found["cn-gbt45654/baseline"].outcome == "voluntary"
    assert found["cn-framework/version-2"].outcome == "voluntary"
    assert "cn-framework/version-1" not in found
    silent = asked("2025-11-01", "cn", **{**facts, "opinion_capability": "no"})
    assert silent["cn-genai/filing"].outcome == "does_not_apply"
    assert silent["cn-genai/service"].outcome == "applies"
    unsaid = asked("2025-11-01", "cn", public_service="yes", output_modality=TEXT)
    assert unsaid["cn-genai/filing"].outcome == "depends:opinion_capability"
    closed = asked("2025-11-01", "cn", **{**facts, "public_service": "no"})
    assert closed["cn-label/labels"].outcome == "does_not_apply"


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        ("cn-algo/filing", "2022-03-01"), ("cn-deep-synth/service", "2023-01-10"), ("cn-genai/service", "2023-08-15"),
        ("cn-label/labels", "2025-09-01"), ("cn-csl-2026/art-20", "2026-01-01"),
    ],
)  # fmt: skip
def test_first_days_in_china(rule: str, first: str) -> None:
    before = (datetime.date.fromisoformat(first) - datetime.timedelta(days=1)).isoformat()
    assert rule in asked(first, "cn")
    assert rule not in asked(before, "cn")


@pytest.mark.parametrize(
    ("place", "rule", "day", "expected"),
    [
        ("jp", "jp-promotion-act/promotion", "2026-01-01", "no_duty"),
        ("uk", "uk-none/none-found", "2026-01-01", "no_duty"),
        ("cn", "cn-csl-2026/art-20", "2026-01-01", "no_duty"),
        ("coe", "coe-225/convention", "2025-06-01", "proposed"),
        ("coe", "coe-225/convention", "2026-06-01", "check:2025-11-01"),
    ],
)
def test_places_that_ask_nothing(place: str, rule: str, day: str, expected: str) -> None:
    assert outcome(day, rule, place, training_flop=1e27) == expected


# China's side of trade


def leaving(day: str, to: str, what: str, transaction: str = "export_from_cn") -> str:
    facts: dict[str, FactValue] = {
        "transaction": transaction, "origin": "CN", "destination": to, "hq": to, "item_type": "material",
        "material": frozenset({what}), "exporter": "other", "exporter_role": "other", "consignee_listed": "no",
        "consignee_listed_share": 0.0,
    }  # fmt: skip
    return export_side(book(day), completed(facts)).outcome


@pytest.mark.parametrize(
    ("day", "to", "what", "expected"),
    [
        ("2023-07-31", "US", "gallium", "no_licence"),
        ("2023-08-01", "US", "gallium", "licence:required"),
        ("2024-09-14", "US", "antimony", "no_licence"),
        ("2024-09-15", "US", "antimony", "licence:required"),
        ("2024-12-02", "US", "germanium", "licence:required"),
        ("2024-12-03", "US", "germanium", "prohibited:CN_ban"),
        ("2024-12-03", "DE", "germanium", "licence:required"),
        ("2025-11-08", "US", "superhard", "prohibited:CN_ban"),
        ("2025-11-09", "US", "superhard", "licence:required"),
        ("2026-11-26", "US", "gallium", "licence:required"),
        ("2026-11-27", "US", "gallium", "check:2026-11-27"),
        ("2026-11-27", "JP", "gallium", "licence:required"),
        ("2026-11-27", "US", "copper", "no_licence"),
        ("2025-10-08", "JP", "rare_earth_technology", "no_licence"),
        ("2025-10-09", "JP", "rare_earth_technology", "licence:required"),
        ("2025-11-06", "JP", "rare_earth", "no_licence"),
        ("2025-11-07", "JP", "rare_earth_technology", "no_licence"),
        ("2026-11-10", "JP", "rare_earth_technology", "check:2026-11-10"),
        ("2026-11-10", "JP", "rare_earth", "check:2026-11-10"),
    ],
)
def test_materials_leaving_china(day: str, to: str, what: str, expected: str) -> None:
    assert leaving(day, to, what) == expected


def test_foreign_goods_with_chinese_rare_earths_were_never_asked() -> None:
    for day in ("2025-10-20", "2025-12-01", "2026-11-09"):
        assert leaving(day, "JP", "rare_earth_of_cn", "export_from_de") == "no_licence"
    assert leaving("2026-11-10", "JP", "rare_earth_of_cn", "export_from_de") == "check:2026-11-10"


def entering(day: str, name: str, **more: FactValue) -> str:
    facts: dict[str, FactValue] = {
        "item_type": "ic", "item_names": frozenset(name.split()), "destination": "CN", "designer_hq": "US",
        "large_platform": "no", "state_funded": "no", **more,
    }  # fmt: skip
    return import_side(book(day), completed(facts)).outcome


@pytest.mark.parametrize(
    ("day", "name", "more", "expected"),
    [
        ("2025-07-31", "nvidia h20", {"large_platform": "yes"}, "no_rule"),
        ("2025-08-01", "nvidia h20", {"large_platform": "yes"}, "restricted:avoid"),
        ("2025-08-01", "nvidia h20", {}, "no_rule"),
        ("2025-09-17", "nvidia rtx pro 6000d", {"large_platform": "yes"}, "restricted:stop_tests_and_orders"),
        ("2025-09-17", "nvidia rtx pro 6000", {"large_platform": "yes"}, "no_rule"),
        ("2025-11-04", "amd mi308x", {"state_funded": "yes", "built_share": 0.0}, "no_rule"),
        ("2025-11-05", "amd mi308x", {"state_funded": "yes", "built_share": 0.0}, "restricted:domestic_only"),
        ("2025-11-05", "amd mi308x", {"state_funded": "yes", "built_share": 0.3}, "restricted:case_by_case"),
        ("2025-11-05", "ascend 910c", {"state_funded": "yes", "designer_hq": "CN"}, "no_rule"),
        ("2026-01-13", "nvidia h200", {}, "no_rule"),
        ("2026-01-14", "nvidia h200", {}, "restricted:blocked"),
        ("2026-02-01", "nvidia h200", {}, "restricted:only_when_necessary"),
        ("2026-02-01", "nvidia h20", {}, "no_rule"),
    ],
)
def test_chips_entering_china(day: str, name: str, more: dict[str, FactValue], expected: str) -> None:
    assert entering(day, name, **more) == expected


def test_a_data_centre_partly_built_takes_foreign_chips_out() -> None:
    words = entering("2025-11-05", "nvidia h20", state_funded="yes", built_share=0.29).split("|")
    assert set(words) == {"restricted:domestic_only", "restricted:remove"}


def test_guidance_is_told_from_law() -> None:
    for one in instruments():
        if one.topic == "import" and one.jurisdiction == "cn":
            assert one.binding == "guidance"
            assert all(span.standing == "reported" for rule in one.rules for span in rule.spans)
