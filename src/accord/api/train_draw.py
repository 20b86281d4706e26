"""The timeline of a run's pipeline as a picture."""

from __future__ import annotations

import numpy as np

from accord.base.errors import UsageError
from accord.planner.train_stages import staged_of
from accord.report.schedule_svg import picture
from accord.training.estimate import TrainEstimate
from accord.training.request import SCHEDULES
from accord.training.timeline import simulate

ROUNDS = 4  # of the pipeline's ranks, as many micro-batches as are drawn at most


def schedule_picture(found: TrainEstimate) -> tuple[bytes, str]:
    """SVG of one step, and what is left out of it in words, "" for nothing.

    Raises UsageError where there is one pipeline rank.
    """
    lay = found.layouts.pick(np.asarray([0]))
    ranks = int(lay.pp[0])
    if ranks == 1:
        raise UsageError("there is one pipeline rank, and no schedule to draw", where="--draw-schedule",
                         hint="state --pp 2 or more, or leave the flag out")  # fmt: skip
    staged = staged_of(found.job, lay)
    count = round(float(lay.micro_batches(found.job)[0]))
    shown = min(count, ROUNDS * ranks)
    timeline = simulate(SCHEDULES[int(lay.schedule[0])], ranks, shown, staged.work[0], float(staged.send_s[0]))
    said = "" if shown == count else f"the picture has {shown:,} of the {count:,} micro-batches of a step"
    return picture(timeline), said
