from __future__ import annotations

import numpy as np
import pytest
from tests.report.simulated import outcome

pytest.importorskip("matplotlib")

from accord.report.outputs import Drawn
from accord.report.plots.replay import figure

RUN = outcome(200)
TIMES = np.arange(0.0, 400.0, 10.0)


def lines_of(measured: dict[str, tuple[np.ndarray, np.ndarray]]) -> list[list[str]]:
    return [[str(line.get_label()) for line in axes.lines] for axes in figure(RUN, Drawn(measured=measured)).axes]


def test_measured_curves_lie_over_the_simulated_ones() -> None:
    both = dict.fromkeys(("running", "waiting", "kv_share"), (TIMES, np.full(40, 0.5)))
    assert all("simulated" in names and "measured" in names for names in lines_of(both))
    assert all("measured" not in names for names in lines_of({}))


def test_the_axis_holds_the_longer_run() -> None:
    whole = figure(RUN, Drawn(measured={"running": (TIMES, TIMES)}))
    assert whole.axes[-1].get_xlim()[1] == max(RUN.end_s, TIMES[-1])
    assert figure(RUN, Drawn()).axes[-1].get_xlim()[1] == RUN.end_s
