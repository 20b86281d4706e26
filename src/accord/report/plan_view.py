"""Plans for a reader: tables of the best, of each system, of the front, and of what was asked and looked at."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence

from accord.planner.plan import Metric, Plan, PoolPlan
from accord.planner.problem import Limits, Problem
from accord.report.plan_json import Relaxation
from accord.report.tables import NOTHING, Column, Table, number, number_column, pairs, text_column, to_text

WIDTH = 120  # of a line, where words can be wrapped and plans left to a later table
FRONT_SHOWN = 20
SERVED, ALL = "latencies and load", "all of them"  # relaxations of several limits at once
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
    ("capital [M USD]", "capex_usd", 1e-6),
    ("hour of all chips [USD]", "usd_per_hour", 1.0),
)
_USUAL_TAIL = "ttft_p99_s"  # shown whether limited or not
_SIMULATED = (
    ("goodput [req/s]", "goodput_request_per_s", 1.0), ("requests within limits [%]", "share_within_limits", 100.0),
    ("time per output token [ms]", "tpot_s", 1e3), ("time to first token [s]", "ttft_mean_s", 1.0),
    ("  99 % of requests within [s]", "ttft_p99_s", 1.0),
    ("output per chip [tok/s]", "output_token_per_s_per_chip", 1.0), ("rank in steady state", "steady_rank", 1.0),
)  # fmt: skip


def plan_tables(plans: Sequence[Plan], level: float, shown: int = 4, *, law: bool = True) -> tuple[Table, ...]:
    """The best plans side by side, as many as a line holds, what each is, and how sure its limits are.

    law: whether the law is spoken of
    """
    if not plans:
        return ()
    count = min(shown, len(plans))
    tables = _beside(plans[:count], level, law=law)
    while count > 1 and max(map(table_width, tables)) > WIDTH:
        count -= 1
        tables = _beside(plans[:count], level, law=law)
    few = plans[:count]
    if any(plan.simulated for plan in plans):
        tables.append(_simulated([plan for plan in plans if plan.simulated][:6]))
    rest = plans[len(few) :]
    if rest:
        tables.append(_lines("Further plans", rest, len(few)))
    notes = [(f"{rank}", text) for rank, plan in enumerate(few, 1) for text in plan.unknown]
    if notes:
        tables.append(_wrapped_pairs("Not known, substituted or assumed of these plans", _merged(notes)))
    return tuple(table for table in tables if table.rows)


def _beside(plans: Sequence[Plan], level: float, *, law: bool) -> list[Table]:
    return [_deployments(plans), _numbers(plans, level), _limits(plans, law=law)]


def table_width(table: Table) -> int:
    """Length of the longest line of a table's text."""
    return max(map(len, to_text(table).splitlines()))


def _wrapped_pairs(title: str, lines: Iterable[tuple[str, str]]) -> Table:
    """Pairs whose words run over several lines where one is not enough."""
    lines = list(lines)
    room = WIDTH - 2 - max((len(key) for key, _ in lines), default=0)
    rows = [
        (key if at == 0 else "", part)
        for key, text in lines
        for at, part in enumerate(textwrap.wrap(text, room, subsequent_indent="  ", break_on_hyphens=False) or [""])
    ]
    return pairs(title, rows)


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
        line(title, lambda one: f"{one.instances} x {one.devices} ranks"),
        *([line("  on", lambda one: one.system)] if mixed else []),
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
    tails = {name for _, name, _ in _TAILS}
    asked = {f"{check.name}_s" for plan in plans for check in plan.checks} | {_USUAL_TAIL}
    for title, name, factor in _SHOWN:
        found = [plan.metrics.get(name) for plan in plans]
        if not any(found) or (name in tails and name not in asked):
            continue
        rows.append((title, *(_value(one, factor) for one in found)))
        if any(one is not None and one.low is not None and one.low != one.high for one in found):
            rows.append((f"  {round(100 * level)} % interval", *(_band(one, factor) for one in found)))
    return Table(title="What they do", columns=_columns(plans), rows=tuple(rows))


def _value(one: Metric | None, factor: float) -> str:
    if one is None:
        return NOTHING
    whole = one.unit == "1" and one.value == round(one.value)  # chips, racks
    return plainly(one.value * factor) if whole and factor == 1.0 else number(one.value * factor)


def _band(one: Metric | None, factor: float) -> str:
    if one is None or one.low is None or one.high is None:
        return NOTHING
    return f"{number(one.low * factor)} to {number(one.high * factor)}"


