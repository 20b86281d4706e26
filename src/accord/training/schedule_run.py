"""Start and end of every slot of a pipeline, given the order of each rank's slots and what they wait for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.training.schedule_order import FORWARD, PAIR, WEIGHT

Ints = npt.NDArray[np.int64]
AT_ONCE, NOWHERE = 0, -1


@dataclass(frozen=True, slots=True)
class Places:
    """Where stages lie. A stage is a copy of one: DualPipe holds every stage twice, once a direction.

    stage_of: copy that a rank's chunk is, shape ``(ranks, chunks)``; rank_of: rank of a copy; following: copy that a
    forward goes on to, ``NOWHERE`` after the last; model_stage: of a copy, in the order of the model
    """

    stage_of: Ints
    rank_of: Ints
    following: Ints
    model_stage: Ints

    @classmethod
    def in_turn(cls, ranks: int, virtual: int) -> Places:
        """Stage i on rank ``i % ranks``."""
        stages = np.arange(ranks * virtual)
        following = np.append(stages[1:], NOWHERE)
        return cls(stages.reshape(virtual, ranks).T, stages % ranks, following, stages)

    @classmethod
    def both_ways(cls, ranks: int) -> Places:
        """Stage i on rank i and, for micro-batches of the other direction, on the i-th rank from the end."""
        stages = np.arange(ranks)
        back = stages[::-1]
        following = np.append(stages[1:], NOWHERE)
        return cls(
            np.stack([stages, ranks + back], axis=1),
            np.concatenate([stages, back]),
            np.concatenate([following, np.where(following < 0, NOWHERE, following + ranks)]),
            np.concatenate([stages, stages]),
        )

    @property
    def preceding(self) -> Ints:
        """Copy that gradients go on to, ``NOWHERE`` after the first."""
        back = np.full(len(self.following), NOWHERE)
        known = self.following >= 0
        back[self.following[known]] = np.flatnonzero(known)
        return back


@dataclass(frozen=True, slots=True)
class Sends:
    """Outputs of slots: the event that each completes (``NOWHERE``: none), the link it takes, seconds on it."""

    event: list[int]
    link: list[int]
    seconds: list[float]


@dataclass(frozen=True, slots=True)
class RankProgram:
    """Slots of one rank in their order: two events that each waits for, how long it takes, two outputs."""

    needs: list[int]
    needs_too: list[int]
    seconds: list[float]
    first: Sends
    second: Sends


@dataclass(frozen=True, slots=True)
class Wiring:
    """Events and links of a pipeline.

    Event 0 is the start; then every copy's forward of every micro-batch may begin; then every backward; then a
    gather of every rank and chunk. Links are numbered by sender and receiver.
    """

    places: Places
    micro_batches: int
    hop_s: Array

    @property
    def events(self) -> int:
        """Events in all."""
        return 1 + 2 * len(self.places.rank_of) * self.micro_batches + self.places.stage_of.size

    def gather(self, rank: int, chunk: int) -> int:
        """Event that weights of a chunk are there."""
        ranks, chunks = self.places.stage_of.shape
        return self.events - int(ranks * chunks) + int(rank * chunks) + chunk

    def forward(self, stage: Ints, micro_batch: Ints) -> Ints:
        """Event that inputs are there."""
        return np.asarray(1 + stage * self.micro_batches + micro_batch, dtype=np.int64)

    def backward(self, stage: Ints, micro_batch: Ints) -> Ints:
        """Event that gradients of outputs are there."""
        return self.forward(stage + len(self.places.rank_of), micro_batch)

    def program(self, rank: int, slots: Ints, compute_s: Array, exchange_s: Array) -> RankProgram:
        """Slots ``(n, 5)`` of a rank, with what each waits for and sends.

        In a pair, exchanges and what it sends run beside compute, and it ends with the longer of the two; any other
        slot runs them after its compute, and sends once it has ended.
        """
        kind = slots[:, 0]
        going = self.places.stage_of[rank, slots[:, 1]]
        coming = np.where(kind == PAIR, self.places.stage_of[rank, slots[:, 3]], going)
        coming_batch = np.where(kind == PAIR, slots[:, 4], slots[:, 2])
        ahead = (kind == FORWARD) | (kind == PAIR)
        behind = (kind != FORWARD) & (kind != WEIGHT)
        before, after = self.places.preceding, self.places.following
        needs = np.where(ahead & (before[going] >= 0), self.forward(going, slots[:, 2]), AT_ONCE)
        needs_too = np.where(behind & (after[coming] >= 0), self.backward(coming, coming_batch), AT_ONCE)
        for chunk in range(self.places.stage_of.shape[1]):
            needs_too[np.argmax((kind == FORWARD) & (slots[:, 1] == chunk))] = self.gather(rank, chunk)
        on_s = self._hop_s(rank, ahead, after[going])
        back_s = self._hop_s(rank, behind, before[coming])
        paired_s = np.maximum(compute_s, exchange_s + on_s + back_s)
        alone = kind != PAIR
        return RankProgram(
            needs.tolist(),
            needs_too.tolist(),
            np.where(alone, compute_s + exchange_s, paired_s).tolist(),
            self._sends(rank, ahead, after[going], self.forward(after[going], slots[:, 2]), on_s * alone),
            self._sends(rank, behind, before[coming], self.backward(before[coming], coming_batch), back_s * alone),
        )

    def _hop_s(self, rank: int, does: npt.NDArray[np.bool_], to: Ints) -> Array:
        """Seconds on the link to the rank of a copy, none where that is the same rank or nothing is sent."""
        ranks = len(self.hop_s)
        receiver = self.places.rank_of[to]
        lower = np.where((receiver - rank) % ranks == 1, rank, receiver) if ranks > 1 else receiver
        return np.where(does & (to >= 0) & (receiver != rank), self.hop_s[lower], 0.0)

    def _sends(self, rank: int, does: npt.NDArray[np.bool_], to: Ints, event: Ints, seconds: Array) -> Sends:
        links = rank * len(self.hop_s) + self.places.rank_of[to]
        return Sends(np.where(does & (to >= 0), event, NOWHERE).tolist(), links.tolist(), seconds.tolist())


def run(programs: list[RankProgram], events: list[float], links: int) -> list[list[float]]:
    """End of every slot [s]; ``events``: when each event is, infinite where a slot completes it. It is filled in.

    Raises :class:`RuntimeError` where the orders of ranks wait for one another in a circle.
    """
    free_s = [0.0] * links
    ends: list[list[float]] = [[] for _ in programs]
    left = sum(len(p.seconds) for p in programs)
    while left:
        before = left
        for program, done in zip(programs, ends, strict=True):
            left -= _advance(program, done, events, free_s)
        if left == before:
            raise RuntimeError("orders of pipeline ranks wait for one another")
    return ends


def _advance(program: RankProgram, done: list[float], events: list[float], free_s: list[float]) -> int:
    """Run slots of one rank until one has to wait; how many it ran."""
    begun = len(done)
    now_s = done[-1] if done else 0.0
    first, second = program.first, program.second
    for i in range(begun, len(program.seconds)):
        now_s = max(now_s, events[program.needs[i]], events[program.needs_too[i]])
        if now_s == np.inf:
            break
        now_s += program.seconds[i]
        done.append(now_s)
        for sends in (first, second):
            event = sends.event[i]
            if event >= 0:
                link = sends.link[i]
                free_s[link] = events[event] = max(free_s[link], now_s) + sends.seconds[i]
    return len(done) - begun
