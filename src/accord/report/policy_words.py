"""Export control in words: facts, comparisons, branches and periods, for tables and pictures alike."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from accord.base.units import show
from accord.catalog.legal_fact import FACTS
from accord.policy.branches import Branch
from accord.policy.countries import named_as
from accord.policy.decide import NO_RULE
from accord.policy.facts import FactValue, Uncertain
from accord.policy.history import Period
from accord.policy.logic import FALSE, TRUE, UNKNOWN, LeafTrace
from accord.report.tables import number

LABELS: Mapping[str, str] = {
    "tpp": "TPP", "die_area": "applicable die area", "performance_density": "performance density",
    "io_bandwidth": "I/O bandwidth", "dram_bandwidth": "memory bandwidth", "package_area": "package area",
    "memory_density": "memory bandwidth density", "memory_kind": "kind of memory", "process_nm": "process",
    "has_hbm": "HBM in the package", "datacenter_marketed": "marketed for data centres",
    "designer_hq": "designer's headquarters", "designer_approved": "approved designer", "item_type": "kind of item",
    "item_names": "words of its name", "hq": "consignee's headquarters", "exporter_role": "exporter's role",
    "consignee_listed": "consignee listed", "consignee_listed_share": "shares of listed owners",
    "from": "sending country",
}  # fmt: skip
UNITS: Mapping[str, str] = {"performance_density": "1/mm2", "memory_density": "GB/s/mm2"}
RESULTS = {FALSE: "false", UNKNOWN: "unknown", TRUE: "true"}
DISCLAIMER = "Not legal advice: what dated rules of the catalog say, as of {day}. The text of the law decides."
GIVEN = "given with the question"
DIGITS, MILLION = 5, 1e6
FEW = 8  # words of a branch that are written out
MANY = 9.0  # margin from which on a number is told as so many times the threshold
_NEGATED = {">=": "<", ">": "<=", "<=": ">", "<": ">="}


def label(fact: str) -> str:
    """A fact's name as people say it."""
    return LABELS.get(fact, fact.replace("_", " "))


def fact_text(name: str, value: FactValue | None) -> str:
    """A fact with its unit."""
    if value is None:
        return "not known"
    if isinstance(value, Uncertain):
        return f"{fact_text(name, value.value)} ({fact_text(name, value.low)} to {fact_text(name, value.high)})"
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    if isinstance(value, str):
        return value
    if name in FACTS and FACTS[name].kind == "day":
        return datetime.date.fromordinal(round(value)).isoformat()
    unit = UNITS.get(name, FACTS[name].unit if name in FACTS else "1")
    if unit in ("1", "mm2", "1/mm2", "GB/s/mm2", "nm") and value < MILLION:
        return _plain(value) if unit == "1" else f"{_plain(value)} {unit}"
    return show(value, unit, 4)


def _plain(value: float) -> str:
    text = number(value, DIGITS)
    return text.rstrip("0").rstrip(".") if "." in text else text


def comparison(leaf: LeafTrace) -> str:
    """What a comparison found: ``TPP 2,368 < 4,800 (51 % below)``."""
    name = label(leaf.fact)
    if isinstance(leaf.threshold, float):
        limit = fact_text(leaf.fact, leaf.threshold)
        if leaf.value is None:
            return f"{name} not known ({leaf.op} {limit}?)"
        op = leaf.op if leaf.result == TRUE else _NEGATED[leaf.op] if leaf.result == FALSE else f"{leaf.op}?"
        return f"{name} {fact_text(leaf.fact, leaf.value)} {op} {limit}{_margin(leaf)}"
    if leaf.value is None:
        return f"{name} not known ({leaf.op} {leaf.threshold}?)"
    said = {TRUE: leaf.op, FALSE: "is not" if leaf.op == "is" else f"not {leaf.op}", UNKNOWN: f"perhaps {leaf.op}"}[
        leaf.result
    ]
    return f"{name} {fact_text(leaf.fact, leaf.value)}: {said} {leaf.threshold}"


def open_comparisons(leaves: Sequence[LeafTrace]) -> str:
    """What is asked of one fact that is not known: ``TPP not known (>= 4,800? < 4,800?)``."""
    asked = dict.fromkeys(
        f"{leaf.op} {fact_text(leaf.fact, leaf.threshold) if isinstance(leaf.threshold, float) else leaf.threshold}?"
        for leaf in leaves
    )
    return f"{label(leaves[0].fact)} not known ({' '.join(asked)})"


