"""Plans on a few lines each: further ones, the best of each system, the front, and what would have one."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

from accord.planner.plan import Plan
from accord.report.plan_cells import (
    counted,
    deployed,
    percent,
    plainly,
    quantity,
    stacked,
    step_metric,
    systems_of,
    value_text,
    wrapped,
    wrapped_pairs,
)
from accord.report.plan_json import Relaxation
from accord.report.tables import NOTHING, Table, number_column, text_column

FRONT_SHOWN = 20
POOLS = 42  # characters of the column that says what is deployed
SERVED, ALL = "latencies and load", "all of them"  # relaxations of several limits at once
_MARKED = "? something of it is not known, substituted or assumed: --json says what, under 'unknown'"
_MARKED_BELOW = "? something of it is not known, substituted or assumed: see below"
METRICS: Mapping[str, tuple[str, str, float]] = {
    "goodput": ("request_per_s", "goodput [req/s]", 1.0),
    "cost": ("usd_per_million_output_tokens", "cost [USD/Mtok]", 1.0),
    "energy": ("energy_j_per_output_token", "energy [J/tok]", 1.0),
    "carbon": ("kgco2_per_million_output_tokens", "carbon [kg CO2e/Mtok]", 1.0),
    "chips": ("chips", "chips", 1.0), "power": ("power_w", "power [kW]", 1e-3), "ttft": ("ttft_s", "TTFT [ms]", 1e3),
    "tpot": ("tpot_s", "TPOT [ms]", 1e3), "e2el": ("e2el_s", "E2EL [s]", 1.0),
}  # fmt: skip


def further_table(plans: Sequence[Plan], before: int) -> Table:
    """Plans that did not fit beside the best ones; before: how many those are."""
    same = len({systems_of(plan) for plan in plans}) == 1
    notes = [f"all on {systems_of(plans[0])}"] if same and len(plans) > 1 else []
    notes += [_MARKED_BELOW] if any(plan.unknown for plan in plans) else []
    return _table("Further plans", _rows(plans, before, with_system=not same), notes, with_system=not same)


def systems_table(plans: Sequence[Plan], without: Sequence[tuple[str, str]] = ()) -> Table:
    """The best plan of each system; without: systems that have none, and why."""
    rows = _rows(plans, 0, with_system=True)
    for system, why in without:
        lines = [system, *(f"  {line}" for line in wrapped(f"no plan: {why}", POOLS - 2))]
        rows += stacked((NOTHING, NOTHING), lines, (NOTHING,) * 6)
    notes = [_MARKED] if any(plan.unknown for plan in plans) else []
    return _table("Best of each system", rows, notes, with_system=True)


def _table(title: str, rows: Sequence[tuple[str, ...]], notes: Sequence[str], *, with_system: bool) -> Table:
    columns = (
        number_column(""), text_column("id"), text_column("systems, pools" if with_system else "pools"),
        number_column("chips"), number_column("req/s"), number_column("tok/s/chip"), number_column("TPOT [ms]"),
        number_column("USD/Mtok"), number_column("all hold"),
    )  # fmt: skip
    return Table(title=title, columns=columns, rows=tuple(rows), notes=tuple(notes))


def _rows(plans: Sequence[Plan], before: int, *, with_system: bool) -> list[tuple[str, ...]]:
    return [
        row
        for at, plan in enumerate(plans, before + 1)
        for row in stacked(
            (f"{at}", f"{plan.id}{'?' if plan.unknown else ''}"), _narrow(deployed(plan, with_system=with_system)),
            (f"{plan.chips:,}", value_text(plan.metrics.get("request_per_s"), 1.0),
             value_text(plan.metrics.get("output_token_per_s_per_chip"), 1.0), value_text(step_metric(plan), 1e3),
             value_text(plan.metrics.get("usd_per_million_output_tokens"), 1.0), percent(plan.chance)),
        )
    ]  # fmt: skip


def _narrow(lines: Sequence[str]) -> list[str]:
    """Lines of which long ones go on below, further to the right than any begins."""
    return [part for line in lines for part in textwrap.wrap(line, POOLS, subsequent_indent=" " * 4)]


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
        for row in stacked(
            (plan.id,), deployed(plan), [value_text(plan.metrics.get(name), factor) for name, _, factor in shown]
        )
    ]
    notes = () if few is ordered else (f"{len(few)} of {len(ordered)} are shown; --json has all",)
    return Table(title=f"Front of {counted(len(ordered), 'plan')}", columns=columns, rows=tuple(rows), notes=notes)


def _first_value(plan: Plan, name: str) -> float:
    metric = plan.metrics.get(name)
    return math.inf if metric is None else metric.value


def no_plan_table(relaxed: Sequence[Relaxation], words: Sequence[str] = ()) -> Table:
    """That no plan keeps the limits, and the nearest question that has one, or why there is none, in words."""
    title = "No plan keeps every limit" if relaxed else "No plan"
    if not relaxed:
        return wrapped_pairs(title, [("", text) for text in words])
    rows = [
        row
        for one in relaxed
        for row in stacked(
            (one.name, quantity(one.asked, one.unit), quantity(one.needed, one.unit), plainly(one.factor, 3)),
            [f"{counted(held.chips, 'chip')} of {held.system}" for held in one.plan.holdings]
            + [f"  {line}" for line in deployed(one.plan, with_system=False)],
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