def _limits(plans: Sequence[Plan], *, law: bool) -> Table:
    names = list(dict.fromkeys(check.name for plan in plans for check in plan.checks))
    rows: list[tuple[str, ...]] = []
    for name in names:
        found = [next((check for check in plan.checks if check.name == name), None) for plan in plans]
        first = next(check for check in found if check is not None)
        title = f"{name} {first.sense} {_quantity(first.limit, first.unit)}"
        rows.append((title, *(NOTHING if check is None else _percent(check.chance) for check in found)))
    if rows:
        rows.append(("all of them", *(_percent(plan.chance) for plan in plans)))
    if law:
        rows.append(("law", *(plan.law for plan in plans)))
    return Table(title="How likely each limit holds", columns=_columns(plans), rows=tuple(rows))


def _quantity(value: float, unit: str) -> str:
    """A limit as somebody would write it: ``1,000 ms``, ``32``, ``2.5 M USD``."""
    scale = {"s": (1e3, "ms"), "W": (1e-3, "kW"), "1": (1.0, "")}.get(unit, (1.0, unit))
    if unit == "USD" and value >= 1e6:
        scale = (1e-6, "M USD")
    return f"{plainly(value * scale[0])} {scale[1]}".strip()


def plainly(value: float, digits: int = 4) -> str:
    """A number without noughts that say nothing; a whole one in full."""
    if math.isfinite(value) and value == round(value) and abs(value) < 1e9:
        return f"{value:,.0f}"
    text = number(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _percent(chance: float) -> str:
    return "> 99 %" if 0.995 < chance < 1.0 else f"{100.0 * chance:.0f} %"


def _simulated(plans: Sequence[Plan]) -> Table:
    rows = [
        (title, *(_value((plan.simulated or {}).get(name), factor) for plan in plans))
        for title, name, factor in _SIMULATED
        if any(name in (plan.simulated or {}) for plan in plans)
    ]
    notes = ("plans that were simulated come first, in the order of the simulation",)
    return Table(title="Simulated request by request", columns=_columns(plans), rows=tuple(rows), notes=notes)


def systems_table(plans: Sequence[Plan]) -> Table:
    """The best plan of each system."""
    return _lines("Best of each system", plans, 0)


def _lines(title: str, plans: Sequence[Plan], before: int) -> Table:
    """A few lines each: numbers on the first, what is deployed below one another."""
    same = len({_systems(plan) for plan in plans}) == 1
    rows = [
        row
        for at, plan in enumerate(plans, before + 1)
        for row in _stacked(
            (f"{at}", plan.id), _deployed(plan, with_system=not same),
            (f"{plan.chips:,}", _value(plan.metrics.get("request_per_s"), 1.0),
             _value(plan.metrics.get("tpot_s"), 1e3), _value(plan.metrics.get("usd_per_million_output_tokens"), 1.0),
             _percent(plan.chance)),
        )
    ]  # fmt: skip
    columns = (
        number_column(""), text_column("id"), text_column("pools" if same else "systems, pools"),
        number_column("chips"), number_column("req/s"), number_column("TPOT [ms]"), number_column("USD/Mtok"),
        number_column("all hold"),
    )  # fmt: skip
    notes = (f"all on {_systems(plans[0])}",) if same and len(plans) > 1 else ()
    return Table(title=title, columns=columns, rows=tuple(rows), notes=notes)


def _stacked(first: Sequence[str], lines: Sequence[str], last: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows of one entry whose middle cell takes several lines."""
    head, *more = lines
    return [
        (*first, head, *last), *((*("" for _ in first), line, *("" for _ in last)) for line in more)
    ]  # fmt: skip


def _systems(plan: Plan) -> str:
    return " + ".join(one.system for one in plan.holdings)


def _deployed(plan: Plan, *, with_system: bool = True) -> list[str]:
    """What a plan deploys, a line a system and a pool."""
    pools = [(pool.system, _pool_words(pool)) for pool in plan.pools]
    if not with_system:
        return [words for _, words in pools]
    return [
        line
        for one in plan.holdings
        for line in (one.system, *(f"  {words}" for system, words in pools if system == one.system))
    ]


def searched_table(
    rows: tuple[int, int, int], rejected: Mapping[str, int], candidates: int, fell: Mapping[str, int]
) -> Table:  # fmt: skip
    """What was looked at, and why it fell.

    rows: counted, estimated, and those that could not be best; rejected, fell: why rows and candidates fell
    """
    counted, estimated, pruned = rows
    lines = [("pools at a load", f"{counted:,} counted, {estimated:,} of them fit and were estimated")]
    lines += [(f"  {why}", f"{many:,}") for why, many in _most(rejected)]
    lines += [("  another is better in everything", f"{pruned:,}")] if pruned else []
    lines.append(("candidates", f"{candidates:,} put together of the pools that are left"))
    lines += [(f"  {why}", f"{many:,}") for why, many in _most(fell)]
    return pairs("What was looked at, and why it fell", lines)


def _pool_words(pool: PoolPlan) -> str:
    role = "" if pool.role == "serve" else f"{pool.role}: "
    return f"{role}{pool.engine} {pool.instances:,} x {_layout(pool)}"


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(((why, many) for why, many in counts.items() if many), key=lambda one: (-one[1], one[0]))


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
    alone = problem.confidence <= 0.5 or not problem.intervals
    sure = "at the estimate" if alone else f"each with a chance of {100.0 * problem.confidence:g} %"
    lines.append(("held", f"{sure}; pools are planned at {100.0 * problem.max_load:g} % of what they can do"))
    lines.append(("best", " and ".join(problem.objectives)))
    return _wrapped_pairs("What is asked", lines)


_LIMITED = (
    ("request_per_s", "goodput at least", "req/s"), ("power_w", "power at most", "W"),
    ("capex_usd", "capital at most", "USD"), ("usd_per_hour", "hour at most", "USD/h"),
    ("chips", "chips at most", "1"), ("racks", "racks at most", "1"),
)  # fmt: skip


def front_table(plans: Sequence[Plan], objectives: Sequence[str]) -> Table:
    """Every plan that no other beats in all objectives, in order of the first; spread over them where many are."""
    shown = [METRICS[name] for name in objectives]
    columns = (
        text_column("id"), text_column("systems, pools"), *(number_column(words) for _, words, _ in shown)
    )  # fmt: skip
    ordered = sorted(plans, key=lambda plan: (_first_value(plan, shown[0][0]), plan.id))
    few = ordered
    if len(ordered) > FRONT_SHOWN:
        last = len(ordered) - 1
        few = [ordered[round(at * last / (FRONT_SHOWN - 1))] for at in range(FRONT_SHOWN)]
    rows = [
        row
        for plan in few
        for row in _stacked(
            (plan.id,), _deployed(plan), [_value(plan.metrics.get(name), factor) for name, _, factor in shown]
        )
    ]
    notes = () if few is ordered else (f"{len(few)} of {len(ordered)} are shown; --json has all",)
    return Table(title=f"Front of {len(ordered)} plans", columns=columns, rows=tuple(rows), notes=notes)


def _first_value(plan: Plan, name: str) -> float:
    metric = plan.metrics.get(name)
    return math.inf if metric is None else metric.value


METRICS: Mapping[str, tuple[str, str, float]] = {
    "goodput": ("request_per_s", "goodput [req/s]", 1.0),
    "cost": ("usd_per_million_output_tokens", "cost [USD/Mtok]", 1.0),
    "energy": ("energy_j_per_output_token", "energy [J/tok]", 1.0),
    "carbon": ("kgco2_per_million_output_tokens", "carbon [kg CO2e/Mtok]", 1.0),
    "chips": ("chips", "chips", 1.0), "power": ("power_w", "power [kW]", 1e-3), "ttft": ("ttft_s", "TTFT [ms]", 1e3),
    "tpot": ("tpot_s", "TPOT [ms]", 1e3), "e2el": ("e2el_s", "E2EL [s]", 1.0),
}  # fmt: skip


def no_plan_table(problem: Problem, relaxed: Sequence[Relaxation], refused: Sequence[str] = ()) -> Table:
    """That no plan keeps the limits, and the nearest question that has one; refused: what was not searched, and why."""
    title = "No plan keeps every limit"
    if not relaxed:
        limited = problem.limits != Limits()
        why = "no limit is to blame, or none alone" if limited else "nothing of what may be varied can be run"
        words = [f"{why}; the counts below say why candidates fell", *refused]
        return _wrapped_pairs(title, [("", text) for text in words])
    rows = [
        row
        for one in relaxed
        for row in _stacked(
            (one.name, _quantity(one.asked, one.unit), _quantity(one.needed, one.unit), plainly(one.factor, 3)),
            [f"{held.chips:,} chips of {held.system}" for held in one.plan.holdings]
            + [f"  {line}" for line in _deployed(one.plan, with_system=False)],
            (),
        )
    ]
    columns = (
        text_column("limit"), number_column("asked"), number_column("would do"), number_column("times"),
        text_column("with"),
    )  # fmt: skip
    alone = "nearest first; each line lets go of one limit and keeps the others"
    together = "letting go of one limit is not enough: these give way together, each by this factor"
    notes = (together if {one.name for one in relaxed} <= {ALL, SERVED} else alone,)
    return Table(title=title, columns=columns, rows=tuple(rows), notes=notes)
