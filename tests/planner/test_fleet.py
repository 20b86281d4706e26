"""The arithmetic of a fleet."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.planner.fleet import Band, FleetFacts, fleet_metrics, product

FACTS = FleetFacts(
    chips=115_000, flop_per_s=Band(989.4e12, 989.4e12, 989.4e12), mfu=Band(0.4, 0.3, 0.43), active_params=405e9,
    output_token_per_s=Band(50.0, 30.0, 80.0), instance_chips=16, power_w=Band(1300.0, 1200.0, 1400.0),
    pue=Band(1.2, 1.1, 1.3), capex_usd=Band(40e3, 30e3, 50e3), usd_per_hour=Band(2.0, 1.5, 3.0),
    kgco2_per_kwh=Band(0.4, 0.4, 0.4),
)  # fmt: skip


def test_a_fleet_of_115_000_h100() -> None:
    """989.4 TFLOP/s each at 40 %: 3.5e26 FLOP in 90 days, 150 MW at the racks."""
    found = fleet_metrics(FACTS)
    assert found["peak_flop_per_s"].value == pytest.approx(1.13781e20)
    assert found["train_run_90_days_flop"].value == pytest.approx(1.13781e20 * 0.4 * 90 * 86400)
    assert found["train_flop_per_year"].value == pytest.approx(1.13781e20 * 0.4 * 365 * 86400)
    assert found["power_w"].value == pytest.approx(149.5e6)
    assert found["meter_power_w"].value == pytest.approx(179.4e6)
    assert found["energy_j_per_year"].value / 3.6e15 == pytest.approx(179.4e6 * 8760 / 1e12)
    assert found["kgco2_per_year"].value == pytest.approx(179.4e3 * 8760 * 0.4)
    assert found["capex_usd"].value == pytest.approx(4.6e9)
    assert found["usd_per_year"].value == pytest.approx(115_000 * 2.0 * 8760)


def test_tokens_times_six_n_are_the_flop() -> None:
    found = fleet_metrics(FACTS)
    assert found["train_run_90_days_token"].value * 6.0 * 405e9 == pytest.approx(found["train_run_90_days_flop"].value)
    assert found["train_token_per_day"].value * 90.0 == pytest.approx(found["train_run_90_days_token"].value)


def test_whole_instances_serve() -> None:
    found = fleet_metrics(FACTS)
    assert found["instances"].value == 7187
    assert found["output_token_per_s_total"].value == pytest.approx(7187 * 16 * 50.0)
    assert found["readers_at_20_token_per_s"].value == pytest.approx(7187 * 16 * 2.5)
    assert "output_token_per_s_total" not in fleet_metrics(replace(FACTS, chips=15))


def test_half_the_load_costs_half_the_energy_of_what_is_not_idle() -> None:
    found = fleet_metrics(replace(FACTS, load=0.5, idle_share=0.3))
    full = fleet_metrics(FACTS)
    assert found["energy_j_per_year"].value == pytest.approx(0.65 * full["energy_j_per_year"].value)
    assert found["power_w"] == full["power_w"]


def test_what_is_not_known_is_left_out() -> None:
    bare = FleetFacts(chips=8, flop_per_s=None, mfu=Band(0.4, 0.3, 0.5), active_params=1e9)
    assert fleet_metrics(bare) == {}
    no_place = fleet_metrics(replace(FACTS, pue=None))
    assert "power_w" in no_place
    assert not {"meter_power_w", "energy_j_per_year", "kgco2_per_year"} & set(no_place)


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match="fleet of 0 chips"):
        fleet_metrics(replace(FACTS, chips=0))
    for mfu in (Band(0.4, 0.0, 0.5), Band(0.4, 0.3, 1.2), Band(0.2, 0.3, 0.5)):
        with pytest.raises(UsageError, match="utilisation"):
            fleet_metrics(replace(FACTS, mfu=mfu))


@given(st.integers(1, 10**7), st.integers(2, 9))
def test_twice_the_chips_train_and_draw_twice(chips: int, more: int) -> None:
    one, many = (fleet_metrics(replace(FACTS, chips=n)) for n in (chips, chips * more))
    for name in ("train_flop_per_s", "power_w", "energy_j_per_year", "capex_usd", "usd_per_year"):
        assert many[name].value == pytest.approx(more * one[name].value)


@given(st.lists(st.tuples(st.floats(0.1, 10.0), st.floats(1.0, 3.0), st.floats(1.0, 3.0)), min_size=1, max_size=4))
def test_intervals_hold_their_value_and_are_narrower_than_all_ends_together(
    parts: list[tuple[float, float, float]],
) -> None:
    bands = [Band(value, value / down, value * up) for value, down, up in parts]
    found = product(2.0, bands)
    assert found.value == pytest.approx(2.0 * math.prod(band.value for band in bands))
    assert found.low <= found.value <= found.high
    assert found.low >= 2.0 * math.prod(band.low for band in bands) * (1.0 - 1e-9)
    assert found.high <= 2.0 * math.prod(band.high for band in bands) * (1.0 + 1e-9)


def test_an_end_of_nothing_stays_nothing() -> None:
    found = product(3.0, [Band(2.0, 0.0, 4.0)])
    assert (found.value, found.low) == (6.0, 0.0)
    assert found.high == pytest.approx(12.0)
    assert product(3.0, [Band(0.0, 0.0, 4.0)]) == Band(0.0, 0.0, 0.0)
