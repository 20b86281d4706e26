"""What AI law asks of a model or a run, in tables of 80 columns."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from accord.base.source import Source
from accord.base.units import show
from accord.catalog.legal_fact import FACTS
from accord.catalog.licence import Term
from accord.policy.duties import LISTED, Because, Deciding, Due, DutyAnswer, Elsewhen
from accord.policy.facts import FactValue, Uncertain
from accord.policy.licences import LicenceAnswer
from accord.policy.logic import FALSE, TRUE, UNKNOWN
from accord.report.duties_result import NOT_ADVICE, Checked, missing_facts, plain
from accord.report.tables import Table, pairs, text_column

WIDTH, LEFT, NAMED, TOLD = 80, 26, 17, 24
_FIRST = ("applies", "applies_from", "check", "depends", "lifted")
_LAST = ("no_duty", "voluntary", "suspended", "proposed", "vetoed", "does_not_apply")
_SHORT = ("vetoed", "does_not_apply", "lifted")  # outcomes told without what they would ask


def compute_words(law: Mapping[str, Any]) -> str:
    """What rules on compute say of a training run, in a sentence.

    law: ``law`` of the run's result, which knows its compute
    """
    flop = show(law["needs"]["training_flop"], "FLOP")
    if law["answer"] != "checked":
        return f"law: not checked, no day given (--start); {flop}, all stages and base"
    places: dict[tuple[float, str], dict[str, None]] = {}
    for rule in law["rules"]:
        if rule["outcome"] not in LISTED:
            chance = f" with {100.0 * rule['probability']:.0f} % probability" if rule["reached"] == "open" else ""
            below = f" by {-rule['log10_distance']:.2f}" if rule["reached"] == "no" else ""
            key = rule["threshold_flop"], f"{'is below' if below else 'reaches'} {{}}{below}{chance}"
            places.setdefault(key, {})[rule["jurisdiction"]] = None
    told = [f"{words.format(show(at, 'FLOP').removesuffix(' FLOP'))} ({', '.join(names)})"
            for (at, words), names in sorted(places.items())]  # fmt: skip
    said = ", ".join(told) or "reaches no rule of that day"
    return (f"law as of {law['date']}: {flop} {said}, in log10; not legal advice; accord policy check RUN.json has "
            "the rest")  # fmt: skip


def check_tables(one: Checked) -> tuple[Table, ...]:
    """Everything that is told, in order."""
    tables = [_facts(one), *(_answers(one, name) for name in one.jurisdictions), _missing(one)]
    other = [("model licence", line) for line in _licence_lines(one.licence)]
    other += [("export control", line) for line in _export_lines(one)]
    other += [("not checked", text) for text in one.not_checked]
    closing = f"{NOT_ADVICE.capitalize()}; as of {one.day}."
    tables += [_sources(one), pairs("Besides", _wrapped(other, NAMED), textwrap.wrap(closing, WIDTH))]
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
    asked = {deciding.fact for deciding in one.missing if deciding.decides}
    for because in pivotal or alike or one.because:
        if because.trace.value is not None or because.trace.fact not in asked or kind in _SHORT:
            yield f"- {_compared(because)}"
    if kind not in _SHORT or kind == "lifted":
        yield from (f"- {_due(due)}" for due in one.duties)
    sure = "lifted by" if kind == "lifted" else "may be lifted by"
    yield from (f"- {sure} {id}{f', until {until}' if until else ''}" for id, until in one.lifted_by)
    said = _EXEMPTS if one.rule.rule.stage == "exemption" else _DECIDED
    yield from (f"- {_decides(deciding, said)}" for deciding in one.missing if deciding.decides and kind not in _SHORT)
    yield "; ".join(f"{cite.locator} ({cite.tier}, {cite.source})" for cite in one.rule.rule.cites)


def _headline(one: DutyAnswer) -> str:
    kind, _, rest = one.outcome.partition(":")
    until = f" until {one.transition}" if one.duties and one.transition else ""
    words = {
        "applies_from": f"holds, to be kept from {rest}", "does_not_apply": "does not apply",
        "depends": "depends on " + ", ".join(part.partition(":")[2] for part in one.outcome.split("|")),
        "check": f"check: nobody has verified that it holds from {rest}", "voluntary": "a commitment, no duty",
        "lifted": f"its duties are lifted{until}", "no_duty": "asks nothing", "vetoed": "vetoed, never law",
        "proposed": "proposed, no law", "suspended": "suspended",
    }.get(kind, one.outcome)  # fmt: skip
    if one.standing in LISTED:
        words += {TRUE: "; its condition holds", FALSE: "; its condition does not hold"}.get(one.verdict, "")
    if kind == "voluntary" and one.missing:
        words += "; whether its condition holds is open"
    if one.probability is not None:
        words += f"; applies with {100.0 * one.probability:.0f} % probability"
    if one.standing == "reported":
        words += " (reported; no public text was seen)"
    return words


def _compared(one: Because) -> str:
    trace = one.trace
    number = isinstance(trace.threshold, float)
    threshold = show(trace.threshold, trace.unit) if isinstance(trace.threshold, float) else trace.threshold
    asked = f"{trace.op} {threshold}" if number or trace.op in ("before", "from") else f"asked {threshold}"
    if trace.value is None:
        return f"{trace.fact} {asked}: not known"
    words = f"{trace.fact} {shown(trace.fact, trace.value)}{' ' if number else ', '}{asked}: {_TRUTH[trace.result]}"
    if one.log10_distance is not None:
        words += f", {one.log10_distance:+.2f} in log10"
    if trace.result == UNKNOWN and trace.probability is not None:
        words += f", true with {100.0 * trace.probability:.0f} % probability"
    return words


_TRUTH = {FALSE: "no", UNKNOWN: "open", TRUE: "yes"}
_DECIDED = {FALSE: "does not apply", TRUE: "applies"}
_EXEMPTS = {FALSE: "lifts nothing", TRUE: "lifts duties"}


def _due(due: Due) -> str:
    duty = due.duty
    when = f", {duty.due}" if duty.due else ""
    where = f" ({duty.locator})" if duty.locator else ""
    return f"from {due.from_day}: {duty.text.rstrip('.')}{when}{where}"


def _decides(one: Deciding, said: Mapping[int, str]) -> str:
    told = (f"{words}: {said[verdict]}" for words, verdict in one.decides if verdict != UNKNOWN)
    return f"would decide: {one.fact} ({'; '.join(told)})"


def _when(one: Elsewhen) -> str:
    """When a rule stood or will stand, and as what: a bill is never said to begin."""
    span = one.span
    parts = [f"ended {one.ended}" if one.ended and one.starts is None else ""]
    if one.starts is not None:
        kept = f", to be kept from {span.compliance}" if span.compliance else ""
        parts.append(_LATER.get(span.standing, "begins {}").format(one.starts) + kept)
    note = f" ({span.note})" if span.note else ""
    return ", ".join(part for part in parts if part) + note


_LATER = {
    "vetoed": "no law that day; vetoed {}", "proposed": "no law that day; proposed {}",
    "suspended": "suspended from {}", "voluntary": "a commitment from {}",
}  # fmt: skip


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


def _licence_lines(one: LicenceAnswer | None) -> Iterator[str]:
    if one is not None:
        yield f"{one.model} under {one.licence or 'a licence not known here'}: {one.verdict}"
        yield from (f"- {text}{_read_in(one.terms, text)}" for text in (*one.reasons, *one.conditions))
        for name in one.missing:
            texts = [
                f"{term.text}{_read_in((term,), term.text)}" for term in one.terms if _NEEDS.get(name) == term.kind
            ]
            yield f"- would decide: {name}{': ' if texts else ''}{'; '.join(texts)}"


_NEEDS = {"country": "territory", "users": "users", "revenue": "revenue"}  # fact and the kind of term that asks it


def _read_in(terms: Sequence[Term], text: str) -> str:
    """Where a term of a licence is read; nothing of words that are no term's."""
    return next((f" ({term.locator}; {term.tier}, {term.source})" for term in terms if term.text == text), "")


