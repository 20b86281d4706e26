"""Export control of the US as data: thresholds half-open, spans without gaps, letters to their addressees, groups."""

from __future__ import annotations

import datetime
import functools

import pytest

from accord.catalog.group import Group
from accord.catalog.instrument import REVIEWS, Instrument, Rule, leaves
from accord.catalog.legal_fact import FACTS
from accord.catalog.load import load_catalog
from accord.policy.classify import Verdict, classify
from accord.policy.decide import _STRICT
from accord.policy.facts import FactValue
from accord.policy.logic import scope_clause
from accord.policy.rulebook import Rulebook, rulebook

CLASS_RULES = ("3A090.a", "3A090.b")
SUCCESSION = ("3A090", "3A090.a")  # the rule of 2022, then limb .a
GROUPS = ("A:5", "A:6", "D:1", "D:4", "D:5")
LETTERS = ("us-isinformed-2022-08", "us-isinformed-2023-10-23", "us-isinformed-2025-04", "us-h20-2025-08")
STRICTNESS = (
    "no_licence", "licence:granted_with_15pct_share", "licence:case_by_case", "licence:required",
    "licence:presumption_of_denial",
)  # fmt: skip
JUST_BELOW = 1.0 - 1e-9
CHIP: dict[str, FactValue] = {
    "item_type": "ic", "item_names": frozenset(("chip",)), "designer_hq": "US", "origin": "US", "exporter": "nvidia",
    "exporter_role": "designer", "consignee_listed": "no", "consignee_listed_share": 0.0,
    "consignee_review": "other",
    "transaction": "export_from_us",
    "destination": "CN", "hq": "CN", "datacenter_marketed": "yes", "tpp": 1000.0, "die_area": 800.0,
    "io_bandwidth": 64e9, "dram_bandwidth": 600e9, "process_nm": 5.0,
}  # fmt: skip


@functools.cache
def records() -> tuple[tuple[Instrument, ...], tuple[Group, ...]]:
    catalog = load_catalog()
    instruments = tuple(catalog.instrument(id) for id in catalog.ids("instruments"))
    return instruments, tuple(catalog.group(id) for id in catalog.ids("groups"))


@functools.cache
def book(day: str) -> Rulebook:
    return rulebook(*records(), datetime.date.fromisoformat(day))


def ask(day: str, **facts: FactValue) -> Verdict:
    return classify(book(day), {**CHIP, **facts})


def of_us(topic: str = "export") -> list[Instrument]:
    return [one for one in records()[0] if one.jurisdiction == "us" and one.topic == topic]


def named(name: str) -> list[tuple[Instrument, Rule]]:
    return [(one, rule) for one in of_us() for rule in one.rules if rule.name == name]


def test_every_day_has_one_text_of_the_class() -> None:
    day = datetime.date(2022, 10, 21)
    while day <= datetime.date(2026, 12, 31):
        holding = [
            one.id for name in SUCCESSION for one, rule in named(name) for span in rule.spans if span.holds(day)
        ]  # fmt: skip
        assert len(holding) == 1, (day, holding)
        day += datetime.timedelta(days=1)


@pytest.mark.parametrize("name", CLASS_RULES)
def test_limbs_begin_together_and_never_stop(name: str) -> None:
    spans = sorted((span.start, span.until) for _, rule in named(name) for span in rule.spans)
    assert spans[0][0] == "2023-11-17"
    assert spans[-1][1] is None
    assert all(earlier[1] == later[0] for earlier, later in zip(spans, spans[1:], strict=False))


