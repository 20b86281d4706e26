"""The search: options of all systems to the best candidates, exactly.

Rows that another row of the same kind beats in everything that can matter are dropped before they are combined; what
is dropped could not have been best, nor on the front (tests compare with looking at everything).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from accord.base.array import Array
from accord.planner.compose import (
    Candidates,
    Option,
    Send,
    put_together,
    serving,
    splitting,
)
from accord.planner.judge import Judged, judge
from accord.planner.offer import Offer
from accord.planner.pareto import front
from accord.planner.problem import Problem
from accord.planner.table import Index
from accord.planner.useful import useful_decode, useful_prefill, useful_serving
from accord.planner.waits import sure_rate

Sends = Callable[[Option, Option], Send | None]


@dataclass(frozen=True, slots=True)
class Group:
    """Candidates of one option, or of a pair, with what limits and objectives make of them."""

    options: tuple[Option, ...]
    candidates: Candidates
    judged: Judged


@dataclass(frozen=True, slots=True)
class Pick:
    """One candidate of a group."""

    group: Group
    at: int

    @property
    def values(self) -> tuple[float, ...]:
        """Its objectives, less is better."""
        return tuple(float(value) for value in self.group.judged.objectives[self.at])


@dataclass(frozen=True, slots=True)
class Found:
    """The best candidates, best first, each with another layout that answers; the front; and what was looked at.

    by_system: the best of each system, or pair of systems, best first
    rejected: candidates by the limit they break first; lost: the same by system
    pruned: rows and pairs that could not be best
    """

    best: tuple[Pick, ...]
    front: tuple[Pick, ...]
    by_system: tuple[Pick, ...]
    candidates: int
    pruned: int
    rejected: Counter[str]
    lost: Mapping[str, Counter[str]]


def search(
    options: Mapping[str, Sequence[Option]], offers: Sequence[Offer], sends: Sends, problem: Problem, count: int,
    *, prune: bool = True,
) -> Found:  # fmt: skip
    """Candidates of every option and of every pair, judged.

    options: by role; sends: how a cache gets from one option to another, None where it cannot
    count: of the best that are returned; prune: leave it out to look at everything
    """
    groups: list[Group] = []
    looked = pruned = 0
    lost: dict[str, Counter[str]] = {}
    wishes = frozenset(problem.objectives)
    limited = {limit.latency for limit in problem.limits.latencies}
    ends, waits = "e2el" in limited, bool(limited - {"tpot"})
    for option in options.get("serve", ()):
        kept = _kept(option, useful_serving(option.table, wishes)) if prune else option
        pruned += len(option.table) - len(kept.table)
        made = serving(kept, offers[option.offer], problem)
        looked += len(made)
        groups.append(_judged((kept,), made, offers, problem, lost))
    prefills = [
        _kept(one, useful_prefill(one.table, wishes, waits=waits)) if prune else one
        for one in options.get("prefill", ())
    ]
    decodes = [
        _kept(one, useful_decode(one.table, wishes, ends=ends)) if prune else one for one in options.get("decode", ())
    ]
    for role, kept_ones in (("prefill", prefills), ("decode", decodes)):
        pruned += sum(len(one.table) for one in options.get(role, ())) - sum(len(one.table) for one in kept_ones)
    for first in prefills:
        for second in decodes:
            send = sends(first, second)
            if send is None or not len(first.table) or not len(second.table):
                continue
            own = offers[first.offer], offers[second.offer]
            parts: list[Group] = []
            for made, seen in splitting((first, second), own, send, problem):
                looked += seen
                parts.append(_reduced(_judged((first, second), made, offers, problem, lost)))
            if parts:
                groups.append(_united(parts))
    best, leaders = _chosen(groups, count)
    rejected = sum(lost.values(), Counter[str]())
    whole = {_branch(option): option for option in options.get("decode", ())}

    def eased(picks: Sequence[Pick]) -> tuple[Pick, ...]:
        return tuple(
            pick
            if len(pick.group.options) == 1
            else _eased(pick, whole[_branch(pick.group.options[1])], offers, problem)
            for pick in picks
        )

    return Found(eased(best), leaders, eased(_by_system(groups)), looked, pruned, rejected, lost)


def _kept(option: Option, index: Index) -> Option:
    return replace(option, table=option.table.pick(index))


def _judged(
    options: tuple[Option, ...], made: Candidates, offers: Sequence[Offer], problem: Problem,
    lost: dict[str, Counter[str]],
) -> Group:  # fmt: skip
    judged = judge(made, tuple(offers[option.offer] for option in options), problem)
    for option in options:
        lost.setdefault(option.system, Counter()).update(judged.rejected if option is options[0] else {})
    good = np.flatnonzero(judged.good)
    return Group(options, made.pick(good), replace(judged, good=judged.good[good], objectives=judged.objectives[good]))


def _reduced(group: Group) -> Group:
    """Of a part of the candidates those that may be among the best or on the front."""
    made, values = group.candidates, group.judged.objectives
    if not len(made):
        return group
    order = np.lexsort((*_ties(group).T[::-1], *values.T[::-1]))
    _, first = np.unique(made.second[order], return_index=True)
    kept = np.union1d(order[first], np.flatnonzero(front(values)) if values.shape[1] > 1 else order[:1])
    judged = replace(group.judged, good=group.judged.good[kept], objectives=values[kept])
    return Group(group.options, made.pick(kept), judged)


def _united(parts: Sequence[Group]) -> Group:
    """Parts of one pair's candidates after one another."""
    judged = Judged(
        np.concatenate([part.judged.good for part in parts]),
        np.concatenate([part.judged.objectives for part in parts]), Counter(),
    )  # fmt: skip
    return Group(parts[0].options, put_together([part.candidates for part in parts]), judged)


