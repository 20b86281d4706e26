"""The plan page's board: candidates of a question priced once, and answered many times under other limits.

A candidate is a priced row that answers: one layout at one load, in as many instances as are best for what is drawn
(tokens a second and chip, or tokens per USD); a decode pool stands with the prefill pool that lets it do most. The
front is over those that keep every limit. It and the best plan are what :func:`accord.api.plan.plan` finds from the
same deviations (``sweep=steady``); its own are followed on fewer rows and differ by a few thousandths.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from accord.api.board_sides import Per, Sides, sides_of
from accord.api.board_view import View
from accord.api.branches import (
    Key,
    Prepared,
    Task,
    branch_of,
    catalog_of,
    most_devices,
    offers_of,
    option_of,
    prepare,
    spec_of,
)
from accord.api.plan import Sends, sayer, terms_known
from accord.base.errors import UsageError
from accord.economics.scenario import Scenario
from accord.planner.compose import Option
from accord.planner.executor import Work
from accord.planner.finish import plan_of
from accord.planner.lawful import UNCHECKED, Lawful
from accord.planner.offer import Offer
from accord.planner.plan import Plan
from accord.planner.pricing import price
from accord.planner.problem import Limits, Objective, Problem, check_problem
from accord.planner.search import Pick, search
from accord.planner.space import layouts
from accord.planner.table import Table, packed

_KEPT = 4  # sets of offers whose branches and pairs are kept
_WIDEST = 1024  # ranks of instances that are priced where more than at first are asked for
Name = tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a board answers.

    candidates, feasible: how many there are, and keep every limit; rejected: reason -> count
    front: by tokens a second and user, rising; view: every candidate, for drawing
    best: what ``plan`` would name first, None where nothing keeps the limits; chosen: the point asked for
    refused: what was not searched, and why
    priced: rows that had to be priced for this answer; priced_s: how long that took
    """

    problem: Problem
    offers: tuple[Offer, ...]
    candidates: int
    feasible: int
    rejected: Counter[str]
    front: tuple[Pick, ...]
    view: View
    best: Plan | None
    chosen: Plan | None
    refused: tuple[str, ...]
    priced: int
    priced_s: float


def steady(work: Work, tasks: Sequence[bytes], problem: bytes) -> list[bytes]:
    """Works off the tasks of a search with the deviations that a board has; a sweep of :func:`accord.api.plan.plan`."""
    found = []
    for one in (msgspec.msgpack.decode(task, type=Task) for task in tasks):
        branch = branch_of(one.key, one.problem, one.devices, one.paths)
        own = layouts(branch.setting, one.devices, one.problem.space, branch.role, branch.redundant_from, branch.rules)
        found.append(packed(*price(branch, one.problem, own[0][one.start : one.stop], steady=True)))
    return found


