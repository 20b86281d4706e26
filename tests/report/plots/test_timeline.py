from __future__ import annotations

import numpy as np
import pytest
from tests.report.simulated import outcome

pytest.importorskip("matplotlib")

from accord.report.outputs import Drawn
from accord.report.plots.timeline import figure

RUN = outcome(200)


def test_the_load_is_that_of_all_pools() -> None:
    load = figure(RUN, Drawn()).axes[0]
    running, waiting, *_ = load.lines
    assert running.get_ydata() == pytest.approx(RUN.series["all"].running)
    assert waiting.get_ydata() == pytest.approx(RUN.series["all"].waiting)


def test_without_a_series_of_all_pools_they_are_added() -> None:
    apart = {name: series for name, series in RUN.series.items() if name != "all"}
    run = type(RUN)(**{name: getattr(RUN, name) for name in RUN.__slots__} | {"series": apart})
    running = figure(run, Drawn()).axes[0].lines[0]
    assert running.get_ydata() == pytest.approx(apart["prefill"].running + apart["decode"].running)


def test_the_area_below_the_rate_is_every_token() -> None:
    _, answers, _ = figure(RUN, Drawn()).axes
    rate = np.asarray(answers.lines[0].get_ydata())
    assert "mean over 1 s" in answers.get_title(loc="left")
    assert rate.sum() == pytest.approx(RUN.requests.produced.sum(), rel=0.01)


def test_measured_rates_are_averaged_over_the_same_windows() -> None:
    times = np.arange(0.0, RUN.end_s, 0.25)
    drawn = Drawn(measured={"output_token_per_s": (times, np.tile([0.0, 100.0], len(times))[: len(times)])})
    _, answers, _ = figure(RUN, drawn).axes
    assert np.asarray(answers.lines[1].get_ydata())[:-1] == pytest.approx(50.0)


def test_what_happened_is_named() -> None:
    load = figure(RUN, Drawn()).axes[0]
    assert [text.get_text() for text in load.texts] == ["down", "up", "scale-up"]


@pytest.mark.parametrize(("count", "unit"), [(6, "s"), (2000, "min"), (40_000, "h")])
def test_time_has_a_unit_that_reads_well(count: int, unit: str) -> None:
    last = figure(outcome(count), Drawn()).axes[-1]
    assert last.get_xlabel() == f"time from the start [{unit}]"
    low, high = last.get_xlim()
    assert 3 <= sum(low <= tick <= high for tick in last.get_xticks()) <= 12
