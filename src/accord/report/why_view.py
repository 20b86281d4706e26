"""One plan beside another as the result of a verb: sentences, tables, dicts."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

import msgspec

from accord.base.units import show
from accord.planner.plan import Check, Plan, PoolPlan
from accord.planner.why import Relaxation, Why, binding, in_words, riskiest
from accord.planner.why_chances import Compared
from accord.planner.why_terms import Term
from accord.report.tables import NOTHING, Table, number, number_column, pairs, text_column

_WIDTH = 90  # of a line of words
_MOST = 3  # terms that a sentence names
_SAME = 0.005  # a ratio this near to 1 is none
_SHARED = 0.05  # logarithm of a ratio from which parts of it are shown
_MANY = 3.0  # times the whole that a term may be for parts to be shown
_WORDS = {
    "goodput": "goodput", "cost": "cost of an output token", "energy": "energy of an output token",
    "carbon": "carbon of an output token", "chips": "chips held", "power": "power", "ttft": "time to first token",
    "tpot": "time per output token", "e2el": "time to the last token",
}  # fmt: skip
_SHARES = ("share_within_limits", "cache_hit_ratio", "pooled_hit_ratio", "utilization", "link_utilization",
           "kv_occupancy_max")  # fmt: skip


def result_dict(found: Why, ranks: tuple[int, int], relaxed: Sequence[Relaxation]) -> dict[str, object]:
    """The verb's ``result``.

    ranks: of A and B in their file, from 1; relaxed: limits of their question, empty where nothing was searched
    """
    return {
        "objective": found.objective,
        "metric": found.whole.name,
        "said": list(sentences(found)),
        **{
            name: {
                "id": plan.id, "rank": rank, "deployment": describe(plan), "chance": plan.chance, "chips": plan.chips,
                "checks": [_plain(check) for check in plan.checks],
                "binding": [check.name for check in binding(plan)],
                "riskiest": least.name if (least := riskiest(plan)) is not None else None,
            }
            for name, plan, rank in zip("ab", (found.a, found.b), ranks, strict=True)
        },
        "differences": [_plain(one) for one in found.differences],
        "metrics": {one.name: _compared(one) for one in found.metrics},
        "simulated": {one.name: _compared(one) for one in found.simulated},
        "terms": [{**_plain(one), "share": share} for one, share in zip(found.terms, _term_shares(found), strict=True)],
        "relaxations": [_plain(one) for one in relaxed],
        "common_causes": found.common,
        "rests_on": _plain(found.rests),
    }  # fmt: skip


def _plain(record: object) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(record)
    return plain


def _compared(one: Compared) -> dict[str, object]:
    return {name: value for name, value in _plain(one).items() if name != "name"}


def _term_shares(found: Why) -> list[float | None]:
    """Part of the ratio's logarithm that each term makes; None where there is too little difference to share.

    Terms that cancel are many times what they leave, and parts of that say nothing.
    """
    whole = math.log(found.whole.ratio) if found.whole.ratio else 0.0
    parts = [math.log(one.factor) for one in found.terms]
    if abs(whole) <= _SHARED or max(map(abs, parts), default=0.0) > _MANY * abs(whole):
        return [None] * len(parts)
    return [part / whole for part in parts]


def sentences(found: Why) -> Iterator[str]:
    """What a reader should take home: who is ahead by how much, how surely, and by what."""
    whole, word = found.whole, _WORDS.get(found.objective, found.objective)
    if whole.ratio is None:
        yield f"{word}: {_cell(whole.name, whole.a, whole.unit)} and {_cell(whole.name, whole.b, whole.unit)}"
        return
    if abs(whole.ratio - 1.0) < _SAME:
        yield f"{word}: A and B are within {100.0 * _SAME:g} % of one another"
    else:
        ahead = "" if whole.better is None else (
            ", A is ahead" if (whole.ratio > 1.0) is (whole.better == "more") else ", B is ahead"
        )  # fmt: skip
        yield f"{word}: A has {number(whole.ratio)} times that of B{ahead}"
    if whole.chance is not None:
        cause = "one cause for both as far as parameters go" if found.common else "errors of A and B independent"
        yield f"chance that A is ahead: {_percent(whole.chance)} ({cause})"
    largest = sorted((one for one in found.terms if abs(one.factor - 1.0) >= _SAME), key=_weight)[:_MOST]
    if len(found.terms) > 1 and largest:
        yield "largest terms: " + ", ".join(f"{one.name} x {number(one.factor)}" for one in largest)


def _weight(one: Term) -> float:
    return -abs(math.log(one.factor))


def tables(found: Why, ranks: tuple[int, int], relaxed: Sequence[Relaxation]) -> tuple[Table, ...]:
    """Every table that has something to show, in the order of reading."""
    made = [_title(found, ranks), _differences(found), _terms(found), _metrics("Metrics", found.metrics)]
    made += [_metrics("As simulated", found.simulated)] if found.simulated else []
    made += [_checks(found)] if found.a.checks or found.b.checks else []
    made += [_relaxed(found, relaxed)] if relaxed else []
    made.append(_rests(found))
    return tuple(made)


def describe(plan: Plan) -> str:
    """A plan in one line: pools with ranks, formats and systems."""
    return f"{plan.model}: {'; '.join(_pool(pool) for pool in plan.pools)}"


def _pool(pool: PoolPlan) -> str:
    return f"{pool.role} {in_words(pool)}"


def _title(found: Why, ranks: tuple[int, int]) -> Table:
    rows = tuple(
        ("" if at else f"{letter} (rank {rank}, {plan.id})", _pool(pool))
        for letter, rank, plan in zip("AB", ranks, (found.a, found.b), strict=True)
        for at, pool in enumerate(plan.pools)
    )
    models = " and ".join(dict.fromkeys((found.a.model, found.b.model)))
    return pairs(f"Why A over B for {models}", rows, tuple(sentences(found)))


def _differences(found: Why) -> Table:
    rows = tuple(
        (one.where, one.field.replace("_", " "), _setting(one.a), _setting(one.b)) for one in found.differences
    )
    columns = (text_column("where"), text_column("setting"), text_column("A"), text_column("B"))
    return Table(
        title="What differs", columns=columns, rows=rows, notes=() if rows else ("the two deploy the same thing",)
    )


def _setting(value: str | float | None) -> str:
    if value is None:
        return NOTHING
    return value if isinstance(value, str) else f"{value:,.6g}"


def _terms(found: Why) -> Table:
    """Factors; their parts of the difference where these mean something."""
    shares, whole = _term_shares(found), found.whole
    shown = any(share is not None for share in shares)
    rows = [
        (one.name, _cell("", one.a, one.unit), _cell("", one.b, one.unit), number(one.factor),
         *((NOTHING if share is None else _percent(share),) if shown else ()))
        for one, share in zip(found.terms, shares, strict=True)
    ]  # fmt: skip
    last = (whole.name, _cell(whole.name, whole.a, whole.unit), _cell(whole.name, whole.b, whole.unit),
            number(whole.ratio), *((NOTHING,) if shown else ()))  # fmt: skip
    columns = (text_column("term"), number_column("A"), number_column("B"), number_column("factor"),
               *((number_column("of the difference"),) if shown else ()))  # fmt: skip
    return Table(
        title="What the ratio is made of", columns=columns, rows=(*rows, last),
        notes=("factors are what each term's difference makes of A over B; they multiply to the last line",),
    )  # fmt: skip


def _metrics(title: str, metrics: Sequence[Compared]) -> Table:
    rows = tuple(
        (one.name, _cell(one.name, one.a, one.unit), _cell(one.name, one.b, one.unit), number(one.ratio),
         NOTHING if one.low is None else f"{number(one.low)} .. {number(one.high)}",
         NOTHING if one.chance is None else _percent(one.chance))
        for one in metrics
        if not one.name.endswith("rank")
    )  # fmt: skip
    columns = (text_column("metric"), number_column("A"), number_column("B"), number_column("A/B"),
               text_column("interval"), number_column("A ahead"))  # fmt: skip
    return Table(title=title, columns=columns, rows=rows)


def _checks(found: Why) -> Table:
    names = dict.fromkeys(check.name for plan in (found.a, found.b) for check in plan.checks)
    by_name = [{check.name: check for check in plan.checks} for plan in (found.a, found.b)]
    rows = []
    for name in names:
        a, b = (checks.get(name) for checks in by_name)
        either = a or b
        if either is not None:
            limit = f"{either.sense} {_cell(name, either.limit, either.unit)}"
            rows.append((name, limit, *_kept(a), *_kept(b)))
    columns = (text_column("limit"), text_column("asked"), number_column("A"), number_column("room"),
               number_column("sure"), number_column("B"), number_column("room"), number_column("sure"))  # fmt: skip
    notes = []
    for letter, plan in zip("AB", (found.a, found.b), strict=True):
        tight, least = binding(plan), riskiest(plan)
        held = f"{letter} is held by {' and '.join(check.name for check in tight)}" if tight else ""
        risk = f"least sure of {least.name} ({_percent(least.chance)})" if least is not None else ""
        notes.append("; ".join(text for text in (held, f"{letter} is {risk}" if risk else "") if text))
    notes.append("room: the limit over the value at the wanted confidence, 1 where there is none left")
    return Table(title="Limits", columns=columns, rows=tuple(rows), notes=tuple(note for note in notes if note))


def _kept(check: Check | None) -> tuple[str, str, str]:
    if check is None:
        return NOTHING, NOTHING, NOTHING
    return _cell(check.name, check.value, check.unit), number(check.slack), _percent(check.chance)


def _relaxed(found: Why, relaxed: Sequence[Relaxation]) -> Table:
    whole = found.whole
    rows = tuple(
        (one.name, _cell("", one.limit, one.unit), _cell("", one.relaxed, one.unit),
         _cell(whole.name, one.before, whole.unit), _cell(whole.name, one.after, whole.unit),
         NOTHING if one.gain is None else f"{100.0 * (one.gain - 1.0):+.1f} %",
         NOTHING if one.per_unit is None else f"{number(one.per_unit)} {whole.unit} per {one.unit}")
        for one in relaxed
    )  # fmt: skip
    columns = (text_column("limit"), number_column("from"), number_column("to"), number_column("objective"),
               number_column("then"), number_column("gain"), number_column("price"))  # fmt: skip
    note = "objective: of the best plan in steady state; then: of the best one with that limit alone relaxed"
    return Table(title="Price of each limit", columns=columns, rows=rows, notes=(note,))


def _rests(found: Why) -> Table:
    rows = tuple(
        ("" if at else who, line)
        for who, texts in (("both", found.rests.both), ("A", found.rests.a), ("B", found.rests.b))
        for text in texts
        for at, line in enumerate(textwrap.wrap(text, _WIDTH))
    )
    return Table(
        title="What nobody has shown", columns=(text_column("plan"), text_column("what")), rows=rows,
        notes=() if rows else ("nothing that the plans say",),
    )  # fmt: skip


def _percent(share: float) -> str:
    """A share, or a chance, which is never rounded to certainty."""
    if 0.9995 <= share < 1.0 or 0.0 < share < 0.0005:
        return "> 99.9 %" if share > 0.5 else "< 0.1 %"
    digits = 1 if 0.99 < share < 1.0 else 0
    return f"{round(100.0 * share, digits) + 0.0:.{digits}f} %"


def _cell(name: str, value: float | None, unit: str) -> str:
    if value is None:
        return NOTHING
    if name in _SHARES:
        return f"{100.0 * value:.1f} %"
    return f"{value:,.3g}" if unit == "1" and abs(value) < 1000.0 else show(value, unit)
