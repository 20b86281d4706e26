"""Every instrument of the register of law is in the catalog, dated and with its sources."""

from __future__ import annotations

import functools

import pytest

from accord.catalog.instrument import Instrument, leaves
from accord.catalog.load import load_catalog

EXPORT_US = (
    "us-isinformed-2022-08", "us-ear-3a090-2022", "us-isinformed-2023-10-23", "us-ear-3a090-2023", "us-ear-nac",
    "us-ear-aca", "us-ear-3a090-2024", "us-ear-3a090-2023-hq", "us-ear-4a090", "us-dcveu-2024", "us-ear-3a090c-2024",
    "us-ear-diffusion-2025", "us-ear-foundry-2025", "us-isinformed-2025-04", "us-h20-2025-08", "us-gp10-2025-05",
    "us-affiliates-2025", "us-ear-caseby-2026", "us-232-2026", "us-bills", "us-4e091",
)  # fmt: skip
CHINA_SIDE = ("cn-ga-ge-sb", "cn-re-2025-10", "cn-cac-2025", "cn-statedc-2025-11", "cn-h200-2026-01")
AI = (
    "eu-aia-51", "eu-gpai-guidelines", "eu-gpai-modifier", "eu-gpai-code", "eu-aia-transition", "eu-aia-open-source",
    "eu-omnibus-2026", "us-eo-14110", "us-ca-sb1047", "us-ca-sb53", "us-ny-raise", "us-il-sb315", "us-eo-preempt-2025",
    "kr-aiba", "cn-algo", "cn-deep-synth", "cn-genai", "cn-label", "cn-gbt45654", "cn-framework", "cn-csl-2026",
    "jp-promotion-act", "uk-none", "coe-225",
)  # fmt: skip
REGISTER = (*EXPORT_US, *CHINA_SIDE, *AI)
CHECKED_SINCE = "2026-11-22"


@functools.cache
def catalog_instruments() -> dict[str, Instrument]:
    catalog = load_catalog()
    return {id: catalog.instrument(id) for id in catalog.ids("instruments")}


@pytest.mark.parametrize("id", REGISTER)
def test_loaded(id: str) -> None:
    assert id in catalog_instruments()


@pytest.mark.parametrize("id", REGISTER)
def test_dated_and_sourced(id: str) -> None:
    one = catalog_instruments()[id]
    assert one.last_checked >= CHECKED_SINCE
    assert one.published is not None
    assert one.rules
    for rule in one.rules:
        assert rule.spans
        assert rule.cites
        for cite in rule.cites:
            assert cite.locator.strip()
            assert cite.tier in ("primary", "law-firm", "news", "recalled")
            assert one.sources[cite.source].title
            assert one.sources[cite.source].date


@pytest.mark.parametrize("id", REGISTER)
def test_only_recalled_is_never_in_force(id: str) -> None:
    one = catalog_instruments()[id]
    for rule in one.rules:
        tiers = {cite.tier for cite in rule.cites}
        if not tiers & {"primary", "law-firm"}:
            assert all(span.standing != "in_force" for span in rule.spans), rule.name
        assert tiers != {"recalled"}, rule.name


@pytest.mark.parametrize("id", [*CHINA_SIDE, *AI])
def test_every_parameter_names_a_source(id: str) -> None:
    one = catalog_instruments()[id]
    for rule in one.rules:
        for value in rule.params.values():
            assert value.source in one.sources


def test_the_rejected_act_is_not_there() -> None:
    eu = [one for one in catalog_instruments().values() if one.jurisdiction == "eu"]
    assert eu
    for one in eu:
        for rule in one.rules:
            asked = [leaf.param for leaf in leaves(rule.when) if leaf.fact == "training_flop" and leaf.param]
            assert all(rule.params[name].si < 1e26 for name in asked), f"{one.id}/{rule.name}"


def test_ai_rules_are_asked_of_runs_and_trade_rules_of_items() -> None:
    for id in (*CHINA_SIDE, *AI):
        one = catalog_instruments()[id]
        assert (one.topic == "ai") == (id in AI)
        for rule in one.rules:
            assert (rule.stage in ("obligation", "exemption")) == (one.topic == "ai"), f"{id}/{rule.name}"


@pytest.mark.parametrize("jurisdiction", ["eu", "us", "us-ca", "us-ny", "us-il", "cn", "kr", "jp", "uk", "coe"])
def test_a_jurisdiction_is_answered(jurisdiction: str) -> None:
    assert any(one.jurisdiction == jurisdiction and one.topic == "ai" for one in catalog_instruments().values())


@pytest.mark.parametrize("id", AI)
def test_duties_say_where_they_are_read(id: str) -> None:
    for rule in catalog_instruments()[id].rules:
        for duty in rule.consequence.duties:
            assert duty.locator, f"{id}/{rule.name}: {duty.text}"
