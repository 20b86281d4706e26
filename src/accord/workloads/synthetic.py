"""Traffic made of laws: when sessions begin, how long texts are, how often people come back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.workloads.arrivals import MOST, Arrivals
from accord.workloads.request import Ints, Workload
from accord.workloads.reshape import head
from accord.workloads.sessions import ONE_TURN, Talk, Turns, blocks_of, first_sessions, turns_of

BLOCK_TOKENS = 16  # vLLM's default, so that an engine's block is rarely smaller
_PILOT = 1 << 14
_MOST_IDS = 1 << 24


@dataclass(frozen=True, slots=True)
class Traffic:
    """One kind of traffic.

    name: of the tenant, and of its random streams; talk: lengths and turns; arrivals: of sessions, whose rate is that
        of requests over the mean number of turns
    priority: lower goes first; patience_s: until a user gives up; radio_s: to the user and back
    block_tokens: of block ids, given where anything can be found again: several turns, or a system prompt of a block
    paired: prompts and answers of a trace, drawn as pairs in place of the laws
    """

    name: str
    talk: Talk
    arrivals: Arrivals
    priority: int = 0
    patience_s: float = math.inf
    radio_s: float = 0.0
    block_tokens: int = BLOCK_TOKENS
    paired: tuple[Ints, Ints] | None = None


def generate(traffic: Traffic, seed: int, *, count: int | None = None, duration_s: float | None = None) -> Workload:
    """Requests of one kind of traffic, sessions in order of their beginning, each with its turns.

    count: requests in all, the last session is cut; duration_s: sessions that begin before it, with all their turns;
        the smaller of both where both are given
    At the beginning nobody is in a later turn yet, so the rate rises over the length of a session. The block of the
    ids doubles while there would be more than 16 million of them.
    Raises UsageError for neither, for a closed loop with a duration, and for more than a hundred million requests.
    """
    if count is None and duration_s is None:
        raise UsageError("neither a number of requests nor a duration", hint="give one of them")
    if count is not None and not 1 <= count <= MOST:
        raise UsageError(f"{count} requests", hint=f"1 to {MOST:,}")
    arrivals, name = of_sessions(traffic), f"{traffic.name}/arrivals"
    if duration_s is not None:
        times = arrivals.until(seed, name, duration_s)
        turns = turns_of(traffic.talk, seed, traffic.name, len(times), traffic.paired)
    else:
        turns = _enough(traffic, seed, count or 1)
        times = arrivals.times(seed, name, len(turns.first) - 1)
    whole = _workload(traffic, turns, times)
    return whole if count is None else head(whole, count)


def of_sessions(traffic: Traffic) -> Arrivals:
    """Arrivals of sessions: the rate of requests over the mean number of turns that fit the context."""
    law = traffic.arrivals
    if not law.rated or traffic.talk.sessions.turns == ONE_TURN:
        return law
    if math.isinf(traffic.talk.most_tokens):
        return replace(law, per_s=law.per_s / traffic.talk.sessions.turns.expected())
    pilot = turns_of(traffic.talk, 0, "pilot", _PILOT, traffic.paired)
    return replace(law, per_s=law.per_s * _PILOT / len(pilot.prompt))


def _enough(traffic: Traffic, seed: int, count: int) -> Turns:
    """Turns of enough sessions to make ``count`` requests."""
    tried = math.ceil(1.1 * count / traffic.talk.sessions.turns.expected()) + 8
    while True:
        turns = turns_of(traffic.talk, seed, traffic.name, tried, traffic.paired)
        if len(turns.prompt) >= count:
            return first_sessions(turns, int(np.searchsorted(turns.first, count)))
        tried *= 2


def _workload(traffic: Traffic, turns: Turns, times: Array) -> Workload:
    total = len(turns.prompt)
    block = 0
    hashes, starts = np.zeros(0, dtype=np.int64), np.zeros(total + 1, dtype=np.int64)
    if total and (traffic.talk.system_tokens >= traffic.block_tokens or np.any(turns.follows >= 0)):
        block = traffic.block_tokens
        while int((turns.prompt // block).sum()) > _MOST_IDS:
            block *= 2
        hashes, starts = blocks_of(turns, traffic.talk.system_tokens, block)
    return Workload(
        name=traffic.name,
        arrival_s=np.repeat(times, np.diff(turns.first)),
        prompt=turns.prompt,
        answer=turns.answer,
        priority=np.full(total, traffic.priority, dtype=np.int64),
        tenants=(traffic.name,),
        follows=turns.follows,
        wait_s=turns.wait_s,
        patience_s=np.full(total, traffic.patience_s),
        hashes=hashes,
        starts=starts,
        block_tokens=block if len(hashes) else 0,
        concurrency=traffic.arrivals.concurrency or None,
        radio_s=traffic.radio_s,
    )
