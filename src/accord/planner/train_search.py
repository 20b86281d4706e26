"""The search over layouts of a training job: all rows in closed form, the best of them by timeline.

Rows come cut by cut and are evaluated in slices, so memory does not grow with their number. Of rows that share a
pipeline (they differ in what data-parallel ranks shard and in where the optimizer lies) the best stands for all. The
best are run stage by stage, and the best of these is the answer. Several numbers of chips and several batches may be
looked at in one search; times are then compared per token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.base.errors import AccordError, DoesNotFit, UsageError
from accord.base.registry import did_you_mean
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.planner.pareto import front
from accord.planner.train_stages import retimed
from accord.training.candidates import Space, blocks, joined, refused
from accord.training.estimate import TrainEstimate, job_of, too_large
from accord.training.estimate import at as at_layout
from accord.training.layout import Job, Layouts
from accord.training.memory import train_memory
from accord.training.refusals import sound
from accord.training.request import TrainRequest
from accord.training.step import StepParts, train_step

Objective = Literal["time", "cost", "memory"]
OBJECTIVES: tuple[Objective, ...] = ("time", "cost", "memory")
SLICE = 16384  # rows
GROWTH = (2, 4, 8, 16, 32, 64, 128)  # times the chips, where nothing fits
OPEN = ("micro_batch", "recompute", "zero", "schedule", "vp", "cp", "dp", "pp", "tp", "ep")
PIPELINE = ("tp", "cp", "pp", "dp", "ep", "vp", "micro", "recompute", "schedule", "sp")
"""What the timeline of a pipeline depends on."""
Index = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A layout run by timeline. estimate: of one layout; closed_s: its step in closed form.

    trusted: the closed form is known to be within 3 % of the timeline
    """

    estimate: TrainEstimate
    closed_s: float
    trusted: bool

    @property
    def step_s(self) -> float:
        """The step."""
        return float(self.estimate.parts.total_s[0])


@dataclass(frozen=True, slots=True)
class Point:
    """A row of the front, in closed form. layouts: of one; memory_bytes: used on a device."""

    layouts: Layouts
    chips: int
    global_batch: float
    step_s: float
    memory_bytes: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    best: the first of ``ranked``, which are the best by timeline, best first, one of a pipeline
    front: rows that no other beats in seconds a token and chips (of several numbers of chips) or bytes (of one)
    evaluated: rows; fitted: of them those that fit; rejected: the others by reason, and jobs with no layout
    """

    best: TrainEstimate
    ranked: tuple[Ranked, ...]
    front: tuple[Point, ...]
    evaluated: int
    fitted: int
    rejected: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Question:
    """One number of chips and one batch."""

    job: Job
    devices: int
    request: TrainRequest
    assumed: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def chips(self) -> int:
        return self.devices // self.job.machine.devices_per_chip


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some rows of one question in closed form, shape ``(D,)``.

    value: of the objective, less is better; token_s: seconds a token
    """

    question: int
    layouts: Layouts
    value: Array
    token_s: Array
    used_bytes: Array

    def pick(self, index: Index) -> _Rows:
        return _Rows(
            self.question, self.layouts.pick(index), self.value[index], self.token_s[index], self.used_bytes[index]
        )


