"""Limits and objectives of candidates."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planner.rig import table, terms

from accord.planner.compose import Candidates, Option, serving
from accord.planner.judge import judge, sure_total, total
from accord.planner.offer import Offer
from accord.planner.problem import OBJECTIVES, Limit, Limits, Problem
from accord.planner.terms import Terms
from accord.uncertainty.figure import Figure

RNG = np.random.default_rng(8)
EAST, WEST = (Offer(terms(RNG, name), 1, 4, 6, "chips") for name in ("east", "west"))
ROWS = table("serve", 9, np.random.default_rng(9))
PLAIN = Problem(model="m", systems=("east",), isl=100.0, osl=50.0)
MADE = serving(Option("east", "e", "fp8", "fp8", 0, ROWS), EAST, PLAIN)


def with_(of: Terms, **changes: object) -> Terms:
    return replace(of, **changes)  # type: ignore[arg-type]


def asked(**limits: object) -> Problem:
    return msgspec.structs.replace(PLAIN, limits=Limits(**limits))  # type: ignore[arg-type]


def test_every_objective_of_known_terms_is_known() -> None:
    for name in OBJECTIVES:
        one = msgspec.structs.replace(PLAIN, objectives=(name,))
        found = judge(MADE, (EAST,), one)
        assert np.all(found.good)
        assert np.all(np.isfinite(found.objectives))


@pytest.mark.parametrize(
    ("field", "names"),
    [("usd_per_hour", ("cost",)), ("power_w", ("power", "energy", "carbon")), ("pue", ("energy", "carbon")),
     ("kgco2_per_kwh", ("carbon",))],
)  # fmt: skip
def test_what_nobody_knows_is_no_objective(field: str, names: tuple[str, ...]) -> None:
    unknown = replace(EAST, terms=with_(EAST.terms, **{field: None}))
    for name in OBJECTIVES:
        found = judge(MADE, (unknown,), msgspec.structs.replace(PLAIN, objectives=(name,)))
        assert np.all(found.good != (name in names)), name
        assert bool(found.rejected["objective unknown"]) == (name in names)


def test_units_of_money_energy_and_carbon() -> None:
    one = Figure(value=1000.0, unit="W", basis="published", points=(1000.0,), sources=())
    known = {"power_w": 1000.0, "pue": 1.5, "usd_per_hour": 3.6, "kgco2_per_kwh": 0.5}
    own = replace(EAST, terms=with_(EAST.terms, load=1.0, **{
        name: msgspec.structs.replace(one, value=value, points=(value,)) for name, value in known.items()
    }))  # fmt: skip
    row = MADE.pick(np.array([0]))
    tokens = float(row.request_per_s[0]) * 50.0
    chips = float(row.units[0]) * 4
    problem = msgspec.structs.replace(PLAIN, objectives=("cost", "energy", "carbon"))
    cost, energy, carbon = judge(row, (own,), problem).objectives[0]
    assert cost == pytest.approx(3.6 * chips / 3600.0 / tokens * 1e6)
    assert energy == pytest.approx(1500.0 * chips / tokens)
    # 1.5 kW for 1e6 tokens' worth of time, 0.5 kg a kWh
    assert carbon == pytest.approx(1.5 * chips * (1e6 / tokens / 3600.0) * 0.5)


def test_what_is_not_asked_for_is_not_paid_by_the_token() -> None:
    wanted = float(MADE.request_per_s.min()) / 2.0
    one = msgspec.structs.replace(asked(request_per_s=wanted), objectives=("cost",), confidence=0.5)
    free = judge(MADE, (EAST,), msgspec.structs.replace(PLAIN, objectives=("cost",))).objectives[:, 0]
    paid = judge(MADE, (EAST,), one).objectives[:, 0]
    assert np.allclose(paid * wanted, free * MADE.request_per_s, rtol=1e-8)


@given(st.floats(0.5, 0.99), st.integers(0, 50))
def test_two_systems_together_are_sure_enough(confidence: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pair = tuple(Offer(terms(rng, name), 1, 2, 9, "chips") for name in ("east", "west"))
    made = replace(MADE, other_units=np.asarray(rng.integers(1, 5, len(MADE)), dtype=np.float64))
    most = sure_total(made, pair, "power_w", confidence)
    assert np.all(most >= total(made, pair, lambda one: one.power_w.value if one.power_w else 0.0) * (1 - 1e-12))
    first, second = (one.terms.power_w for one in pair)
    assert first is not None
    assert second is not None
    for at in range(0, len(made), 7):
        sums = [
            a * made.units[at] * 2 + b * made.other_units[at] * 2
            for a, b in product(first.points, second.points)
        ]  # fmt: skip
        chance = sum(one <= most[at] * (1 + 1e-9) for one in sums) / len(sums)
        assert confidence <= 0.5 or chance >= confidence - 1e-9


def test_a_limit_that_is_just_kept_is_kept() -> None:
    problem = asked(latencies=(Limit(latency="tpot", limit_s=1.0),))
    z = problem.deviations
    for at in range(len(MADE)):
        one: Candidates = MADE.pick(np.array([at]))
        value = float(one.tpot_s[0] * np.exp(z * one.tpot_sd[0]))
        sure = float(one.request_per_s[0] * np.exp(-z * one.rate_sd[0]))
        watt = float(sure_total(one, (EAST,), "power_w", 0.9)[0])
        just = asked(latencies=(Limit(latency="tpot", limit_s=value),), request_per_s=sure, power_w=watt)
        assert judge(one, (EAST,), just).good[0]
        for field, limit in (("request_per_s", sure * 1.001), ("power_w", watt * 0.999)):
            broken = judge(one, (EAST,), asked(**{field: limit}))
            assert not broken.good[0]
            assert sum(broken.rejected.values()) == 1


def test_each_candidate_falls_once() -> None:
    problem = asked(
        latencies=(Limit(latency="ttft", limit_s=2.0), Limit(latency="tpot", limit_s=0.2)), request_per_s=2.0,
        chips=20, racks=2.0,
    )  # fmt: skip
    found = judge(MADE, (EAST,), problem)
    assert 0 < np.count_nonzero(found.good) < len(MADE)
    assert sum(found.rejected.values()) == np.count_nonzero(~found.good)
