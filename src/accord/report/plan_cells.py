"""How numbers, pools and remarks of a plan are written in a table."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from accord.planner.plan import Metric, Plan, PoolPlan
from accord.report.tables import NOTHING, Table, number, pairs

WIDTH = 120  # of a line, where words can be wrapped and plans left to a later table
_NAMES = 70  # of it at most for the names of pairs


def value_text(one: Metric | None, factor: float) -> str:
    """A metric times a factor; counts in full."""
    if one is None:
        return NOTHING
    whole = one.unit == "1" and one.value == round(one.value)  # chips, racks
    return plainly(one.value * factor) if whole and factor == 1.0 else number(one.value * factor)


def band_text(one: Metric | None, factor: float) -> str:
    """Both ends of a metric's interval."""
    if one is None or one.low is None or one.high is None:
        return NOTHING
    return f"{number(one.low * factor)} to {number(one.high * factor)}"


def step_metric(plan: Plan) -> Metric | None:
    """Time per output token; None where answers have one token, which comes with the first."""
    return plan.metrics.get("tpot_s") if plan.osl > 1.0 else None


def quantity(value: float, unit: str) -> str:
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


def percent(chance: float) -> str:
    """A chance in words."""
    return "> 99 %" if 0.995 < chance < 1.0 else f"{100.0 * chance:.0f} %"


def counted(count: int, word: str) -> str:
    """``1 chip``, ``1,152 chips``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def layout_words(pool: PoolPlan) -> str:
    """Ranks of an instance above one: ``TP2 DP4``."""
    words = [f"{name.upper()}{getattr(pool, name)}" for name in ("tp", "pp", "dp", "cp", "ep")]
    return " ".join(word for word in words if not word.endswith("P1")) or "TP1"


def pool_words(pool: PoolPlan) -> str:
    """A pool on one line."""
    role = "" if pool.role == "serve" else f"{pool.role}: "
    return f"{role}{pool.engine} {pool.instances:,} x {layout_words(pool)}"


def systems_of(plan: Plan) -> str:
    """The systems of a plan."""
    return " + ".join(one.system for one in plan.holdings)


def deployed(plan: Plan, *, with_system: bool = True) -> list[str]:
    """What a plan deploys, a line a system and a pool."""
    pools = [(pool.system, pool_words(pool)) for pool in plan.pools]
    if not with_system:
        return [words for _, words in pools]
    return [
        line
        for one in plan.holdings
        for line in (one.system, *(f"  {words}" for system, words in pools if system == one.system))
    ]


def stacked(first: Sequence[str], lines: Sequence[str], last: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows of one entry whose middle cell takes several lines."""
    head, *more = lines
    return [
        (*first, head, *last), *((*("" for _ in first), line, *("" for _ in last)) for line in more)
    ]  # fmt: skip


def wrapped(text: str, room: int = WIDTH) -> tuple[str, ...]:
    """A text as lines, of which the second and later ones stand to the right."""
    return tuple(textwrap.wrap(text, room, subsequent_indent="  ", break_on_hyphens=False)) or ("",)


def wrapped_pairs(title: str, lines: Iterable[tuple[str, str]]) -> Table:
    """Pairs whose names and words run over several lines where one is not enough."""
    names = [(wrapped(key, _NAMES), text) for key, text in lines]
    room = WIDTH - 2 - max((len(part) for key, _ in names for part in key), default=0)
    rows = [row for key, text in names for row in zip_longest(key, wrapped(text, room), fillvalue="")]
    return pairs(title, rows)
