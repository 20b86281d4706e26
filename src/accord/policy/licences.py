"""What a model's licence says of a buyer: licensed, on which conditions, or not, and which fact is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from accord.catalog.licence import Licence, Term
from accord.policy.places import Places

COMMERCIAL = "commercial"  # the use that a licence without commercial rights leaves out
_MONTHS = {"USD/month": 12.0, "USD/year": 1.0}


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who would use a model; None where it is not told.

    country: where the licensee is domiciled, ISO code of two letters
    users: monthly users of all its services; revenue: of a year [USD]; uses: words such as ``commercial``
    """

    country: str | None = None
    users: float | None = None
    revenue: float | None = None
    uses: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class LicenceAnswer:
    """Answer of one model.

    verdict: ``ok``; ``ok_if``: on ``conditions``; ``not_licensed``: for ``reasons``; ``check``: the
        catalog has no licence for it; ``depends:<field>`` of :class:`Buyer`, the first of ``missing``
    conditions: what must be kept, in words; terms: all of the licence, with source and locator
    """

    model: str
    licence: str | None
    verdict: str
    reasons: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether a plan may rest on it: what is not known or depends never passes."""
        return self.verdict in ("ok", "ok_if")


@dataclass(frozen=True, slots=True)
class _Read:
    """What one term does: bars the buyer, needs a fact, or is a condition; all None: it does not reach the buyer."""

    bar: str | None = None
    needs: str | None = None
    condition: str | None = None


def licence_of(licences: Iterable[Licence], model: str) -> Licence | None:
    """Return the licence that covers a model, or None."""
    return next((one for one in licences if model in one.models), None)


def licence_answer(licence: Licence | None, model: str, buyer: Buyer, places: Places) -> LicenceAnswer:
    """Say whether a licence lets a buyer use a model.

    places: country groups of the day; a term may speak of EU. A bar counts for more than a fact that is missing, and
    a licence that nobody entered answers ``check``, never ``ok``.
    """
    if licence is None:
        return LicenceAnswer(model, None, "check", ("the catalog has no licence for this model",))
    read = [_commercial(licence, buyer), *(_read(term, buyer, places) for term in licence.terms)]
    bars = tuple(one.bar for one in read if one.bar is not None)
    missing = tuple(dict.fromkeys(one.needs for one in read if one.needs is not None))
    conditions = tuple(one.condition for one in read if one.condition is not None)
    if bars:
        verdict = "not_licensed"
    elif missing:
        verdict = f"depends:{missing[0]}"
    else:
        verdict = "ok_if" if conditions else "ok"
    return LicenceAnswer(model, licence.id, verdict, bars, conditions, () if bars else missing, licence.terms)


def licence_everywhere(
    licence: Licence | None, model: str, buyer: Buyer, countries: Iterable[str], places: Places
) -> LicenceAnswer:
    """Say the same of a buyer who is of several countries: of delivery, of headquarters.

    countries: ISO codes of two letters, none where none is told. What bars the buyer in one of them bars it; else what
    each of them asks counts.
    """
    buyers = [replace(buyer, country=code) for code in dict.fromkeys(countries)] or [buyer]
    answers = [licence_answer(licence, model, one, places) for one in buyers]
    bar = next((one for one in answers if one.verdict == "not_licensed"), None)
    if bar is not None:
        return bar
    conditions = tuple(dict.fromkeys(text for one in answers for text in one.conditions))
    open_ones = [one for one in answers if one.missing]
    verdict = open_ones[0].verdict if open_ones else "ok_if" if conditions else answers[0].verdict
    return replace(
        answers[0], verdict=verdict, conditions=conditions,
        missing=tuple(dict.fromkeys(name for one in answers for name in one.missing)),
    )  # fmt: skip


def _commercial(licence: Licence, buyer: Buyer) -> _Read:
    if licence.commercial:
        return _Read()
    if buyer.uses is None:
        return _Read(needs="uses")
    return _Read(bar=f"{licence.name} gives no rights to commercial use") if COMMERCIAL in buyer.uses else _Read()


def _read(term: Term, buyer: Buyer, places: Places) -> _Read:
    if term.kind == "territory":
        return _territory(term, buyer.country, places)
    if term.kind in ("users", "revenue"):
        over = _over(term, buyer)
        if over is None:
            return _Read(needs=term.kind)
        return _Read(bar=term.text) if over else _Read()
    if term.limit is not None and _over(term, buyer) is False:
        return _Read()
    return _Read(condition=term.text)


def _territory(term: Term, country: str | None, places: Places) -> _Read:
    if country is None:
        return _Read(needs="country")
    inside, outside = places.sets(term.countries)
    if country in inside:
        return _Read(bar=term.text)
    known = outside is None or country in outside
    return _Read() if known else _Read(condition=f"check whether {country} is one of {', '.join(term.countries)}")


def _over(term: Term, buyer: Buyer) -> bool | None:
    """Whether the buyer is above the limit of a term; None where the figure is not told. No limit is always above."""
    if term.limit is None:
        return True
    told = buyer.revenue if term.limit.unit in _MONTHS else buyer.users
    return None if told is None else told > term.limit.si * _MONTHS.get(term.limit.unit, 1.0)
