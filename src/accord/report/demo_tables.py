"""The tables of ``accord demo``: systems as columns, at most a hundred characters wide, and a verdict in words."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence

from accord.base import units
from accord.planner.plan import PoolPlan, Role
from accord.policy.gate import NOT_COVERED
from accord.report.demo import (
    Chosen,
    Costs,
    Measure,
    Question,
    SystemPlan,
    fitting,
    load_per_device,
)
from accord.report.demo_numbers import chance_above
from accord.report.policy_words import DISCLAIMER
from accord.report.tables import NOTHING, Table, number, number_column, pairs, text_column
from accord.uncertainty.figure import Figure

WIDTH = 97  # of 100 columns: terminals put a little more between columns than plain text does
FEW = 10.0  # requests a device below which a part of one is told
SURE = 0.9  # chance from which the verdict calls a difference clear
_RATES = (
    # name, label, factor from SI, digits
    ("output_token_per_s_per_chip", "output per chip [tok/s]", 1.0),
    ("output_token_per_s_total", "output, all [k tok/s]", 1e-3),
    ("total_token_per_s_total", "in and out, all [k tok/s]", 1e-3),
    ("output_token_per_s_per_w", "output per kW [tok/s]", 1e3),
    ("output_token_per_s_per_usd", "output per M USD [k tok/s]", 1e3),
    ("usd_per_million_output_tokens", "USD per M output tokens", 1.0),
)
_TIMES = (("tpot_s", "time per output token [ms]", 1e3), ("ttft_s", "time to first token [s]", 1.0))


def demo_tables(
    answers: Sequence[SystemPlan], question: Question, costs: Costs, accept: float, level: float
) -> tuple[Table, ...]:
    """The question, the systems, one table a limit, what fits feed and budget, what it rests on, the verdict."""
    return (
        _question(answers, question, costs, accept),
        *(_limit(answers, at, question.ttft_s, level) for at in range(len(question.tpot_s))),
        _feed(answers, question),
        _rests_on(answers),
        _law(answers, question),
        _verdict(answers, question, level),
    )


def _question(answers: Sequence[SystemPlan], question: Question, costs: Costs, accept: float) -> Table:
    limits = " and ".join(f"{limit * 1e3:g} ms" for limit in question.tpot_s)
    tried = sum(one.layouts for one in answers)
    told = (
        ("model", f"{question.model}, prompt {question.isl:,} and answer {question.osl:,} tokens, "
                  f"decode in mid-answer at {question.context:,}"),
        ("limits", f"{limits} per output token (two plans), mean time to first token {question.ttft_s:g} s"),
        ("drafts", f"{question.mtp_tokens} token ahead (MTP), accepted with chance {accept:g} (assumed) everywhere"),
        ("search", f"that of 'accord plan': prefill and decode pools in whole instances{_stages(question)}, planned at "
                   f"{question.max_load * 100:g} % of what they can do; {tried:,} layouts and loads checked"),
        ("cost", f"machines over {costs.life.value:g} years, {units.show(costs.tariff.value, costs.tariff.unit)}, "
                 f"PUE {costs.pue.value:g} ({costs.tariff.basis}s), busy all year; no interest, upkeep, "
                 "building, staff or storage"),
    )  # fmt: skip
    return pairs("What is asked", _wrapped(told))


def _stages(question: Question) -> str:
    return " without pipeline stages" if question.pp == (1,) else ""


def _limit(answers: Sequence[SystemPlan], at: int, first: float, level: float) -> Table:
    """One column a system; an interval under each number. first: limit on the time to first token [s]."""
    plans = [one.plans[at] for one in answers]
    limit = plans[0].tpot_limit_s * 1e3
    rows = [_row("engine", answers, lambda one: one.engine), _row("chips", answers, lambda one: f"{one.chips:,}")]
    rows += [("weights, cache", *(_formats(one, plan) for one, plan in zip(answers, plans, strict=True)))]
    rows += [_cells("decode pool", plans, lambda plan: _size(_of(plan, "decode")))]
    rows += [_cells("  experts, tensors over", plans, lambda plan: _pool(_of(plan, "decode")))]
    rows += [_cells("  requests a device", plans, lambda plan: _load(_of(plan, "decode")))]
    rows += [_pool_rate("  tok/s of a decode chip", plans, "decode_token_per_s_per_chip")]
    rows += [_cells("prefill pool", plans, lambda plan: _size(_of(plan, "prefill")))]
    rows += [_cells("  experts, tensors over", plans, lambda plan: _pool(_of(plan, "prefill")))]
    rows += [_cells("  tokens a device, step", plans, lambda plan: _load(_of(plan, "prefill")))]
    rows += [_pool_rate("  tok/s of a prefill chip", plans, "prefill_token_per_s_per_chip")]
    rows += [_cells("memory, both pools [GB]", plans, _memory)]
    rows += [row for spec in (*_RATES, *_TIMES) for row in _measured(plans, *spec, level)]
    rows += [_cells(f"chance to keep {limit:g} ms", plans, lambda plan: _percent(plan.chance("tpot")))]
    rows += [_cells(f"chance to keep {first:g} s", plans, lambda plan: _percent(plan.chance("ttft")))]
    sure = plans[0].assured_chance
    name = "output_token_per_s_per_chip"
    label = f"{sure * 100:g} % sure, a chip [tok/s]"
    rows += [_cells(label, plans, lambda plan: _value(plan.assured_metrics.get(name), 1.0))]
    columns = (text_column(""), *(number_column(one.name) for one in answers))
    notes = textwrap.wrap(
        "pools: instances x ranks of one, EP: ranks that share out the experts, TP: tensor parallel ranks; tok/s of a "
        "chip: the most its pool can do; memory: the fullest rank while decoding, then in prefill; a rank "
        f"is a device, and {_doubles(answers)}; '{sure * 100:g} % sure' plans again so that each "
        "limit is kept with that chance", WIDTH
    )  # fmt: skip
    return Table(
        title=f"Best plan within {limit:g} ms per output token", columns=columns, rows=tuple(rows),
        notes=tuple(notes) if at == 0 else (),
    )  # fmt: skip


def _pool_rate(label: str, plans: Sequence[Chosen], name: str) -> tuple[str, ...]:
    return (label, *(_value(plan.metrics.get(name), 1.0) for plan in plans))


def _doubles(answers: Sequence[SystemPlan]) -> str:
    """Which systems have several ranks in a chip."""
    several = [f"a chip of {one.name} has {one.devices_per_chip}" for one in answers if one.devices_per_chip > 1]
    return ", ".join(several) or "a chip has 1"


def _row(label: str, answers: Sequence[SystemPlan], cell: Callable[[SystemPlan], str]) -> tuple[str, ...]:
    return (label, *(cell(one) for one in answers))


def _cells(label: str, plans: Sequence[Chosen], cell: Callable[[Chosen], str]) -> tuple[str, ...]:
    return (label, *(cell(plan) for plan in plans))


def _formats(one: SystemPlan, plan: Chosen) -> str:
    return f"{plan.weights.upper()}, {one.formats['kv'].upper()}"


def _of(one: Chosen, role: Role) -> PoolPlan | None:
    return None if one.plan is None else one.plan.pool(role)


def _pool(pool: PoolPlan | None) -> str:
    if pool is None:
        return NOTHING
    sliced = [f" {name.upper()}{getattr(pool, name)}" for name in ("tp", "pp") if getattr(pool, name) > 1]
    return f"EP{pool.ep}{''.join(sliced)}"


def _size(pool: PoolPlan | None) -> str:
    return "none keeps it" if pool is None else f"{pool.instances} x {pool.devices} ranks"


def _load(pool: PoolPlan | None) -> str:
    if pool is None:
        return NOTHING
    load = load_per_device(pool)
    return f"{load:,.0f}" if load >= FEW or load.is_integer() else number(load, 2)


def _memory(one: Chosen) -> str:
    pools = (_of(one, "decode"), _of(one, "prefill"))
    used = " | ".join(f"{pool.memory_bytes / 1e9:.0f}" for pool in pools if pool is not None)
    return f"{used} of {pools[0].capacity_bytes / 1e9:.0f}" if pools[0] is not None else NOTHING


def _measured(plans: Sequence[Chosen], name: str, label: str, factor: float, level: float) -> Iterator[tuple[str, ...]]:
    found = [plan.metrics.get(name) for plan in plans]
    yield (label, *(_value(one, factor) for one in found))
    yield (f"  {level * 100:g} % interval", *(_ends(one, factor) for one in found))


def _value(one: Measure | None, factor: float) -> str:
    return NOTHING if one is None else number(one.value * factor)


def _ends(one: Measure | None, factor: float) -> str:
    return "" if one is None else f"{number(one.low * factor)} to {number(one.high * factor)}"


def _percent(chance: float | None) -> str:
    if chance is None:
        return NOTHING
    return f"{chance * 100:.0f} %" if 0.005 < chance < 0.995 else "> 99 %" if chance > 0.5 else "< 1 %"


def _feed(answers: Sequence[SystemPlan], question: Question) -> Table:
    """How many systems a power feed and a budget hold, and what they make under the first limit."""
    feed, budget = f"{question.feed_w / 1e3:g} kW", f"{question.budget_usd / 1e6:g} M USD"
    rows = [
        _row("power [kW]", answers, lambda one: _figure(one.power, 1e-3)),
        _row(f"within {feed}", answers, lambda one: _within(one.power, question.feed_w)),
        _row(f"systems in {feed}", answers, lambda one: _count(question.feed_w, one.power)),
        _row("  output [k tok/s]", answers, lambda one: _output(one, question.feed_w, one.power)),
        _row("price [M USD]", answers, lambda one: _figure(one.price, 1e-6)),
        _row(f"systems in {budget}", answers, lambda one: _count(question.budget_usd, one.price)),
        _row("  output [k tok/s]", answers, lambda one: _output(one, question.budget_usd, one.price)),
    ]
    columns = (text_column(""), *(number_column(one.name) for one in answers))
    limit = f"{question.tpot_s[0] * 1e3:g} ms"
    notes = textwrap.wrap(
        f"a feed of {feed} at the racks and {budget} for machines; output within {limit}. A range is what sources say; "
        "prices range up to claims that contain the network between nodes", WIDTH
    )  # fmt: skip
    return Table(title="What a power feed and a budget hold", columns=columns, rows=tuple(rows), notes=tuple(notes))


def _figure(one: Figure | None, factor: float) -> str:
    if one is None:
        return NOTHING
    low, high = one.band()
    if math.isclose(low, high, rel_tol=1e-3):
        return number(one.value * factor)
    return f"{number(low * factor)} to {number(high * factor)}"


def _within(one: Figure | None, limit: float) -> str:
    if one is None:
        return NOTHING
    low, high = one.band()
    sure = (low <= limit) == (high <= limit)
    return ("yes" if one.value <= limit else "no") + ("" if sure else ", disputed")


def _count(limit: float, one: Figure | None) -> str:
    found = fitting(limit, one)
    return NOTHING if found is None else str(found)


def _output(answer: SystemPlan, limit: float, one: Figure | None) -> str:
    found, rate = fitting(limit, one), answer.plans[0].metrics.get("output_token_per_s_total")
    return NOTHING if found is None or rate is None else number(found * rate.value * 1e-3)


def _rests_on(answers: Sequence[SystemPlan]) -> Table:
    parts = dict.fromkeys(part.part for one in answers for part in one.evidence)
    rows = [
        (name, *(next((part.words for part in one.evidence if part.part == name), NOTHING) for one in answers))
        for name in parts
    ]
    columns = (text_column(""), *(text_column(one.name) for one in answers))
    return Table(title="What the numbers rest on", columns=columns, rows=tuple(rows))


def _law(answers: Sequence[SystemPlan], question: Question) -> Table:
    """What export control says of sending each system, which leaves none of them out of the tables above."""
    rows = tuple(
        (one.name, one.seller or NOTHING, *((one.law.eccn or NOTHING, one.law.outcome, one.law.importer, _kept(one))
                                            if one.law is not None else (NOTHING,) * 4))
        for one in answers
    )  # fmt: skip
    columns = tuple(map(text_column, ("", "from", "class", "exporter's law", "importer's law", "plan --law")))
    conditions = dict.fromkeys(text for one in answers if one.law is not None for text in one.law.conditions)
    notes = textwrap.wrap(
        f"sent to {question.buyer} on {question.day} by its maker, to a consignee with headquarters there and on no "
        f"list; {''.join(f'{text}; ' for text in conditions)}not covered: {', '.join(NOT_COVERED)}. "
        f"{DISCLAIMER.format(day=question.day)}", WIDTH
    )  # fmt: skip
    return Table(title="What export control says", columns=columns, rows=rows, notes=tuple(notes))


def _kept(one: SystemPlan) -> str:
    """The strictest of the planner's modes under which it is searched."""
    if one.law is None:
        return NOTHING
    return one.law.mode or "never"


