from __future__ import annotations

import pytest

from accord.catalog.chip import Chip
from accord.catalog.load import load_catalog
from accord.catalog.system import System
from accord.catalog.value import Value
from accord.power.draw import observed_overhead, system_power


def value(number: float, unit: str) -> Value:
    return Value(number=number, unit=unit, basis="published", source="S1")


def chip(board_w: float | None = 500.0) -> Chip:
    return Chip(
        id="c", name="c", vendor="v", family="other", devices_per_chip=value(1.0, "1"), sources={},
        board_power=value(board_w, "W") if board_w else None,
    )  # fmt: skip


def system(power_w: float | None = None, kind: str = "node", chips: float | None = 8.0) -> System:
    return System(
        id="s", name="s", vendor="v", kind=kind, chip="c", sources={},  # type: ignore[arg-type]
        chips=value(chips, "1") if chips else None, power=value(power_w, "W") if power_w else None,
    )  # fmt: skip


def test_a_stated_power_is_taken() -> None:
    found = system_power(system(7000.0), chip(), None)
    assert found is not None
    assert (found.value, found.basis, found.built) == (7000.0, "published", False)


def test_power_is_built_up_with_a_wide_band_and_says_so() -> None:
    overhead = observed_overhead([(system(6000.0), chip()), (system(8000.0), chip())])
    assert overhead is not None
    assert overhead.value == pytest.approx((1.5 * 2.0) ** 0.5)
    found = system_power(system(), chip(), overhead)
    assert found is not None
    assert (found.basis, found.built) == ("derived", True)
    assert found.value == pytest.approx(4000.0 * 3.0**0.5)
    assert found.band() == pytest.approx((4000.0, 8000.0))
    assert "no source states it" in found.remarks[0]


def test_nothing_is_made_up() -> None:
    overhead = observed_overhead([(system(6000.0), chip())])
    assert system_power(system(), chip(None), overhead) is None
    assert system_power(system(), None, overhead) is None
    assert system_power(system(), chip(), None) is None
    assert system_power(system(chips=None), chip(), overhead) is None


def test_a_site_says_nothing_of_a_machine() -> None:
    assert observed_overhead([(system(6000.0, "site"), chip()), (system(), chip()), (system(5.0), chip(None))]) is None


def test_overhead_in_the_catalog_is_that_of_machines_with_hosts() -> None:
    catalog = load_catalog()
    systems = [catalog.system(id) for id in catalog.ids("systems")]
    found = observed_overhead((one, catalog.chip(one.chip)) for one in systems if one.chip)
    assert found is not None
    assert 1.2 < found.value < 2.5
    assert min(found.points) == 1.0
