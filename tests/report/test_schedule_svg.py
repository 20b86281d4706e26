"""A pipeline as a picture: every task is there, in its row, and nothing leaves the sheet."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from accord.report.schedule_svg import picture
from accord.training.request import SCHEDULES, Schedule
from accord.training.timeline import StageWork, Timeline, simulate

SVG = "{http://www.w3.org/2000/svg}"


def run(schedule: Schedule) -> Timeline:
    """Eight ranks and sixteen micro-batches."""
    n = 16 if schedule == "interleaved" else 8
    return simulate(schedule, 8, 16, StageWork(np.full(n, 1.0), np.full(n, 1.2), np.full(n, 0.9)), 0.05)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_task_has_its_place(schedule: Schedule) -> None:
    t = run(schedule)
    root = ElementTree.fromstring(picture(t))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    shapes = [
        {k: float(r.attrib[k]) for k in ("x", "y", "width", "height")}
        for r in root.iter(f"{SVG}rect")
        if "x" in r.attrib
    ]
    kinds = len(set(t.tasks.kind.tolist()))
    assert len(shapes) == len(t.tasks.rank) + 8 + kinds
    assert all(s["x"] >= 0 and s["x"] + s["width"] <= width for s in shapes)
    assert all(s["y"] >= 0 and s["y"] + s["height"] <= height for s in shapes)
    words = [str(e.text) for e in root.iter(f"{SVG}text")]
    assert words[0] == f"{schedule}: 8 pipeline ranks, 16 micro-batches"
    assert f"{t.bubble_share:.1%} of it bubble" in words[1]
    assert [w for w in words if w.startswith("rank")] == [f"rank {i}" for i in range(8)]


def test_same_run_same_bytes() -> None:
    assert picture(run("dualpipe")) == picture(run("dualpipe"))
