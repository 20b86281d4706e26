"""What the law says of the systems of a plan: tables for a reader, dicts for a program."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from accord.planner.lawful import NOT_CHECKED, WANTED, Lawful, LawTerms, ModelLaw, SystemLaw
from accord.report.plan_cells import wrapped_pairs
from accord.report.policy_words import DISCLAIMER
from accord.report.tables import NOTHING, Table, text_column

PASSES = {True: "yes", False: "no"}


def law_words(terms: LawTerms) -> str:
    """Return the deal on one line, or that the law was not checked."""
    if not terms.complete:
        return NOT_CHECKED if terms.mode == "off" else f"{NOT_CHECKED} ({WANTED})"
    exporter = "no exporter named" if terms.exporter is None else f"exporter {terms.exporter}"
    consignee = "" if terms.consignee is None else f", consignee {terms.consignee}"
    return (
        f"{terms.mode}: from {terms.seller} to {terms.buyer} on {terms.day}, {exporter}{consignee}, "
        f"headquarters in {terms.hq}"
    )


def law_dict(found: Lawful) -> dict[str, object]:
    """Return ``result.law``; the same keys whether the law was checked or not."""
    terms = found.terms
    checked = bool(found.systems)
    return {
        "answer": "checked" if checked else law_words(terms),
        "mode": terms.mode,
        "from": terms.seller,
        "to": terms.buyer,
        "hq": terms.hq,
        "date": terms.day,
        "exporter": terms.exporter,
        "consignee": terms.consignee,
        "set": dict(terms.facts),
        "assumed": list(terms.said),
        "systems": [msgspec.to_builtins(one) for one in found.systems],
        "model": None if found.model is None else msgspec.to_builtins(found.model),
        "not_covered": list(found.not_covered),
        "disclaimer": DISCLAIMER.format(day=terms.day) if terms.day and (checked or found.model) else None,
    }


def law_tables(found: Lawful) -> tuple[Table, ...]:
    """Return one line a system, then what is to be kept, what would decide and what nobody looked at."""
    if not found.systems:
        return () if found.model is None else (_licence(found, found.model),)
    terms = found.terms
    columns = (
        text_column("system"), text_column("class"), text_column("exporter's law"), text_column("importer's law"),
        text_column("passes"),
    )  # fmt: skip
    rows = tuple(
        (one.system, one.eccn or NOTHING, one.outcome, one.importer, PASSES[one.passes]) for one in found.systems
    )
    table = Table(title=f"Law, from {terms.seller} to {terms.buyer} on {terms.day}", columns=columns, rows=rows)
    return table, wrapped_pairs("What that rests on, and what it leaves out", list(_told(found)))


def _licence(found: Lawful, model: ModelLaw) -> Table:
    """What the licence of the model says where nothing else was asked."""
    said = model.conditions if model.passes else (model.reason,)
    lines = [
        ("licence" if at == 0 else "", text) for at, text in enumerate(said or (f"{model.licence}: {model.answer}",))
    ]
    lines += [("law", law_words(found.terms)), ("", DISCLAIMER.format(day=found.terms.day))]
    return wrapped_pairs(f"Licence of {model.model} in {found.terms.buyer}", lines)


def _told(found: Lawful) -> Iterator[tuple[str, str]]:
    terms = found.terms
    yield "asked", law_words(terms)
    if terms.said:
        yield "assumed", "; ".join(terms.said)
    for title, texts in (("conditions", _conditions(found)), ("would decide", _deciding(found))):
        yield from ((title if at == 0 else "", text) for at, text in enumerate(texts))
    remarks = dict.fromkeys(f"{one.system}: {text}" for one in found.systems for text in one.said)
    yield from (("remarks" if at == 0 else "", text) for at, text in enumerate(remarks))
    yield "not covered", "; ".join(found.not_covered)
    yield "", DISCLAIMER.format(day=terms.day)


def _conditions(found: Lawful) -> list[str]:
    """Conditions, each with the systems that it is put on unless it is put on all."""
    kept = [one for one in found.systems if one.passes]
    by_text: dict[str, list[str]] = {}
    for one in kept:
        for text in one.conditions:
            by_text.setdefault(text, []).append(one.system)
    texts = [text if len(on) == len(kept) > 1 else f"{', '.join(on)}: {text}" for text, on in by_text.items()]
    if found.model is not None:
        texts += [f"{found.model.model}: {text}" for text in found.model.conditions]
    return texts


def _deciding(found: Lawful) -> list[str]:
    return [f"{one.system}: {_decides(one)}" for one in found.systems if one.deciding]


def _decides(one: SystemLaw) -> str:
    follows = f" ({'; '.join(one.branches)})" if one.branches else ""
    return f"{', '.join(one.deciding)}{follows}"
