"""Runs ``accord plan`` and ``accord size``: the flags to an answer on the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from accord.api.branches import catalog_of, spec_of
from accord.api.cost_causes import cost_causes
from accord.api.plan import Answer, Sweep, in_order, plan
from accord.api.plan_law import law_sources
from accord.api.plan_parts import dependence_of, excluded, sources_of
from accord.api.plan_traffic import Replay, simulate_plans
from accord.api.relaxation import Relaxed, Replan, relaxations
from accord.api.scenario import taken_for_granted
from accord.api.stretch import stretched
from accord.base.errors import CatalogError, DataError, DoesNotFit, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.load import Catalog
from accord.cli.output import emit, say, write
from accord.cli.plan_check import check
from accord.cli.plan_law import asked_law, unasked
from accord.cli.plan_matrix import COST, cause_dict, show_matrix, tornado
from accord.cli.plan_question import Question, known_countries, question
from accord.cli.plan_settings import given, placed, settings, typed, with_scenario
from accord.cli.plan_words import joined, no_law_left, unknown_limits, unknown_wishes, why_none, without_plan
from accord.cli.watching import Watching, begin, parts
from accord.economics.scenario_text import scenario_toml
from accord.planner.executor import Place, Work
from accord.planner.executors import executor
from accord.planner.plan import Plan
from accord.planner.problem import Limit, Problem
from accord.report import plan_lines as lines
from accord.report import plan_view as view
from accord.report.dependence import dependence_dict, dependence_tables
from accord.report.plan_json import plan_dict, relaxed_dict, terms_dict, without_dict
from accord.report.plan_law import law_dict, law_tables, law_words
from accord.report.tables import Table
from accord.report.to_json import envelope
from accord.report.tornado import Cause, causes_of, tornado_table
from accord.serving.slo import Slo
from accord.store.sweeps import open_sweep, run_sweep, sweep_key

USUAL_SIMULATED = 3
NO_PLAN = 1


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer with what was made of it.

    plans: in their final order; said: warnings; relaxed: the nearest questions with a plan; why: there is none
    """

    plans: tuple[Plan, ...]
    said: tuple[str, ...]
    relaxed: tuple[Relaxed, ...] = ()
    why: tuple[str, ...] = ()


def run(verb: str, objective: Sequence[str], flags: dict[str, Any], paths: tuple[Path, ...], *, as_json: bool) -> int:
    """Answer one question; the exit code is 1 where no plan keeps the limits."""
    catalog = catalog_of(tuple(str(path) for path in paths))
    scenario = with_scenario(flags, catalog)
    try:
        passed = check(flags, given(scenario), typed())
        if flags["print_config"]:
            full = msgspec.structs.replace(scenario, plan=settings(flags, scenario))
            write(scenario_toml(full, taken_for_granted(catalog, scenario)))
            return 0
        if flags.get("matrix") or flags.get("fleet") is not None:
            begin()
            return show_matrix(verb, catalog, flags, scenario, paths, passed, as_json=as_json)
        asked = question(catalog, flags, scenario, objective)
        if verb == "size" and asked.problem.limits.request_per_s is None:
            raise UsageError(
                "no load to size for", where="--goodput", hint="give --goodput, or a --trace with its rate"
            )
        return _answered(verb, catalog, asked, flags, paths, as_json=as_json)
    except (UsageError, DataError) as error:
        raise placed(error, flags["scenario"], scenario) from None


def _answered(
    verb: str, catalog: Catalog, asked: Question, flags: Mapping[str, Any], paths: tuple[Path, ...], *, as_json: bool
) -> int:  # fmt: skip
    extra = tuple(str(path) for path in paths)
    problem, gone = allowed(catalog, asked.problem, flags)
    spec = repr(spec_of(extra, problem.model)).encode()
    begin()
    law = asked_law(catalog, flags, problem.systems, problem.model)
    gone = (*gone, *law.stopped(problem.systems))
    sweep = _sweep(catalog, flags, spec)
    count = max(flags["top"], _simulated(asked, flags))
    draw = None if flags.get("tornado") is None else tornado(flags["tornado"])

    def solve(one: Problem, sweep: Sweep = in_order) -> Answer:
        return plan(one, scenario=asked.scenario, paths=extra, sweep=sweep, count=count, day=flags["date"], law=law)

    answer = solve(problem, sweep)
    told = _finish(catalog, answer, asked, flags, lambda one: solve(one).plans)
    causes = _causes(catalog, told, asked)
    if draw is not None and told.plans:
        draw(causes)
    warned = (*asked.said, *answer.refused, *unasked(flags, catalog), *(f"{system}: {why}" for system, why in gone))
    without = without_plan(answer, asked.named, (*asked.without, *gone), warned)
    body = _body(verb, catalog, answer, asked, told, (without, warned), flags, paths, causes)
    tables = [] if as_json else _tables(answer, told, (asked.named, without), catalog, flags, causes)
    emit(body, *tables, as_json=as_json)
    return 0 if told.plans else NO_PLAN


