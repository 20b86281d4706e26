"""From chips to generations to every chip: means, spreads, and how they grow with distance."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

pytest.importorskip("scipy")
from accord.calibration.numbers import FittedNumber
from accord.calibration.operator_fit import Point
from accord.calibration.pooling import GENERIC, LEAST_SD, Fitted, pool

NAMES = ("launch_s", "compute", "memory")


def fitted(chip: str, generation: str, logs: tuple[float, ...], fmt: str = "bf16", variance: float = 1e-4) -> Fitted:
    return Fitted("attention_decode", fmt, chip, generation, 100, Point(NAMES, np.array(logs), np.full(3, variance)))


CHIPS = (
    fitted("a1", "a", (-12.0, -0.5, -0.3)), fitted("a2", "a", (-12.2, -0.6, -0.2)),
    fitted("b1", "b", (-11.5, -0.9, -0.4)), fitted("b2", "b", (-11.7, -0.7, -0.6)),
    fitted("c1", "c", (-12.5, -0.2, -0.1)),
    fitted("a1", "a", (-12.1, -0.8, -0.3), "fp8"), fitted("b1", "b", (-11.9, -1.0, -0.5), "fp8"),
)  # fmt: skip
ENTRIES = pool(CHIPS).entries


def number(entry: str, name: str = "compute.bf16") -> FittedNumber:
    return ENTRIES[entry][f"attention_decode.{name}"]


def test_every_level_is_the_mean_of_the_one_below() -> None:
    assert number("a").value == pytest.approx(math.exp((-0.5 - 0.6) / 2))
    assert number("b").value == pytest.approx(math.exp(-0.8))
    assert number(GENERIC, "compute").value == pytest.approx(math.exp((-0.55 - 0.8 - 0.2) / 3))
    assert number(GENERIC, "compute.fp8").value == pytest.approx(math.exp(-0.9))
    assert number("a1").value == pytest.approx(math.exp(-0.5))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("chip", "generation"), [("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", "c")])
def test_farther_is_less_sure(name: str, chip: str, generation: str) -> None:
    own, family = number(chip, f"{name}.bf16"), number(generation, f"{name}.bf16")
    assert LEAST_SD <= own.log_sd < family.log_sd < number(GENERIC, name).log_sd


def test_a_lone_chip_is_its_generation_and_less_sure_there() -> None:
    own, family = number("c1"), number("c")
    assert family.value == own.value
    assert family.log_sd > own.log_sd
    assert (family.n, family.chips) == (own.n, own.chips) == (100, ("c1",))


def test_more_chips_make_a_generation_surer() -> None:
    assert number("a").log_sd < number("c").log_sd


def test_chips_that_differ_more_widen_the_family() -> None:
    apart = [fitted("a1", "a", (-12.0, -0.3, -0.3)), fitted("a2", "a", (-12.2, -0.9, -0.2))]
    wide = pool(apart).entries["a"]["attention_decode.compute.bf16"]
    assert wide.log_sd == pytest.approx(math.hypot(math.sqrt(1e-4 / 2), math.sqrt(0.18) * math.sqrt(1.5)), rel=1e-6)
    assert wide.log_sd > number("a").log_sd


def test_shapes_and_chips_are_counted() -> None:
    assert (number("a").n, number("a").chips) == (200, ("a1", "a2"))
    assert (number(GENERIC, "compute").n, number(GENERIC, "compute").chips) == (500, ("a1", "a2", "b1", "b2", "c1"))
    assert number(GENERIC, "compute.fp8").chips == ("a1", "b1")


def test_the_order_of_the_points_changes_no_bit() -> None:
    rng = np.random.default_rng(2)
    for order in itertools.islice((rng.permutation(len(CHIPS)) for _ in itertools.count()), 12):
        assert pool([CHIPS[at] for at in order]).entries == ENTRIES


def test_the_nearest_entry_that_has_them_all() -> None:
    levels = pool(CHIPS)

    def found(fmt: str, *chain: str) -> list[float] | None:
        logs = levels.logs("attention_decode", fmt, NAMES, chain)
        return None if logs is None else logs.tolist()

    assert found("bf16", "a1", "a", GENERIC) == pytest.approx([-12.0, -0.5, -0.3])
    assert found("fp8", "a2", "a", GENERIC) == pytest.approx([-12.1, -0.8, -0.3])
    assert found("fp8", "c1", "c", GENERIC) == pytest.approx([-12.0, -0.9, -0.4])
    assert found("int8", "c1", "c", GENERIC) == pytest.approx([-12.1 + 0.1 / 30, -0.5166667, -0.2833333], abs=0.1)
    assert found("bf16", "nobody") is None
