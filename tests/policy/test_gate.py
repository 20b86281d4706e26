"""What passes under which mode, and that strict never keeps what licensable drops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.policy.gate import Gate, Mode, gate

FREE = "no_licence"
CONDITIONAL = (
    "licence:required|exception:NAC_notify", "licence:required|exception:NAC", "licence:required|exception:ACA",
    "licence:presumption_of_denial|exception:HBM", "licence:presumption_of_denial|exception:NAC_notify",
    "licence:case_by_case", "licence:presumption_of_approval", "licence:granted_with_15pct_share", "check:2026-11-10",
    "permitted:technical_analysis", "no_licence|check:2026-11-10", "exception:ACA",
)  # fmt: skip
BARRED = (
    "licence:required", "licence:is_informed", "licence:presumption_of_denial", "prohibited:GP10_presumption",
    "prohibited:GP10_presumption|exception:NAC", "licence:is_informed|exception:NAC_notify", "licence:never_heard_of",
    "licence:case_by_case|licence:presumption_of_denial", "", "unknown",
)  # fmt: skip
OPEN = ("depends:exporter", "depends:datacenter_marketed", "insufficient_data", "depends:exporter|no_licence")
IMPORTER = ("no_rule", "", "restricted:domestic_only", "duty:25 %", "restricted:a|duty:b", "depends:state_funded",
            "check:2026-11-27", "prohibited:import")  # fmt: skip
MODES: tuple[Mode, ...] = ("strict", "licensable")


def both(outcome: str, importer: str = "no_rule") -> tuple[bool, bool]:
    strict, licensable = (gate(outcome, importer, mode).passes for mode in MODES)
    return strict, licensable


def test_what_needs_no_licence_passes() -> None:
    assert both(FREE) == (True, True)
    assert gate(FREE, "no_rule", "strict", country="MY") == Gate(True, FREE, ("no rule of MY in the catalog",))


@pytest.mark.parametrize("outcome", CONDITIONAL)
def test_licensable_keeps_it_with_its_condition(outcome: str) -> None:
    assert both(outcome) == (False, True)
    kept = gate(outcome, "no_rule", "licensable", conditions=("KYC",), deciding=("tpp",))
    assert "KYC" in kept.conditions and kept.deciding == () and kept.reason == outcome
    assert kept.conditions[0].partition(": ")[0] in outcome
    assert gate(outcome, "no_rule", "strict") == Gate(False, outcome)


@pytest.mark.parametrize("outcome", BARRED)
def test_it_never_passes(outcome: str) -> None:
    for mode in MODES:
        assert gate(outcome, "no_rule", mode, deciding=("tpp",)) == Gate(False, outcome)


@pytest.mark.parametrize("outcome", OPEN)
def test_what_is_not_known_is_stopped_and_named(outcome: str) -> None:
    for mode in MODES:
        found = gate(outcome, "no_rule", mode, deciding=("die_area",))
        assert not found.passes and found.reason == outcome and "die_area" in found.deciding
        assert gate(outcome, "no_rule", mode).deciding
    assert gate("depends:exporter", "no_rule", "strict", deciding=("exporter", "hq")).deciding == ("exporter", "hq")


def test_an_exception_says_what_is_so_without_it() -> None:
    kept = gate("licence:required|exception:NAC_notify", "no_rule", "licensable", country="CN")
    assert kept.conditions == (
        "exception:NAC_notify: licence exception NAC is to be kept; the authority is told first and may refuse",
        "without it licence:required", "no rule of CN in the catalog",
    )  # fmt: skip
    assert "licence exception XYZ" in gate("exception:XYZ", "no_rule", "licensable").conditions[0]


@pytest.mark.parametrize(
    ("importer", "strict", "licensable"),
    [
        ("restricted:domestic_only", False, True), ("duty:25 %", True, True), ("depends:state_funded", False, True),
        ("check:2026-11-27", False, True), ("prohibited:import", False, False), ("restricted:a|duty:b", False, True),
        ("", True, True), ("no_licence", True, True),
    ],
)  # fmt: skip
def test_the_side_of_the_importer(importer: str, strict: bool, licensable: bool) -> None:
    assert both(FREE, importer) == (strict, licensable)
    stopped = gate(FREE, importer, "strict")
    if not strict:
        assert stopped.reason == f"importer: {importer}"
    if licensable and ":" in importer:
        kept = gate(FREE, importer, "licensable", country="CN")
        assert kept.conditions == tuple(f"law of CN: {part}" for part in importer.split("|"))


def test_a_restriction_that_lets_no_buyer_in_is_a_bar() -> None:
    for mode in MODES:
        stopped = gate(FREE, "restricted:a|restricted:b", mode, country="CN", no_way=("restricted:b",))
        assert stopped == Gate(False, "importer: restricted:a|restricted:b")
    assert gate(FREE, "restricted:a", "licensable", country="CN", no_way=("restricted:b",)).passes


def test_no_rule_of_a_country_that_has_rules_is_not_said_to_be_none() -> None:
    assert gate(FREE, "no_rule", "strict", country="US", ruled=True).conditions == (
        "no rule of US here speaks of this item",
    )


def test_a_fact_that_the_importer_asks_for_is_named() -> None:
    for mode in MODES:
        assert gate(FREE, "depends:state_funded", mode).deciding == ("state_funded",)
        assert gate(FREE, "depends:state_funded", mode, importer_deciding=("hq",)).deciding == ("state_funded", "hq")
        assert gate(FREE, "insufficient_data", mode, importer_deciding=("tpp",)).deciding == ("tpp",)
    assert gate("depends:exporter", "depends:state_funded", "strict").deciding == ("exporter", "state_funded")
    assert gate("depends:exporter", "prohibited:import", "strict").deciding == ()


def test_both_sides_put_their_conditions() -> None:
    kept = gate("licence:case_by_case", "restricted:customs", "licensable", country="CN", conditions=("US test",))
    assert kept.passes and kept.conditions[1:] == ("US test", "law of CN: restricted:customs")


@given(
    st.lists(st.sampled_from((FREE, *CONDITIONAL, *BARRED, *OPEN)), min_size=1, max_size=3),
    st.lists(st.sampled_from(IMPORTER), min_size=1, max_size=2), st.lists(st.sampled_from(("tpp", "hq")), max_size=2),
)  # fmt: skip
def test_strict_keeps_no_more_than_licensable(outcomes: list[str], importers: list[str], deciding: list[str]) -> None:
    outcome, importer = "|".join(outcomes), "|".join(importers)
    strict, licensable = (gate(outcome, importer, mode, deciding=deciding) for mode in MODES)
    assert licensable.passes or not strict.passes
    for found in (strict, licensable):
        assert found.passes or not found.conditions
        if found.passes:
            assert "prohibited" not in outcome and "is_informed" not in outcome and "depends" not in outcome
