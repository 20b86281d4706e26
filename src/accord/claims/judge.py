"""Verdicts: of a part by the share of draws in which its test is true, of a claim by its parts.

A part holds from 90 % on, fails up to 10 %, and is open between. A claim is judged by the share of draws in which all
its stated parts are true: it fails up to 10 %, cannot be told up to 90 % or where a stated part cannot, and else holds,
on condition where an aside part does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import msgspec
import numpy as np

from accord.base.array import Array
from accord.base.errors import CatalogError, MissingFact, Refusal, UnitError
from accord.base.registry import did_you_mean
from accord.catalog.claim import Claim, Part, Term, Test
from accord.claims.ask import Answers
from accord.claims.expression import Node, check_names, evaluate, names, parse, unit_of, written
from accord.claims.quantity import COUNT, Quantity, drawn
from accord.claims.unit_algebra import Unit, parse_unit

PartWord = Literal["holds", "fails", "open", "cannot tell"]
ClaimWord = Literal["holds", "holds if", "fails", "cannot tell"]
VERDICTS: tuple[ClaimWord, ...] = ("holds", "holds if", "fails", "cannot tell")
SURE = 0.9  # probability from which a part or a claim holds, and down to 1 - SURE it fails
_LONGEST = 60  # characters of an expression that an error repeats
_COUNTED = 1e9  # whole numbers below it are counts
_EXACT = 1e-9  # relative difference of two numbers that count as equal

Truths = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Told:
    """A term, and what it stands for; refused: why it is not known."""

    name: str
    quantity: Quantity | None
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartVerdict:
    """A part judged.

    value, low, high, against: in the part's unit; low, high: of the interval asked for
    probability: share of draws in which the test is true; true: of each draw, shape ``(count,)``
    margin: value over what it is compared with, less 1; its interval in margin_low, margin_high
    formula: the expression with words in place of names; missing: why nothing could be told, one line a reason
    """

    part: Part
    verdict: PartWord
    terms: tuple[Told, ...]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    against: float | None = None
    probability: float | None = None
    margin: float | None = None
    margin_low: float | None = None
    margin_high: float | None = None
    missing: tuple[str, ...] = ()
    true: Truths | None = None

    @property
    def slack(self) -> float:
        """How far the value is on the true side, below zero where the test is false; nothing to compare with is far."""
        room = room_of(self.part.test, self.margin)
        return math.log(room) if room is not None else math.inf

    def written(self, words: Mapping[str, str]) -> str:
        """The expression with words in place of names of terms."""
        return written(parse(self.part.value or "0"), words)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimVerdict:
    """A claim judged.

    probability: share of draws in which all stated parts are true, None where one cannot be told and it does not fail
    deciding: the stated part that is nearest to failing, None where none has a value
    conditions: under which it holds; why: what is missing, where it cannot be told
    """

    claim: Claim
    verdict: ClaimWord
    parts: tuple[PartVerdict, ...]
    probability: float | None
    deciding: PartVerdict | None
    conditions: tuple[str, ...]
    why: tuple[str, ...]

    @property
    def condition(self) -> str | None:
        """All conditions in one line, None where there is none."""
        return "; ".join(self.conditions) or None

    @property
    def margin(self) -> float | None:
        """Of the deciding part."""
        return self.deciding.margin if self.deciding is not None else None


def judge(claim: Claim, answers: Answers, level: float = 0.9) -> ClaimVerdict:
    """Judge a claim by what ``answers`` says of its terms.

    level: share of draws inside the intervals of values and margins
    Raises CatalogError whose text begins with the key of what is wrong in the claim.
    """
    parts = tuple(_placed_part(claim, at, answers, level) for at in range(len(claim.parts)))
    stated = [one for one in parts if not one.part.aside]
    valued = [one for one in stated if one.true is not None]
    together = float(np.mean(np.all([one.true for one in valued if one.true is not None], axis=0))) if valued else 1.0
    conditions = _conditions([one for one in parts if one.part.aside])
    verdict: ClaimWord = (
        "fails" if together <= 1.0 - SURE + _EXACT
        else "cannot tell" if not stated or len(valued) < len(stated) or together < SURE
        else "holds if" if conditions else "holds"
    )  # fmt: skip
    told = bool(valued) and (verdict == "fails" or len(valued) == len(stated))
    return ClaimVerdict(
        claim=claim, verdict=verdict, parts=parts, probability=together if told else None,
        deciding=min(valued, key=lambda one: (one.probability, one.slack), default=None),
        conditions=conditions if verdict == "holds if" else (),
        why=_why(stated, together) if verdict == "cannot tell" else (),
    )  # fmt: skip


def _conditions(asides: list[PartVerdict]) -> tuple[str, ...]:
    """Under which the claim holds: what parts say that are aside and do not hold."""
    said = []
    for one in asides:
        words = one.part.condition or f"not asked of {one.part.name}"
        if one.verdict == "fails":
            said.append(words)
        elif one.verdict == "open":
            said.append(f"{words} (open: {one.probability:.0%})")
    return tuple(dict.fromkeys(said))


def _why(stated: list[PartVerdict], together: float) -> tuple[str, ...]:
    found: list[str] = []
    for one in stated:
        if one.verdict == "open":
            found.append(f"{one.part.name}: open, true in {one.probability:.0%} of draws")
            found += [f"{one.part.name}: needs {need}" for need in one.part.needs]
        elif one.verdict == "cannot tell":
            found += one.missing or [f"{one.part.name}: needs {need}" for need in one.part.needs]
    if stated and not found:
        found.append(f"each stated part holds, all of them together in {together:.0%} of draws only")
    return tuple(dict.fromkeys(found)) or ("no part is stated",)


def _placed_part(claim: Claim, at: int, answers: Answers, level: float) -> PartVerdict:
    try:
        return _part(claim.parts[at], claim, answers, level)
    except CatalogError as error:
        raise _within(f"parts[{at}]", error) from None


def _part(part: Part, claim: Claim, answers: Answers, level: float) -> PartVerdict:
    terms = tuple(_term(name, part, claim, answers) for name in part.terms)
    if part.value is None or part.test is None:
        return PartVerdict(part=part, verdict="cannot tell", terms=terms)
    value, against = _read("value", part.value, part), None
    if part.test.against is not None:
        against = _read("test.against", part.test.against, part)
    used = dict.fromkeys((*names(value), *(names(against) if against is not None else ())))
    missing = tuple(f"{one.name}: {one.refused}" for one in terms if one.quantity is None and one.name in used)
    found = PartVerdict(part=part, verdict="cannot tell", terms=terms, missing=missing)
    if not missing:
        known = {one.name: one.quantity for one in terms if one.quantity is not None and one.name in used}
        found = _valued(part, part.test, terms, known, value, against, level)
    _check_used(part, used)
    return found


def _check_used(part: Part, used: Mapping[str, None]) -> None:
    """Refuse a calculation without terms, and a term that neither it nor a term of it uses. Raises CatalogError."""
    if not used:
        raise CatalogError(f"value is {_cut(part.value)!r}, which names no term", hint="write it as 'ours / theirs'")
    reached, new = set(used), list(used)
    while new:
        more = [other for other in part.terms[new.pop()].refers.values() if other not in reached]
        reached.update(more)
        new += [other for other in more if other in part.terms]
    for name in part.terms:
        if name not in reached:
            raise CatalogError(
                f"terms.{name} is used nowhere in the part", hint="leave it out, or write it in 'value:'"
            )


def _cut(text: str | None) -> str:
    """What was written, as long as an error may repeat it."""
    words = text or ""
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."


def _term(name: str, part: Part, claim: Claim, answers: Answers) -> Told:
    term = part.terms[name]
    try:
        found = _quantity(term, part, claim, answers, (name,))
        return Told(
            name, replace(found, identity=_drawn_as(name, term, claim, found)) if term.number is not None else found
        )
    except Refusal as refusal:
        return Told(name, None, refusal.what)
    except CatalogError as error:
        raise _within(f"terms.{name}", error) from None


def _drawn_as(name: str, term: Term, claim: Claim, found: Quantity) -> str:
    """What a cited number is one draw with: the same number under its name, or the one it says, in the same claim."""
    numbers = {one for part in claim.parts for one, other in part.terms.items() if other.number is not None}
    if term.same_as is not None and term.same_as not in numbers:
        raise CatalogError(
            f"same_as is {term.same_as!r}, no number of the claim", hint=did_you_mean(term.same_as, sorted(numbers))
        )
    size = _unit(name, found).size
    ends = [f"{(found.value if end is None else end) * size:.9g}" for end in (found.value, found.low, found.high)]
    return f"cited {claim.id} {term.same_as or name} {' '.join(ends)}"


def _quantity(term: Term, part: Part, claim: Claim, answers: Answers, asking: tuple[str, ...]) -> Quantity:
    """What a term stands for; where inputs are values of others that are not exact, with its widest interval.

    asking: names of the terms that are asked for, each of which refers to the next
    """
    if not term.refers:
        return answers.quantity(term, claim)
    given: dict[str, Quantity] = {}
    for key, other in term.refers.items():
        if other not in part.terms or other in asking:
            hint = did_you_mean(other, [name for name in part.terms if name not in asking])
            raise CatalogError(f"with.{key}.term is {other!r}, no other term of the part", hint=hint)
        given[key] = _quantity(part.terms[other], part, claim, answers, (*asking, other))
    middle, *ends = (
        answers.quantity(msgspec.structs.replace(term, inputs={**term.inputs, **values}), claim)
        for values in _values(given)
    )
    low = min(one.value if one.low is None else one.low for one in (middle, *ends))
    high = max(one.value if one.high is None else one.high for one in (middle, *ends))
    if all(one.value == middle.value for one in ends):
        return middle
    if term.verb == "policy":  # yes or no has no interval
        raise MissingFact(f"{term.take} depends on {', '.join(term.refers.values())} within its interval")
    return replace(middle, low=low, high=high, points=())


def _values(given: Mapping[str, Quantity]) -> list[dict[str, float]]:
    """Inputs as numbers in the units of their terms: the values, and where one is not exact, all lows and all highs."""
    found = [{key: _number(one.value) for key, one in given.items()}]
    if not all(one.exact for one in given.values()):
        found += [
            {key: _number(one.value if end is None else end) for key, one, end in ends}
            for ends in (
                [(key, one, one.low) for key, one in given.items()],
                [(key, one, one.high) for key, one in given.items()],
            )
        ]
    return found


def _number(value: float) -> float:
    """A count as a whole number, as a file would state it."""
    return int(value) if value.is_integer() and abs(value) < _COUNTED else value


def _within(key: str, error: CatalogError) -> CatalogError:
    """An error with the key it lies below; one that says where it is, in another file, is not of this claim."""
    return error if error.where is not None else CatalogError(f"{key}.{error.what}", hint=error.hint)


def _read(key: str, text: str, part: Part) -> Node:
    try:
        node = parse(text)
        check_names(node, tuple(part.terms))
    except CatalogError as error:
        raise CatalogError(f"{key} is {_cut(text)!r}: {error.what}", hint=error.hint) from None
    return node


def _valued(
    part: Part, test: Test, terms: tuple[Told, ...], known: Mapping[str, Quantity], value: Node, against: Node | None,
    level: float,
) -> PartVerdict:  # fmt: skip
    """Judge a part all of whose terms are known."""
    units = {name: _unit(name, one) for name, one in known.items()}
    shown = _shown_unit(part, value, against, units)
    drawn_terms = {name: drawn(one) * units[name].size for name, one in known.items()}
    points = {name: np.asarray(one.value * units[name].size) for name, one in known.items()}
    found = float(evaluate(value, points)) / shown.size
    each = np.broadcast_to(evaluate(value, drawn_terms) / shown.size, (COUNT,))
    bar, bars = test.number or 0.0, np.full(COUNT, test.number or 0.0)
    if against is not None:
        bar = float(evaluate(against, points)) / shown.size
        bars = np.broadcast_to(evaluate(against, drawn_terms) / shown.size, (COUNT,))
    if not (math.isfinite(found) and math.isfinite(bar)):
        return PartVerdict(
            part=part,
            verdict="cannot tell",
            terms=terms,
            missing=(f"{part.name}: division by zero, or a number too large",),
        )
    true = _true(test, each, bars)
    share = float(np.mean(true))
    low, high = _ends(each, level)
    margin = margin_low = margin_high = None
    if bar > 0.0:
        margin = found / bar - 1.0
        margin_low, margin_high = _ends(
            np.divide(each, bars, out=np.full(COUNT, np.nan), where=bars > 0.0) - 1.0, level
        )
    return PartVerdict(
        part=part, verdict="holds" if share >= SURE else "fails" if share <= 1.0 - SURE + _EXACT else "open",
        terms=terms, value=found, low=low, high=high, against=bar, probability=share, margin=margin,
        margin_low=margin_low, margin_high=margin_high, true=true,
    )  # fmt: skip


def _unit(name: str, of: Quantity) -> Unit:
    try:
        return parse_unit(of.unit)
    except UnitError as error:
        raise CatalogError(f"terms.{name}.unit: {error.what}", hint=error.hint) from None


def _shown_unit(part: Part, value: Node, against: Node | None, units: Mapping[str, Unit]) -> Unit:
    """The unit the value is told in. Raises CatalogError where it is of another kind than the value."""
    try:
        shown, found = parse_unit(part.unit), unit_of(value, units)
    except UnitError as error:
        raise CatalogError(f"unit: {error.what}", hint=error.hint) from None
    except CatalogError as error:
        raise CatalogError(f"value is {_cut(part.value)!r}: {error.what}", hint=error.hint) from None
    if not shown.alike(found):
        hint = f"write 'unit: {found.name}', or another unit of that kind"
        raise CatalogError(f"unit is {part.unit!r}, but the value is in {found.name}", hint=hint)
    if against is not None:
        try:
            other = unit_of(against, units)
        except CatalogError as error:
            raise CatalogError(f"test.against is {_cut(part.test.against if part.test else None)!r}: {error.what}",
                               hint=error.hint) from None  # fmt: skip
        if not other.alike(found):
            raise CatalogError(f"test.against is in {other.name}, but the value is in {found.name}",
                               hint="compare two quantities of one kind")  # fmt: skip
    return shown


def _true(test: Test, value: Array, bar: Array) -> Truths:
    """In which draws the test is true; what is not finite is false."""
    room = _EXACT * np.abs(bar)
    with np.errstate(invalid="ignore"):
        found = {
            ">": value > bar + room,
            ">=": value >= bar - room,
            "<": value < bar - room,
            "<=": value <= bar + room,
            "within": np.abs(value - bar) <= (test.tolerance or 0.0) * np.abs(bar) + room,
        }[test.op]
    return np.asarray(found & np.isfinite(value) & np.isfinite(bar))


def _ends(draws: Array, level: float) -> tuple[float | None, float | None]:
    """Both ends of the central interval of the draws that are finite; None where there are none."""
    good = draws[np.isfinite(draws)]
    if not len(good):
        return None, None
    low, high = np.quantile(good, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def room_of(test: Test | None, margin: float | None) -> float | None:
    """Return by which factor a value is on the true side of its test, below 1 where the test is false.

    margin: value over what it is compared with, less 1; None where it is unknown, or the value is not above 0
    """
    if test is None or margin is None or not margin > -1.0:
        return None
    ratio = 1.0 + margin
    if test.op != "within":
        return ratio if test.op in (">", ">=") else 1.0 / ratio
    tolerance = test.tolerance or 0.0
    return (1.0 + tolerance) / ratio if ratio >= 1.0 else ratio / max(1.0 - tolerance, _EXACT)
