"""What ``accord audit`` found, as the dicts of the JSON envelope and as one line of arithmetic a part."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

from accord.base import units
from accord.catalog.claim import Term
from accord.claims.judge import ClaimVerdict, PartVerdict, Told
from accord.claims.quantity import Quantity
from accord.report.tables import number

_STORED = frozenset(units.known_units())
_DIGITS = 4  # significant, of what is told
_NONE = 1e-9  # a margin that is rounding


def claim_dict(one: ClaimVerdict) -> dict[str, object]:
    """One entry of ``result.claims``."""
    claim = one.claim
    return {
        "id": claim.id, "statement": claim.statement, "said_by": claim.said_by, "date": claim.date,
        "source": f"claims/{claim.id}:{claim.source}", "locator": claim.locator, "topic": claim.topic,
        "verdict": one.verdict, "margin": one.margin, "probability": one.probability, "condition": one.condition,
        "why": list(one.why), "deciding": one.deciding.part.name if one.deciding is not None else None,
        "parts": [part_dict(part) for part in one.parts],
        "calculation": [calculation(part) for part in one.parts],
        "note": claim.note,
        "sources": [str(entry["id"]) for entry in cited(one)],
    }  # fmt: skip


def part_dict(one: PartVerdict) -> dict[str, object]:
    """One part: numbers in its unit, SI where it says none."""
    part, test = one.part, one.part.test
    return {
        "name": part.name, "aside": part.aside, "verdict": one.verdict, "probability": one.probability,
        "margin": one.margin, "margin_low": one.margin_low, "margin_high": one.margin_high,
        "expression": part.value,
        "value": {"value": one.value, "low": one.low, "high": one.high, "unit": part.unit}
        if one.value is not None else None,
        "against": one.against,
        "test": {"op": test.op, "number": test.number, "against": test.against, "tolerance": test.tolerance}
        if test is not None else None,
        "terms": [term_dict(told, part.terms.get(told.name)) for told in one.terms],
        "missing": list(one.missing), "needs": list(part.needs), "condition": part.condition, "note": part.note,
    }  # fmt: skip


def term_dict(told: Told, term: Term | None = None) -> dict[str, object]:
    """One term: what it stands for, what is asked for it, and how it was obtained, or why it is not known."""
    found, asks = told.quantity, _asks(term)
    if found is None:
        return {"name": told.name, "value": None, "refused": told.refused, "asks": asks}
    return {
        "name": told.name, "value": found.value, "low": found.low, "high": found.high, "unit": found.unit,
        "basis": found.basis, "how": found.how, "claims": list(found.points),
        "sources": [str(entry["id"]) for entry in found.sources], "asks": asks,
    }  # fmt: skip


def _asks(term: Term | None) -> dict[str, object] | None:
    """What a term asks of a verb or the catalog; None of a cited number."""
    if term is None or (term.verb is None and term.catalog is None):
        return None
    if term.catalog is not None:
        return {"catalog": term.catalog, "take": term.take}
    inputs = {name: str(value) if isinstance(value, datetime.date) else value for name, value in term.inputs.items()}
    return {"verb": term.verb, "with": inputs, "take": term.take}


def calculation(one: PartVerdict) -> str:
    """The arithmetic of a part in a line: the expression, numbers in place of names, the value, the test."""
    part, test = one.part, one.part.test
    if test is None:
        return f"{part.name}: no calculation decides; needs {', '.join(part.needs)}"
    if one.value is None:
        return f"{part.name}: {part.value} cannot be told ({'; '.join(one.missing)})"
    words = {told.name: amount(told.quantity.value, told.quantity.unit) for told in one.terms if told.quantity}
    numbers, value = one.written(words), amount(one.value, part.unit)
    chain = [part.value or "", numbers] if numbers != part.value else [numbers]
    chain += [value] if value != numbers else []
    return f"{part.name}: {' = '.join(chain)}{span(one)}, {test_text(one)}: {one.verdict} ({share(one.probability)})"


def test_text(one: PartVerdict) -> str:
    """The test of a part in words, with the number the value is compared with."""
    test = one.part.test
    if test is None:
        return ""
    bar = amount(one.against, one.part.unit) if one.against is not None else amount(test.number, one.part.unit)
    named = f"{test.against} = {bar}" if test.against is not None else bar
    if test.op == "within":
        return f"within {100.0 * (test.tolerance or 0.0):g} % of {named}"
    return f"{test.op} {named}"


def amount(value: float | None, unit: str) -> str:
    """A number with its unit."""
    if value is None:
        return "-"
    if unit in _STORED:
        return units.show(value, unit, _DIGITS)
    return f"{number(value, _DIGITS)} {unit}"


def span(one: PartVerdict) -> str:
    """The interval of a value in brackets, nothing where it is exact."""
    if one.low is None or one.high is None or one.low == one.high:
        return ""
    return f" ({amount(one.low, one.part.unit)} to {amount(one.high, one.part.unit)})"


def share(probability: float | None) -> str:
    """A probability in words."""
    if probability is None:
        return "-"
    if probability in (0.0, 1.0):
        return "true in all draws" if probability else "true in no draw"
    return f"true in {100.0 * probability:.3g} % of draws"


def margin_text(margin: float | None) -> str:
    """A margin as a factor, or as a share where it is small."""
    if margin is None:
        return "-"
    if margin >= 9.0:
        return f"x {number(margin + 1.0)}"
    return f"{100.0 * margin:+.3g} %" if abs(margin) > _NONE else "0 %"


def cited(one: ClaimVerdict) -> list[Mapping[str, object]]:
    """Source entries of a claim and of its terms, each once."""
    claim = one.claim
    own = (
        {"id": f"claims/{claim.id}:{key}", "title": source.title, "publisher": source.publisher, "date": source.date,
         "locator": source.locator, "url": source.url, "licence": source.licence}
        for key, source in claim.sources.items()
    )  # fmt: skip
    return distinct([*own, *(entry for part in one.parts for told in part.terms for entry in _of(told.quantity))])


def distinct(entries: Iterable[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Source entries, each id once."""
    return list({str(entry["id"]): entry for entry in entries}.values())


def tally(found: Sequence[ClaimVerdict]) -> dict[str, int]:
    """How many claims have each verdict."""
    words = [one.verdict for one in found]
    return {word: words.count(word) for word in dict.fromkeys(sorted(words))}


def _of(quantity: Quantity | None) -> tuple[Mapping[str, object], ...]:
    return quantity.sources if quantity is not None else ()
