"""What AI law asks of a model or a run: as JSON, and in tables of 80 columns."""

from __future__ import annotations

import datetime
import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from accord.base.units import show
from accord.catalog.instrument import Citation
from accord.catalog.legal_fact import FACTS
from accord.policy.duties import Because, Deciding, Due, DutyAnswer, Elsewhen
from accord.policy.facts import FactValue, Uncertain
from accord.policy.logic import FALSE, TRUE, UNKNOWN, VERDICTS
from accord.report.tables import Table, pairs, text_column

WIDTH, LEFT, NAMED, TOLD = 80, 26, 17, 24
NOT_ADVICE = "not legal advice"
_FIRST = ("applies", "applies_from", "check", "depends", "lifted")
_LAST = ("no_duty", "voluntary", "suspended", "proposed", "vetoed", "does_not_apply")
_OPS = {"is": "is", "in": "in", "meets": "among", "before": "before", "from": "from"}
_SHORT = ("vetoed", "does_not_apply", "lifted")  # outcomes told without what they would ask


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact and where it is from, in words; instead: what it took the place of."""

    value: FactValue
    origin: str
    instead: FactValue | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """A system of a plan under export control: class, outcome of both sides, what would decide it."""

    system: str
    eccn: str
    outcome: str
    importer: str
    deciding: tuple[str, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Everything that was asked and found.

    title: of what is checked, in words; jurisdictions: asked for; unruled: those of them without a rule on AI
    licence: of the model, as JSON; licence_lines: in words; export: systems and why there is none, in words
    not_checked: in words
    """

    title: str
    day: datetime.date
    jurisdictions: tuple[str, ...]
    unruled: tuple[str, ...]
    facts: Mapping[str, Stated]
    answers: tuple[DutyAnswer, ...]
    elsewhen: tuple[Elsewhen, ...]
    licence: Mapping[str, object]
    licence_lines: tuple[str, ...]
    export: tuple[Exported, ...]
    export_said: str
    not_checked: tuple[str, ...]


# JSON


def result_dict(one: Checked) -> dict[str, object]:
    """The verb's ``result``."""
    return {
        "date": one.day.isoformat(),
        "jurisdictions": [
            {"id": name, "rules": sum(answer.jurisdiction == name for answer in one.answers),
             "answer": "no rule here: not checked" if name in one.unruled else "checked"}
            for name in one.jurisdictions
        ],
        "facts": [_fact_dict(name, stated) for name, stated in one.facts.items()],
        "answers": [answer_dict(answer) for answer in one.answers],
        "elsewhen": [
            {"instrument": other.instrument.id, "rule": other.rule, "jurisdiction": other.instrument.jurisdiction,
             "starts": other.starts, "ended": other.ended}
            for other in one.elsewhen
        ],
        "licence": dict(one.licence),
        "export": {
            "answer": one.export_said,
            "systems": [
                {"system": item.system, "eccn": item.eccn, "outcome": item.outcome, "importer": item.importer,
                 "deciding": list(item.deciding), "conditions": list(item.conditions)}
                for item in one.export
            ],
        },
        "missing": [
            {"fact": name, "about": FACTS[name].about, "unit": FACTS[name].unit, "rules": list(rules)}
            for name, rules in missing_facts(one.answers).items()
        ],
        "not_checked": list(one.not_checked),
        "advice": f"{NOT_ADVICE}, as of {one.day}",
    }  # fmt: skip


def answer_dict(one: DutyAnswer) -> dict[str, object]:
    """One rule's answer."""
    instrument = one.rule.instrument
    return {
        "instrument": instrument.id, "rule": one.rule.rule.name, "title": instrument.title,
        "jurisdiction": one.jurisdiction, "binding": instrument.binding, "standing": one.standing,
        "verdict": VERDICTS[one.verdict], "probability": one.probability, "outcome": one.outcome,
        "text": one.rule.rule.consequence.text,
        "because": [_because_dict(because) for because in one.because],
        "duties": [
            {"text": due.duty.text, "due": due.duty.due, "from": due.from_day, "locator": due.duty.locator}
            for due in one.duties
        ],
        "lifted_by": [id for id, _ in one.lifted_by], "transition": one.transition,
        "missing": [
            {"fact": deciding.fact, "decides": [{"value": words, "verdict": VERDICTS[verdict]}
                                                for words, verdict in deciding.decides]}
            for deciding in one.missing
        ],
        "cites": [_cite_dict(one, cite) for cite in one.rule.rule.cites],
    }  # fmt: skip


def missing_facts(answers: Sequence[DutyAnswer]) -> dict[str, tuple[str, ...]]:
    """Facts that would decide something, with the rules they would decide, most rules first."""
    found: dict[str, list[str]] = {}
    for answer in answers:
        for deciding in answer.missing:
            if deciding.decides:
                found.setdefault(deciding.fact, []).append(answer.rule.id)
    return {name: tuple(rules) for name, rules in sorted(found.items(), key=lambda one: -len(one[1]))}