# The verdict


def _verdict(answers: Sequence[SystemPlan], question: Question, level: float) -> Table:
    told = [
        *((f"{limit * 1e3:g} ms", _winners(answers, at, level)) for at, limit in enumerate(question.tpot_s)),
        ("sources", _disagreement(answers)),
        ("footing", _footing(answers)),
        ("law", _lawful(answers, question)),
    ]
    return pairs("Verdict", _wrapped([(key, text) for key, text in told if text]))


def _winners(answers: Sequence[SystemPlan], at: int, level: float) -> str:
    """Who gives most per chip, per kW and per dollar, and whether the intervals tell."""
    said = []
    for name, words in (
        ("output_token_per_s_per_chip", "per chip"),
        ("output_token_per_s_per_w", "per kW"),
        ("output_token_per_s_per_usd", "per dollar"),
        ("output_token_per_s_total", "per system"),
    ):
        known = [(one.plans[at].metrics[name], one.name) for one in answers if name in one.plans[at].metrics]
        ranked = sorted(known, key=lambda entry: -entry[0].value)
        if len(ranked) < 2:
            continue
        (first, winner), (second, runner) = ranked[:2]
        chance = chance_above(first, second, level)
        doubt = "" if chance >= SURE else ", open"
        times = number(first.value / second.value, 2)
        said.append(f"{words}: {winner}, {times} times {runner} ({_percent(chance)}{doubt})")
    if not said:
        return "no two systems can be compared."
    return f"Most output {'; '.join(said)}."


