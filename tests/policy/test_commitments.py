"""Which provisions are touched, and which evidence stands behind them."""

from __future__ import annotations

import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from accord.base.source import Source
from accord.catalog.governance import Governance, Provision
from accord.policy.commitments import Lacking, Shown, countries_words, ratio_band, share_of, touched

DAY = datetime.date(2026, 7, 1)


def provision(id: str, *themes: str, evidence: tuple[str, ...] = ()) -> Provision:
    found: dict[str, Any] = {"id": id, "text": id, "themes": themes, "evidence": evidence}
    return Provision(source="S", tier="news", locator="l", **found)


def instrument(id: str, *provisions: Provision, date: str = "2026-01-01") -> Governance:
    return Governance(
        id=id, title=id, form="declaration", date=date, sponsors=(), binding="voluntary", states=(),
        provisions=provisions, sources={"S": Source(title="t", publisher="p", date="2026")},
    )  # fmt: skip


def test_a_provision_is_touched_by_a_theme() -> None:
    made = [
        instrument("b", provision("power", "energy", "labour"), provision("rights", "human-rights")),
        instrument("a", provision("open", "open-source"), date="2025-01-01"),
        instrument("late", provision("power", "energy"), date="2026-07-02"),
    ]
    found = touched(made, DAY, {"energy": "it draws power", "open-source": "it is open"}, {})
    assert [(one.instrument.id, one.provision.id, one.themes) for one in found] == [
        ("a", "open", ("open-source",)), ("b", "power", ("energy",)),
    ]  # fmt: skip


def test_evidence_is_shown_lacking_or_does_not_apply() -> None:
    asked = ("energy_per_token", "energy_of_run", "safety_tests")
    made = [
        instrument("a", provision("power", "energy", evidence=asked), provision("run", "energy", evidence=asked[1:2]))
    ]
    evidence: dict[Any, Any] = {"energy_per_token": Shown("1 J", "metrics"), "safety_tests": Lacking("no file")}
    first, second = touched(made, DAY, {"energy": "it draws power"}, evidence)
    assert (first.shown, first.lacking, first.silent) == (("energy_per_token",), ("safety_tests",), False)
    assert (second.shown, second.lacking, second.silent) == ((), (), True)


POSITIVE = st.floats(1e-3, 1e3)


@given(st.tuples(POSITIVE, POSITIVE, POSITIVE), st.tuples(POSITIVE, POSITIVE, POSITIVE))
def test_a_quotient_lies_in_its_band(above: tuple[float, ...], below: tuple[float, ...]) -> None:
    (low, value, high), (least, middle, most) = sorted(above), sorted(below)
    found = ratio_band((value, low, high), (middle, least, most))
    assert found[1] <= found[0] <= found[2]
    assert found[0] == value / middle


def test_words_and_shares() -> None:
    assert share_of(8.0, 64.0) == 0.125
    said = [("US", "stops"), ("KR", "partly"), ("TW", "stops"), ("NL", "unknown")]
    assert countries_words(said) == "stops without US, TW; partly without KR; not known for NL"
