"""One system asked several questions: its rows are priced once, under the loosest, and searched under each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from accord.api.branches import (
    Key,
    Prepared,
    branch_of,
    catalog_of,
    option_of,
    prepare,
    sender,
    spec_of,
    tables_of,
    work,
)
from accord.api.plan_parts import unknowns
from accord.api.terms import terms_of
from accord.base.errors import Refusal
from accord.economics.scenario import Scenario
from accord.parallel.plan import Setting
from accord.planner.compose import Option, Send
from accord.planner.finish import Say, plan_of
from accord.planner.offer import Offer
from accord.planner.plan import Plan, Role
from accord.planner.pricing import ROOM, Branch, within
from accord.planner.problem import Problem, check_problem
from accord.planner.search import Pick, search

_POOLS: tuple[Role, ...] = ("prefill", "decode")


@dataclass(frozen=True, slots=True)
class Priced:
    """One system with its rows, held whole: no part of it is given back where a plan does not need it.

    offer: all chips of the problem as one unit; settings: by format of the weights; options: by role
    accept: chance that a draft is accepted; say: what is not known of a plan, in words
    tried: rows looked at for memory and time
    """

    offer: Offer
    settings: Mapping[str, Setting]
    options: Mapping[str, tuple[Option, ...]]
    accept: float
    say: Say
    tried: int


@dataclass(frozen=True, slots=True)
class Best:
    """A plan of two pools, and how long a prompt's cache is on the wire between them [s]."""

    plan: Plan
    transfer_s: float


def priced(problem: Problem, scenario: Scenario, paths: tuple[str, ...] = ()) -> Priced:
    """Rows of the prefill and decode pools of one system, all of whose ``limits.chips`` are held.

    problem: no looser than any that is asked of the rows; scenario, paths: as for :func:`accord.api.plan.plan`
    Raises Refusal where nothing can be run, and what ``plan`` raises.
    """
    check_problem(problem)
    catalog = catalog_of(paths)
    terms = terms_of(catalog, problem.systems[0], scenario)
    prepared = prepare(catalog, problem, (terms,), paths)
    if not prepared.tasks:
        raise Refusal("; ".join(prepared.refused) or f"no layout can be run on {problem.systems[0]}")
    priced_rows = tables_of(prepared, [work(msgspec.msgpack.encode(task)) for task in prepared.tasks])
    branches = {key: _branch(prepared, key, problem, paths) for key in prepared.keys}
    options: dict[str, tuple[Option, ...]] = dict.fromkeys(_POOLS, ())
    for key, tables in priced_rows.tables:
        filled = [table for table in tables if len(table)]
        if filled:
            options[key.role] += (option_of(key, branches[key], 0, filled),)
    known = unknowns(catalog, problem, spec_of(paths, problem.model), {terms.system: terms.chip}, None)
    own = prepared.offers[0]
    return Priced(
        offer=replace(own, unit_chips=own.unit_chips * own.most, most=1),
        settings={one.setting.formats.experts: one.setting for one in branches.values()}, options=options,
        accept=next(iter(branches.values())).accept,
        say=lambda option, _: known[option.system, option.engine, option.weights],
        tried=priced_rows.tally.counted - prepared.counted,
    )  # fmt: skip


def _branch(prepared: Prepared, key: Key, problem: Problem, paths: tuple[str, ...]) -> Branch:
    return branch_of(key, problem, prepared.tasks[0].devices, paths)


def best(rows: Priced, problem: Problem) -> Best | None:
    """The best plan under a problem that differs from that of the rows in limits on latencies and in confidence.

    Limits on the time to first token and on the whole answer are left out at first, which is much quicker. What is
    best without them and keeps them is best with them; only where it does not, all limits are searched under.
    """
    kept = tuple(limit for limit in problem.limits.latencies if limit.latency == "tpot")
    eased = msgspec.structs.replace(problem, limits=msgspec.structs.replace(problem.limits, latencies=kept))
    options: dict[str, list[Option]] = {
        role: [replace(one, table=one.table.pick(within(one.table, problem)[0])) for one in rows.options[role]]
        for role in _POOLS
    }
    found: Best | None = None
    for asked in (eased, problem):
        picks = search(options, (rows.offer,), lambda a, b: _sender(rows, a, b), asked, 1).best
        if not picks:
            return None
        found = _finished(rows, picks[0], problem)
        if all(check.slack * ROOM >= 1.0 for check in found.plan.checks):
            break
    return found


def _finished(rows: Priced, pick: Pick, problem: Problem) -> Best:
    prefill, decode = pick.group.options
    send = _sender(rows, prefill, decode)
    row = pick.group.candidates.first[pick.at : pick.at + 1]
    payload = prefill.table.payload_bytes[row]
    transfer_s = float(send(payload)[0]) if send is not None else 0.0
    return Best(plan_of(pick, (rows.offer,), problem, rows.accept, rows.say), transfer_s)


def _sender(rows: Priced, prefill: Option, decode: Option) -> Send | None:
    """Seconds by bytes between the pools; None where they cannot be joined."""
    same = (prefill.weights, prefill.kv) == (decode.weights, decode.kv)
    return sender([rows.settings[prefill.weights]]) if same else None
