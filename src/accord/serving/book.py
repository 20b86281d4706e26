"""What is known of every request while a run goes on, in columns."""

from __future__ import annotations

from array import array

import numpy as np

from accord.base.array import Array
from accord.serving.result import UNFINISHED, Requests
from accord.workloads.request import Ints, Workload

NAN = float("nan")
OUTSIDE, FETCHING, WAITING, RUNNING, SENDING, ENDED = range(6)  # where a request is


class Book:
    """Mutable columns of shape ``(N,)``; see :class:`accord.serving.result.Requests` for those with its names.

    steps: decode iterations of the whole answer; turns: those an answer has had, where it was interrupted
    stride, unit: hashed blocks, and tokens, of a unit of the prefix cache
    fetched: units of a prompt that came from the pooled cache, from and up to; known: units that were not computed,
    kept where prompts are shared over a pooled cache (``sharing``)
    at: where it is; last_s: its last token, where that was not at the end of an iteration of those it decodes with
    """

    __slots__ = (
        "_asked", "_units", "answer", "arrival", "at", "cached", "fetched", "finish", "first", "hashes", "instance",
        "known", "last_s", "pooled", "preempted", "prefill", "priority", "produced", "prompt", "restarted", "scheduled",
        "sharing", "starts", "status", "steps", "stride", "turns", "unit",
    )  # fmt: skip

    def __init__(self, workload: Workload, steps: Ints | None) -> None:
        """steps: decode iterations of each request, None where each gives one token."""
        count = len(workload)
        self.arrival: list[float] = workload.arrival_s.tolist()
        self.prompt: list[int] = workload.prompt.tolist()
        self.answer: list[int] = workload.answer.tolist()
        self.steps: list[int] | None = None if steps is None else steps.tolist()
        self.priority: list[int] | None = workload.priority.tolist() if np.any(workload.priority) else None
        self.scheduled = array("d", [NAN]) * count
        self.first = array("d", [NAN]) * count
        self.finish = array("d", [NAN]) * count
        self.status = bytearray(count)
        self.at = bytearray(count)
        self.produced = array("q", [0]) * count
        self.cached = array("q", [0]) * count
        self.pooled = array("q", [0]) * count
        self.preempted = array("i", [0]) * count
        self.restarted = array("i", [0]) * count
        self.prefill = array("i", [-1]) * count
        self.instance = array("i", [-1]) * count
        self.last_s: dict[int, float] = {}
        self.turns: dict[int, int] = {}
        self.fetched: dict[int, tuple[int, int]] = {}
        self.known: dict[int, int] = {}
        self.sharing = False
        self.hashes = workload.hashes
        self.starts: list[int] | None = workload.starts.tolist() if len(workload.hashes) else None
        self._asked, self._units = -1, list[int]()  # the request asked for last
        self.stride = 1
        self.unit = max(workload.block_tokens, 1)

    def iterations(self, request: int) -> int:
        """Decode iterations of a request's answer beyond its first token."""
        return self.answer[request] - 1 if self.steps is None else self.steps[request]

    def next_token(self, request: int) -> None:
        """A prompt that is computed (again) gives the first token, or those of the answer's next iteration."""
        if self.produced[request]:
            self._turn(request, self.turns.get(request, 0) + 1)
        else:
            self.produced[request] = 1

    def sent_tokens(self, request: int) -> int:
        """Cached tokens of a request whose prompt was computed (again) and gave its token last."""
        if self.steps is None:
            return self.prompt[request] + self.produced[request] - 1
        turn = self.turns.get(request, 0)
        return self.prompt[request] + (self._given(request, turn - 1) if turn else 0)

    def take_back(self, request: int) -> None:
        """What a prompt gave never reached the user."""
        turn = self.turns.get(request, 0)
        if turn:
            self._turn(request, turn - 1)
        else:
            self.produced[request] = 0

    def _turn(self, request: int, turn: int) -> None:
        self.turns[request] = turn
        self.produced[request] = self._given(request, turn)

    def _given(self, request: int, turn: int) -> int:
        """Answer tokens after a decode iteration."""
        return 1 + turn * (self.answer[request] - 1) // self.iterations(request)

    def units(self, request: int) -> list[int]:
        """Ids of the full units of a request's prompt, which are not to be changed."""
        if self.starts is None:
            return []
        if request != self._asked:
            found: list[int] = self.hashes[self.starts[request] : self.starts[request + 1]].tolist()
            if self.stride > 1:
                found = found[self.stride - 1 :: self.stride]
            self._asked, self._units = request, found[: self.prompt[request] // self.unit]
        return self._units

    def answer_tokens(self, instances: int) -> list[int]:
        """Tokens that each instance gave; those of an answer that moved are with the last one."""
        last = np.asarray(self.instance, dtype=np.int64)
        last = np.where(last < 0, np.asarray(self.prefill, dtype=np.int64), last)
        given = last >= 0
        tokens = np.bincount(last[given], weights=np.asarray(self.produced)[given], minlength=instances)
        return [int(count) for count in tokens]

    def result(self) -> Requests:
        """The columns as arrays."""

        def floats(column: array[float] | list[float]) -> Array:
            return np.asarray(column, dtype=np.float64)

        def whole(column: array[int]) -> Ints:
            return np.asarray(column, dtype=np.int64)

        arrival = floats(self.arrival)
        arrival[np.frombuffer(self.at, dtype=np.int8) == OUTSIDE] = NAN
        return Requests(
            arrival, floats(self.scheduled), floats(self.first), floats(self.finish),
            np.frombuffer(bytes(self.status), dtype=np.int8), whole(self.produced), whole(self.cached),
            whole(self.pooled), whole(self.preempted), whole(self.restarted), whole(self.prefill), whole(self.instance),
        )  # fmt: skip


def unfinished(book: Book, request: int) -> bool:
    """Whether a request has neither ended nor been given up."""
    return book.status[request] == UNFINISHED


def drawn_steps(workload: Workload, drafts: int, accept: float, stream: np.random.Generator) -> Ints | None:
    """Decode iterations of each answer with drafts, None without.

    An iteration gives ``1 + j`` tokens with chance ``a^j (1 - a)`` for ``j < k``, ``a^k`` for ``j = k``. So many
    iterations as give an answer are nearly normal (renewal theory), with mean ``n / m`` and variance ``n v / m^3``
    where ``m`` and ``v`` are mean and variance of one iteration.
    """
    if drafts < 1:
        return None
    chance = np.append(accept ** np.arange(drafts) * (1.0 - accept), accept**drafts)
    gives = 1.0 + np.arange(drafts + 1.0)
    mean = float(chance @ gives)
    spread = float(chance @ gives**2) - mean**2
    tokens = workload.answer - 1.0
    drawn = tokens / mean + np.sqrt(tokens * spread / mean**3) * stream.standard_normal(len(tokens))
    most = np.maximum(tokens, 0.0)
    bounded = np.clip(np.rint(drawn), np.ceil(tokens / (1.0 + drafts)), most)
    return np.asarray(bounded, dtype=np.int64)
