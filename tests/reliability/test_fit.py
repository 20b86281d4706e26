"""The fit of rates: it finds what made the numbers, weighs sources and not rows, and made the catalog's constants."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from accord.base.errors import TableError
from accord.catalog.load import load_catalog
from accord.reliability.constants import constants_of, observations_of, rates_of, recovery_of, scatter, warning
from accord.reliability.fit import NAMES, Observation, fit

DAY = 86400.0
RECORD = load_catalog().reliability("generic")
CONSTANTS = constants_of(RECORD, {"nvidia"})


def made(spread: float, sources: int, seed: int) -> list[Observation]:
    """Counts of sources about 6e-9 a chip-second, half as much from elsewhere, whose clusters differ by ``spread``."""
    draws = np.random.default_rng(seed)
    found = []
    for at in range(sources):
        node = 6e-9 * math.exp(spread * draws.normal())
        for chips in (64.0, 1024.0, 16384.0):
            beyond = 0.5 * (chips / 1024.0) ** 0.04
            found += [
                Observation(f"s{at}", "node", chips, node, 1000.0, f"c{at % 3}"),
                Observation(f"s{at}", "job", chips, node * (1.0 + beyond) + 1e-8 / chips, 1000.0, f"c{at % 3}"),
            ]
    return found


def test_the_fit_finds_what_made_the_counts() -> None:
    found = fit(made(0.3, 9, 1))
    assert tuple(found.values) == NAMES
    assert found.values["node_per_chip_s"] == pytest.approx(6e-9, rel=0.35)
    assert found.values["elsewhere"] == pytest.approx(0.5, rel=0.25)
    assert 0.1 < found.between < 0.5
    assert found.within < 0.15
    assert fit(made(1.2, 9, 1)).between > 2.0 * found.between


def test_rows_of_one_source_do_not_outvote_the_others() -> None:
    few = made(0.3, 4, 2)
    loud = [replace(one, per_chip_s=5.0 * one.per_chip_s, group="loud", chip="") for one in few[:6]]
    once, often = fit(few + loud), fit(few + loud * 6)
    assert often.values["node_per_chip_s"] == pytest.approx(once.values["node_per_chip_s"], rel=0.35)
    assert often.values["node_per_chip_s"] < 2.5 * fit(few).values["node_per_chip_s"]


def test_no_counts() -> None:
    with pytest.raises(TableError, match="no interruptions were counted"):
        fit([])


def test_the_catalog_holds_the_fit_of_its_observations() -> None:
    found = fit(observations_of(RECORD))
    for name, value in found.values.items():
        assert CONSTANTS.values[name] == pytest.approx(value, rel=1e-3), name
        assert CONSTANTS.log_sd[name] == pytest.approx(found.log_sd[name], rel=1e-3), name
    assert CONSTANTS.between == pytest.approx(found.between, rel=1e-3)
    assert CONSTANTS.within == pytest.approx(found.within, rel=1e-3)
    assert set(CONSTANTS.chips) == set(found.chips)
    for chip, (factor, log_sd) in found.chips.items():
        assert CONSTANTS.chips[chip] == pytest.approx((factor, log_sd), rel=1e-3)


def test_counts_of_causes_add_up() -> None:
    counted = [one for one in RECORD.observed if one.lasts.si == 54.0 * DAY]
    whole = next(one.events.si for one in counted if one.about == "job")
    parts = [one.events.si for one in counted if one.about not in ("job", "planned")]
    assert (whole, sum(parts)) == (419.0, 419.0)


@pytest.mark.parametrize(
    ("chips", "lasts_s", "events", "chip"),
    [
        (16384.0, 54.0 * DAY, 419.0, "nvidia-h100-sxm"),  # Llama 3
        (8.0, 1144.8 * 3600.0, 1.0, "nvidia-a100-sxm-80"),  # two research clusters: jobs of 8
        (1024.0, 7.9 * 3600.0, 1.0, "nvidia-a100-sxm-80"),  # ... and of 1,024
        (1024.0, 56.0 * DAY, 90.0, "nvidia-a100-sxm-80"),  # OPT
        (384.0, 7.0 * DAY, 1.0, "nvidia-a100-sxm-80"),  # BLOOM, of GPUs alone
    ],
)
def test_the_same_constants_hold_every_source(chips: float, lasts_s: float, events: float, chip: str) -> None:
    rates = np.log(rates_of(CONSTANTS, chip, "nvidia", 512).total_s(chips) * lasts_s / events)
    sd = math.hypot(float(rates.std()), CONSTANTS.within)
    assert abs(float(np.median(rates))) < 1.645 * sd


def test_chips_that_nobody_counted_are_less_sure() -> None:
    counted, kin, other = (
        scatter(CONSTANTS, chip, vendor)
        for chip, vendor in (("nvidia-h100-sxm", "nvidia"), ("nvidia-b200", "nvidia"), ("huawei-ascend-910b", "huawei"))
    )
    assert counted < kin < other
    assert warning(CONSTANTS, "nvidia-h100-sxm", "nvidia") is None
    assert "or another chip of huawei" in str(warning(CONSTANTS, "huawei-ascend-910b", "huawei"))
    assert "another chip" not in str(warning(CONSTANTS, "nvidia-b200", "nvidia"))


def test_times_to_recover() -> None:
    median, drawn = recovery_of(CONSTANTS), recovery_of(CONSTANTS, 512)
    assert median.detection_s[0] == 150.0
    assert median.restart_s[0] == pytest.approx(0.973 * 300.0 + 0.027 * 7200.0)
    assert np.median(drawn.detection_s) == pytest.approx(150.0, rel=0.01)
    assert drawn.restart_s.shape == (512,)