def _margin(leaf: LeafTrace) -> str:
    if leaf.margin is None:
        return ""
    side = "" if leaf.margin >= MANY else " above" if leaf.margin > 0.0 else " below"
    part = f"{share(abs(leaf.margin))}{side}" if leaf.margin else "at it"
    chance = f", holds with {100.0 * leaf.probability:.0f} % probability" if leaf.probability is not None else ""
    return f" ({part}{chance})"


def share(part: float) -> str:
    """A part of one as percent, or as a factor where it is large."""
    if part >= MANY:
        return f"{part + 1.0:.3g} times it"
    return f"{100.0 * part:.2g} %" if part < 0.1 else f"{100.0 * part:.0f} %"


def branch_text(branch: Branch, ways: Mapping[str, frozenset[str]] | None = None) -> str:
    """Which values of a fact a branch is about; ways: countries of each group or code that rules write."""
    if not branch.number:
        kind = FACTS[branch.field].kind
        words = named_as(branch.words, ways) if ways and kind == "country" else branch.words
        some = words if len(words) <= FEW else (*words[: FEW - 1], "...")
        many = f" ({len(words)} in all)" if len(words) > FEW else ""
        return " or ".join(some) + many or {"party": "anybody else", "country": "elsewhere"}.get(kind, "anything else")
    low, high = (None if end is None else fact_text(branch.field, end) for end in (branch.low, branch.high))
    if low is None and high is None:
        return "any"
    if low is None:
        return f"{high} or less" if branch.with_high else f"below {high}"
    if high is None:
        return f"{low} or more" if branch.with_low else f"above {low}"
    if low == high:
        return f"{low} exactly"
    return f"{low if branch.with_low else f'above {low}'} to {high if branch.with_high else f'below {high}'}"


def bound(found: Sequence[Branch], eccn: str) -> str | None:
    """A bound such as ``not 3A090.a if the applicable die area is above 400 mm2``; None where there is none.

    found: branches of one number in rising order
    """
    inside = [branch.eccn == eccn for branch in found]
    if not any(inside) or all(inside) or not found[0].number:
        return None
    name = label(found[0].field)
    first, last = inside.index(True), len(inside) - 1 - inside[::-1].index(True)
    if not all(inside[first : last + 1]):
        return None
    says = []
    if last < len(found) - 1:
        says.append(_beyond(found[last + 1], low=True))
    if first > 0:
        says.append(_beyond(found[first - 1], low=False))
    return f"not {eccn} if the {name} is {' or '.join(says)}"


def _beyond(branch: Branch, *, low: bool) -> str:
    end, closed = (branch.low, branch.with_low) if low else (branch.high, branch.with_high)
    text = fact_text(branch.field, end)
    return f"{text} or {'more' if low else 'less'}" if closed else f"{'above' if low else 'below'} {text}"


def span_text(start: datetime.date | None, until: datetime.date | None) -> str:
    """Days of a period: ``2022-10-21 to 2023-10-22``, the last day included."""
    last = until - datetime.timedelta(days=1) if until is not None else None
    if start is None:
        return f"until {last}" if last else "always"
    if last is None:
        return f"from {start}"
    return f"{start} to {last}" if last != start else f"{start}"


def near_text(periods: Sequence[Period], day: datetime.date) -> str:
    """What was before the answer of a day, and what follows it."""
    at = next((at for at, one in enumerate(periods) if holds(one, day)), None)
    if at is None:
        return "not told: too many facts are missing; --history tells it"
    says = [f"{span_text(periods[at].start, periods[at].until)}: {answer_text(periods[at])}"]
    if at > 0:
        says.insert(0, f"before: {answer_text(periods[at - 1])}")
    if at + 1 < len(periods):
        says.append(f"from {periods[at + 1].start}: {answer_text(periods[at + 1])}")
    return "; ".join(says)


def holds(one: Period, day: datetime.date) -> bool:
    """Whether a day lies in a period."""
    return (one.start is None or one.start <= day) and (one.until is None or day < one.until)


def answer_text(one: Period) -> str:
    """Class and outcome of a period, and the importer's side where its law says something."""
    return f"{one.eccn} / {one.outcome}" + (f" (importer: {one.importer})" if one.importer != NO_RULE else "")
