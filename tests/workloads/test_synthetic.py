"""Laws, arrivals and sessions against their statistics; streams against one another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.base.streams import stream
from accord.workloads.arrivals import Arrivals, parse_arrivals
from accord.workloads.lengths import KINDS, Law, parse_law
from accord.workloads.request import Workload
from accord.workloads.sessions import Sessions, Talk
from accord.workloads.synthetic import Traffic, generate

LAWS = (
    "1024",
    "constant:mean=7",
    "uniform:mean=1000,ratio=0.2",
    "exponential:mean=211",
    "lognormal:mean=1200,cv=1.1",
    "gamma:mean=100,cv=0.5",
    "geometric:mean=3.5",
    "zipf:exponent=0.6,min=64,max=4096",
)
OPEN = ("poisson", "gamma:burstiness=0.3", "gamma:burstiness=4", "constant", "diurnal:period=100s,peak=1.8")


def chat(turns: str = "geometric:mean=4", **changes: object) -> Traffic:
    talk = Talk(
        question=parse_law("lognormal:mean=300,cv=1.5"),
        answer=parse_law("exponential:mean=200"),
        sessions=Sessions(parse_law(turns), parse_law("exponential:mean=30s", "s"), parse_law("exponential:mean=60")),
        system_tokens=200,
    )
    return Traffic(**{"name": "chat", "talk": talk, "arrivals": parse_arrivals("poisson", 5.0), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("text", LAWS)
def test_a_law_has_the_mean_it_says(text: str) -> None:
    law = parse_law(text)
    drawn = law.whole(np.random.default_rng(3), 200_000)
    assert drawn.min() >= 1
    assert drawn.mean() == pytest.approx(law.expected(), rel=0.02)
    if law.kind != "zipf":
        assert drawn.mean() == pytest.approx(law.mean, rel=0.02)
    if law.cv:
        assert drawn.std() / drawn.mean() == pytest.approx(law.cv, rel=0.05)
    assert np.array_equal(law.whole(np.random.default_rng(3), 100), drawn[:100]), "more draws begin alike"


def test_laws_are_cut() -> None:
    drawn = parse_law("lognormal:mean=1200,cv=2,min=10,max=2000").whole(np.random.default_rng(1), 10_000)
    assert (drawn.min(), drawn.max()) == (10, 2000)
    assert set(parse_law("uniform:mean=10,ratio=1").whole(np.random.default_rng(1), 10_000)) <= set(range(1, 21))


def test_zipf_is_a_power_law() -> None:
    drawn = parse_law("zipf:exponent=2,min=1,max=100").whole(np.random.default_rng(1), 200_000)
    share = np.bincount(drawn)[[1, 2, 4]]
    assert share[0] / share[1] == pytest.approx(4.0, rel=0.05)
    assert share[1] / share[2] == pytest.approx(4.0, rel=0.05)


def test_empirical_gives_what_was_there() -> None:
    law = Law("empirical", values=np.array([5.0, 5.0, 9.0]))
    drawn = law.whole(np.random.default_rng(1), 30_000)
    assert set(drawn) == {5, 9}
    assert drawn.mean() == pytest.approx(law.expected(), rel=0.01)


def test_units_and_words() -> None:
    assert parse_law("2 min", "s") == Law("constant", mean=120.0)
    assert parse_law("lognormal:mean=500 ms, cv=1", "s").mean == 0.5
    assert parse_law("32 ktok").mean == 32_000.0
    assert parse_arrivals("gamma:burstiness=0.5,rate=3") == Arrivals("gamma", per_s=3.0, burstiness=0.5)
    assert parse_arrivals("diurnal:period=24h,peak=1.5", 2.0) == Arrivals("diurnal", 2.0, period_s=86_400.0, peak=1.5)
    assert parse_arrivals("closed:concurrency=64").concurrency == 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lognormal:mean=1200", "'lognormal' has a cv of 0"),
        ("lognormal", "'lognormal' has a mean of nan"),
        ("lognorml:mean=1,cv=1", "'lognorml' is no law"),
        ("lognormal:mean=1,sd=1", "has no 'sd'"),
        ("lognormal:mean=1,mean=2", "'mean' is given twice"),
        ("exponential:mean=many", "'mean' is 'many', no number in tok"),
        ("exponential:mean=2 s", "no number in tok"),
        ("exponential:mean", "'mean' is no 'key=value'"),
        ("exponential:mean=nan", "no number"),
        ("uniform:mean=1,ratio=2", "a range ratio of 2"),
        ("geometric:mean=0.5", "has a mean of 0.5"),
        ("zipf:exponent=1", "is cut at 0 and inf"),
        ("constant:mean=5,min=9,max=3", "a least of 9 and a most of 3"),
        ("empirical", "cannot be given in words"),
        ("-5", "has a mean of -5"),
        ("", "'' is no law"),
    ],
)
def test_words_that_are_no_law(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_law(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("poison", "is no law of arrival"),
        ("poisson", "at nan a second"),
        ("poisson:rate=0", "at 0 a second"),
        ("gamma:rate=1,burstiness=0", "a burstiness of 0"),
        ("diurnal:rate=1,peak=3", "a peak of 3"),
        ("closed", "a closed loop of 0"),
        ("closed:concurrency=1.5", "'concurrency' is 1.5"),
        ("constant:rate=fast", "'rate' is 'fast'"),
        ("constant:speed=1", "have no 'speed'"),
    ],
)
def test_words_that_are_no_arrivals(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_arrivals(text)


@pytest.mark.parametrize("text", OPEN)
@given(seed=st.integers(0, 2**32), rate=st.floats(0.01, 1000.0), count=st.integers(1, 200))
@settings(max_examples=20, deadline=None)
def test_arrivals_are_in_order_and_begin_alike(text: str, seed: int, rate: float, count: int) -> None:
    law = parse_arrivals(text, rate)
    times = law.times(seed, "x", count)
    assert len(times) == count
    assert times[0] >= 0.0
    assert np.all(np.diff(times) >= 0.0)
    assert np.array_equal(law.times(seed, "x", 2 * count)[:count], times)
    until = law.until(seed, "x", float(times[-1]) + 1e-9)
    assert np.array_equal(until[: count - 1], times[: count - 1])


@pytest.mark.parametrize("text", OPEN)
def test_arrivals_have_the_rate(text: str) -> None:
    times = parse_arrivals(text, 20.0).until(1, "x", 10_000.0)
    assert len(times) / 10_000.0 == pytest.approx(20.0, rel=0.02)
    gaps = np.diff(times)
    expected = {"poisson": 1.0, "gamma:burstiness=0.3": 0.3**-0.5, "gamma:burstiness=4": 0.5, "constant": 0.0}
    if text in expected:
        assert gaps.std() / gaps.mean() == pytest.approx(expected[text], abs=0.02)


def test_the_day_has_its_shape() -> None:
    times = parse_arrivals("diurnal:period=1000s,peak=1.8", 50.0).until(2, "x", 20_000.0)
    share = np.histogram(times % 1000.0, bins=4, range=(0.0, 1000.0))[0] / (len(times) / 4.0)
    wave = 0.8 * 2.0 / np.pi
    assert share == pytest.approx([1.0 + wave, 1.0 + wave, 1.0 - wave, 1.0 - wave], abs=0.03)


def test_streams_are_of_their_names() -> None:
    first, second, third = (stream(1, name).random(1000) for name in ("a", "b", "a"))
    assert np.array_equal(first, third)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
    assert not np.array_equal(stream(2, "a").random(1000), first)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_a_change_of_one_law_changes_no_other_draw(seed: int) -> None:
    base = generate(chat(), seed, count=300)
    bursty = generate(chat(arrivals=parse_arrivals("gamma:burstiness=0.2", 5.0)), seed, count=300)
    assert np.array_equal(base.prompt, bursty.prompt)
    assert np.array_equal(base.answer, bursty.answer)
    assert np.array_equal(base.wait_s, bursty.wait_s)
    assert not np.array_equal(base.arrival_s, bursty.arrival_s)
    again, other = generate(chat(), seed, count=300), generate(chat(), seed + 1, count=300)
    assert np.array_equal(base.arrival_s, again.arrival_s)
    assert np.array_equal(base.hashes, again.hashes)
    assert not np.array_equal(base.prompt, other.prompt)
    longer = generate(chat(), seed, count=700)
    assert np.array_equal(longer.prompt[:300], base.prompt)
    assert np.array_equal(longer.arrival_s[:300], base.arrival_s)


def conversation(workload: Workload, root: int) -> list[int]:
    turns = [root]
    while turns[-1] + 1 < len(workload) and workload.follows[turns[-1] + 1] == turns[-1]:
        turns.append(turns[-1] + 1)
    return turns


@given(seed=st.integers(0, 10_000), block=st.sampled_from((1, 16, 64)))
@settings(max_examples=15, deadline=None)
def test_a_prompt_carries_all_that_was_said(seed: int, block: int) -> None:
    work = generate(chat(block_tokens=block), seed, count=200)
    assert len(work) == 200
    assert work.block_tokens == block
    assert np.array_equal(np.diff(work.starts), work.prompt // block)
    common = 200 // block
    seen: dict[int, int] = {}
    for root in np.flatnonzero(work.follows < 0):
        last: list[int] = []
        for turn in conversation(work, int(root)):
            ids = work.hashes[work.starts[turn] : work.starts[turn + 1]].tolist()
            assert ids[:common] == list(range(common)), "the system prompt is everybody's"
            assert ids[: len(last)] == last, "what was said before begins the prompt"
            assert len(set(ids)) == len(ids)
            for one in ids[common:]:
                assert seen.setdefault(one, int(root)) == root, "nobody else's text"
            if last:
                before = turn - 1
                assert work.prompt[turn] > work.prompt[before] + work.answer[before]
                assert work.arrival_s[turn] == work.arrival_s[root]
                assert work.wait_s[turn] > 0.0
            last = ids


def test_sessions_make_the_rate_and_the_turns() -> None:
    work = generate(chat(), 7, duration_s=8_000.0)
    assert len(work) / 8_000.0 == pytest.approx(5.0, rel=0.05)
    assert len(work) / np.count_nonzero(work.follows < 0) == pytest.approx(4.0, rel=0.05)
    assert work.wait_s[work.follows >= 0].mean() == pytest.approx(30.0, rel=0.05)
    first = work.prompt[work.follows < 0]
    assert first.mean() == pytest.approx(500.0, rel=0.05)


def test_a_session_ends_at_the_context() -> None:
    talk = Talk(parse_law("300"), parse_law("200"), Sessions(parse_law("10")), system_tokens=100, most_tokens=2_000.0)
    work = generate(chat(talk=talk), 1, duration_s=2_000.0)
    assert np.max(work.prompt + work.answer) <= 2_000
    assert conversation(work, 0) == [0, 1, 2]
    assert len(work) / 2_000.0 == pytest.approx(5.0, rel=0.05), "the rate is of requests that fit"
    long = Talk(parse_law("9000"), parse_law("9000"), Sessions(), system_tokens=100, most_tokens=2_000.0)
    cut = generate(chat(talk=long), 1, count=3)
    assert (cut.prompt + cut.answer).tolist() == [2_000] * 3
    with pytest.raises(UsageError, match="leave room"):
        Talk(parse_law("1"), parse_law("1"), Sessions(), system_tokens=10, most_tokens=11.0)


def test_single_requests_have_no_ids() -> None:
    talk = Talk(parse_law("300"), parse_law("200"), Sessions(), image_tokens=1000)
    work = generate(chat(talk=talk, priority=2, patience_s=9.0, radio_s=0.05), 1, count=5)
    assert work.prompt.tolist() == [1300] * 5
    assert (len(work.hashes), work.block_tokens, work.radio_s) == (0, 0, 0.05)
    assert work.priority.tolist() == [2] * 5
    assert work.patience_s.tolist() == [9.0] * 5
    assert work.tenants == ("chat",)


def test_pairs_stay_together() -> None:
    pairs = (np.array([10, 20, 30]), np.array([1, 2, 3]))
    work = generate(chat("1", paired=pairs), 1, count=500)
    asked = work.prompt - 200
    assert set(asked) == {10, 20, 30}
    assert np.array_equal(asked, 10 * work.answer)


def test_a_closed_loop_has_no_times() -> None:
    work = generate(chat(arrivals=parse_arrivals("closed:concurrency=8")), 1, count=50)
    assert work.concurrency == 8
    assert np.all(work.arrival_s == 0.0)
    with pytest.raises(UsageError, match="give a number of requests"):
        generate(chat(arrivals=parse_arrivals("closed:concurrency=8")), 1, duration_s=5.0)


def test_what_is_no_workload() -> None:
    with pytest.raises(UsageError, match="neither"):
        generate(chat(), 1)
    with pytest.raises(UsageError, match="0 requests"):
        generate(chat(), 1, count=0)
    with pytest.raises(UsageError, match="requests in"):
        generate(chat(arrivals=parse_arrivals("poisson", 1e9)), 1, duration_s=1e9)
    with pytest.raises(UsageError, match="a duration of nan"):
        generate(chat(), 1, duration_s=float("nan"))
    assert len(generate(chat(), 1, count=10, duration_s=1e3)) == 10
    assert len(generate(chat(arrivals=parse_arrivals("poisson", 1e-9)), 1, duration_s=1.0)) == 0


def test_many_ids_take_larger_blocks() -> None:
    talk = Talk(parse_law("60000"), parse_law("1"), Sessions(), system_tokens=16_000)
    work = generate(chat(talk=talk), 1, count=7_000)
    assert work.block_tokens == 32
    assert len(work.hashes) <= 1 << 24


def test_every_kind_is_tried() -> None:
    assert {parse_law(text).kind for text in LAWS} | {"empirical"} == set(KINDS)
