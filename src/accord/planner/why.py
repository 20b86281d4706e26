"""Why one plan is ahead of another: what differs, how surely, what holds each back, and what nobody has shown.

Ratios are A over B; :mod:`accord.planner.why_terms` takes that of the objective apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from accord.base.errors import UsageError
from accord.base.registry import did_you_mean
from accord.planner.plan import Check, Plan, PoolPlan
from accord.planner.problem import Problem
from accord.planner.why_chances import Compared, Residual, beside, better_of, causes, compared
from accord.planner.why_terms import Parts, Term, terms

Replan = Callable[[Mapping[str, float]], Plan | None]

METRIC_OF: Mapping[str, str] = {
    "goodput": "request_per_s", "cost": "usd_per_million_output_tokens", "energy": "energy_j_per_output_token",
    "carbon": "kgco2_per_million_output_tokens", "chips": "chips", "power": "power_w", "ttft": "ttft_s",
    "tpot": "tpot_s", "e2el": "e2el_s",
}  # fmt: skip
_LAYOUT = (
    "system", "engine", "engine_version", "weights", "kv", "tp", "pp", "dp", "cp", "ep", "devices", "instances",
    "batch_per_device", "tokens_per_device", "max_num_batched_tokens", "max_num_seqs", "microbatches", "mtp_tokens",
    "mtp_accept", "reuse",
)  # fmt: skip
_LIMIT_OF = {
    "goodput": "request_per_s", "power": "power_w", "capex": "capex_usd", "usd": "usd_per_hour", "racks": "racks",
    "chips": "chips",
}  # fmt: skip
NEAR = 1.05  # slack up to which a limit is said to bind
_WEAK = ("assumed", "estimate")
_RELAXED = 0.1  # of a limit


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not the same. where: pool, system or the plan; None where a plan has no such part."""

    where: str
    field: str
    a: str | float | None
    b: str | float | None


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A limit relaxed, and what the search then finds.

    limit, relaxed: in ``unit``; before, after: the objective's metric, after is None where no plan was found
    gain: how many times better the objective is, above 1 where relaxing helps
    per_unit: change of the metric for one unit of the limit; id: of the plan that was found
    """

    name: str
    unit: str
    limit: float
    relaxed: float
    before: float
    after: float | None = None
    gain: float | None = None
    per_unit: float | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Rests:
    """What plans rest on that nobody has shown, in words: both, A alone, B alone."""

    both: tuple[str, ...]
    a: tuple[str, ...]
    b: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """One plan beside another.

    objective: what they are judged by; whole: its metric; terms: whose factors multiply to its ratio
    common: both are wrong for the same reasons, as far as their parameters go
    simulated: metrics of both as simulated, empty unless both were
    """

    a: Plan
    b: Plan
    objective: str
    whole: Compared
    terms: tuple[Term, ...]
    differences: tuple[Difference, ...]
    metrics: tuple[Compared, ...]
    simulated: tuple[Compared, ...]
    common: bool
    rests: Rests


def why(
    a: Plan, b: Plan, objective: str, *, level: float = 0.9, residual: Residual | None = None,
    parts: Parts | None = None, said: Sequence[str] = (),
) -> Why:  # fmt: skip
    """Plan A beside plan B.

    objective: one of ``METRIC_OF``, or a metric of both; level: of the plans' intervals
    residual: standard deviation of the logarithm of a plan's metric that parameters and facts do not explain
    parts: what an hour of a system's chip costs, by system and kind [USD/h]; said: what both rest on, in words

    Chances take metrics as log-normal. Where both plans run the same engine and formats on the same systems, what
    parameters and facts leave open is one cause: it moves both, and only the difference of the two deviations
    counts. The residual is each plan's own. Elsewhere, or where ``residual`` is None, all is taken as independent.
    What chips draw and cost is one cause where both hold chips of the same systems in the same proportion, whatever
    runs on them: such figures have an exact ratio, and figures a token are as sure as the rate.
    Raises UsageError for an objective that a plan has no number for.
    """
    metric = METRIC_OF.get(objective, objective)
    names = tuple(dict.fromkeys((*a.metrics, *b.metrics)))
    if metric not in a.metrics or metric not in b.metrics:
        lacking = [name for name, plan in (("A", a), ("B", b)) if metric not in plan.metrics]
        known = [name for name in names if name in a.metrics and name in b.metrics]
        raise UsageError(
            f"plan {' and '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} no '{metric}' to be judged by",
            where="--objective", hint=did_you_mean(metric, known),
        )  # fmt: skip
    common = residual is not None and causes(a) == causes(b)
    shared = residual if common else None
    found = tuple(compared(a, b, name, level, shared) for name in names)
    whole = next(one for one in found if one.name == metric)
    run = (a.simulated, b.simulated)
    simulated = tuple(
        beside(name, run[0].get(name), run[1].get(name), level) for name in dict.fromkeys((*run[0], *run[1]))
    ) if run[0] is not None and run[1] is not None else ()  # fmt: skip
    return Why(
        a, b, objective, whole, terms(a, b, metric, parts or {}), differences(a, b), found, simulated, common,
        rests(a, b, said),
    )  # fmt: skip


# What differs


def differences(a: Plan, b: Plan) -> tuple[Difference, ...]:
    """Settings of pools, and chips held of each system, that are not the same; a pool of one plan alone is one line."""
    found = [Difference("plan", "mode", a.mode, b.mode)]
    for field in ("model", "isl", "osl"):
        found.append(Difference("plan", field, getattr(a, field), getattr(b, field)))
    for role in ("serve", "prefill", "decode"):
        pools = a.pool(role), b.pool(role)
        if pools[0] is None or pools[1] is None:
            found.append(Difference(role, "pool", *(in_words(pool) if pool is not None else None for pool in pools)))
            continue
        found += [Difference(role, field, _setting(pools[0], field), _setting(pools[1], field)) for field in _LAYOUT]
    held = [{one.system: one.chips for one in plan.holdings} for plan in (a, b)]
    for system in dict.fromkeys((*held[0], *held[1])):
        found.append(Difference("chips held", system, held[0].get(system), held[1].get(system)))
    return tuple(one for one in found if one.a != one.b)


def _setting(pool: PoolPlan, field: str) -> str | float | None:
    value: str | float | None = getattr(pool, field)
    return value


def in_words(pool: PoolPlan) -> str:
    """Instances of a pool with ranks, format and system."""
    ranks = " ".join(
        f"{name}{getattr(pool, name)}" for name in ("tp", "pp", "dp", "cp", "ep") if getattr(pool, name) > 1
    )
    return f"{pool.instances} x {ranks or 'one device'} {pool.weights} on {pool.system}"


# What holds a plan back


def binding(plan: Plan) -> tuple[Check, ...]:
    """Limits that the plan keeps with the least room, the tightest first: those near their end, or the nearest one."""
    ordered = sorted(plan.checks, key=lambda one: one.slack)
    return tuple(one for one in ordered if one.slack <= NEAR) or tuple(ordered[:1])


def riskiest(plan: Plan) -> Check | None:
    """The limit that is least sure to hold, None without limits or where all are sure."""
    least = min(plan.checks, key=lambda one: one.chance, default=None)
    return least if least is not None and least.chance < 1.0 else None


def relaxations(plan: Plan, objective: str, replan: Replan) -> tuple[Relaxation, ...]:
    """What the objective gains where each limit alone is relaxed by a tenth, chips by one system.

    plan: the best one of a question; replan: the best plan of the same question with limits changed, by the name of
        their checks and in their units, None where there is none. It is called once for each limit
    A limit with room may have a price as well: a better plan may just break it.
    Raises KeyError for an objective that the plan has no number for.
    """
    metric = METRIC_OF.get(objective, objective)
    before = plan.metrics[metric].value
    found = []
    for check in plan.checks:
        relaxed = _relaxed(plan, check)
        other = replan({check.name: relaxed})
        after = other.metrics[metric].value if other is not None and metric in other.metrics else None
        if after is None or other is None:
            found.append(Relaxation(check.name, check.unit, check.limit, relaxed, before))
            continue
        gain = after / before if better_of(metric) == "more" else before / after
        price = (after - before) / (relaxed - check.limit)
        found.append(Relaxation(check.name, check.unit, check.limit, relaxed, before, after, gain, price, other.id))
    return tuple(found)


def with_limits(problem: Problem, changes: Mapping[str, float]) -> Problem:
    """The problem with limits changed, by the name of their checks. Raises UsageError for a limit it does not have."""
    limits = problem.limits
    for name, value in changes.items():
        own = [one for one in limits.latencies if one.name == name]
        field = _LIMIT_OF.get(name)
        if own:
            kept = tuple(replace(one, limit_s=value) if one is own[0] else one for one in limits.latencies)
            limits = replace(limits, latencies=kept)
        elif field is not None and getattr(limits, field) is not None:
            limits = replace(limits, **{field: round(value) if field == "chips" else value})
        else:
            known = [
                *(one.name for one in limits.latencies),
                *(key for key, one in _LIMIT_OF.items() if getattr(limits, one) is not None),
            ]
            raise UsageError(f"the question has no limit '{name}'", hint=did_you_mean(name, known))
    return replace(problem, limits=limits)


def _relaxed(plan: Plan, check: Check) -> float:
    if check.name == "chips" and plan.holdings and plan.holdings[0].systems:
        return check.limit + math.ceil(plan.holdings[0].chips / plan.holdings[0].systems)
    return check.limit * (1.0 + _RELAXED) if check.sense == "at most" else check.limit / (1.0 + _RELAXED)


# What nobody has shown


def rests(a: Plan, b: Plan, said: Sequence[str] = ()) -> Rests:
    """What both plans rest on, and each alone. said: of both, in words."""
    of_a, of_b = _unshown(a), _unshown(b)
    return Rests(
        tuple(dict.fromkeys((*said, *(text for text in of_a if text in of_b)))),
        tuple(text for text in of_a if text not in of_b),
        tuple(text for text in of_b if text not in of_a),
    )


def _unshown(plan: Plan) -> tuple[str, ...]:
    """Unknowns of a plan, numbers that are assumed or estimated by others, and the state of the law."""
    said = [f"{name} is {metric.basis}" for name, metric in plan.metrics.items() if metric.basis in _WEAK]
    return tuple(dict.fromkeys((*plan.unknown, *said, f"law: {plan.law}")))


# Which plan is meant


def find_plan(plans: Sequence[Plan], word: str) -> Plan:
    """The plan of an id, a rank from 1 on, or the beginning of an id. Raises UsageError naming the closest."""
    for plan in plans:
        if plan.id == word:
            return plan
    if word.isdecimal() and len(word) < 5:
        if 1 <= int(word) <= len(plans):
            return plans[int(word) - 1]
        raise UsageError(f"there is no plan of rank {word}", hint=f"ranks go from 1 to {len(plans)}")
    near = [plan for plan in plans if len(word) >= 3 and plan.id.startswith(word)]
    if len(near) == 1:
        return near[0]
    ids = [plan.id for plan in plans]
    if near:
        raise UsageError(f"'{word}' begins {len(near)} ids", hint=f"they are {', '.join(plan.id for plan in near)}")
    raise UsageError(f"there is no plan '{word}'", hint=did_you_mean(word, ids))
