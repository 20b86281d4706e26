"""Plans for a reader and for a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from accord.planner.plan import Metric, Plan, PoolPlan
from accord.planner.problem import Problem
from accord.planner.terms import Terms
from accord.report.tables import NOTHING, Column, Table, number, number_column, pairs, text_column
from accord.uncertainty.figure import Figure

_SHOWN: tuple[tuple[str, str, str, float], ...] = (
    ("output per chip [tok/s]", "output_token_per_s_per_chip", "", 1.0),
    ("goodput [req/s]", "request_per_s", "", 1.0),
    ("time per output token [ms]", "tpot_s", "", 1e3),
    ("time to first token [s]", "ttft_s", "", 1.0),
    ("  99 % of requests within [s]", "ttft_p99_s", "", 1.0),
    ("whole answer [s]", "e2el_s", "", 1.0),
    ("USD per M output tokens", "usd_per_million_output_tokens", "", 1.0),
    ("energy of an output token [J]", "energy_j_per_output_token", "", 1.0),
    ("power at the racks [kW]", "power_w", "", 1e-3),
    ("capital [M USD]", "capex_usd", "", 1e-6),
    ("hour of all chips [USD]", "usd_per_hour", "", 1.0),
)
_SIMULATED = (
    ("goodput [req/s]", "goodput_request_per_s", 1.0), ("requests within limits [%]", "share_within_limits", 100.0),
    ("time per output token [ms]", "tpot_s", 1e3), ("time to first token [s]", "ttft_mean_s", 1.0),
    ("  99 % of requests within [s]", "ttft_p99_s", 1.0),
    ("output per chip [tok/s]", "output_token_per_s_per_chip", 1.0), ("rank in steady state", "steady_rank", 1.0),
)  # fmt: skip


def plan_dict(plan: Plan) -> dict[str, object]:
    """A plan as JSON holds it."""
    made = msgspec.to_builtins(plan)
    assert isinstance(made, dict)
    return made


def plan_tables(plans: Sequence[Plan], level: float, shown: int = 4) -> tuple[Table, ...]:
    """The best plans side by side, what each is, and how sure its limits are."""
    if not plans:
        return ()
    few = plans[:shown]
    tables = [_deployments(few), _numbers(few, level), _limits(few)]
    if any(plan.simulated for plan in plans):
        tables.append(_simulated(plans[: max(shown, 6)]))
    rest = plans[shown:]
    if rest:
        tables.append(_others(rest, shown))
    notes = [(f"{rank}", text) for rank, plan in enumerate(few, 1) for text in plan.unknown]
    if notes:
        tables.append(pairs("Not known, substituted or assumed", _merged(notes)))
    return tuple(table for table in tables if table.rows)


def _merged(notes: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """One line a remark, with the ranks that it is about."""
    found: dict[str, list[str]] = {}
    for rank, text in notes:
        found.setdefault(text, []).append(rank)
    return [(", ".join(ranks), text) for text, ranks in found.items()]


def _columns(plans: Sequence[Plan], first: int = 1) -> tuple[Column, ...]:
    return (text_column(""), *(number_column(f"plan {rank}") for rank in range(first, first + len(plans))))


def _deployments(plans: Sequence[Plan]) -> Table:
    """What each plan deploys."""
    rows: list[tuple[str, ...]] = [
        ("id", *(plan.id for plan in plans)),
        ("system", *(" + ".join(one.system for one in plan.holdings) for plan in plans)),
        ("chips held (used)", *(" + ".join(f"{one.chips} ({one.used})" for one in plan.holdings) for plan in plans)),
    ]
    for role, title in (("serve", "serving pool"), ("prefill", "prefill pool"), ("decode", "decode pool")):
        pools = [next((pool for pool in plan.pools if pool.role == role), None) for plan in plans]
        if any(pools):
            rows += _pool_rows(title, pools)
    return Table(title="Plans, best first", columns=_columns(plans), rows=tuple(rows))


def _pool_rows(title: str, pools: Sequence[PoolPlan | None]) -> list[tuple[str, ...]]:
    def line(name: str, each: Callable[[PoolPlan], str]) -> tuple[str, ...]:
        return (name, *(NOTHING if pool is None else each(pool) for pool in pools))

    return [
        line(title, lambda one: f"{one.instances} x {one.devices} ranks"),
        line("  engine", lambda one: one.engine),
        line("  weights, cache", lambda one: f"{one.weights.upper()}, {one.kv.upper()}"),
        line("  layout", _layout),
        line("  load of a device", _load),
        line("  drafts", lambda one: f"{one.mtp_tokens}" if one.mtp_tokens else "none"),
        line("  memory [GB]", lambda one: f"{one.memory_bytes / 1e9:.0f} of {one.capacity_bytes / 1e9:.0f}"),
    ]


def _layout(pool: PoolPlan) -> str:
    words = [f"{name.upper()}{getattr(pool, name)}" for name in ("tp", "pp", "dp", "cp", "ep")]
    return " ".join(word for word in words if not word.endswith("P1")) or "TP1"


def _load(pool: PoolPlan) -> str:
    if pool.role == "prefill":
        return f"{pool.tokens_per_device:,.0f} tok/step"
    budget = f", {pool.max_num_batched_tokens:,} tok" if pool.role == "serve" else ""
    return f"{number(pool.batch_per_device)} req{budget}"


def _numbers(plans: Sequence[Plan], level: float) -> Table:
    rows: list[tuple[str, ...]] = []
    for title, name, _, factor in _SHOWN:
        found = [plan.metrics.get(name) for plan in plans]
        if not any(found):
            continue
        rows.append((title, *(_value(one, factor) for one in found)))
        if any(one is not None and one.low is not None and one.low != one.high for one in found):
            rows.append((f"  {round(100 * level)} % interval", *(_band(one, factor) for one in found)))
    return Table(title="What they do", columns=_columns(plans), rows=tuple(rows))


def _value(one: Metric | None, factor: float) -> str:
    return NOTHING if one is None else number(one.value * factor)


def _band(one: Metric | None, factor: float) -> str:
    if one is None or one.low is None or one.high is None:
        return NOTHING
    return f"{number(one.low * factor)} to {number(one.high * factor)}"


def _limits(plans: Sequence[Plan]) -> Table:
    names = list(dict.fromkeys(check.name for plan in plans for check in plan.checks))
    rows: list[tuple[str, ...]] = []
    for name in names:
        found = [next((check for check in plan.checks if check.name == name), None) for plan in plans]
        first = next(check for check in found if check is not None)
        title = f"{name} {first.sense} {_quantity(first.limit, first.unit)}"
        rows.append((title, *(NOTHING if check is None else _percent(check.chance) for check in found)))
    if rows:
        rows.append(("all of them", *(_percent(plan.chance) for plan in plans)))
    rows.append(("law", *(plan.law for plan in plans)))
    return Table(title="How likely each limit holds", columns=_columns(plans), rows=tuple(rows))


def _quantity(value: float, unit: str) -> str:
    scale = {"s": (1e3, "ms"), "W": (1e-3, "kW"), "USD": (1e-6, "M USD"), "1": (1.0, "")}.get(unit, (1.0, unit))
    return f"{number(value * scale[0], 4)} {scale[1]}".strip()


def _percent(chance: float) -> str:
    return "> 99 %" if 0.995 < chance < 1.0 else f"{100.0 * chance:.0f} %"


def _simulated(plans: Sequence[Plan]) -> Table:
    rows = [
        (title, *(_value((plan.simulated or {}).get(name), factor) for plan in plans))
        for title, name, factor in _SIMULATED
        if any(name in (plan.simulated or {}) for plan in plans)
    ]
    notes = ("in the order of the simulation; '-' was not simulated",)
    return Table(title="Simulated request by request", columns=_columns(plans), rows=tuple(rows), notes=notes)


def _others(plans: Sequence[Plan], before: int) -> Table:
    """One line each for the plans that follow."""
    return _lines("Further plans", plans, before)


def systems_table(plans: Sequence[Plan]) -> Table:
    """The best plan of each system."""
    return _lines("Best of each system", plans, 0)


def _lines(title: str, plans: Sequence[Plan], before: int) -> Table:
    rows = tuple(
        (
            str(before + at), plan.id, " + ".join(one.system for one in plan.holdings), _short(plan),
            f"{plan.chips:,}", _value(plan.metrics.get("request_per_s"), 1.0), _value(plan.metrics.get("tpot_s"), 1e3),
            _value(plan.metrics.get("usd_per_million_output_tokens"), 1.0), _percent(plan.chance),
        )
        for at, plan in enumerate(plans, 1)
    )  # fmt: skip
    columns = (
        number_column(""), text_column("id"), text_column("system"), text_column("pools"), number_column("chips"),
        number_column("req/s"), number_column("TPOT [ms]"), number_column("USD/Mtok"), number_column("all hold"),
    )  # fmt: skip
    return Table(title=title, columns=columns, rows=rows)


def _short(plan: Plan) -> str:
    return " | ".join(f"{pool.engine} {pool.instances} x {_layout(pool)}" for pool in plan.pools)


def searched_table(counted: int, estimated: int, candidates: int, pruned: int, rejected: Mapping[str, int]) -> Table:
    """What was looked at, and why candidates fell."""
    lines = [
        ("rows of pools", f"{counted:,} counted, {estimated:,} fit and were estimated, {pruned:,} could not be best"),
        ("candidates", f"{candidates:,} put together of them"),
    ]
    lines += [(f"  {why}", f"{many:,}") for why, many in sorted(rejected.items(), key=lambda one: -one[1])]
    return pairs("What was looked at, and why it fell", lines)


def asked_table(problem: Problem) -> Table:
    """The question in words."""
    work = f"{problem.isl:,.0f} prompt and {problem.osl:,.0f} answer tokens"
    lines = [("model", f"{problem.model}, {work}"), ("systems", ", ".join(problem.systems))]
    limits = [f"{limit.name} at most {_quantity(limit.limit_s, 's')}" for limit in problem.limits.latencies]
    for field, words, unit in _LIMITED:
        value = getattr(problem.limits, field)
        if value is not None:
            limits.append(f"{words} {_quantity(float(value), unit)}")
    lines.append(("limits", "; ".join(limits) or "none"))
    sure = (
        "at the estimate"
        if problem.confidence <= 0.5 or not problem.intervals
        else (f"each with a chance of {problem.confidence:.0%}")
    )
    lines.append(("held", f"{sure}; pools are planned at {problem.max_load:.0%} of what they can do"))
    lines.append(("best", ", then ".join(problem.objectives)))
    return pairs("What is asked", lines)


_LIMITED = (
    ("request_per_s", "goodput at least", "req/s"), ("power_w", "power at most", "W"),
    ("capex_usd", "capital at most", "USD"), ("usd_per_hour", "hour at most", "USD/h"),
    ("chips", "chips at most", "1"), ("racks", "racks at most", "1"),
)  # fmt: skip


def front_table(plans: Sequence[Plan], objectives: Sequence[str]) -> Table:
    """Every plan that no other beats in all objectives."""
    names = [METRICS[name] for name in objectives]
    columns = (text_column("id"), text_column("system"), text_column("pools"), *(number_column(n) for n in objectives))
    rows = tuple(
        (
            plan.id, " + ".join(one.system for one in plan.holdings), _short(plan),
            *(_value(plan.metrics.get(name), 1e3 if name == "tpot_s" else 1.0) for name in names),
        )
        for plan in plans
    )  # fmt: skip
    return Table(title=f"Front of {len(plans)} plans", columns=columns, rows=rows, notes=("tpot in ms",))


METRICS: Mapping[str, str] = {
    "goodput": "request_per_s", "cost": "usd_per_million_output_tokens", "energy": "energy_j_per_output_token",
    "carbon": "kgco2_per_million_output_tokens", "chips": "chips", "power": "power_w", "ttft": "ttft_s",
    "tpot": "tpot_s", "e2el": "e2el_s",
}  # fmt: skip


def no_plan_table(problem: Problem, relaxed: Sequence[Relaxation]) -> Table:
    """That no plan keeps the limits, and the nearest question that has one."""
    lines = [
        (one.name, f"{_quantity(one.needed, one.unit)} instead of {_quantity(one.asked, one.unit)} is enough: "
         f"{_short(one.plan)} on {' + '.join(f'{held.chips} x {held.system}' for held in one.plan.holdings)}")
        for one in relaxed
    ]  # fmt: skip
    if not lines:
        lines = [("", "no single limit is to blame: even without one of them none fits")]
    return pairs("No plan keeps every limit. Nearest first, one limit at a time:", lines)


class Relaxation(Protocol):
    """A limit that was let go; see :class:`accord.api.relaxation.Relaxed`."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def asked(self) -> float: ...  # noqa: D102
    @property
    def needed(self) -> float: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def factor(self) -> float: ...  # noqa: D102
    @property
    def plan(self) -> Plan: ...  # noqa: D102


def relaxed_dict(one: Relaxation) -> dict[str, object]:
    """One relaxation for JSON."""
    return {
        "limit": one.name, "asked": one.asked, "needed": one.needed, "unit": one.unit, "factor": one.factor,
        "plan": plan_dict(one.plan),
    }  # fmt: skip


def terms_dict(terms: Terms) -> dict[str, object]:
    """What a chip of a system draws and costs, for JSON."""
    names = ("power_w", "capex_usd", "racks", "usd_per_hour", "kgco2_per_kwh", "pue")
    found: dict[str, object] = {name: _figure(getattr(terms, name)) for name in names}
    return {
        "system": terms.system, "chip": terms.chip, "chips": terms.chips, "whole": terms.whole, "load": terms.load,
        **found, "parts_usd_per_hour": {name: _figure(one) for name, one in terms.parts.items()},
        "said": list(terms.said), "assumed": list(terms.assumed),
    }  # fmt: skip


def _figure(one: Figure | None) -> dict[str, object] | None:
    if one is None:
        return None
    low, high = one.band()
    return {
        "value": one.value, "unit": one.unit, "low": min(low, one.value), "high": max(high, one.value),
        "basis": one.basis, "sources": list(one.sources),
    }  # fmt: skip
