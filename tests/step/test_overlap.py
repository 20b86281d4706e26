"""Two microbatches on two resources."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rig import value

from accord.base.array import array
from accord.step.breakdown import LayerTime
from accord.step.overlap import choose, overlapped

SECONDS = st.floats(0.0, 1.0)


def layer(attention: float, ffn: float, reduce: float, exchange: float) -> LayerTime:
    return LayerTime(array(attention), array(ffn), array(reduce), array(exchange))


def total(time: LayerTime) -> float:
    return value(time.device_s + time.exchange_s)


@pytest.mark.parametrize(("device", "exchange", "period"), [
    (4.0, 1.0, 8.0),  # work decides: the exchanges are hidden
    (1.0, 4.0, 8.0),  # wires decide
    (4.0, 4.0, 8.0),
    (4.0, 0.0, 8.0),
])  # fmt: skip
def test_the_busiest_resource_decides(device: float, exchange: float, period: float) -> None:
    half = layer(device / 2, device / 4, device / 4, exchange)
    assert total(overlapped(half, 1.0)) == pytest.approx(period)


def test_hidden_exchanges_cost_the_slowdown() -> None:
    both = overlapped(layer(2.0, 1.0, 1.0, 1.0), 1.25)
    assert value(both.exchange_s) == 0.0
    assert (value(both.attention_s), value(both.ffn_s), value(both.reduce_s)) == (5.0, 2.5, 2.5)


def test_without_exchanges_nothing_slows_down() -> None:
    both = overlapped(layer(2.0, 1.0, 1.0, 0.0), 1.25)
    assert total(both) == 8.0


@given(SECONDS, SECONDS, SECONDS, SECONDS, st.floats(1.0, 1.5))
def test_never_faster_than_a_resource_and_never_slower_than_in_turn(
    attention: float, ffn: float, reduce: float, exchange: float, slowdown: float
) -> None:
    half = layer(attention, ffn, reduce, exchange)
    found = total(overlapped(half, slowdown))
    device = attention + ffn + reduce
    assert found >= max(2 * device, 2 * exchange) * (1 - 1e-12)
    assert found <= 2 * (slowdown * device + exchange) * (1 + 1e-12)
    assert value(overlapped(half, slowdown).exchange_s) >= -1e-12


def test_the_faster_is_chosen_where_none_is_asked_for() -> None:
    whole = LayerTime(*(np.array([4.0, 4.0, 4.0, 4.0]) for _ in range(4)))
    split = LayerTime(*(np.array([3.0, 5.0, 5.0, 3.0]) for _ in range(4)))
    chosen, microbatches = choose(whole, split, np.array([0.0, 0.0, 2.0, 1.0]))
    assert microbatches.tolist() == [2, 1, 2, 1]
    assert chosen.attention_s.tolist() == [3, 4, 5, 4]
