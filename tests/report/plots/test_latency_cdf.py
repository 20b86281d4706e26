from __future__ import annotations

import numpy as np
import pytest
from tests.report.simulated import nobody, outcome

pytest.importorskip("matplotlib")

from accord.report.outputs import Drawn
from accord.report.plots.latency_cdf import _percent, figure
from accord.serving.latency import latencies

RUN = outcome(200)
WAITS = latencies(RUN)


def words(drawn: Drawn) -> list[str]:
    return [text.get_text() for axes in figure(RUN, drawn).axes for text in axes.texts]


def test_the_curve_is_the_share_of_requests() -> None:
    first, _, _ = figure(RUN, Drawn()).axes
    x, y = (np.asarray(values) for values in first.lines[0].get_data())
    known = WAITS.ttft_s[np.isfinite(WAITS.ttft_s)]
    for limit in (0.1, 0.3, 1.0, 3.0):
        assert y[np.searchsorted(x, limit, side="right") - 1] == pytest.approx(np.mean(known <= limit), abs=0.01)


def test_a_limit_says_how_many_keep_it() -> None:
    share = np.mean(WAITS.ttft_s[np.isfinite(WAITS.ttft_s)] <= 1.0)
    assert words(Drawn(slo={"ttft_s": 1.0})) == [f"{share:.1%}\nwithin\n1 s"]


def test_a_limit_nobody_reaches_is_inside_the_panel() -> None:
    for limit_s in (1e-4, 1e4):
        (first, *_) = figure(RUN, Drawn(slo={"ttft_s": limit_s})).axes
        low, high = first.get_xlim()
        assert low < limit_s < high


def test_not_quite_all_is_not_all() -> None:
    assert [_percent(share) for share in (1.0, 0.99999, 0.9994, 0.0)] == ["100.0%", "> 99.9%", "99.9%", "0.0%"]


@pytest.mark.parametrize("spread", [1.0, 1.02, 3.0, 50.0, 1e5])
def test_labels_have_room(spread: float) -> None:
    measured = {"ttft_s": (np.zeros(2), np.array([0.17, 0.17 * spread]))}
    (first, *_) = figure(nobody(), Drawn(measured=measured)).axes
    low, high = first.get_xlim()
    places = np.log(first.get_xticks()) / np.log(high / low)
    assert len(places) >= 1
    assert np.all(np.diff(places) > 0.18)


def test_measured_values_have_a_curve_of_their_own() -> None:
    drawn = Drawn(measured={"tpot_s": (np.zeros(3), np.array([0.02, 0.03, np.nan]))})
    first, second, _ = figure(RUN, drawn).axes
    assert (len(first.lines), len(second.lines)) == (1, 2)
    legend = second.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["simulated", "measured"]
