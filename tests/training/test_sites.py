"""Steps across sites: limits, known formulas, monotony."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.training.sites import FEW_BITS, LATE, LOCAL_STEPS, SitesStep, exchange_s, sites_step

BASE: dict[str, Any] = {
    "step_s": 10.0,
    "gradient_bytes": 1.6e12,
    "sites": 4,
    "wan_bytes_per_s": 50e9,
    "rtt_s": 0.03,
    "mode": "sync",
}


def one(**changes: Any) -> SitesStep:
    return sites_step(**{**BASE, **changes})


def test_the_ring_by_its_formula() -> None:
    """2 (N - 1) steps of a share 1 / N each, and as many one-way latencies."""
    each = 1.6e12 / 4 / 50e9 + 0.015
    assert exchange_s(1.6e12, 4, 50e9, 0.03, "ring")[0] == pytest.approx(2 * 3 * each)
    assert one(exchange="ring").sync_s[0] == pytest.approx(6 * each)


def test_the_direct_exchange_has_two_latencies() -> None:
    assert exchange_s(1.6e12, 4, 50e9, 0.03)[0] == pytest.approx(2 * 3 / 4 * 1.6e12 / 50e9 + 0.03)
    assert exchange_s(0.0, [1, 2, 4, 64], 50e9, 0.03) == pytest.approx([0.0, 0.03, 0.03, 0.03])
    assert exchange_s(1e12, 2, 1e9, 0.1, "ring") == exchange_s(1e12, 2, 1e9, 0.1, "direct")


@pytest.mark.parametrize(
    "changes", [{"sites": 1}, {"wan_bytes_per_s": 1e300, "rtt_s": 0.0}, {"gradient_bytes": 0.0, "rtt_s": 0.0}]
)
@pytest.mark.parametrize("mode", ["sync", "local"])
def test_nothing_to_wait_for_is_one_site(changes: dict[str, Any], mode: str) -> None:
    step = one(mode=mode, **changes)
    assert step.step_s[0] == pytest.approx(10.0)
    assert step.share[0] == pytest.approx(0.0)


def test_one_local_step_is_synchronous() -> None:
    assert one(mode="local", local_steps=1).step_s == one().step_s


def test_local_steps_divide_the_wait() -> None:
    waited = one().exposed_s
    assert one(mode="local", local_steps=100).exposed_s == pytest.approx(waited / 100)
    assert one(mode="local", local_steps=100).sync_s == one().sync_s


def test_fewer_bits_send_less() -> None:
    step = one(mode="local", local_steps=100, bits=4, rtt_s=0.0)
    assert step.sync_s == pytest.approx(one(rtt_s=0.0).sync_s / 8)
    assert step.wan_bytes == pytest.approx(1.5 * 1.6e12 / 8 / 100)
    assert one(bits=16, gradient_bits=16).sync_s == one().sync_s


def test_overlap_hides_up_to_its_window() -> None:
    assert one(overlap=0.5).exposed_s == pytest.approx(one().sync_s - 5.0)
    local = one(mode="local", local_steps=100, overlap=0.05)
    assert local.exposed_s == pytest.approx(0.0)
    assert local.step_s == pytest.approx(10.0)
    assert local.busy_share == pytest.approx(local.sync_s / 1000.0)


@pytest.mark.parametrize("exchange", ["direct", "ring"])
@pytest.mark.parametrize("fragments", [1, 8])
def test_enough_bandwidth_is_just_enough(exchange: str, fragments: int) -> None:
    settings: dict[str, Any] = {
        "mode": "local", "local_steps": 50, "overlap": 0.1, "exchange": exchange, "fragments": fragments,
    }  # fmt: skip
    enough = one(**settings).enough_bytes_per_s[0]
    assert one(**settings, wan_bytes_per_s=enough * 1.001).exposed_s[0] == 0.0
    assert one(**settings, wan_bytes_per_s=enough * 0.999).exposed_s[0] > 0.0
    assert np.isinf(one().enough_bytes_per_s[0])
    assert one(sites=1).enough_bytes_per_s[0] == 0.0


def test_fragments_add_latency() -> None:
    whole, parts = (one(mode="local", local_steps=10, fragments=n).sync_s[0] for n in (1, 8))
    assert parts - whole == pytest.approx(7 * 0.03)


@given(
    st.floats(0.1, 100.0), st.floats(1e9, 1e13), st.integers(1, 32), st.floats(1e8, 1e12), st.floats(0.0, 1.0),
    st.sampled_from(["sync", "local"]), st.integers(1, 1000), st.floats(0.0, 1.0), st.sampled_from(["direct", "ring"]),
)  # fmt: skip
def test_more_of_the_good_is_never_slower(
    step_s: float, size: float, sites: int, wan: float, rtt: float, mode: Any, steps: int, overlap: float, exchange: Any
) -> None:
    h = steps if mode == "local" else 1

    def step(*, size: float = size, sites: int = sites, wan: float = wan, rtt: float = rtt, h: int = h,
             overlap: float = overlap, bits: float = 16.0) -> float:  # fmt: skip
        result = sites_step(step_s, size, sites, wan, rtt, mode, h, bits, overlap, exchange=exchange)
        assert result.step_s[0] == result.compute_s[0] + result.exposed_s[0]
        assert 0.0 <= result.share[0] < 1.0
        assert 0.0 <= result.busy_share[0] <= 1.0 + 1e-12
        return float(result.step_s[0])

    here = step() * (1.0 + 1e-12)
    assert step_s <= here
    assert step(wan=2 * wan) <= here
    assert step(rtt=rtt / 2) <= here
    assert step(size=size / 2) <= here
    assert step(bits=4) <= here
    assert step(overlap=min(1.0, overlap + 0.1)) <= here
    assert step(sites=max(1, sites - 1)) <= here
    if mode == "local":
        assert step(h=2 * h) <= here


def test_arrays_are_their_members() -> None:
    wide = one(sites=[1, 2, 4], wan_bytes_per_s=[1e9, 1e10, 1e11], overlap=0.1)
    assert wide.step_s.shape == wide.share.shape == wide.enough_bytes_per_s.shape == (3,)
    for i, (n, wan) in enumerate([(1, 1e9), (2, 1e10), (4, 1e11)]):
        assert wide.step_s[i] == one(sites=n, wan_bytes_per_s=wan, overlap=0.1).step_s[0]


def test_rates_and_power() -> None:
    step = one(wan_bytes_per_s=2.4e11, rtt_s=0.0)
    assert step.sync_s[0] == pytest.approx(10.0)
    assert step.share[0] == pytest.approx(0.5)
    assert step.tokens_per_s(6e7)[0] == pytest.approx(3e6)
    assert step.wan_bytes_per_s[0] == pytest.approx(1.2e11)


def test_what_is_not_modelled_is_said() -> None:
    assert one().warnings == ()
    assert one(sites=1, mode="local", bits=4).warnings == ()
    assert one(mode="local", local_steps=100).warnings == (LOCAL_STEPS,)
    assert one(mode="local", overlap=0.1, bits=4).warnings == (LOCAL_STEPS, LATE, FEW_BITS)
    assert one(bits=16).warnings == (FEW_BITS,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "locally"}, "no mode across sites is called 'locally'"),
        ({"exchange": "tree"}, "no exchange between sites is called 'tree'"),
        ({"sites": 0}, "sites is 0.0"),
        ({"sites": 2.5}, "sites is 2.5"),
        ({"wan_bytes_per_s": 0.0}, "wan_bytes_per_s is 0.0"),
        ({"rtt_s": -1.0}, "rtt_s is -1.0"),
        ({"rtt_s": float("nan")}, "rtt_s is nan"),
        ({"step_s": 0.0}, "step_s is 0.0"),
        ({"gradient_bytes": -1.0}, "gradient_bytes is -1.0"),
        ({"overlap": 1.5}, "overlap is 1.5"),
        ({"local_steps": 10}, "exchanges all in every step"),
        ({"mode": "local", "local_steps": 0}, "local_steps is 0.0"),
        ({"bits": 0.0}, "sent in 0.0 of 32.0 bits"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        one(**changes)
    assert caught.value.hint