def allowed(
    catalog: Catalog, problem: Problem, flags: Mapping[str, Any]
) -> tuple[Problem, tuple[tuple[str, str], ...]]:
    """The problem without systems of excluded origin, and why each is gone.

    Raises CatalogError for a country nobody knows, DoesNotFit where no system is left.
    """
    if not flags["exclude_origin"]:
        return problem, ()
    known = known_countries(catalog)
    for country in flags["exclude_origin"]:
        if country not in known:
            what = f"the catalog knows no country '{country}'"
            raise CatalogError(what, where="--exclude-origin", hint=did_you_mean(country, sorted(known)))
    gone = excluded(catalog, problem.systems, flags["exclude_origin"], flags["exclude_scope"])
    words = tuple((system, f"excluded by origin ({one.answer}: {one.words})") for system, one in gone.items())
    left = tuple(system for system in problem.systems if system not in gone)
    if not left:
        what = f"no system is left; {words[0][0]}: {words[0][1]}"
        raise DoesNotFit(what, where="--exclude-origin", hint="name other systems")
    return msgspec.structs.replace(problem, systems=left), words


def _sweep(catalog: Catalog, flags: Mapping[str, Any], spec: bytes) -> Sweep:
    """Where tasks are worked off, and whether finished ones are kept.

    spec: what the model is; a path alone does not say
    """
    name, file = flags["executor"], flags["checkpoint"]
    if name == "local" and file is None:
        return in_order
    place = Place(workers=flags["workers"], address=flags["ray_address"])

    def swept(work: Work, tasks: Sequence[bytes], problem: bytes) -> list[bytes]:
        engine = executor(name, place)
        if file is None:
            return run_sweep(engine, work, tasks, progress=parts)
        with open_sweep(file, sweep_key(catalog.digest, spec + problem, tasks), tasks) as kept:
            found = len(kept.finished())
            if found:
                say(f"{found} of {len(tasks)} parts are in {file} already")
            return run_sweep(engine, work, tasks, kept, parts)

    return swept


# After the search


def _finish(
    catalog: Catalog, answer: Answer, asked: Question, flags: Mapping[str, Any], replan: Replan
) -> _Told:  # fmt: skip
    """Simulate the best plans where there is a load; where there is no plan, look for the nearest question."""
    if not answer.plans:
        if not answer.law.left(answer.problem.systems):
            return _Told((), (), (), no_law_left(answer.law, answer.problem.systems))
        unknown = (*unknown_wishes(answer), *unknown_limits(answer))
        if unknown:
            return _Told((), (), (), (*unknown, *answer.refused))
        relaxed = relaxations(answer.problem, replan) or _together(answer.problem, replan)
        return _Told((), (), relaxed, () if relaxed else why_none(answer, replan))
    count = _simulated(asked, flags)
    if asked.load is None or count == 0:
        return _Told(answer.plans[: flags["top"]], ())
    replay = Replay(
        limits=_slos(answer.problem), objective=answer.problem.objectives[0], pace=flags["pace"],
        requests_cap=flags["requests"], seed=flags["seed"],
    )  # fmt: skip
    with Watching() as watching:
        done = simulate_plans(catalog, answer.plans[:count], asked.load, replay, progress=watching.progress)
    return _Told(done.with_rest(answer.plans[count:])[: flags["top"]], done.said)


def _together(problem: Problem, replan: Replan) -> tuple[Relaxed, ...]:
    """All limits give way alike where letting go of one is not enough; nothing where that does not help either."""
    found = stretched(problem, replan)
    return () if found is None else (found,)


def _simulated(asked: Question, flags: Mapping[str, Any]) -> int:
    """Plans that are simulated."""
    if asked.load is None:
        return 0
    return USUAL_SIMULATED if flags["simulated"] is None else int(flags["simulated"])


def _slos(problem: Problem) -> tuple[Slo, ...]:
    """Limits on single requests: each percentile asks its share, a limit on the mean nine tenths."""
    return tuple(_slo(limit, 0.9 if limit.quantile is None else limit.quantile) for limit in problem.limits.latencies)


def _slo(limit: Limit, needed: float) -> Slo:
    if limit.latency == "ttft":
        return Slo(ttft_s=limit.limit_s, needed=needed, name=limit.name)
    if limit.latency == "tpot":
        return Slo(tpot_s=limit.limit_s, needed=needed, name=limit.name)
    return Slo(e2e_s=limit.limit_s, needed=needed, name=limit.name)