def _sources(one: Checked) -> Table:
    """What was read for every rule that is told in full and for the model's licence, with addresses unbroken."""
    notes: dict[str, None] = {}
    for answer in one.answers:
        if answer.outcome.partition(":")[0] not in _SHORT:
            rule, instrument = answer.rule.rule, answer.rule.instrument
            keys = [cite.source for cite in rule.cites]
            notes |= dict.fromkeys(_addresses(instrument.id, {key: instrument.sources[key] for key in keys}))
    notes |= dict.fromkeys(_addresses(one.licence.licence or "", one.licence_sources) if one.licence else ())
    return pairs("Sources", (), [line for note in notes for line in note.split("\n")])


def _addresses(id: str, sources: Mapping[str, Source]) -> Iterator[str]:
    """Title and address of each source, by its key and the entry that has it."""
    for key, source in sources.items():
        words = f"{key} of {id}: {source.title}, {source.publisher}, {source.date}"
        yield "\n".join((*_lines(words, WIDTH), *([f"  {source.url}"] if source.url else [])))


def _export_lines(one: Checked) -> Iterator[str]:
    if one.export_said:
        yield one.export_said
    for item in one.export:
        yield f"{item.system}: {item.eccn or 'class not known'}, {item.outcome}; importer: {item.importer}"
        yield from (f"- {text}" for text in (*item.branches, *item.conditions))
    yield from (f"- {text}" for text in one.assumed)


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