def _chosen(groups: Sequence[Group], count: int) -> tuple[tuple[Pick, ...], tuple[Pick, ...]]:
    """The best, one of a deployment; and the front over all objectives."""
    filled = [group for group in groups if len(group.candidates)]
    if not filled:
        return (), ()
    values = np.concatenate([group.judged.objectives for group in filled])
    which = np.repeat(np.arange(len(filled)), [len(group.candidates) for group in filled])
    where = np.concatenate([np.arange(len(group.candidates)) for group in filled])
    ties = np.concatenate([_ties(group) for group in filled])
    order = np.lexsort((*ties.T[::-1], *values.T[::-1]))
    best: list[Pick] = []
    seen: set[tuple[object, ...]] = set()
    for at in order:
        pick = Pick(filled[which[at]], int(where[at]))
        name = _deployment(pick)
        if name not in seen:
            seen.add(name)
            best.append(pick)
        if len(best) == count:
            break
    leaders = order[front(values[order])]
    return tuple(best), tuple(Pick(filled[which[at]], int(where[at])) for at in leaders)


def _branch(option: Option) -> tuple[str, str, str, str]:
    return option.system, option.engine, option.weights, option.kv


def _eased(pick: Pick, whole: Option, offers: Sequence[Offer], problem: Problem) -> Pick:
    """The same pools at the shortest time per token at which the decode pool still carries what the plan serves.

    whole: the decode option with the rows that were left out, since they serve less. Where prompts are the limit a
    smaller batch serves as much, and answers come sooner.
    """
    group, made = pick.group, pick.group.candidates.pick(np.array([pick.at], dtype=np.intp))
    table, row = group.options[1].table, int(made.second[0])
    own, other = table.pick(np.array([row], dtype=np.intp)), whole.table
    same = np.logical_and.reduce(
        [getattr(other, rank) == getattr(own, rank) for rank in ("tp", "pp", "dp", "cp", "ep")]
    )
    carried = made.others * other.request_per_s * problem.max_load
    enough = carried >= made.request_per_s
    enough &= sure_rate(carried, other.rate_sd, problem) >= sure_rate(made.request_per_s, made.rate_sd, problem)
    found = np.flatnonzero(same & enough & (other.tpot_s < own.tpot_s))
    if not len(found):
        return pick
    at = found[[int(np.argmin(other.tpot_s[found]))]]
    eased = replace(made, second=at, tpot_s=other.tpot_s[at], tpot_q_s=other.tpot_q_s[:, at], tpot_sd=other.tpot_sd[at])
    options = (group.options[0], whole)
    judged = judge(eased, tuple(offers[option.offer] for option in options), problem)
    worse = np.any(judged.objectives > group.judged.objectives[pick.at])
    return pick if worse or not judged.good[0] else Pick(Group(options, eased, judged), 0)


def _by_system(groups: Sequence[Group]) -> tuple[Pick, ...]:
    """The best candidate of each system, or pair of systems."""
    found: dict[tuple[str, ...], tuple[tuple[float, ...], Pick]] = {}
    for group in groups:
        if not len(group.candidates):
            continue
        values = np.concatenate([group.judged.objectives, _ties(group)], axis=1)
        at = int(np.lexsort(values.T[::-1])[0])
        systems = tuple(dict.fromkeys(option.system for option in group.options))
        own = tuple(float(value) for value in values[at])
        if systems not in found or own < found[systems][0]:
            found[systems] = own, Pick(group, at)
    return tuple(pick for _, pick in sorted(found.values(), key=lambda one: one[0]))


def _ties(group: Group) -> Array:
    """Who goes first of equal ones: fewer chips, then more requests, then fewer instances, then shorter gaps."""
    made = group.candidates
    return np.stack(
        [made.units + made.other_units, -made.request_per_s, made.many + made.others, made.tpot_s, made.ttft_s], axis=1
    )


def _deployment(pick: Pick) -> tuple[object, ...]:
    """What makes two candidates the same deployment in another size: systems, formats, the layout that answers."""
    made, options = pick.group.candidates, pick.group.options
    row = int(made.first[pick.at] if len(options) == 1 else made.second[pick.at])
    ranks = [int(getattr(options[-1].table, rank)[row]) for rank in ("tp", "pp", "dp", "cp", "ep")]
    named = [(option.system, option.engine, option.weights, option.kv) for option in options]
    return (*named, *ranks)
