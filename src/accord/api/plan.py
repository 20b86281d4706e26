"""``accord plan``: a problem from the catalog to plans, best first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from accord.api.branches import (
    Key,
    Prepared,
    Rows,
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
from accord.api.records import machine_of
from accord.api.terms import terms_of
from accord.base.errors import Refusal, UsageError
from accord.catalog.load import Catalog
from accord.economics.scenario import Scenario
from accord.planner.compose import Option, Send
from accord.planner.executor import Work
from accord.planner.finish import Say, plan_of
from accord.planner.lawful import UNCHECKED, Lawful
from accord.planner.offer import Offer
from accord.planner.plan import Plan
from accord.planner.problem import LATENCIES, QUANTILES, Limit, Problem, check_problem
from accord.planner.search import Found, Pick, search
from accord.planner.table import Tally
from accord.planner.terms import Terms

COUNT = 10  # plans that are returned
_LATENCIES = tuple(
    Limit(latency=name, limit_s=1.0, quantile=share).name for name in LATENCIES for share in (None, *QUANTILES)
)


class Sweep(Protocol):
    """Works off tasks and gives their answers in order; see :func:`accord.store.sweeps.run_sweep`."""

    def __call__(self, work: Work, tasks: Sequence[bytes], problem: bytes) -> list[bytes]:
        """Answers of all tasks."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """Plans, best first, the front over the objectives, the best of each system, and what was looked at.

    without: systems that give no plan though they were searched, each with its main reason
    law: verdicts; systems that they stop were not searched, and are counted in ``law.rejected()``
    tally: rows; found: candidates made of them; terms: of each system; said: warnings; refused: what was not searched
    """

    problem: Problem
    plans: tuple[Plan, ...]
    front: tuple[Plan, ...]
    by_system: tuple[Plan, ...]
    tally: Tally
    candidates: int
    pruned: int
    rejected: Counter[str]
    terms: tuple[Terms, ...]
    offers: tuple[Offer, ...]
    said: tuple[str, ...]
    refused: tuple[str, ...]
    without: tuple[tuple[str, str], ...] = ()
    law: Lawful = UNCHECKED


def in_order(work: Work, tasks: Sequence[bytes], problem: bytes) -> list[bytes]:
    """One task after another, in this process."""
    return [work(task) for task in tasks]


def plan(
    problem: Problem, *, scenario: Scenario | None = None, paths: tuple[str, ...] = (), sweep: Sweep = in_order,
    count: int = COUNT, day: str | None = None, law: Lawful = UNCHECKED,
) -> Answer:  # fmt: skip
    """Search every deployment of the problem's space.

    scenario: prices, place and power; the catalog's defaults if omitted; paths: extra catalogs
    sweep: where the tasks are worked off; count: plans that are returned
    day: ISO date; statements on engines that are younger do not count
    law: verdicts on the systems (:func:`accord.api.plan_law.lawful`); those that do not pass are not searched
    Raises UsageError for what cannot be meant, CatalogError for unknown ids, ArchitectureUnpublished.
    """
    check_problem(problem)
    left = law.left(problem.systems)
    if not left:
        return _none(problem, law)
    problem = msgspec.structs.replace(problem, systems=left)
    catalog, scenario = catalog_of(paths), scenario or Scenario()
    if max(problem.space.mtp_tokens, default=0) > 0 and spec_of(paths, problem.model).mtp is None:
        raise UsageError(
            f"{problem.model} has no layers that draft", where="--mtp-tokens", hint="leave it out, or give 0"
        )
    terms, refused = terms_known(catalog, problem.systems, scenario)
    prepared = prepare(catalog, problem, terms, paths, day)
    prepared = replace(prepared, refused=(*refused, *prepared.refused))
    tasks = [msgspec.msgpack.encode(task) for task in prepared.tasks]
    answers = sweep(work, tasks, msgspec.msgpack.encode(problem))
    rows = tables_of(prepared, answers)
    options = _options(prepared, rows, problem, paths)
    found = search(options, prepared.offers, Sends(prepared, problem, paths), problem, count)
    answer = _answer(problem, prepared, found, rows, terms, sayer(catalog, problem, terms, paths, day))
    return _with_law(answer, law) if law.systems else replace(answer, law=law)


def _none(problem: Problem, law: Lawful) -> Answer:
    """The answer where the law leaves no system."""
    return Answer(problem, (), (), (), Tally(), 0, 0, Counter(), (), (), (), (), (), law)


def _with_law(answer: Answer, law: Lawful) -> Answer:
    """The same answer, each plan with what the law says of its systems."""

    def told(plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
        return tuple(msgspec.structs.replace(one, law=law.words(held.system for held in one.holdings)) for one in plans)

    plans, front, by_system = map(told, (answer.plans, answer.front, answer.by_system))
    return replace(answer, plans=plans, front=front, by_system=by_system, law=law)


def terms_known(
    catalog: Catalog, systems: Sequence[str], scenario: Scenario
) -> tuple[tuple[Terms, ...], tuple[str, ...]]:
    """Terms of the systems that are known well enough, and why others are not. Raises Refusal where none is."""
    found: list[Terms] = []
    refused: list[str] = []
    for system in systems:
        try:
            machine_of(catalog, system)
            found.append(terms_of(catalog, system, scenario))
        except Refusal as error:
            if len(systems) == 1:
                raise
            refused.append(f"{system}: {error.what}")
    return tuple(found), tuple(refused)


def _options(prepared: Prepared, rows: Rows, problem: Problem, paths: tuple[str, ...]) -> dict[str, list[Option]]:
    systems = [offer.terms.system for offer in prepared.offers]
    options: dict[str, list[Option]] = {"serve": [], "prefill": [], "decode": []}
    for key, tables in rows.tables:
        filled = [table for table in tables if len(table)]
        if not filled:
            continue
        branch = branch_of(key, problem, _devices(prepared, key), paths)
        options[key.role].append(option_of(key, branch, systems.index(key.system), filled))
    return options


def _devices(prepared: Prepared, key: Key) -> int:
    return next(task.devices for task in prepared.tasks if task.key == key)


class Sends:
    """How caches get from one pool to another: over the scale-out plane of one system, or the slower of two."""

    def __init__(self, prepared: Prepared, problem: Problem, paths: tuple[str, ...]) -> None:
        self._prepared, self._problem, self._paths = prepared, problem, paths

    def __call__(self, first: Option, second: Option) -> Send | None:
        """Seconds by bytes; None where the pools cannot be joined."""
        mixed = first.system != second.system
        same = (first.engine, first.weights) == (second.engine, second.weights)
        if first.kv != second.kv or (mixed and not self._problem.space.mixed) or (not mixed and not same):
            return None
        return self._sender([first, second] if mixed else [first])

    def _sender(self, ends: Sequence[Option]) -> Send | None:
        settings = []
        for option in ends:
            key = next(key for key in self._prepared.keys if (key.system, key.engine) == (option.system, option.engine))
            settings.append(branch_of(key, self._problem, _devices(self._prepared, key), self._paths).setting)
        return sender(settings)


def _answer(
    problem: Problem, prepared: Prepared, found: Found, rows: Rows, terms: tuple[Terms, ...], say: Say
) -> Answer:
    accept = 0.0
    if prepared.tasks:
        accept = branch_of(prepared.keys[0], problem, prepared.tasks[0].devices, prepared.tasks[0].paths).accept

    def finished(picks: Sequence[Pick]) -> tuple[Plan, ...]:
        return tuple(plan_of(pick, prepared.offers, problem, accept, say) for pick in picks)

    said = [f"{one.system}: {word}" for one in terms for word in one.said]
    return Answer(
        problem, finished(found.best), finished(found.front), finished(found.by_system), rows.tally, found.candidates,
        found.pruned, found.rejected, terms, prepared.offers, tuple(dict.fromkeys(said)), prepared.refused,
        _without(found, rows),
    )  # fmt: skip


def _without(found: Found, rows: Rows) -> tuple[tuple[str, str], ...]:
    """Systems without a plan: the limit that most of their last candidates break, else what most of their rows do."""
    answered = {option.system for pick in found.by_system for option in pick.group.options}
    return tuple(
        (system, last_reason(found.lost.get(system, Counter()), fell))
        for system, fell in rows.fell.items()
        if system not in answered
    )


def last_reason(candidates: Counter[str], rows: Counter[str]) -> str:
    """The commonest reason of the last stage that anything reached: candidates, latency, memory, layout."""
    for stage in (candidates, _of(rows, memory=False), _of(rows, memory=True), rows):
        if +stage:
            return stage.most_common(1)[0][0]
    return "nothing could be run"


def _of(rows: Counter[str], *, memory: bool) -> Counter[str]:
    names = (
        ("memory",) if memory else tuple(f"{name}{tail}" for name in _LATENCIES for tail in ("", " not sure enough"))
    )
    return Counter({name: rows[name] for name in names if rows[name]})


def sayer(catalog: Catalog, problem: Problem, terms: Sequence[Terms], paths: tuple[str, ...], day: str | None) -> Say:
    """What is not known of a branch, or was substituted in it."""
    chips = {one.system: one.chip for one in terms}
    known = unknowns(catalog, problem, spec_of(paths, problem.model), chips, day)
    drafts = "drafts are accepted with an assumed chance"
    assumed = problem.space.mtp_accept is None

    def say(option: Option, row_drafts: bool) -> tuple[str, ...]:
        words = known[option.system, option.engine, option.weights]
        return (*words, drafts) if row_drafts and assumed else words

    return say


__all__ = ["COUNT", "Answer", "Sweep", "in_order", "plan"]
