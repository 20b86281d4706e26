"""The order in which every rank of a pipeline runs its tasks, as the schedules were published.

A slot is what a rank does without a break: ``(kind, chunk, micro-batch, chunk, micro-batch)``. The last two are -1 but
for ``PAIR``, a forward of the first chunk that shares the rank with a backward of the second.
"""

from __future__ import annotations

from accord.base.errors import UsageError
from accord.training.request import Schedule

FORWARD, INPUT, WEIGHT, BACKWARD, PAIR = range(5)
"""Forward; gradients of inputs; gradients of weights; both gradients; a forward and both gradients at once."""

Slot = tuple[int, int, int, int, int]
Chunks = list[tuple[int, int]]


def order(schedule: Schedule, ranks: int, micro_batches: int, virtual: int) -> list[list[Slot]]:
    """Slots of every rank in the order in which it runs them.

    ranks: of the pipeline; micro_batches: of one step and replica; virtual: chunks a rank holds ("interleaved" alone)
    Raises :class:`UsageError` where the schedule is not defined for these counts.
    """
    if ranks < 1 or micro_batches < 1 or virtual < 1:
        raise UsageError(
            f"{ranks} ranks, {micro_batches} micro-batches and {virtual} virtual stages: each is at least 1"
        )
    if schedule == "dualpipe":
        _dualpipe_counts(ranks, micro_batches)
        return [_dualpipe(rank, ranks, micro_batches) for rank in range(ranks)]
    if schedule == "zero-bubble":
        return [_zero_bubble(rank, ranks, micro_batches) for rank in range(ranks)]
    if schedule == "interleaved" and virtual > 1:
        if micro_batches % ranks:
            raise UsageError(
                f"{micro_batches} micro-batches on {ranks} pipeline ranks with {virtual} virtual stages",
                hint=f"interleaved stages take a multiple of {ranks} micro-batches; or choose the schedule 1f1b",
            )
        return [_interleaved(rank, ranks, micro_batches, virtual) for rank in range(ranks)]
    return [_one_forward_one_backward(rank, ranks, micro_batches) for rank in range(ranks)]


def _alternate(forwards: Chunks, backwards: Chunks, warm: int) -> list[Slot]:
    """``warm`` forwards, then a forward and a backward in turn, then the backwards that are left."""
    slots: list[Slot] = [(FORWARD, *forwards[i], -1, -1) for i in range(warm)]
    for i in range(warm, len(forwards)):
        slots.append((FORWARD, *forwards[i], -1, -1))
        slots.append((BACKWARD, *backwards[i - warm], -1, -1))
    slots.extend((BACKWARD, *backwards[i], -1, -1) for i in range(len(forwards) - warm, len(forwards)))
    return slots


def _one_forward_one_backward(rank: int, ranks: int, micro_batches: int) -> list[Slot]:
    """1F1B without a flush inside a step (PipeDream-Flush: Narayanan et al., arXiv:2104.04473, section 2.2.1)."""
    one = [(0, i) for i in range(micro_batches)]
    return _alternate(one, one, min(ranks - 1 - rank, micro_batches))


def _interleaved(rank: int, ranks: int, micro_batches: int, virtual: int) -> list[Slot]:
    """Interleaved 1F1B: ``ranks`` micro-batches a chunk at a time (arXiv:2104.04473, section 2.2.2).

    The forwards before the first backward, ``2 (p - 1 - rank) + (v - 1) p``, are those of Megatron-LM.
    """
    groups = range(0, micro_batches, ranks)
    forwards = [(c, g + i) for g in groups for c in range(virtual) for i in range(ranks)]
    backwards = [(virtual - 1 - c, i) for c, i in forwards]
    warm = min(2 * (ranks - 1 - rank) + (virtual - 1) * ranks, len(forwards))
    return _alternate(forwards, backwards, warm)