def search(
    spec: ModelSpec, machine: Machine, efficiency: Efficiency, request: TrainRequest, *, space: Space | None = None,
    keep: int = 50, objective: Objective = "time", chips: Sequence[int] = (), global_batches: Sequence[float] = (),
) -> Found:  # fmt: skip
    """The best layouts of a job.

    keep: pipelines that are run by timeline; objective: ``time`` (seconds a token), ``cost`` (chip-seconds a token) or
        ``memory`` (bytes used on a device, quickest first where equal)
    chips, global_batches: numbers to look at besides the request's own, which is taken where they are left out [tokens]
    Raises UsageError for what no layout can be, DoesNotFit where nothing fits; both name the nearest that does.
    """
    if objective not in OBJECTIVES:
        raise UsageError(f"no objective is called '{objective}'", hint=did_you_mean(objective, OBJECTIVES))
    if keep < 1:
        raise UsageError(f"keep is {keep}", hint="keep 1 or more")
    sound(request)
    questions = _questions(spec, machine, efficiency, request, chips, global_batches)
    held = _Held(keep, sizes=len({one.devices for one in questions}) > 1)
    evaluated = fitted = 0
    rejected: Counter[str] = Counter()
    nearest: tuple[float, int, Layouts] | None = None
    for at, question in enumerate(questions):
        known = evaluated
        for lay in _slices(blocks(spec, machine, question.request, question.devices, question.job.seq,
                                  question.job.global_batch, space)):  # fmt: skip
            evaluated += len(lay)
            memory = train_memory(question.job, lay)
            free = memory.free_bytes
            fits = np.flatnonzero(free >= 0.0)
            fitted += len(fits)
            if len(fits):
                held.add(_rows(at, question, lay.pick(fits), memory.used_bytes[fits], objective), question.chips)
            elif not fitted and (nearest is None or float(np.max(free)) > nearest[0]):
                most = int(np.argmax(free))
                nearest = float(free[most]), at, lay.pick(np.asarray([most]))
        rejected["no layout agrees"] += evaluated == known
    rejected["memory"] = evaluated - fitted
    if not fitted:
        raise _why(spec, machine, questions, nearest, space)
    ranked = _ranked(questions, held.best, objective)
    points = tuple(_point(questions, rows) for rows in held.front)
    return Found(ranked[0].estimate, ranked, points, evaluated, fitted, {k: v for k, v in rejected.items() if v})


def _questions(
    spec: ModelSpec, machine: Machine, efficiency: Efficiency, request: TrainRequest, chips: Sequence[int],
    batches: Sequence[float],
) -> tuple[_Question, ...]:  # fmt: skip
    found = []
    for count in chips or (request.chips,):
        for batch in batches or (request.global_batch,):
            own = msgspec.structs.replace(request, chips=count, global_batch=batch)
            job, devices, assumed, said = job_of(spec, machine, efficiency, own)
            found.append(_Question(job, devices, own, assumed, said))
    return tuple(found)


def _slices(parts: Iterator[Layouts]) -> Iterator[Layouts]:
    """Blocks joined and cut to slices of about :data:`SLICE` rows."""
    waiting: list[Layouts] = []
    count = 0
    for part in parts:
        waiting.append(part)
        count += len(part)
        if count >= SLICE:
            whole = joined(waiting)
            for start in range(0, count, SLICE):
                yield whole.pick(slice(start, start + SLICE))
            waiting, count = [], 0
    if waiting:
        yield joined(waiting)


def _rows(at: int, question: _Question, lay: Layouts, used_bytes: Array, objective: Objective) -> _Rows:
    """Layouts of one question that fit, in closed form."""
    token_s = train_step(question.job, lay).total_s / question.job.global_batch
    value = {"time": token_s, "cost": token_s * lay.devices, "memory": used_bytes}[objective]
    return _Rows(at, lay, value, token_s, used_bytes)


class _Held:
    """The best rows and the front of what was seen, one row each."""

    def __init__(self, keep: int, *, sizes: bool) -> None:
        """``keep`` pipelines; sizes: whether several numbers of chips are the front's other axis."""
        self._keep = keep
        self._sizes = sizes
        self.best: list[_Rows] = []
        self._front: list[tuple[tuple[float, float], _Rows]] = []

    @property
    def front(self) -> list[_Rows]:
        """Quickest first."""
        return [rows for _, rows in self._front]

    def add(self, rows: _Rows, chips: int) -> None:
        """See more rows of one number of chips."""
        self._add_best(rows)
        other = np.full(len(rows.value), float(chips)) if self._sizes else rows.used_bytes
        values = np.stack([rows.token_s, other], axis=1)
        found = self._front
        for at in np.flatnonzero(front(values)):
            found.append(((float(values[at, 0]), float(values[at, 1])), rows.pick(np.asarray([at]))))
        found.sort(key=lambda pair: pair[0])
        kept = front(np.asarray([values for values, _ in found]))
        self._front = [pair for pair, stays in zip(found, kept, strict=True) if stays]

    def _add_best(self, rows: _Rows) -> None:
        lay = rows.layouts
        order = np.lexsort((lay.zero, lay.recompute, rows.token_s, rows.value))
        if len(self.best) >= self._keep:
            worst = float(self.best[-1].value[0])
            order = order[: int(np.searchsorted(rows.value[order], worst, side="right"))]
        if not len(order):
            return
        keys = np.stack([getattr(lay, name)[order] for name in PIPELINE], axis=1)
        _, first = np.unique(keys, axis=0, return_index=True)
        self.best += [rows.pick(order[at : at + 1]) for at in np.sort(first)[: self._keep]]
        self.best.sort(key=lambda row: (float(row.value[0]), float(row.token_s[0])))
        seen: set[tuple[float, ...]] = set()
        kept = []
        for row in self.best:
            name = (float(row.question), *(float(getattr(row.layouts, field)[0]) for field in PIPELINE))
            if name not in seen:
                seen.add(name)
                kept.append(row)
        self.best = kept[: self._keep]


