from __future__ import annotations

import numpy as np
import pytest
from tests.report.simulated import outcome

pytest.importorskip("matplotlib")

from accord.report.outputs import Drawn
from accord.report.plots.queue import STRETCHES, figure
from accord.serving.latency import latencies

RUN = outcome(200)


def test_every_pool_has_a_line() -> None:
    depth, _ = figure(RUN, Drawn()).axes
    names = [str(line.get_label()) for line in depth.lines if not str(line.get_label()).startswith("_")]
    assert names == ["prefill", "decode"]
    assert depth.lines[0].get_ydata() == pytest.approx(RUN.series["prefill"].waiting)


def test_the_wait_is_the_median_of_those_who_came_then() -> None:
    _, wait = figure(RUN, Drawn()).axes
    line = wait.lines[0]
    at, middle = (np.asarray(values) for values in line.get_data())
    width = RUN.end_s / STRETCHES
    waits = latencies(RUN).queue_s
    for one, value in zip(at, middle, strict=True):
        inside = np.abs(RUN.requests.arrival_s - one) <= 0.5 * width
        assert value == pytest.approx(np.nanmedian(waits[inside]))


def test_those_who_never_got_a_turn_are_counted() -> None:
    _, wait = figure(RUN, Drawn()).axes
    assert "3 never scheduled" in [text.get_text() for text in wait.texts]
    _, wait = figure(outcome(200, trouble=False), Drawn()).axes
    assert not wait.texts
