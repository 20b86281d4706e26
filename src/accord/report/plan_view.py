"""Plans for a reader: tables of the best side by side, and of what was asked and looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from accord.planner.lawful import outcome_of
from accord.planner.plan import Metric, Plan, PoolPlan
from accord.planner.problem import Problem
from accord.report.plan_cells import (
    WIDTH,
    band_text,
    layout_words,
    percent,
    quantity,
    step_metric,
    value_text,
    wrapped_pairs,
)
from accord.report.plan_lines import further_table
from accord.report.tables import NOTHING, Column, Table, number, number_column, pairs, text_column, to_text

_TAILS = tuple(
    (f"  {share} % of requests within [{unit}]", f"{name}_p{share}_s", factor)
    for name, unit, factor in (("tpot", "ms", 1e3), ("ttft", "s", 1.0), ("e2el", "s", 1.0))
    for share in (50, 90, 99)
)
_SHOWN: tuple[tuple[str, str, float], ...] = (
    ("output per chip [tok/s]", "output_token_per_s_per_chip", 1.0),
    ("goodput [req/s]", "request_per_s", 1.0),
    ("time per output token [ms]", "tpot_s", 1e3),
    *_TAILS[:3],
    ("time to first token [s]", "ttft_s", 1.0),
    *_TAILS[3:6],
    ("whole answer [s]", "e2el_s", 1.0),
    *_TAILS[6:],
    ("USD per M output tokens", "usd_per_million_output_tokens", 1.0),
    ("energy of an output token [J]", "energy_j_per_output_token", 1.0),
    ("kg CO2e per M output tokens", "kgco2_per_million_output_tokens", 1.0),
    ("power at the racks [kW]", "power_w", 1e-3),
    ("racks", "racks", 1.0),
    ("capital [USD]", "capex_usd", 1.0),
    ("hour of all chips [USD]", "usd_per_hour", 1.0),
)
_COST = "usd_per_million_output_tokens"
_MUCH_USD = 1e5  # of capital, from which on it is written in millions
_USUAL_TAIL = "ttft_p99_s"  # shown whether limited or not
_SIMULATED = (
    ("offered [req/s]", "offered_request_per_s", 1.0),
    ("goodput [req/s]", "goodput_request_per_s", 1.0), ("requests within limits [%]", "share_within_limits", 100.0),
    ("time per output token [ms]", "tpot_s", 1e3), ("time to first token [s]", "ttft_mean_s", 1.0),
    ("  99 % of requests within [s]", "ttft_p99_s", 1.0),
    ("output per chip [tok/s]", "output_token_per_s_per_chip", 1.0), ("rank in steady state", "steady_rank", 1.0),
)  # fmt: skip


def plan_tables(
    plans: Sequence[Plan], level: float, shown: int = 4, *, law: bool = True, utilisation: float | None = None
) -> tuple[Table, ...]:
    """The best plans side by side, as many as a line holds, what each is, and how sure its limits are.

    law: whether the law is spoken of; utilisation: share of the time under load that costs a token assume
    """
    if not plans:
        return ()
    count = min(shown, len(plans))
    tables = _beside(plans[:count], level, utilisation, law=law)
    while count > 1 and max(map(table_width, tables)) > WIDTH:
        count -= 1
        tables = _beside(plans[:count], level, utilisation, law=law)
    few = plans[:count]
    if any(plan.simulated for plan in plans):
        tables.append(_simulated([plan for plan in plans if plan.simulated][:6]))
    rest = plans[len(few) :]
    if rest:
        tables.append(further_table(rest, len(few)))
    notes = [(rank, text) for rank, plan in enumerate(plans, 1) for text in plan.unknown]
    if notes:
        tables.append(wrapped_pairs("Not known, substituted or assumed of these plans", _merged(notes)))
    return tuple(table for table in tables if table.rows)


def _beside(plans: Sequence[Plan], level: float, utilisation: float | None, *, law: bool) -> list[Table]:
    return [_deployments(plans), _numbers(plans, level, utilisation), _limits(plans, law=law)]


def table_width(table: Table) -> int:
    """Length of the longest line of a table's text."""
    return max(map(len, to_text(table).splitlines()))


