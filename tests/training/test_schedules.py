"""Closed forms of pipeline schedules: the published bubbles and peaks, and that they move the right way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.array import Array, array
from accord.training.request import SCHEDULES
from accord.training.schedules import Work, allowed, peak_micro_batches, pipeline_s, trusted

ONE, TURNS, ZERO, DUAL = (float(i) for i in range(4))


def work(f: float, b: float, w: float) -> Work:
    """Work of one layout."""
    return Work(array(f), array(b), array(w))


def total_s(
    schedule: float, p: int, m: int, v: int = 1, each: Work | None = None, most: Work | None = None, send: float = 0.0
) -> float:
    """Seconds of one layout; work is 1, 1 and 1 where it is left out."""
    each = each or work(1.0, 1.0, 1.0)
    return float(
        pipeline_s(array(schedule), array(p), array(m), array(v), each, most or each, array(send))[0],
    )


def test_order_of_schedules_is_that_of_requests() -> None:
    assert SCHEDULES == ("1f1b", "interleaved", "zero-bubble", "dualpipe")


@pytest.mark.parametrize("p", [1, 2, 4, 8, 16, 64])
@pytest.mark.parametrize("m", [1, 3, 16, 512])
def test_1f1b_is_p_minus_1_plus_m(p: int, m: int) -> None:
    """Narayanan et al., arXiv:2104.04473, section 2.2.1."""
    each = work(1.0, 1.3, 0.9)
    assert total_s(ONE, p, m, each=each) == pytest.approx((p - 1 + m) * 3.2, rel=1e-12)


@pytest.mark.parametrize("p", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("v", [2, 4, 8])
@pytest.mark.parametrize("groups", [1, 2, 8])
def test_interleaving_divides_the_bubble_by_v(p: int, v: int, groups: int) -> None:
    """The same paper, section 2.2.2: (p - 1)(f + b) / v."""
    m = p * groups
    assert total_s(TURNS, p, m, v) == pytest.approx(m * 3.0 + (p - 1) * 3.0 / v, rel=1e-12)


@pytest.mark.parametrize("p", [1, 2, 4, 8, 16])
@pytest.mark.parametrize(("f", "b", "w"), [(1.0, 1.0, 1.0), (1.0, 2.0, 0.9), (1.1, 1.3, 1.0)])
def test_zb_h1_bubble(p: int, f: float, b: float, w: float) -> None:
    """Qi et al., arXiv:2401.10241: (p - 1)(f + b - w), where neither f nor b is shorter than w."""
    m = 2 * p
    assert total_s(ZERO, p, m, each=work(f, b, w)) == pytest.approx(m * (f + b + w) + (p - 1) * (f + b - w), rel=1e-12)


@pytest.mark.parametrize("p", [2, 4, 8, 16, 32])
def test_dualpipe_bubble(p: int) -> None:
    """DeepSeek-AI, arXiv:2412.19437, table 2: (p/2 - 1)(F&B + B - 3W), here F&B = 3, B = 2, W = 1."""
    m = 3 * p if p > 2 else 8
    assert total_s(DUAL, p, m) == pytest.approx(m * 3.0 + (p / 2 - 1) * (3.0 + 2.0 - 3.0), rel=1e-12)


def test_one_rank_has_no_bubble_and_sends_nothing() -> None:
    for schedule in (ONE, TURNS, ZERO, DUAL):
        assert total_s(schedule, 1, 7, 1, send=5.0) == pytest.approx(21.0, rel=1e-12)


@pytest.mark.parametrize(
    ("schedule", "p", "m", "v", "peak"),
    [
        (ONE, 8, 16, 1, 8.0), (ONE, 8, 3, 1, 3.0), (TURNS, 8, 16, 2, 8 * (1 + 7 / 16)), (TURNS, 8, 8, 2, 8.0),
        (TURNS, 8, 16, 1, 8.0), (ZERO, 8, 16, 1, 8.0), (DUAL, 8, 16, 1, 9.0), (DUAL, 1, 4, 1, 1.0),
    ],
)  # fmt: skip
def test_peaks_as_published(schedule: float, p: int, m: int, v: int, peak: float) -> None:
    """1F1B p, interleaved p (1 + (p - 1)/(p v)), ZB-H1 p, DualPipe p + 1, never more than there are."""
    assert peak_micro_batches(array(schedule), array(p), array(m), array(v))[0] == pytest.approx(peak)


def test_what_schedules_take() -> None:
    cases = [(TURNS, 4, 8, 2, True), (TURNS, 4, 6, 2, False), (TURNS, 4, 6, 1, True), (DUAL, 4, 8, 1, True),
             (DUAL, 4, 6, 1, False), (DUAL, 3, 8, 1, False), (DUAL, 4, 9, 1, False), (ONE, 7, 3, 1, True)]  # fmt: skip
    for schedule, p, m, v, is_allowed in cases:
        assert bool(allowed(array(schedule), array(p), array(m), array(v))[0]) is is_allowed


seconds = st.floats(0.05, 3.0)


@given(
    schedule=st.sampled_from([ONE, TURNS, ZERO, DUAL]), p=st.integers(1, 64), m=st.integers(1, 600),
    v=st.integers(1, 8), f=seconds, b=seconds, w=seconds, more=st.floats(1.0, 1.5), send=st.floats(0.0, 0.2),
)  # fmt: skip
def test_never_shorter_than_the_slowest_rank_is_busy(
    schedule: float, p: int, m: int, v: int, f: float, b: float, w: float, more: float, send: float
) -> None:
    each, most = work(f, b, w), work(f * more, b * more, w * more)
    t = total_s(schedule, p, m, v, each, most, send)
    assert t >= m * (f + b + w) * more * (1 - 1e-9)
    assert t >= total_s(schedule, p, m, v, each, most, 0.0) * (1 - 1e-9)


@given(schedule=st.sampled_from([ONE, TURNS, ZERO, DUAL]), p=st.integers(1, 64), m=st.integers(1, 600))
def test_more_micro_batches_take_longer_and_waste_less(schedule: float, p: int, m: int) -> None:
    one, two = total_s(schedule, p, m, 2), total_s(schedule, p, 2 * m, 2)
    assert two > one
    assert two / (2 * m) <= one / m * (1 + 1e-12)


def test_is_elementwise() -> None:
    r = np.random.default_rng(0)
    size = 200

    def some(low: float, high: float) -> Array:
        return r.uniform(low, high, size)

    schedule, p, m, v = (array(r.integers(a, b, size)) for a, b in ((0, 4), (1, 33), (1, 200), (1, 9)))
    mean = Work(some(0.5, 2), some(0.5, 3), some(0.4, 2))
    slowest = Work(mean.forward_s * 1.1, mean.backward_s * 1.1, mean.weight_s * 1.1)
    send, even = some(0, 0.1), array(r.integers(0, 2, size))
    all_s = pipeline_s(schedule, p, m, v, mean, slowest, send, even)
    ok = trusted(schedule, p, m, v, mean, slowest, send, even)
    assert all_s.shape == ok.shape == (size,)
    for i in range(0, size, 17):
        cut = slice(i, i + 1)
        one, most = (Work(x.forward_s[cut], x.backward_s[cut], x.weight_s[cut]) for x in (mean, slowest))
        arguments = (schedule[cut], p[cut], m[cut], v[cut], one, most, send[cut], even[cut])
        assert pipeline_s(*arguments)[0] == pytest.approx(all_s[i], rel=1e-12)
        assert trusted(*arguments)[0] == ok[i]
