from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.report.simulated import outcome

pytest.importorskip("matplotlib")

from accord.report.outputs import Drawn
from accord.report.plots.occupancy import PANELS, figure

RUN = outcome(200)


def test_every_pool_has_a_panel_of_percent() -> None:
    found = figure(RUN, Drawn()).axes
    assert [axes.get_title(loc="left") for axes in found] == ["Cache in use: prefill", "Cache in use: decode"]
    for axes, name in zip(found, ("prefill", "decode"), strict=True):
        assert axes.lines[0].get_ydata() == pytest.approx(RUN.series[name].kv_share)
        assert axes.get_ylim() == (0.0, 1.02)
    share = RUN.series["decode"].kv_share
    assert found[1].get_title(loc="right") == f"mean {np.mean(share):.0%}, most {np.max(share):.0%}"


def test_one_pool_takes_the_measured_series_of_the_whole() -> None:
    one = replace(RUN, series={"all": RUN.series["all"]})
    measured = {"kv_share": (RUN.series["all"].time_s, RUN.series["all"].kv_share)}
    (axes,) = figure(one, Drawn(measured=measured)).axes
    assert "measured" in [line.get_label() for line in axes.lines]


def test_many_pools_are_not_all_drawn() -> None:
    many = replace(RUN, series={f"pool {at}": RUN.series["all"] for at in range(PANELS + 3)})
    assert len(figure(many, Drawn()).axes) == PANELS