def _merged(notes: Sequence[tuple[int, str]]) -> list[tuple[str, str]]:
    """One line a remark, with the ranks that it is about."""
    found: dict[str, list[int]] = {}
    for rank, text in notes:
        found.setdefault(text, []).append(rank)
    return [(_ranges(ranks), text) for text, ranks in found.items()]


def _ranges(ranks: Sequence[int]) -> str:
    """Rising numbers in words: ``1 to 4, 6``."""
    parts: list[list[int]] = []
    for rank in ranks:
        if parts and rank == parts[-1][-1] + 1:
            parts[-1].append(rank)
        else:
            parts.append([rank])
    return ", ".join(f"{one[0]}" if len(one) == 1 else f"{one[0]} to {one[-1]}" for one in parts)


def _columns(plans: Sequence[Plan], first: int = 1) -> tuple[Column, ...]:
    return (text_column(""), *(number_column(f"plan {rank}") for rank in range(first, first + len(plans))))


def _deployments(plans: Sequence[Plan]) -> Table:
    """What each plan deploys."""
    rows: list[tuple[str, ...]] = [("id", *(plan.id for plan in plans))]
    for at in range(max(len(plan.holdings) for plan in plans)):
        own = [plan.holdings[at] if at < len(plan.holdings) else None for plan in plans]
        rows += [
            ("and of a second system" if at else "system", *(one.system if one else NOTHING for one in own)),
            ("chips held (used)", *(f"{one.chips:,} ({one.used:,})" if one else NOTHING for one in own)),
        ]
    for role, title in (("serve", "serving pool"), ("prefill", "prefill pool"), ("decode", "decode pool")):
        pools = [next((pool for pool in plan.pools if pool.role == role), None) for plan in plans]
        if any(pools):
            rows += _pool_rows(title, pools, mixed=any(len(plan.holdings) > 1 for plan in plans))
    return Table(title="Plans, best first", columns=_columns(plans), rows=tuple(rows))


def _pool_rows(title: str, pools: Sequence[PoolPlan | None], *, mixed: bool) -> list[tuple[str, ...]]:
    def line(name: str, each: Callable[[PoolPlan], str]) -> tuple[str, ...]:
        return (name, *(NOTHING if pool is None else each(pool) for pool in pools))

    return [
        line(title, lambda one: f"{one.instances:,} x {one.devices:,} ranks"),
        *([line("  on", lambda one: one.system)] if mixed else []),
        line("  engine", lambda one: one.engine),
        line("  weights, cache", lambda one: f"{one.weights.upper()}, {one.kv.upper()}"),
        line("  layout", layout_words),
        line("  load of a device", _load),
        line("  drafts", lambda one: f"{one.mtp_tokens}" if one.mtp_tokens else "none"),
        line("  memory [GB]", lambda one: f"{one.memory_bytes / 1e9:.0f} of {one.capacity_bytes / 1e9:.0f}"),
    ]


def _load(pool: PoolPlan) -> str:
    if pool.role == "prefill":
        return f"{pool.tokens_per_device:,.0f} tok/step"
    budget = f", {pool.max_num_batched_tokens:,} tok" if pool.role == "serve" else ""
    return f"{number(pool.batch_per_device)} req{budget}"


def _numbers(plans: Sequence[Plan], level: float, utilisation: float | None) -> Table:
    rows: list[tuple[str, ...]] = []
    tails = {name for _, name, _ in _TAILS}
    asked = {f"{check.name}_s" for plan in plans for check in plan.checks} | {_USUAL_TAIL}
    for title, name, factor in _SHOWN:
        found = [_told(plan, name) for plan in plans]
        if not any(found) or (name in tails and name not in asked):
            continue
        if name == "capex_usd" and max(one.value for one in found if one is not None) >= _MUCH_USD:
            title, factor = "capital [M USD]", 1e-6
        rows.append((title, *(value_text(one, factor) for one in found)))
        if any(one is not None and one.low is not None and one.low != one.high for one in found):
            rows.append((f"  {round(100 * level)} % interval", *(band_text(one, factor) for one in found)))
    notes: tuple[str, ...] = ()
    if utilisation is not None and any(_COST in plan.metrics for plan in plans):
        busy = f"under load for {100.0 * utilisation:.3g} % of the time (utilisation)"
        notes = (f"USD per M output tokens: every hour is paid for, and chips are {busy}",)
    return Table(title="What they do", columns=_columns(plans), rows=tuple(rows), notes=notes)