def _disagreement(answers: Sequence[SystemPlan]) -> str:
    said, missing = [], []
    for one in answers:
        for what, found, factor, unit in (("power", one.power, 1e-3, "kW"), ("price", one.price, 1e-6, "M USD")):
            if found is None:
                missing.append(f"{what} of {one.name}")
            elif found.built:
                missing.append(f"{what} of {one.name} (built from its boards instead)")
            elif found.disputed:
                said.append(f"{what} of {one.name} ({_figure(found, factor)} {unit})")
        said += [f"{part.part} of {one.name}" for part in one.evidence if part.disputed]
    disputed = f"Sources disagree on the {', the '.join(said)}. " if said else ""
    return disputed + (f"None states the {', the '.join(missing)}." if missing else "")


def _lawful(answers: Sequence[SystemPlan], question: Question) -> str:
    """Outcomes, each with its systems, as of the day."""
    by_outcome: dict[str, list[str]] = {}
    for one in answers:
        by_outcome.setdefault(one.law.outcome if one.law is not None else "not checked", []).append(one.name)
    said = "; ".join(f"{outcome} for {', '.join(names)}" for outcome, names in by_outcome.items())
    barred = [one.name for one in answers if one.law is not None and one.law.mode is None]
    whose = f" A plan for {question.buyer} that keeps the law has no {' and no '.join(barred)}." if barred else ""
    return f"To {question.buyer} on {question.day}: {said}.{whose}"


def _footing(answers: Sequence[SystemPlan]) -> str:
    """Which systems are anchored in measurements, and how; how to read the chances."""
    said = []
    for one in answers:
        basis = {part.part: part.basis for part in one.evidence}
        measured = [part for part, known in basis.items() if known == "measured"]
        words = [f"{', '.join(measured)} measured"] if measured else []
        if basis["kernels"] == "derived":
            words.append("kernels fitted to measurements of its chip family")
        said.append(f"{one.name}: " + (", ".join(words) or "generic kernels"))
    return f"{'; '.join(said)}. A percentage is the chance to be ahead; below {SURE * 100:g} % the question is open."


def _lines(text: str, width: int) -> list[str]:
    """Text in lines that keep a percentage together."""
    return [line.replace("\0", " ") for line in textwrap.wrap(text.replace(" %", "\0%"), width)]


def _wrapped(told: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    width = max(len(key) for key, _ in told)
    return [
        (key if at == 0 else "", line) for key, text in told for at, line in enumerate(_lines(text, WIDTH - width - 2))
    ]
