"""The deal in terms and verdicts on systems, with an answer that is put in place of the rules'."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from accord.api.branches import catalog_of
from accord.api.law import Classified, Law
from accord.api.plan_law import law_terms, lawful
from accord.base.errors import CatalogError, MissingFact, UsageError
from accord.planner.lawful import LawTerms
from accord.policy.deal import Deal

CATALOG = catalog_of(())
DEAL: Any = {"seller": "US", "buyer": "CN", "day": "2025-04-20"}


def test_terms_are_completed_only_where_the_law_is_asked() -> None:
    assert law_terms(CATALOG, seller="US", buyer="CN", exporter="zzz") == LawTerms(
        seller="US", buyer="CN", exporter="zzz"
    )
    assert law_terms(CATALOG, mode="off", **DEAL).said == ()
    full = law_terms(CATALOG, **DEAL, exporter="NVIDIA", consignee="Huawei")
    assert (full.exporter, full.consignee, full.hq) == ("nvidia", "huawei", "CN")
    assert law_terms(CATALOG, **DEAL, hq="SG", consignee="Nobody Ltd").hq == "SG"
    assert law_terms(CATALOG, **DEAL).hq == "CN" and len(law_terms(CATALOG, **DEAL).said) == 3


def test_mistakes() -> None:
    with pytest.raises(UsageError, match="is no way to keep the law"):
        law_terms(CATALOG, mode="lose")
    with pytest.raises(UsageError, match="no country code"):
        law_terms(CATALOG, seller="QQ", buyer="CN", day="2025-04-20")
    with pytest.raises(UsageError, match="SG contradicts the catalog: Huawei"):
        law_terms(CATALOG, **DEAL, hq="SG", consignee="Huawei")
    with pytest.raises(UsageError, match="knows no party"):
        law_terms(CATALOG, **DEAL, exporter="nobody at all")
    with pytest.raises(CatalogError):
        lawful(CATALOG, ("no-such-system",), law_terms(CATALOG, **DEAL))


def test_nothing_is_asked_of_incomplete_terms() -> None:
    def never(law: Law, system: str, deal: Deal, day: datetime.date) -> Classified:
        raise AssertionError("asked")

    for terms in (
        LawTerms(seller="US", buyer="CN"),
        LawTerms(mode="off", **DEAL),
        LawTerms(buyer="CN", day="2025-01-01"),
    ):
        assert lawful(CATALOG, ("a",), terms, model="llama-3.1-8b", classify=never).systems == ()


def test_a_system_of_unknown_chips_does_not_pass() -> None:
    def missing(law: Law, system: str, deal: Deal, day: datetime.date) -> Classified:
        raise MissingFact("the entry names no chip")

    for mode in ("strict", "licensable"):
        found = lawful(CATALOG, ("amd-helios",), law_terms(CATALOG, mode=mode, **DEAL), classify=missing)
        (one,) = found.systems
        assert (one.passes, one.reason, one.deciding) == (False, "insufficient_data", ("the entry names no chip",))
    (real,) = lawful(CATALOG, ("amd-helios",), law_terms(CATALOG, **DEAL)).systems
    assert not real.passes and "names no chip" in real.deciding[0]


def test_an_unnamed_consignee_is_taken_to_be_on_no_list_and_that_is_said() -> None:
    seen: list[Deal] = []

    def look(law: Law, system: str, deal: Deal, day: datetime.date) -> Classified:
        seen.append(deal)
        raise MissingFact("enough")

    for consignee in (None, "nobody known", "huawei"):
        terms = law_terms(CATALOG, **DEAL, consignee=consignee, facts={"state_funded": "no"})
        lawful(CATALOG, ("amd-helios",), terms, classify=look)
    nobody, stranger, huawei = (dict(deal.more or {}) for deal in seen)
    assert nobody["consignee_listed"] == "no" and "consignee_listed" not in stranger
    assert huawei["consignee_listed"] == "yes" and "hq" not in huawei
    assert all(more["state_funded"] == "no" for more in (nobody, stranger, huawei))


def test_headquarters_elsewhere_count_for_a_licence_too() -> None:
    terms = law_terms(CATALOG, seller="US", buyer="SG", hq="DE", day="2025-06-01", exporter="nvidia")
    found = lawful(CATALOG, ("nvidia-hgx-h200-8",), terms, model="hunyuan-large")
    assert found.model is not None and not found.model.passes and "European Union" in found.model.reason
    assert found.left(("nvidia-hgx-h200-8",)) == ()
