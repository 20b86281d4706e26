"""For who buys: two supernodes side by side, then what serving one model on each would cost, with intervals.

Run it with ``python examples/buyer.py``.
"""

from __future__ import annotations

import textwrap
from typing import Any

from accord.api import Limit, Limits, Plan, Problem, Scenario, compare, load_catalog
from accord.api.plan import plan

A, B, C = "huawei-cloudmatrix-384", "nvidia-gb200-nvl72", "nvidia-hgx-h200-8"
MODEL, BUDGET_USD = "deepseek-r1", 10e6
SHOWN = ("bf16_dense", "hbm_capacity", "hbm_bandwidth", "power", "price", "bf16_per_watt", "bf16_per_usd")


def main() -> None:
    """Print the report."""
    catalog = load_catalog()

    # 1. Side by side: A over B, with the band that disagreeing sources leave, and what that band allows to say.
    found: dict[str, Any] = compare([A, B], catalog=catalog).result
    dimensions = {one["name"]: one for one in found["dimensions"]}
    say(f"A = {A}, B = {B}")
    for name in SHOWN:
        one = dimensions[name]
        about = f"{one['basis']['a']} and {one['basis']['b']}, {len(one['sources'])} sources"
        say(f"  {name:<14} A/B {one['ratio']:5.2f}  {one['low']:.2f} to {one['high']:.2f}  ({about})")
        say(f"  {'':<14} {one['verdict']}")

    # 2. What serving costs: owned, in Singapore, over the catalog's usual life; capital is limited.
    problem = Problem(
        model=MODEL, systems=(A, B, C), isl=4096, osl=1024, objectives=("cost",),
        limits=Limits(latencies=(Limit(latency="tpot", limit_s=0.05),), capex_usd=BUDGET_USD),
    )  # fmt: skip
    answer = plan(problem, scenario=Scenario(country="SG", year=2026, mode="own", pue=1.3))
    say(f"{MODEL} within 50 ms a token and {BUDGET_USD / 1e6:g} M USD, cheapest plan of each system")
    for best in answer.by_system:
        held = best.holdings[0]
        say(f"  {held.system}, {held.chips} chips, all limits hold with chance {best.chance:.0%}")
        for words, metric, scale in (
            ("capital [M USD]", "capex_usd", 1e6),
            ("power at the racks [kW]", "power_w", 1e3),
            ("answers [thousand tok/s]", "output_token_per_s_total", 1e3),
            ("cost [USD per million answer tokens]", "usd_per_million_output_tokens", 1.0),
        ):
            say(f"    {words:<38}{interval(best, metric, scale)}")
    for system, why in answer.without:
        say(f"  {system}: no plan, {why}")

    # 3. How sure the order is: two systems are told apart only where their intervals do.
    first, *others = answer.by_system
    for other in others:
        apart = high(first) < low(other)
        words = "cheaper at both ends" if apart else "the intervals overlap; 'accord why' compares what they share"
        say(f"{first.holdings[0].system} against {other.holdings[0].system}: {words}")

    # 4. What the costs rest on.
    for terms in answer.terms:
        assert terms.usd_per_hour is not None, f"{terms.system} has a price"
        say(f"An hour of {terms.chip} ({terms.usd_per_hour.basis}) rests on {len(terms.usd_per_hour.sources)} sources:")
        say("  " + ", ".join(terms.usd_per_hour.sources[:4]) + ", ...")
        for remark in terms.usd_per_hour.remarks[:2]:
            say(f"  {remark}")


def interval(best: Plan, metric: str, scale: float) -> str:
    """A metric of a plan with its interval and basis."""
    one = best.metrics[metric]
    if one.low is None or one.high is None:
        return f"{one.value / scale:,.3g}, no interval ({one.basis})"
    return f"{one.value / scale:,.3g}, {one.low / scale:,.3g} to {one.high / scale:,.3g} ({one.basis})"


def low(best: Plan) -> float:
    """Lower end of the cost of a token."""
    return best.metrics["usd_per_million_output_tokens"].low or 0.0


def high(best: Plan) -> float:
    """Upper end of the cost of a token."""
    return best.metrics["usd_per_million_output_tokens"].high or float("inf")


def say(text: str) -> None:
    """Print one line, what is too long for it below and further in."""
    deeper = " " * (len(text) - len(text.lstrip()) + 4)
    print(textwrap.fill(text, 96, subsequent_indent=deeper, break_on_hyphens=False))  # noqa: T201  a script prints


if __name__ == "__main__":
    main()