def _body(
    verb: str, catalog: Catalog, answer: Answer, asked: Question, told: _Told,
    others: tuple[Sequence[tuple[str, str]], Sequence[str]], flags: Mapping[str, Any], paths: Sequence[Path],
    causes: Sequence[Cause],
) -> dict[str, object]:  # fmt: skip
    """The envelope. others: systems without a plan and why, and warnings of the question and the search."""
    problem, (without, warned) = answer.problem, others
    best = told.plans[0] if told.plans else None
    result: dict[str, object] = {
        "feasible": best is not None,
        "metrics": msgspec.to_builtins(best.metrics) if best else {},
        "plans": [plan_dict(one) for one in told.plans],
        "front": [plan_dict(one) for one in answer.front],
        "by_system": [plan_dict(one) for one in answer.by_system],
        "without": [without_dict(*one) for one in without],
        "rejected": dict(sorted((answer.tally.rejected + answer.law.rejected()).items())),
        "rejected_candidates": dict(sorted(answer.rejected.items())),
        "searched": {
            "counted": answer.tally.counted, "estimated": answer.tally.estimated, "candidates": answer.candidates,
            "pruned": answer.pruned,
        },
        "refused": list(warned[len(asked.said) :]),
        "terms": [terms_dict(one) for one in answer.terms],
        "dependence": dependence_dict(dependence_of(catalog, best, flags["date"])) if best else None,
        "cost_causes": [cause_dict(one) for one in causes],
        "relaxations": [relaxed_dict(one) for one in told.relaxed],
        "why_none": list(told.why),
        "law": law_dict(answer.law),
    }  # fmt: skip
    scenario = msgspec.structs.replace(asked.scenario, plan=settings(flags, asked.scenario))
    inputs = {
        "problem": msgspec.to_builtins(problem), "scenario": msgspec.to_builtins(scenario),
        "catalog": [str(path) for path in paths],
    }  # fmt: skip
    shown = (*told.plans, *answer.front, *answer.by_system, *(one.plan for one in told.relaxed))
    if asked.load is not None:
        inputs["load"] = dict(asked.load.inputs)
    warnings = [*catalog.notes, *warned, *told.said, *joined(_mentioned(answer, told))]
    sources = [
        *sources_of(catalog, problem.model, shown, answer.terms),
        *law_sources(catalog, (*answer.law.systems, answer.law.model)),
    ]
    return envelope(
        verb, inputs=inputs, result=result, sources=sources,
        warnings=warnings, catalog_digest=catalog.digest,
    )  # fmt: skip


def _mentioned(answer: Answer, told: _Told) -> list[str]:
    """What the terms say of systems that plans use."""
    used = {one.system for plan in told.plans for one in plan.holdings}
    return [text for text in answer.said if text.partition(":")[0] in used]


def _causes(catalog: Catalog, told: _Told, asked: Question) -> tuple[Cause, ...]:
    """What the cost of the best plan's tokens depends on; nothing where an hour has no price."""
    if not told.plans or "usd_per_hour" not in told.plans[0].metrics:
        return ()
    best, wanted = told.plans[0], asked.problem.limits.request_per_s
    rate = best.metrics["output_token_per_s_total"]
    held = {one.system: float(one.chips) for one in best.holdings}
    most = math.inf if wanted is None else wanted * best.osl
    low, value, high = (min(one or rate.value, most) for one in (rate.low, rate.value, rate.high))
    tokens = low, value, high
    return causes_of(*cost_causes(catalog, asked.scenario, held, tokens))


def _tables(
    answer: Answer, told: _Told, systems: tuple[Sequence[str], Sequence[tuple[str, str]]], catalog: Catalog,
    flags: Mapping[str, Any], causes: Sequence[Cause],
) -> list[Table]:  # fmt: skip
    """What a reader sees. systems: those that were named, and those without a plan and why."""
    problem, (named, without) = answer.problem, systems
    by_system = [lines.systems_table(answer.by_system, without)] if len(named) > 1 else []
    if not told.plans:
        none = lines.no_plan_table(told.relaxed, told.why)
        return [_asked(answer), none, *by_system, *law_tables(answer.law), _searched(answer)]
    used = min((one.load for one in answer.terms), default=None)
    best = view.plan_tables(told.plans, problem.level, law=flags["law"] != "off", utilisation=used)
    tables = [_asked(answer), *best, *by_system, *law_tables(answer.law)]
    if len(problem.objectives) > 1:
        tables.append(lines.front_table(answer.front, problem.objectives))
    if causes:
        tables.append(tornado_table(causes, COST, "USD/Mtok"))
    tables += dependence_tables(dependence_of(catalog, told.plans[0], flags["date"]))
    return [*tables, _searched(answer)]


def _asked(answer: Answer) -> Table:
    return view.asked_table(answer.problem, law_words(answer.law.terms) if answer.law.terms.complete else None)


def _searched(answer: Answer) -> Table:
    rows = answer.tally.counted, answer.tally.estimated, answer.pruned
    stopped = answer.law.rejected()
    return view.searched_table(rows, answer.tally.rejected, answer.candidates, answer.rejected, stopped)
