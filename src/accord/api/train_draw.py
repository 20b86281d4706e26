"""The timeline of a run's pipeline: its tasks, and a picture of them."""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.planner.train_stages import staged_of
from accord.report.schedule_svg import picture
from accord.training.estimate import TrainEstimate
from accord.training.request import SCHEDULES
from accord.training.schedule_order import BACKWARD, FORWARD, INPUT, WEIGHT
from accord.training.timeline import Timeline, simulate

ROUNDS = 4  # of the pipeline's ranks, as many micro-batches as are drawn at most


_KINDS = {FORWARD: "forward", BACKWARD: "backward", INPUT: "input", WEIGHT: "weight"}


def schedule_picture(found: TrainEstimate) -> tuple[bytes, str]:
    """SVG of one step, and what is left out of it in words, "" for nothing.

    Raises UsageError where there is one pipeline rank.
    """
    timeline, shown, count = _timeline(found, "--draw-schedule")
    said = "" if shown == count else f"the picture has {shown:,} of the {count:,} micro-batches of a step"
    return picture(timeline), said


def schedule_tasks(found: TrainEstimate) -> dict[str, object]:
    """One step's pipeline task by task, as columns of equal length; times [s] from the step's beginning.

    ``kind`` is forward, backward, input (gradients of inputs alone) or weight; ``shown`` of ``micro_batches``
    are there.
    Raises UsageError where there is one pipeline rank.
    """
    timeline, shown, count = _timeline(found, "--timeline")
    tasks = timeline.tasks
    return {
        "schedule": timeline.schedule, "ranks": len(timeline.busy_s), "micro_batches": count, "shown": shown,
        "total_s": timeline.total_s, "bubble_share": timeline.bubble_share, "exposed_s": timeline.exposed_s,
        "peak_micro_batches": timeline.peak_micro_batches.tolist(),
        "tasks": {
            "rank": tasks.rank.tolist(), "kind": [_KINDS[int(kind)] for kind in tasks.kind],
            "chunk": tasks.chunk.tolist(), "micro_batch": tasks.micro_batch.tolist(),
            "start_s": _rounded(tasks.start_s), "end_s": _rounded(tasks.end_s),
        },
    }  # fmt: skip


def _rounded(times_s: Array) -> list[float]:
    return [float(f"{one:.6g}") for one in times_s]


def _timeline(found: TrainEstimate, flag: str) -> tuple[Timeline, int, int]:
    """The step of a found layout, micro-batches of it that are played, and all of them."""
    lay = found.layouts.pick(np.asarray([0]))
    ranks = int(lay.pp[0])
    if ranks == 1:
        raise UsageError("there is one pipeline rank, and no schedule to draw", where=flag,
                         hint="state --pp 2 or more, or leave the flag out")  # fmt: skip
    staged = staged_of(found.job, lay)
    count = round(float(lay.micro_batches(found.job)[0]))
    shown = min(count, ROUNDS * ranks)
    timeline = simulate(SCHEDULES[int(lay.schedule[0])], ranks, shown, staged.work[0], float(staged.send_s[0]))
    return timeline, shown, count