def _fact_dict(name: str, stated: Stated) -> dict[str, object]:
    low, high = _ends(stated.value)
    found = {
        "fact": name, "value": plain(name, stated.value), "low": low, "high": high, "unit": FACTS[name].unit,
        "from": stated.origin,
    }  # fmt: skip
    return found if stated.instead is None else {**found, "instead_of": plain(name, stated.instead)}


def _because_dict(one: Because) -> dict[str, object]:
    trace = one.trace
    low, high = _ends(trace.value)
    threshold = trace.threshold
    return {
        "fact": trace.fact, "op": trace.op, "threshold": threshold, "unit": trace.unit,
        "value": None if trace.value is None else plain(trace.fact, trace.value), "low": low, "high": high,
        "result": VERDICTS[trace.result], "log10_distance": one.log10_distance, "probability": trace.probability,
        "pivotal": one.pivotal,
    }  # fmt: skip


def _cite_dict(one: DutyAnswer, cite: Citation) -> dict[str, object]:
    source = one.rule.instrument.sources[cite.source]
    return {
        "source": f"instruments/{one.rule.instrument.id}:{cite.source}", "tier": cite.tier, "locator": cite.locator,
        "title": source.title, "publisher": source.publisher, "url": source.url,
    }  # fmt: skip


def _ends(value: FactValue | None) -> tuple[float | None, float | None]:
    return (value.low, value.high) if isinstance(value, Uncertain) else (None, None)


def plain(name: str, value: FactValue) -> object:
    """A fact as JSON has it: days as dates, sets as sorted words, an uncertain number by its middle."""
    if isinstance(value, Uncertain):
        return value.value
    if isinstance(value, float) and FACTS[name].kind == "day":
        return datetime.date.fromordinal(round(value)).isoformat()
    return sorted(value) if isinstance(value, frozenset) else value


# Tables


def check_tables(one: Checked) -> tuple[Table, ...]:
    """Everything that is told, in order."""
    tables = [_facts(one), *(_answers(one, name) for name in one.jurisdictions), _missing(one)]
    other = [("model licence", line) for line in one.licence_lines]
    other += [("export control", line) for line in _export_lines(one)]
    other += [("not checked", text) for text in one.not_checked]
    closing = f"{NOT_ADVICE.capitalize()}; as of {one.day}."
    tables.append(pairs("Besides", _wrapped(other, NAMED), textwrap.wrap(closing, WIDTH)))
    return tuple(table for table in tables if table.rows or table.notes)


def _facts(one: Checked) -> Table:
    rows = []
    for name, stated in one.facts.items():
        words = stated.origin
        if stated.instead is not None:
            words += f", in place of {shown(name, stated.instead)}"
        first = textwrap.wrap(shown(name, stated.value, band=True), TOLD)
        second = textwrap.wrap(words, WIDTH - LEFT - TOLD - 4)
        for at in range(max(len(first), len(second))):
            cells = [part[at] if at < len(part) else "" for part in (first, second)]
            rows.append((name if at == 0 else "", *cells))
    columns = (text_column("fact"), text_column("value"), text_column("from"))
    title = f"AI law on {one.title}, as of {one.day}"
    notes = () if rows else ("No facts are known.",)
    return Table(title="\n".join(textwrap.wrap(title, WIDTH)), columns=columns, rows=tuple(rows), notes=notes)


def _answers(one: Checked, name: str) -> Table:
    """One jurisdiction: what applies first."""
    found = sorted((answer for answer in one.answers if answer.jurisdiction == name), key=_rank)
    told = [(_label(answer), line) for answer in found for line in answer_lines(answer)]
    notes = [f"{other.instrument.id}/{other.rule}: {_when(other)}" for other in one.elsewhen
             if other.instrument.jurisdiction == name]  # fmt: skip
    if name in one.unruled:
        notes.append("No rule here: not checked.")
    lines = [line for note in notes for line in _lines(note, WIDTH)]
    return pairs(f"Jurisdiction {name}", _wrapped(told, LEFT), lines)


def answer_lines(one: DutyAnswer) -> Iterator[str]:
    """What is said of one rule: the outcome, why, duties, what lifts them, what would decide, where it is read."""
    kind = one.outcome.partition(":")[0]
    yield _headline(one)
    if one.rule.rule.consequence.text and kind not in _SHORT:
        yield one.rule.rule.consequence.text
    pivotal = [because for because in one.because if because.pivotal]
    alike = [because for because in one.because if because.trace.result == one.verdict]
    yield from (f"- {_compared(because)}" for because in pivotal or alike or one.because)
    if kind not in _SHORT:
        yield from (f"- {_due(due)}" for due in one.duties)
    sure = "lifted by" if kind == "lifted" else "may be lifted by"
    yield from (f"- {sure} {id}{f', until {until}' if until else ''}" for id, until in one.lifted_by)
    yield from (f"- {_decides(deciding)}" for deciding in one.missing if deciding.decides)
    yield "; ".join(f"{cite.locator} ({cite.tier})" for cite in one.rule.rule.cites)


