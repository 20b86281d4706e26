"""Pictures of a simulated run: what all of them keep to."""

from __future__ import annotations

import re
from importlib import import_module
from typing import cast

import numpy as np
import pytest
from tests.report.simulated import nobody, outcome

from accord.report.outputs import PICTURES, Drawn, Picture

pytest.importorskip("matplotlib")

from accord.report.canvas import POINTS, seconds, short
from accord.serving.latency import latencies

RUN = outcome(200)
NAMES = list(PICTURES)
TIMES = RUN.series["all"].time_s
DRAWN = Drawn(
    slo={"ttft_s": 1.0, "tpot_s": 0.025, "e2e_s": 5.0},
    measured={
        "running": (TIMES, RUN.series["all"].running),
        "waiting": (TIMES, RUN.series["all"].waiting),
        "output_token_per_s": (TIMES, np.full(len(TIMES), 250.0)),
        "prompt_token_per_s": (TIMES, np.full(len(TIMES), 900.0)),
        "kv_share.decode": (TIMES, RUN.series["decode"].kv_share),
        "queue_s": (RUN.requests.arrival_s, latencies(RUN).queue_s),
        "ttft_s": (RUN.requests.arrival_s, latencies(RUN).ttft_s),
    },
)


def draw(name: str) -> Picture:
    return cast(Picture, import_module(PICTURES[name].module).picture)


@pytest.mark.parametrize(
    ("name", "form", "start"), [*((name, "svg", b"<?xml") for name in NAMES), ("queue", "png", b"\x89PNG")]
)
def test_the_same_run_gives_the_same_bytes(name: str, form: str, start: bytes) -> None:
    one = draw(name)(RUN, DRAWN, form)
    assert one.startswith(start)
    assert one == draw(name)(RUN, DRAWN, form)
    assert b"<dc:date>" not in one
    assert not re.search(rb"\bnan\b", one)


def test_a_readers_own_style_changes_nothing() -> None:
    import matplotlib

    wanted = draw("occupancy")(RUN, Drawn(), "svg")
    with matplotlib.rc_context({"lines.linewidth": 9.0, "font.size": 30.0, "axes.facecolor": "black"}):
        assert draw("occupancy")(RUN, Drawn(), "svg") == wanted


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_draw_is_an_empty_picture(name: str) -> None:
    assert draw(name)(nobody(), Drawn(), "svg").startswith(b"<?xml")


@pytest.mark.parametrize("name", NAMES)
def test_a_long_run_makes_no_long_picture(name: str) -> None:
    long = outcome(8 * POINTS)
    assert len(draw(name)(long, Drawn(), "svg")) < 400_000


@pytest.mark.parametrize(
    ("value", "text"), [(0.12, "120 ms"), (1.0, "1 s"), (2e-5, "20 µs"), (3e-8, "30 ns"), (75.0, "75 s")]
)
def test_times_of_an_axis(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (12_000.0, "12 k"), (2.5e6, "2.5 M"), (3e9, "3 G")])
def test_numbers_of_an_axis(value: float, text: str) -> None:
    assert short(value) == text