def _told(plan: Plan, name: str) -> Metric | None:
    """A metric that says something: two pools give every request of a pool the same time per token, its mean."""
    if name == "tpot_s":
        return step_metric(plan)
    if name.startswith("tpot_") and (plan.mode == "disaggregated" or plan.osl <= 1.0):
        return None
    return plan.metrics.get(name)


def _limits(plans: Sequence[Plan], *, law: bool) -> Table:
    names = list(dict.fromkeys(check.name for plan in plans for check in plan.checks))
    rows: list[tuple[str, ...]] = []
    for name in names:
        found = [next((check for check in plan.checks if check.name == name), None) for plan in plans]
        first = next(check for check in found if check is not None)
        title = f"{name} {first.sense} {quantity(first.limit, first.unit)}"
        rows.append((title, *(NOTHING if check is None else percent(check.chance) for check in found)))
    if rows:
        rows.append(("all of them", *(percent(plan.chance) for plan in plans)))
    if law:
        rows.append(("law", *(outcome_of(plan.law) for plan in plans)))
    return Table(title="How likely each limit holds", columns=_columns(plans), rows=tuple(rows))


def _simulated(plans: Sequence[Plan]) -> Table:
    rows = [
        (title, *(value_text((plan.simulated or {}).get(name), factor) for plan in plans))
        for title, name, factor in _SIMULATED
        if any(name in (plan.simulated or {}) for plan in plans)
    ]
    notes = ("plans that were simulated come first, in the order of the simulation",)
    return Table(title="Simulated request by request", columns=_columns(plans), rows=tuple(rows), notes=notes)


def searched_table(
    rows: tuple[int, int, int], rejected: Mapping[str, int], candidates: int, fell: Mapping[str, int],
    stopped: Mapping[str, int] = {},
) -> Table:  # fmt: skip
    """What was looked at, and why it fell.

    rows: counted, estimated, and those that could not be best; rejected, fell: why rows and candidates fell
    stopped: why systems were not looked at
    """
    counted, estimated, pruned = rows
    lines = [("systems", f"{sum(stopped.values()):,} stopped by the law and not searched")] if stopped else []
    lines += [(f"  {why}", f"{many:,}") for why, many in _most(stopped)]
    lines += [("pools at a load", f"{counted:,} counted, {estimated:,} of them fit and were estimated")]
    lines += [(f"  {why}", f"{many:,}") for why, many in _most(rejected)]
    lines += [("  another is better in everything", f"{pruned:,}")] if pruned else []
    lines.append(("candidates", f"{candidates:,} put together of the pools that are left"))
    lines += [(f"  {why}", f"{many:,}") for why, many in _most(fell)]
    return pairs("What was looked at, and why it fell", lines)


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(((why, many) for why, many in counts.items() if many), key=lambda one: (-one[1], one[0]))


def asked_table(problem: Problem, law: str | None = None) -> Table:
    """The question in words. law: the deal that the law was asked about, None where it was not."""
    answer = "token" if round(problem.osl) == 1 else "tokens"
    work = f"{problem.isl:,.0f} prompt and {problem.osl:,.0f} answer {answer}"
    lines = [("model", f"{problem.model}, {work}"), ("systems", ", ".join(problem.systems))]
    limits = [f"{limit.name} at most {quantity(limit.limit_s, 's')}" for limit in problem.limits.latencies]
    for field, words, unit in _LIMITED:
        value = getattr(problem.limits, field)
        if value is not None:
            limits.append(f"{words} {quantity(float(value), unit)}")
    lines.append(("limits", "; ".join(limits) or "none"))
    alone = problem.confidence <= 0.5 or not problem.intervals
    sure = "at the estimate" if alone else f"each with a chance of {100.0 * problem.confidence:g} %"
    lines.append(("held", f"{sure}; pools are planned at {100.0 * problem.max_load:g} % of what they can do"))
    lines.append(("best", " and ".join(problem.objectives)))
    if law is not None:
        lines.append(("law", law))
    return wrapped_pairs("What is asked", lines)


_LIMITED = (
    ("request_per_s", "goodput at least", "req/s"), ("power_w", "power at most", "W"),
    ("capex_usd", "capital at most", "USD"), ("usd_per_hour", "hour at most", "USD/h"),
    ("chips", "chips at most", "1"), ("racks", "racks at most", "1"),
)  # fmt: skip