def _headline(one: DutyAnswer) -> str:
    kind, _, rest = one.outcome.partition(":")
    words = {
        "applies_from": f"holds, to be kept from {rest}", "does_not_apply": "does not apply",
        "depends": "depends on " + ", ".join(part.partition(":")[2] for part in one.outcome.split("|")),
        "check": f"check: nobody has verified that it holds from {rest}", "voluntary": "a commitment, no duty",
        "lifted": "its duties are lifted", "no_duty": "asks nothing", "vetoed": "vetoed, never law",
        "proposed": "proposed, no law", "suspended": "suspended",
    }.get(kind, one.outcome)  # fmt: skip
    if one.standing in ("proposed", "suspended", "vetoed"):
        words += {TRUE: "; its condition holds", FALSE: "; its condition does not hold"}.get(one.verdict, "")
    if one.probability is not None:
        words += f"; applies with {100.0 * one.probability:.0f} % probability"
    if one.standing == "reported":
        words += " (reported; no public text was seen)"
    return words


def _compared(one: Because) -> str:
    trace = one.trace
    threshold = show(trace.threshold, trace.unit) if isinstance(trace.threshold, float) else trace.threshold
    asked = f"{_OPS.get(trace.op, trace.op)} {threshold}"
    if trace.value is None:
        return f"{trace.fact} {asked}: not known"
    words = f"{trace.fact} {shown(trace.fact, trace.value)} {asked}: {_TRUTH[trace.result]}"
    if one.log10_distance is not None:
        words += f", {one.log10_distance:+.2f} in log10"
    if trace.result == UNKNOWN and trace.probability is not None:
        words += f", true with {100.0 * trace.probability:.0f} % probability"
    return words


_TRUTH = {FALSE: "no", UNKNOWN: "open", TRUE: "yes"}
_DECIDED = {FALSE: "does not apply", UNKNOWN: "still open", TRUE: "applies"}


def _due(due: Due) -> str:
    duty = due.duty
    when = f", {duty.due}" if duty.due else ""
    where = f" ({duty.locator})" if duty.locator else ""
    return f"from {due.from_day}: {duty.text.rstrip('.')}{when}{where}"


def _decides(one: Deciding) -> str:
    return f"{one.fact} " + "; ".join(f"{words}: {_DECIDED[verdict]}" for words, verdict in one.decides)


def _when(one: Elsewhen) -> str:
    parts = [f"ended {one.ended}" if one.ended else "", f"begins {one.starts}" if one.starts else ""]
    return ", ".join(part for part in parts if part)


def _label(one: DutyAnswer) -> str:
    return f"{one.rule.instrument.id}\n{one.rule.rule.name}"


def _rank(one: DutyAnswer) -> int:
    """Place among the answers: what applies, what is open, exemptions, what is no duty, what does not apply."""
    kind = one.outcome.partition(":")[0]
    if kind in _LAST:
        return len(_FIRST) + 1 + _LAST.index(kind)
    return len(_FIRST) if one.rule.rule.stage == "exemption" else _FIRST.index(kind) if kind in _FIRST else 0


def _missing(one: Checked) -> Table:
    rows = [(name, f"{FACTS[name].about}; decides {len(rules)}: {', '.join(rules)}")
            for name, rules in missing_facts(one.answers).items()]  # fmt: skip
    return pairs("Facts that would decide more", _wrapped(rows, LEFT))


def _export_lines(one: Checked) -> Iterator[str]:
    if one.export_said:
        yield one.export_said
    for item in one.export:
        words = f"{item.system}: {item.eccn}, {item.outcome}; importer: {item.importer}"
        yield words + (f"; hangs on {', '.join(item.deciding)}" if item.deciding else "")


def shown(name: str, value: FactValue, *, band: bool = False) -> str:
    """A fact in words; band: with its interval."""
    if isinstance(value, Uncertain):
        unit = FACTS[name].unit
        middle = show(value.value, unit)
        return f"{middle} ({_bare(value.low, unit)} to {show(value.high, unit)})" if band else middle
    if isinstance(value, float) and FACTS[name].kind == "number":
        return show(value, FACTS[name].unit)
    found = plain(name, value)
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def _bare(value: float, unit: str) -> str:
    return show(value, unit).removesuffix(f" {unit}")


def _wrapped(told: Sequence[tuple[str, str]], width: int) -> list[tuple[str, str]]:
    """Rows of a name and wrapped words; a name is written once, over several lines where it is long."""
    rows: list[tuple[str, str]] = []
    for name, some in itertools.groupby(told, key=lambda one: one[0]):
        lines = [line for _, text in some for line in _lines(text, WIDTH - width - 2)]
        rows += itertools.zip_longest([line for part in name.split("\n") for line in textwrap.wrap(part, width)], lines,
                                      fillvalue="")  # fmt: skip
    return rows


def _lines(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False)
