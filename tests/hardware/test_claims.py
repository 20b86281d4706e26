"""Facts that sources disagree about, and machines drawn from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.rig import catalog, machine, machine_of

from accord.catalog.value import Alternative, Value
from accord.hardware.device import claims_of
from accord.hardware.system import drawn


def fact(number: float, *others: float, rejected: float | None = None) -> Value:
    kept = [Alternative(number=one, unit="B/s", basis="estimate", source="S") for one in others]
    if rejected is not None:
        kept.append(Alternative(number=rejected, unit="B/s", basis="estimate", source="S", rejected=True))
    return Value(number=number, unit="B/s", basis="published", source="S", alternatives=tuple(kept))


def test_claims_are_over_what_is_taken_and_each_counts_once() -> None:
    assert claims_of(fact(2.0, 2.0, 1.0, 2.001, 4.0, rejected=9.0)) == (1.0, 0.5, 2.0)


def test_agreement_is_no_claim() -> None:
    assert claims_of(fact(2.0, 2.0, 2.004, 0.0)) == ()
    assert claims_of(Value(text="no", basis="published", source="S")) == ()


def test_the_machine_of_the_reference_system_knows_what_is_disputed() -> None:
    found = machine_of("huawei-cloudmatrix-384").claims
    peak = catalog().chip("huawei-ascend-910c").peak["bf16"]
    assert found["peak bf16"][0] == 1.0
    assert set(found["peak bf16"]) <= {claim / peak.si for claim in peak.spread()}
    assert not any(name.startswith("link UB") for name in found)  # measured rates are no claims


def test_a_drawn_machine_has_arrays_where_sources_disagree() -> None:
    one = machine()
    ratios = np.asarray([1.0, 0.5])
    found = drawn(one, {"memory bandwidth": ratios, "peak bf16": 2.0 * ratios, "link inner 1": ratios})
    assert np.array_equal(found.device.memory_bytes_per_s, 1e12 * ratios)
    assert np.array_equal(found.device.compute("bf16").flop_per_s, 200e12 * ratios)
    assert found.device.memory_bytes == one.device.memory_bytes
    assert np.array_equal(found.tiers[0].bytes_per_s, 100e9 * ratios)
    assert found.tiers[1].bytes_per_s == one.tiers[1].bytes_per_s


def test_claims_about_a_measured_link_do_not_count() -> None:
    inner, outer = machine().tiers
    told = replace(inner, claims=(1.0, 0.5))
    assert machine(told, outer).claims == {"link inner 1": (1.0, 0.5)}
    measured = replace(told, read_bytes_per_s=1e9, write_bytes_per_s=1e9)
    assert machine(measured, outer).claims == {}


def test_a_chip_without_a_rate_has_no_unit() -> None:
    assert machine_of("huawei-cloudmatrix-384").device.compute("fp8").native is False


@pytest.mark.parametrize("system", ["huawei-cloudmatrix-384", "nvidia-gb200-nvl72", "nvidia-hgx-h100-8"])
def test_ratios_of_one_change_nothing(system: str) -> None:
    one = machine_of(system)
    found = drawn(one, dict.fromkeys(one.claims, np.ones(3)))
    assert np.all(found.device.memory_bytes == one.device.memory_bytes)
    assert np.all(found.device.compute("bf16").flop_per_s == one.device.compute("bf16").flop_per_s)
