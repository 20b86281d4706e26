"""How much may be held, and what disputed figures are worth at a confidence."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planner.rig import terms

from accord.planner.offer import MOST_UNITS, at_confidence, chance_at_most, offer
from accord.planner.problem import Limits
from accord.planner.terms import Terms
from accord.uncertainty.figure import Figure

CLAIMS = st.lists(st.integers(1, 40).map(float), min_size=1, max_size=12)


def figure(points: list[float]) -> Figure:
    return Figure(value=points[0], unit="W", basis="published", points=tuple(points), sources=())


@given(CLAIMS, st.floats(0.51, 0.999))
def test_what_is_held_to_is_sure_enough_and_no_less_than_the_chosen_claim(
    points: list[float], confidence: float
) -> None:
    claimed = figure(points)
    most = at_confidence(claimed, confidence)
    assert chance_at_most(claimed, most) >= confidence - 1e-9
    assert most >= claimed.value
    assert most in points
    # nothing smaller that is no less than the chosen claim would do
    for less in {point for point in points if claimed.value <= point < most}:
        assert chance_at_most(claimed, less) < confidence


@given(CLAIMS)
def test_more_confidence_never_asks_for_less(points: list[float]) -> None:
    found = [at_confidence(figure(points), share) for share in (0.5, 0.6, 0.75, 0.9, 0.99)]
    assert found == sorted(found)
    assert found[0] == points[0]


def made() -> Terms:
    return terms(np.random.default_rng(3), "east")


@pytest.mark.parametrize(
    ("field", "name"),
    [("power_w", "power"), ("capex_usd", "capex"), ("usd_per_hour", "usd"), ("racks", "racks")],
)
def test_the_limit_holds_the_most_and_no_unit_more(field: str, name: str) -> None:
    own = made()
    claimed: Figure = getattr(own, field)
    each = 4 * at_confidence(claimed, 0.9)
    limits = msgspec.structs.replace(Limits(), **{field: each * 3.5})
    found = offer(own, 2, 4, limits, 0.9, 0)
    assert (found.most, found.why, found.unit_devices) == (3, name, 8)
    just = msgspec.structs.replace(Limits(), **{field: each * 3})
    assert offer(own, 2, 4, just, 0.9, 0).most == 3


def test_the_tightest_limit_ends_it() -> None:
    own = made()
    limits = Limits(chips=11, racks=1e9)
    assert (offer(own, 1, 4, limits, 0.9, 7).most, offer(own, 1, 4, limits, 0.9, 7).why) == (2, "chips")
    assert offer(own, 1, 4, Limits(chips=3), 0.9, 7).most == 0


def test_without_a_limit_a_load_or_the_default_says_how_many() -> None:
    assert (offer(made(), 1, 4, Limits(), 0.9, 2).most, offer(made(), 1, 4, Limits(), 0.9, 2).why) == (2, "one system")
    free = offer(made(), 1, 4, Limits(), 0.9, 0)
    assert (free.most, free.why) == (MOST_UNITS, "")


def test_a_limit_on_what_nobody_knows_holds_nothing() -> None:
    own = made()
    unknown = Terms(own.system, own.chip, 8, whole=True, power_w=None, capex_usd=None, racks=None, usd_per_hour=None)
    found = offer(unknown, 1, 4, Limits(power_w=1e9), 0.9, 1)
    assert (found.most, found.why) == (0, "power unknown")
