"""What the host of an engine adds to a step, and from which release on it works ahead."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import rig

from accord import api
from accord.base.array import array
from accord.catalog.engine import Engine, Since
from accord.hardware.derate import Efficiency
from accord.step.host import outside_s, with_overhead

TAKING_TURNS = rig.efficiency()
AHEAD = replace(TAKING_TURNS, features={"async_scheduling": True})


def outside(efficiency: Efficiency, device_s: float, requests: float = 100.0) -> float:
    return rig.value(outside_s(efficiency, array(device_s), array(requests), decode=True))


def test_a_host_that_takes_turns_adds_all_of_its_work() -> None:
    assert outside(TAKING_TURNS, 5e-3) == pytest.approx(1e-3 + 1e-4)


def test_a_host_that_works_ahead_adds_what_is_left() -> None:
    assert outside(AHEAD, 5e-3) == pytest.approx(2e-4)


def test_a_host_slower_than_the_device_sets_the_pace() -> None:
    assert 4e-4 + outside(AHEAD, 4e-4) == pytest.approx(2e-4 + 1e-3 + 1e-4)


def test_a_stated_overhead_takes_the_place_of_what_is_left() -> None:
    setting = replace(rig.setting_of("llama-3.1-8b", "nvidia-h100-sxm-1"), efficiency=AHEAD)
    stated = with_overhead(setting, 7e-4).efficiency
    assert outside(stated, 5e-3) == pytest.approx(7e-4)
    assert with_overhead(setting, None) is setting


ENGINE = Engine(
    id="e", name="E", sources={}, features={"other": True},
    versions={"async_scheduling": Since(version="0.14.0", date="2026-01-17", source="X")},
)  # fmt: skip


@pytest.mark.parametrize(
    ("version", "has"),
    [
        (None, True), ("0.14.0", True), ("v0.15.1", True), ("1.0", True), ("0.15.1 (as a forum says)", True),
        ("0.13.9", False), ("0.9", False), ("0.4.3+rocm614", False), ("2026-02", True), ("2026-01-16", False),
        ("2025", False), ("nightly", True),
    ],
)  # fmt: skip
def test_a_release_has_what_came_before_it(version: str | None, has: bool) -> None:
    assert ENGINE.has_in(version) == {"other": True, "async_scheduling": has}


def test_the_packaged_engine_works_ahead_from_its_release_on() -> None:
    steps = {
        version: api.efficiency_of(rig.catalog(), "nvidia-h100-sxm", "vllm", version).has("async_scheduling")
        for version in (None, "0.13.0", "0.15.1", "2025-10")
    }
    assert steps == {None: True, "0.13.0": False, "0.15.1": True, "2025-10": False}