@pytest.mark.parametrize(
    ("tpp", "density", "expected"),
    [
        (4800.0, 0.5, "3A090.a"), (4800.0 * JUST_BELOW, 0.5, "none"), (4800.0 * JUST_BELOW, 1.6, "3A090.b"),
        (1600.0, 5.92, "3A090.a"), (1600.0 * JUST_BELOW, 9.0, "none"), (1600.0, 5.92 * JUST_BELOW, "3A090.b"),
        (1600.0, 3.2, "3A090.b"), (1600.0, 3.2 * JUST_BELOW, "none"), (2400.0, 1.6, "3A090.b"),
        (2400.0 * JUST_BELOW, 3.0, "none"), (2400.0, 1.6 * JUST_BELOW, "none"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("day", ["2023-11-17", "2024-04-03", "2024-04-04", "2026-02-01"])
def test_limits_are_half_open(day: str, tpp: float, density: float, expected: str) -> None:
    assert ask(day, tpp=tpp, die_area=tpp / density).eccn == expected


@pytest.mark.parametrize(
    ("io", "tpp", "expected"),
    [(600e9, 4800.0, "3A090"), (600e9 * JUST_BELOW, 4800.0, "none"), (600e9, 4800.0 * JUST_BELOW, "none")],
)
def test_the_rule_of_2022_asks_both(io: float, tpp: float, expected: str) -> None:
    assert ask("2022-10-21", io_bandwidth=io, tpp=tpp).eccn == expected
    assert ask("2022-10-20", io_bandwidth=io, tpp=tpp).eccn == "not_3A090_yet"


@pytest.mark.parametrize("tpp", [1700.0, 2500.0, 4799.0])
def test_note_2_spares_what_is_not_for_data_centres(tpp: float) -> None:
    dense: dict[str, FactValue] = {"tpp": tpp, "die_area": tpp / 4.0}
    assert ask("2024-05-01", **dense, datacenter_marketed="no").eccn == "none"
    facts = {name: value for name, value in CHIP.items() if name != "datacenter_marketed"}
    assert classify(book("2024-05-01"), {**facts, **dense}).eccn == "unknown"


@pytest.mark.parametrize(
    ("day", "place", "outcome"),
    [
        ("2023-01-16", "MO", "no_licence"), ("2023-01-17", "MO", "licence:presumption_of_denial"),
        ("2022-12-01", "HK", "licence:presumption_of_denial"), ("2022-12-01", "AE", "no_licence"),
        ("2023-11-16", "AE", "licence:is_informed"), ("2023-11-17", "AE", "licence:presumption_of_approval"),
        ("2023-11-17", "MO", "licence:presumption_of_denial"), ("2023-11-17", "IL", "no_licence"),
        ("2023-11-17", "SG", "no_licence"), ("2024-03-14", "NI", "no_licence"),
        ("2024-03-15", "NI", "licence:presumption_of_denial"), ("2025-11-06", "KH", "licence:presumption_of_denial"),
        ("2025-11-07", "KH", "licence:presumption_of_approval"), ("2026-01-14", "CN", "licence:presumption_of_denial"),
        ("2026-01-15", "CN", "licence:case_by_case"), ("2026-01-15", "RU", "licence:presumption_of_denial"),
    ],
)  # fmt: skip
def test_an_h100_by_day_and_place(day: str, place: str, outcome: str) -> None:
    h100: dict[str, FactValue] = {
        "tpp": 15832.0, "die_area": 814.0, "io_bandwidth": 900e9, "dram_bandwidth": 3350e9,
        "item_names": frozenset(("h100", "sxm")),
    }  # fmt: skip
    assert ask(day, **h100, destination=place, hq=place).outcome == outcome


@pytest.mark.parametrize(
    ("day", "place", "hq", "transaction", "outcome"),
    [
        ("2024-04-03", "AE", "AE", "export_from_us", "licence:presumption_of_approval|exception:NAC"),
        ("2024-04-04", "AE", "AE", "export_from_us", "licence:presumption_of_approval|exception:ACA"),
        ("2024-04-04", "AE", "CN", "export_from_us", "licence:required|exception:NAC_notify"),
        ("2024-04-04", "CN", "CN", "reexport", "licence:required|exception:NAC_notify"),
        ("2024-04-03", "CN", "CN", "in_country_transfer", "licence:required|exception:NAC"),
        ("2024-04-04", "CN", "CN", "in_country_transfer", "licence:required|exception:ACA"),
        ("2024-04-04", "IR", "IR", "export_from_us", "licence:presumption_of_denial"),
        ("2024-04-04", "DE", "CN", "export_from_us", "licence:required|exception:NAC_notify"),
        ("2024-04-04", "DE", "DE", "export_from_us", "no_licence"),
        ("2024-04-04", "DE", "IR", "export_from_us", "licence:required"),
        ("2024-04-04", "CN", "RU", "reexport", "licence:required"),
        ("2024-04-04", "CN", "SY", "in_country_transfer", "licence:required"),
    ],
)
def test_exceptions_for_limb_b(day: str, place: str, hq: str, transaction: str, outcome: str) -> None:
    facts: dict[str, FactValue] = {"destination": place, "hq": hq, "transaction": transaction}
    assert ask(day, tpp=2896.0, die_area=608.0, **facts).outcome == outcome


def test_exceptions_are_shut_to_headquarters_under_embargo_so_unknown_ones_decide() -> None:
    facts = {name: value for name, value in CHIP.items() if name != "hq"}
    verdict = classify(book("2024-06-01"), {**facts, "tpp": 2896.0, "die_area": 608.0})
    assert verdict.outcome == "depends:hq"


def test_exception_for_memory_is_shut_to_headquarters_under_embargo() -> None:
    memory: dict[str, FactValue] = {"item_type": "memory", "dram_bandwidth": 256e9, "package_area": 92.0}
    assert ask("2025-02-01", **memory).outcome == "licence:presumption_of_denial|exception:HBM"
    assert ask("2025-02-01", **memory, destination="DE", hq="IR").outcome == "licence:presumption_of_denial"


@pytest.mark.parametrize("id", LETTERS)
def test_letters_name_who_they_bind(id: str) -> None:
    (letter,) = [one for one in of_us() if one.id == id]
    for rule in letter.rules:
        assert rule.scope.addressees
        assert rule.stage == "licence"


@pytest.mark.parametrize(
    ("day", "exporter", "outcome"),
    [
        ("2025-04-08", "nvidia", "no_licence"), ("2025-04-09", "nvidia", "licence:is_informed"),
        ("2025-04-09", "amd", "no_licence"), ("2025-08-07", "nvidia", "licence:is_informed"),
        ("2025-08-08", "nvidia", "licence:granted_with_15pct_share"),
        ("2026-02-01", "nvidia", "licence:granted_with_15pct_share"),
    ],
)  # fmt: skip
def test_h20_by_day_and_exporter(day: str, exporter: str, outcome: str) -> None:
    h20: dict[str, FactValue] = {
        "item_names": frozenset(("h20",)), "tpp": 2368.0, "die_area": 814.0, "io_bandwidth": 900e9,
        "dram_bandwidth": 4000e9, "exporter": exporter,
    }  # fmt: skip
    verdict = ask(day, **h20)
    assert (verdict.eccn, verdict.outcome) == ("none", outcome)


@pytest.mark.parametrize(("exporter", "names"), [("nvidia", ("h20",)), ("amd", ("mi308x",))])
def test_a_part_is_never_freer_for_being_faster(exporter: str, names: tuple[str, ...]) -> None:
    ranks = []
    for tpp in (2000.0, 4000.0, 10000.0, 20999.0, 21000.0, 40000.0):
        verdict = ask("2026-02-01", tpp=tpp, item_names=frozenset(names), exporter=exporter)
        ranks.append(STRICTNESS.index(verdict.outcome))
    assert ranks == sorted(ranks)


def test_an_unnamed_exporter_of_h20_decides() -> None:
    facts = {name: value for name, value in CHIP.items() if name not in ("exporter", "exporter_role")}
    verdict = classify(book("2025-05-01"), {**facts, "item_names": frozenset(("h20",)), "dram_bandwidth": 4000e9})
    assert (verdict.eccn, verdict.outcome) == ("none", "depends:exporter")


@pytest.mark.parametrize(
    ("tpp", "bandwidth", "transaction", "place", "outcome"),
    [
        (21000.0 * JUST_BELOW, 6000e9, "export_from_us", "CN", "licence:case_by_case"),
        (21000.0, 6000e9, "export_from_us", "CN", "licence:presumption_of_denial"),
        (20000.0, 6500e9, "export_from_us", "MO", "licence:presumption_of_denial"),
        (20000.0, 6500e9 * JUST_BELOW, "export_from_us", "MO", "licence:case_by_case"),
        (20000.0, 6000e9, "reexport", "CN", "licence:presumption_of_denial"),
        (20000.0, 6000e9, "export_from_us", "SG", "licence:presumption_of_denial"),
    ],
)
def test_case_by_case_is_for_exports_under_both_caps(
    tpp: float, bandwidth: float, transaction: str, place: str, outcome: str
) -> None:
    facts: dict[str, FactValue] = {"tpp": tpp, "dram_bandwidth": bandwidth, "transaction": transaction}
    verdict = ask("2026-02-01", **facts, destination=place, exporter="amd")
    assert verdict.outcome == outcome
    assert bool(verdict.conditions) == (outcome == "licence:case_by_case")


@pytest.mark.parametrize(("hq", "outcome"), [
    ("CN", "case_by_case"), ("HK", "case_by_case"), ("MO", "case_by_case"), ("DE", "case_by_case"),
    ("IR", "presumption_of_denial"), ("RU", "presumption_of_denial"),
])  # fmt: skip
def test_case_by_case_is_not_for_headquarters_elsewhere_in_d5(hq: str, outcome: str) -> None:
    assert ask("2026-02-01", tpp=15832.0, dram_bandwidth=4800e9, hq=hq).outcome == f"licence:{outcome}"


@pytest.mark.parametrize(
    ("facts", "eccn", "outcome"),
    [
        ({"memory_kind": "hbm"}, "unknown", "insufficient_data"),
        ({"memory_kind": "hbm", "item_names": frozenset(("hbm3e",))}, "3A090.c", "licence:presumption_of_denial"),
        ({"memory_kind": "hbm", "dram_bandwidth": 819e9}, "3A090.c", "licence:presumption_of_denial"),
        ({"dram_bandwidth": 480e9, "package_area": 150.0}, "3A090.c", "licence:presumption_of_denial|exception:HBM"),
        ({"dram_bandwidth": 819e9, "package_area": 110.0}, "3A090.c", "licence:presumption_of_denial"),
        ({"dram_bandwidth": 256e9, "package_area": 92.0}, "3A090.c", "licence:presumption_of_denial|exception:HBM"),
        ({"dram_bandwidth": 200e9, "package_area": 100.0, "memory_kind": "gddr"}, "none", "no_licence"),
        ({"dram_bandwidth": 64e9, "package_area": 168.0}, "none", "no_licence"),
        ({"memory_kind": "lpddr", "dram_bandwidth": 68e9}, "none", "no_licence"),
        ({"memory_kind": "gddr", "dram_bandwidth": 144e9}, "none", "no_licence"),
        ({"memory_kind": "hbm", "dram_bandwidth": 128e9}, "3A090.c", "licence:presumption_of_denial"),
        ({"memory_kind": "lpddr", "dram_bandwidth": 120e9, "package_area": 150.0}, "none", "no_licence"),
    ],
)
def test_memory(facts: dict[str, FactValue], eccn: str, outcome: str) -> None:
    chip = ("tpp", "die_area", "io_bandwidth", "dram_bandwidth", "process_nm")
    deal = {name: value for name, value in CHIP.items() if name not in chip}
    verdict = classify(book("2025-02-01"), {**deal, "item_type": "memory", **facts})
    assert verdict.eccn == eccn
    assert verdict.outcome == outcome


def test_memory_has_a_class_before_the_licence_must_be_kept() -> None:
    facts: dict[str, FactValue] = {"item_type": "memory", "dram_bandwidth": 819e9, "package_area": 110.0}
    verdict = ask("2024-12-30", **facts)
    assert (verdict.eccn, verdict.outcome) == ("3A090.c", "no_licence")
    assert ask("2024-12-31", **facts).outcome == "licence:presumption_of_denial"


ASCEND: dict[str, FactValue] = {
    "item_names": frozenset(("huawei", "ascend", "910c")), "designer_hq": "CN", "origin": "CN", "exporter": "huawei",
    "tpp": 12800.0, "transaction": "export_from_cn", "destination": "MY", "hq": "MY",
}  # fmt: skip


@pytest.mark.parametrize(
    ("day", "facts", "eccn", "outcome"),
    [
        ("2025-05-12", {}, "3A090.a", "no_licence"),
        ("2025-05-13", {}, "3A090(presumed)", "prohibited:GP10_presumption"),
        ("2025-06-01", {"transaction": "use_or_service"}, "3A090(presumed)", "prohibited:GP10_presumption"),
        (
            "2025-06-01", {"transaction": "destructive_test_or_evaluation"}, "3A090(presumed)",
            "permitted:technical_analysis",
        ),
        ("2025-06-01", {"item_names": frozenset(("mlu590",))}, "3A090(presumed)", "prohibited:GP10_presumption"),
        ("2025-06-01", {"item_names": frozenset(("small",)), "tpp": 900.0}, "none", "no_licence"),
        ("2025-06-01", {"item_type": "system"}, "4A090(presumed)", "prohibited:GP10_presumption"),
    ],
)  # fmt: skip
def test_general_prohibition_10(day: str, facts: dict[str, FactValue], eccn: str, outcome: str) -> None:
    verdict = ask(day, **{**ASCEND, **facts})
    assert (verdict.eccn, verdict.outcome) == (eccn, outcome)


def test_thresholds_of_general_prohibition_10_are_those_of_the_class() -> None:
    """They are written once more in each of its rules, and never drift apart."""
    (letter,) = [one for one in of_us() if one.id == "us-gp10-2025-05"]
    (text,) = [one for one in of_us() if one.id == "us-ear-3a090-2024"]
    limbs = {rule.name: {key: fact.si for key, fact in rule.params.items()} for rule in text.rules}
    a, b = limbs["3A090.a"], limbs["3A090.b"]
    same = {"tpp": a["tpp"], **{key: b[key] for key in ("tpp_low", "tpp_dense", "density_low", "density_middle")}}
    for rule in letter.rules:
        assert {key: fact.si for key, fact in rule.params.items()} == same


def test_a_name_alone_is_not_enough() -> None:
    verdict = ask("2025-06-01", item_names=frozenset(("radeon", "910c")), tpp=900.0)
    assert verdict.eccn == "none"


@pytest.mark.parametrize(
    ("day", "facts", "presumed"),
    [
        ("2025-01-15", {}, False), ("2025-02-01", {}, True), ("2025-02-01", {"process_nm": 28.0}, False),
        ("2025-02-01", {"exporter_role": "osat"}, True), ("2025-02-01", {"exporter_role": "designer"}, False),
        ("2025-02-01", {"designer_approved": "yes"}, False), ("2025-02-01", {"designer_hq": "TW"}, False),
        ("2026-04-12", {"designer_hq": "US"}, False), ("2026-04-13", {"designer_hq": "US"}, True),
        ("2026-04-13", {"designer_hq": "US", "designer_approved": "yes"}, False),
        ("2025-02-01", {"transistors": 29e9}, False), ("2026-12-31", {"transistors": 34e9, "has_hbm": "no"}, True),
        ("2027-01-01", {"transistors": 34e9, "has_hbm": "no"}, False), ("2027-01-01", {"transistors": 34e9}, True),
        ("2028-12-31", {"transistors": 39e9, "has_hbm": "no"}, True),
        ("2029-01-01", {"transistors": 39e9, "has_hbm": "no"}, False),
    ],
)  # fmt: skip
def test_foundry_presumption(day: str, facts: dict[str, FactValue], presumed: bool) -> None:
    made: dict[str, FactValue] = {
        "exporter": "tsmc", "exporter_role": "foundry", "designer_hq": "CN", "process_nm": 7.0, "transistors": 60e9,
        "has_hbm": "yes", "designer_approved": "no", "transaction": "export_from_tw",
    }  # fmt: skip
    verdict = ask(day, **{**made, **facts})
    assert verdict.eccn == ("3A090(presumed)" if presumed else "none")
    assert verdict.outcome == ("licence:presumption_of_denial" if presumed else "no_licence")


def test_diffusion_never_binds_and_stays_visible() -> None:
    assert ask("2025-05-12", tpp=9000.0, destination="PL", hq="PL").outcome == "no_licence"
    assert ask("2026-06-01", tpp=9000.0, destination="BR", hq="BR").outcome == "no_licence"
    assert "us-ear-diffusion-2025/worldwide" in {rule.id for rule in book("2026-06-01").listed}
    weights: dict[str, FactValue] = {"item_type": "weights", "open_weights": "no", "training_flop": 2e26}
    assert ask("2025-05-12", **weights, destination="BR", hq="BR").outcome == "no_licence"


@pytest.mark.parametrize(
    ("day", "share", "outcome"),
    [
        ("2025-09-28", 0.6, "no_licence"), ("2025-09-29", 0.5, "licence:required"), ("2025-09-29", 0.49, "no_licence"),
        ("2025-11-09", 0.6, "licence:required"), ("2025-11-10", 0.6, "no_licence"), ("2026-11-09", 0.6, "no_licence"),
        ("2026-11-10", 0.6, "check:2026-11-10"), ("2026-11-10", 0.4, "no_licence"),
    ],
)  # fmt: skip
def test_affiliates(day: str, share: float, outcome: str) -> None:
    assert ask(day, consignee_listed_share=share).outcome == outcome


@pytest.mark.parametrize(
    ("day", "share", "outcome"),
    [
        ("2025-09-28", 0.5, "licence:required|exception:NAC_notify"), ("2025-09-29", 0.5, "licence:required"),
        ("2025-09-29", 0.49, "licence:required|exception:NAC_notify"),
        ("2025-11-10", 0.5, "licence:required|exception:NAC_notify"),
        ("2026-11-12", 0.5, "licence:required|check:2026-11-10"),
        ("2026-11-12", 0.49, "licence:required|exception:NAC_notify"),
    ],
)  # fmt: skip
def test_affiliates_have_no_exception_and_nobody_knows_whether_again(day: str, share: float, outcome: str) -> None:
    assert ask(day, tpp=2896.0, die_area=608.0, consignee_listed_share=share).outcome == outcome


@pytest.mark.parametrize(
    ("review", "place", "outcome"),
    [
        ("other", "CN", "licence:required"), ("other", "DE", "licence:required"),
        ("presumption_of_denial", "DE", "licence:presumption_of_denial"),
        ("case_by_case", "DE", "licence:case_by_case"), (None, "DE", "depends:consignee_review"),
    ],
)  # fmt: skip
def test_a_listed_consignee_needs_a_licence_for_anything_as_its_entry_says(
    review: str | None, place: str, outcome: str
) -> None:
    facts: dict[str, FactValue] = {**CHIP, "destination": place, "hq": place, "consignee_listed": "yes"}
    facts.pop("consignee_review")
    facts |= {"consignee_review": review} if review is not None else {}
    assert classify(book("2024-05-01"), facts).outcome == outcome
    assert classify(book("2024-05-01"), {**facts, "consignee_listed": "no"}).outcome == "no_licence"


@pytest.mark.parametrize(
    ("tpp", "bandwidth", "duty"),
    [
        (15832.0, 4800e9, True), (14000.0, 4800e9, False), (17500.0, 4800e9, False), (15832.0, 4500e9, False),
        (15832.0, 5000e9, False), (20919.0, 6000e9, True), (20800.0, 6000e9, False), (21000.0, 6200e9, False),
        (15832.0, 6000e9, False),
    ],
)  # fmt: skip
def test_duty_on_imports(tpp: float, bandwidth: float, duty: bool) -> None:
    facts: dict[str, FactValue] = {"tpp": tpp, "dram_bandwidth": bandwidth}
    home: dict[str, FactValue] = {"destination": "US", "hq": "US", "transaction": "reexport"}
    assert ask("2026-01-15", **facts, **home).importer == ("duty:25pct" if duty else "no_rule")
    assert ask("2026-01-14", **facts, **home).importer == "no_rule"
    assert "duty" not in ask("2026-01-15", **facts, destination="DE", hq="DE").importer
    inside = ask("2026-01-15", **facts, **{**home, "transaction": "domestic"})
    assert (inside.outcome, inside.importer) == ("no_licence", "no_rule")  # nothing enters


def test_who_is_spared_the_duty_is_a_condition() -> None:
    home: dict[str, FactValue] = {"destination": "US", "hq": "US", "transaction": "reexport"}
    (condition,) = ask("2026-01-15", tpp=15832.0, dram_bandwidth=4800e9, **home).conditions
    assert "data centres" in condition


def test_bills_are_never_law() -> None:
    (bills,) = [one for one in of_us() if one.id == "us-bills"]
    assert {span.standing for rule in bills.rules for span in rule.spans} == {"proposed"}
    assert {rule.name for rule in bills.rules} == {
        "remote-access-security", "chip-security", "ai-overwatch", "gain-ai"
    }  # fmt: skip


def test_names_of_items_are_asked_by_letters_guidance_and_memory_alone() -> None:
    asking = {one.id for one in records()[0] for rule in one.rules for leaf in leaves(rule.when) if _by_name(leaf.fact)}
    us = {id for id in asking if id.startswith("us-")}
    assert us == {*LETTERS, "us-gp10-2025-05", "us-ear-3a090c-2024"}


def _by_name(fact: str | None) -> bool:
    return fact == "item_names"


@pytest.mark.parametrize("code", GROUPS)
def test_groups_say_what_is_not_known(code: str) -> None:
    (group,) = [one for one in records()[1] if one.code == code]
    assert group.missing
    countries = [one.country for one in group.members]
    assert len(countries) == len(set(countries))
    assert all(one.basis == "assumed" or one.source != "EAR-740-S1" for one in group.members)


@pytest.mark.parametrize(
    ("code", "day", "count"), [("A:5", "2024-01-01", 37), ("A:6", "2024-01-01", 8), ("D:5", "2025-01-13", 24),
                               ("D:5", "2024-03-14", 23), ("D:5", "2026-06-20", 23)],
)  # fmt: skip
def test_how_many_members(code: str, day: str, count: int) -> None:
    """D:5 counts Hong Kong beside China here: 23 countries in January 2025, 22 since Cambodia left."""
    (group,) = [one for one in records()[1] if one.code == code]
    assert sum(one.holds(datetime.date.fromisoformat(day)) for one in group.members) == count


def test_what_in_force_rules_cite() -> None:
    for one in [*of_us(), *of_us("import")]:
        for rule in one.rules:
            strong = any(cite.tier in ("primary", "law-firm") for cite in rule.cites)
            in_force = any(span.standing == "in_force" for span in rule.spans)
            assert strong or not in_force, (one.id, rule.name)


def test_every_review_policy_has_a_place_in_strictness() -> None:
    assert {word.partition(":")[2] for word in _STRICT if word.startswith("licence:")} == set(REVIEWS)


def test_every_legal_fact_is_asked_by_some_rule_or_part_of_one_that_is() -> None:
    conditions = [part for one in records()[0] for rule in one.rules for part in (rule.when, scope_clause(rule.scope))]
    asked = {leaf.fact for condition in conditions for leaf in leaves(condition)}
    assert set(FACTS) - asked == {"die_area", "package_area", "original_flop", "origin"}