class Board:
    """Candidates of one question, kept priced.

    rows: that are kept, prefill rows too; what a board's memory is measured by
    """

    def __init__(
        self, problem: Problem, *, scenario: Scenario | None = None, paths: tuple[str, ...] = (),
        day: str | None = None, law: Lawful = UNCHECKED,
    ) -> None:  # fmt: skip
        """Look up the systems; nothing is priced yet.

        problem: its limits and objectives do not count; the others as of :func:`accord.api.plan.plan`
        Raises UsageError for what cannot be meant, CatalogError for unknown ids, ArchitectureUnpublished.
        """
        check_problem(problem)
        self._law, self._paths, self._day = law, paths, day
        self._catalog, scenario = catalog_of(paths), scenario or Scenario()
        left = law.left(problem.systems)
        self._problem = msgspec.structs.replace(problem, systems=left, limits=Limits(), objectives=("goodput",))
        if max(problem.space.mtp_tokens, default=0) > 0 and spec_of(paths, problem.model).mtp is None:
            raise UsageError(
                f"{problem.model} has no layers that draft", where="--mtp-tokens", hint="leave it out, or give 0"
            )
        self._terms, self._refused = terms_known(self._catalog, left, scenario) if left else ((), ())
        self._tables: dict[tuple[Key, bool], tuple[int, Table]] = {}
        self._first = True
        self._sides: OrderedDict[Name, tuple[Prepared, Sides]] = OrderedDict()

    @property
    def rows(self) -> int:
        """Rows that are kept."""
        return sum(len(table) for _, table in self._tables.values())

    def ask(
        self, limits: Limits, objectives: Sequence[Objective] = ("goodput",), confidence: float | None = None,
        per: Per = "chip", chosen: int | None = None,
    ) -> Shown:  # fmt: skip
        """What keeps the limits.

        objectives: what ``best`` is by; confidence: as of the problem if omitted; per: what the front is drawn by
        chosen: which of the front's points to give as a plan, from 0
        Raises UsageError for limits that cannot be meant, and for a point that is not on the front.
        """
        sure = self._problem.confidence if confidence is None else confidence
        problem = msgspec.structs.replace(self._problem, limits=limits, objectives=tuple(objectives), confidence=sure)
        if problem.systems:
            check_problem(problem)
        before, began = self.rows, time.perf_counter()
        prepared, sides = self._found(offers_of(self._catalog, problem, self._terms, self._paths))
        priced, taken_s = self.rows - before, time.perf_counter() - began
        view = View(sides, problem, per)
        front = view.picks()
        options = view.options()
        found = search(options, view.offers, sides.sends, problem, 1)
        if chosen is not None and not 0 <= chosen < len(front):
            hint = f"give 0 to {len(front) - 1}" if front else "leave it out: nothing keeps the limits"
            raise UsageError(f"the front has {len(front)} points, none of index {chosen}", where="chosen", hint=hint)
        named = None if chosen is None else front[chosen]
        best = self._finished(found.best[0], prepared, problem) if found.best else None
        return Shown(
            problem, sides.offers, view.candidates, view.feasible, +view.rejected, front, view, best,
            None if named is None else self._finished(named, prepared, problem),
            (*self._refused, *prepared.refused), priced, taken_s if priced else 0.0,
        )  # fmt: skip

    def _found(self, offers: tuple[Offer, ...]) -> tuple[Prepared, Sides]:
        """Branches and rows under a set of offers; rows that are not priced yet are priced."""
        name = tuple((one.unit_chips, one.most, one.why) for one in offers)
        if name not in self._sides:
            prepared = prepare(self._catalog, self._problem, self._terms, self._paths, self._day, offers)
            sends = Sends(prepared, self._problem, self._paths)
            self._sides[name] = prepared, sides_of(self._options(prepared), offers, sends)
            while len(self._sides) > _KEPT:
                self._sides.popitem(last=False)
        self._sides.move_to_end(name)
        return self._sides[name]

    def _options(self, prepared: Prepared) -> dict[str, list[Option]]:
        self._first = not self._tables  # what is asked later may ask for more: then everything is priced at once
        systems = [offer.terms.system for offer in prepared.offers]
        options: dict[str, list[Option]] = {"serve": [], "prefill": [], "decode": []}
        for key in prepared.keys:
            devices = most_devices(prepared.offers[systems.index(key.system)])
            branch = branch_of(key, self._problem, devices, self._paths)
            table = self._table(key, devices)
            if len(table):
                options[key.role].append(option_of(key, branch, systems.index(key.system), [table]))
        return options

    def _table(self, key: Key, devices: int) -> Table:
        """Rows of a branch of up to so many ranks.

        What may be run on part of a node differs from what may be beyond it, so both are priced apart, and each for
        all smaller numbers of ranks at once.
        """
        branch = branch_of(key, self._problem, devices, self._paths)
        tiers = branch.setting.machine.tiers
        node = int(tiers[0].devices) if tiers else 1
        wide = devices > node
        most, table = self._tables.get((key, wide), (0, None))
        if table is None or most < devices:
            most = node if not wide else devices if self._first else max(devices, _WIDEST)
            space = self._problem.space
            found, _ = layouts(branch.setting, most, space, branch.role, branch.redundant_from, branch.rules)
            table, _ = price(branch, self._problem, found, steady=True)
            self._tables[key, wide] = most, table
        return table if most == devices else table.pick(np.flatnonzero(table.devices <= devices))

    def _finished(self, pick: Pick, prepared: Prepared, problem: Problem) -> Plan:
        key = prepared.keys[0]
        accept = branch_of(key, self._problem, self._devices(prepared, key), self._paths).accept
        say = sayer(self._catalog, problem, self._terms, self._paths, self._day)
        found = plan_of(pick, prepared.offers, problem, accept, say)
        if not self._law.systems:
            return found
        return msgspec.structs.replace(found, law=self._law.words(one.system for one in found.holdings))

    def _devices(self, prepared: Prepared, key: Key) -> int:
        return next(most_devices(one) for one in prepared.offers if one.terms.system == key.system)