def _ranked(questions: Sequence[_Question], best: Sequence[_Rows], objective: Objective) -> tuple[Ranked, ...]:
    """The best by timeline, best first."""
    found: list[Ranked] = []
    for at in sorted({row.question for row in best}):
        found += _timed(questions[at], joined([row.layouts for row in best if row.question == at]))
    return tuple(sorted(found, key=lambda one: _ranking(one, objective)))


def _timed(question: _Question, lay: Layouts) -> list[Ranked]:
    """Layouts of one question, by timeline."""
    found = retimed(question.job, lay)
    ranked = []
    for at in range(len(lay)):
        one = np.asarray([at])
        parts = StepParts(**{part.name: getattr(found.parts, part.name)[one] for part in fields(StepParts)})
        told = at_layout(question.job, lay.pick(one), question.request, assumed=question.assumed,
                         warnings=question.warnings, parts=parts)  # fmt: skip
        ranked.append(Ranked(told, float(found.closed_s[at]), bool(found.trusted[at])))
    return ranked


def _ranking(one: Ranked, objective: Objective) -> tuple[float, float]:
    """The objective, and seconds a token where it is equal."""
    token = one.step_s / one.estimate.job.global_batch
    if objective == "memory":
        return float(one.estimate.memory.used_bytes[0]), token
    return (token * float(one.estimate.layouts.devices[0]) if objective == "cost" else token), token


def _point(questions: Sequence[_Question], rows: _Rows) -> Point:
    question = questions[rows.question]
    step = float(rows.token_s[0]) * question.job.global_batch
    return Point(rows.layouts, question.chips, question.job.global_batch, step, float(rows.used_bytes[0]))


def _why(
    spec: ModelSpec, machine: Machine, questions: Sequence[_Question], nearest: tuple[float, int, Layouts] | None,
    space: Space | None,
) -> AccordError:  # fmt: skip
    """Why nothing is found: what is nearest to fit, else what no layout agrees with."""
    if nearest is not None:
        _, at, lay = nearest
        job = questions[at].job
        error = too_large(job, lay, train_memory(job, lay))
        return DoesNotFit(error.what, hint=_room(spec, machine, questions[at], space) or error.hint)
    first = questions[0]
    return refused(spec, machine, first.request, first.devices, first.job.seq, first.job.global_batch, space)


def _room(spec: ModelSpec, machine: Machine, question: _Question, space: Space | None) -> str | None:
    """What would make room: more chips, the optimizer in host memory, or a count that was asked left open."""
    asked = question.request
    ways: list[tuple[str, dict[str, object]]] = [
        (f"use {question.chips * n:,} chips", {"chips": question.chips * n}) for n in GROWTH
    ]
    for name in OPEN:
        if getattr(asked, name) is not None:
            ways.append((f"leave out {name.replace('_', '-')}", {name: None}))
    found: list[str] = []
    for text, change in ways:
        if found and text.startswith("use"):
            continue
        if _holds(spec, machine, question, msgspec.structs.replace(asked, **change), space):
            found.append(text)
    if not asked.offload and _holds(spec, machine, question, msgspec.structs.replace(asked, offload=True), space):
        found.append("offload the optimizer")
    return ", or ".join(found[:3]) or None


def _holds(
    spec: ModelSpec, machine: Machine, question: _Question, request: TrainRequest, space: Space | None
) -> bool:  # fmt: skip
    """Whether a changed request has a layout that fits."""
    devices = (request.chips or question.chips) * machine.devices_per_chip
    job = question.job
    tried = blocks(spec, machine, request, devices, job.seq, job.global_batch, space)
    return any(bool(np.any(train_memory(job, lay).free_bytes >= 0.0)) for lay in tried)