def _zero_bubble(rank: int, ranks: int, micro_batches: int) -> list[Slot]:
    """ZB-H1: 1F1B whose rank r makes gradients of weights r micro-batches late (Qi et al., arXiv:2401.10241, 2.1).

    So every rank holds at most p micro-batches: p - r that wait for a backward, r for gradients of weights.
    """
    slots: list[Slot] = []
    warm = min(ranks - 1 - rank, micro_batches)
    slots.extend((FORWARD, 0, i, -1, -1) for i in range(warm))
    for i in range(micro_batches):
        if i + warm < micro_batches:
            slots.append((FORWARD, 0, i + warm, -1, -1))
        slots.append((INPUT, 0, i, -1, -1))
        if i >= rank:
            slots.append((WEIGHT, 0, i - rank, -1, -1))
    slots.extend((WEIGHT, 0, i, -1, -1) for i in range(max(micro_batches - rank, 0), micro_batches))
    return slots


def _dualpipe_counts(ranks: int, micro_batches: int) -> None:
    if ranks % 2 or micro_batches % 2 or micro_batches < 2 * ranks:
        raise UsageError(
            f"dualpipe with {ranks} pipeline ranks and {micro_batches} micro-batches",
            hint="it takes an even count of ranks and an even count of micro-batches, at least two a rank",
        )


class _Cursor:
    """Slots of one DualPipe rank: chunk 0 is of micro-batches from the first rank, chunk 1 of those from the last."""

    def __init__(self, swapped: bool) -> None:
        """``swapped``: ranks of the second half name the near direction 0, which is chunk 1."""
        self.slots: list[Slot] = []
        self.swapped = swapped
        self.forwards = [0, 0]
        self.backwards = [0, 0]
        self.waiting: Chunks = []

    def _next(self, counts: list[int], near: int) -> tuple[int, int]:
        chunk = near ^ self.swapped
        counts[chunk] += 1
        return chunk, counts[chunk] - 1

    def forward(self, near: int) -> None:
        self.slots.append((FORWARD, *self._next(self.forwards, near), -1, -1))

    def backward(self, near: int, split: bool = False) -> None:
        task = self._next(self.backwards, near)
        self.slots.append((INPUT if split else BACKWARD, *task, -1, -1))
        if split:
            self.waiting.append(task)

    def weight(self) -> None:
        self.slots.append((WEIGHT, *self.waiting.pop(0), -1, -1))

    def pair(self, near: int) -> None:
        """A forward of one direction with a backward of the other."""
        self.slots.append((PAIR, *self._next(self.forwards, near), *self._next(self.backwards, 1 - near)))


def _dualpipe(rank: int, ranks: int, micro_batches: int) -> list[Slot]:
    """DualPipe in the eight phases of its authors (DeepSeek-AI, arXiv:2412.19437, figure 5, and their code)."""
    half = ranks // 2
    from_edge = min(rank, ranks - 1 - rank)
    to_middle = half - from_edge - 1
    cursor = _Cursor(rank >= half)
    for _ in range(2 * to_middle):
        cursor.forward(0)
    for _ in range(from_edge + 1):
        cursor.forward(0)
        cursor.forward(1)
    for _ in range(to_middle):
        cursor.backward(1, split=True)
        cursor.weight()
        cursor.forward(1)
    for i in range(micro_batches // 2 - ranks + from_edge + 1):
        if i == 0 and to_middle == 0:  # the middle ranks start without overlap, which makes the bubble smaller
            cursor.forward(0)
            cursor.backward(1)
        else:
            cursor.pair(0)
        cursor.pair(1)
    for _ in range(to_middle):
        cursor.backward(1)
        cursor.pair(1)
    _dualpipe_end(cursor, from_edge, to_middle)
    return cursor.slots


def _dualpipe_end(cursor: _Cursor, from_edge: int, to_middle: int) -> None:
    """Phases six to eight: backwards alone, the later half of them with gradients of weights put off."""
    split = False
    for i in range(from_edge + 1):
        split = split or (i == (from_edge + 1) // 2 and from_edge % 2 == 1)
        cursor.backward(1, split)
        split = split or (i == (from_edge + 1) // 2 and from_edge % 2 == 0)
        cursor.backward(0, split)
    for _ in range(to_middle):
        cursor.weight()
        cursor.backward(0, split=True)
    for _ in range(from_edge + 1):
        cursor.weight()
