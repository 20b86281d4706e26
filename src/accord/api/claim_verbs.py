"""Terms of claims answered by Accord's own verbs, by values of the catalog, and by numbers that are cited."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from accord.api.claim_governance import ask_adoption
from accord.api.claim_hardware import ask_compare, ask_fabric, ask_failures, ask_spend
from accord.api.claim_law import ask_policy
from accord.api.claim_runs import ask_estimate, ask_simulate, ask_size, ask_train
from accord.api.claim_terms import Desk, Found, asked_text, check_entries, exact, of_figure
from accord.api.law import Law
from accord.base.errors import AccordError, CatalogError, DataError, MissingFact, Refusal, UnitError, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.claim import Claim, Term
from accord.catalog.load import KINDS, Catalog
from accord.catalog.value import Value, walk
from accord.claims.quantity import Quantity
from accord.claims.unit_algebra import Unit, parse_unit
from accord.report.to_json import source_entry
from accord.uncertainty import figure

_PLAIN = "1"
VERBS: Mapping[str, Callable[[Mapping[str, object], Desk], Found]] = {
    "compare": ask_compare,
    "estimate": ask_estimate,
    "train": ask_train,
    "size": ask_size,
    "fabric": ask_fabric,
    "failures": ask_failures,
    "policy": ask_policy,
    "adoption": ask_adoption,
    "spend": ask_spend,
    "simulate": ask_simulate,
}


class Verbs:
    """Answers terms; each question is asked once, however many terms take of its answer."""

    def __init__(self, catalog: Catalog, paths: tuple[str, ...] = ()) -> None:
        """Ask of a catalog; paths: what it was opened with beside the packaged data."""
        self._desk = Desk(catalog, paths, Law(catalog))
        self._answers: dict[tuple[str, str], Found | Refusal] = {}

    def quantity(self, term: Term, claim: Claim) -> Quantity:
        """Return what a term stands for.

        Raises CatalogError whose text begins with a key of the term, a Refusal where the answer is no or not known.
        """
        if term.verb is not None:
            return self._asked(term.verb, term.inputs).take(term.take or "")
        return self._listed(term) if term.catalog is not None else _cited(term, claim)

    @property
    def asked(self) -> int:
        """How many different questions were asked."""
        return len(self._answers)

    def _asked(self, verb: str, inputs: Mapping[str, object]) -> Found:
        key = (verb, asked_text(inputs))
        if key not in self._answers:
            self._answers[key] = self._ask(verb, inputs)
        found = self._answers[key]
        if isinstance(found, Refusal):
            raise found
        return found

    def _ask(self, verb: str, inputs: Mapping[str, object]) -> Found | Refusal:
        try:
            check_entries(inputs, self._desk.catalog)
            return VERBS[verb](inputs, self._desk)
        except Refusal as refusal:
            return refusal
        except (UsageError, DataError) as error:
            raise _placed(error, verb) from None

    def _listed(self, term: Term) -> Quantity:
        """A value of the catalog, or the number of entries of a kind."""
        kind, _, id = (term.catalog or "").partition("/")
        catalog, take = self._desk.catalog, term.take or ""
        if kind not in KINDS:
            raise CatalogError(f"catalog is {term.catalog!r}, no kind of entry", hint=did_you_mean(kind, KINDS))
        if not id:
            if take != "count":
                raise CatalogError(f"take is {take!r}, which a kind has not", hint="write 'take: count'")
            return exact(float(len(catalog.ids(kind))), "1", f"catalog {kind} count", f"accord catalog list {kind}")
        record = _entry(catalog, kind, id)
        values = dict(walk(record))
        how, identity = f"accord catalog show {kind}/{id}: {take}", f"catalog {kind}/{id} {take}"
        first = re.split(r"[.\[]", take, maxsplit=1)[0]
        if first not in record.__struct_fields__:
            raise CatalogError(f"take is {take!r}, which {kind} have not", hint=did_you_mean(take, tuple(values)))
        if take not in values:
            raise MissingFact(f"{kind}/{id} states no {take}", hint=did_you_mean(take, tuple(values)))
        return self._value(values[take], f"{kind}/{id}", identity, how, term.unit)

    def _value(self, value: Value, owner: str, identity: str, how: str, unit: str) -> Quantity:
        """A value; unit: of what a plain number counts, else one of its kind."""
        found = figure.of(value, owner)
        if found is None:
            raise MissingFact(f"{owner} says {value.text!r}, no number")
        wanted = _unit(unit)
        if _PLAIN not in (unit, found.unit) and not wanted.alike(_unit(found.unit)):
            raise CatalogError(f"unit is {unit!r}, but the value is in {found.unit}", hint=f"'unit: {found.unit}'")
        return of_figure(found, self._desk, identity, how, unit if found.unit == _PLAIN else found.unit)


def _unit(text: str) -> Unit:
    try:
        return parse_unit(text)
    except UnitError as error:
        raise CatalogError(f"unit: {error.what}", hint=error.hint) from None


def _entry(catalog: Catalog, kind: str, id: str) -> msgspec.Struct:
    if id not in catalog.ids(kind):
        raise CatalogError(f"catalog is '{kind}/{id}', which there is not", hint=did_you_mean(id, catalog.ids(kind)))
    return catalog.entry(kind, id)


def _cited(term: Term, claim: Claim) -> Quantity:
    """A number that a source of the claim states."""
    assert term.number is not None and term.basis is not None and term.source is not None, "checked by the record"
    if term.source not in claim.sources:
        hint = did_you_mean(term.source, tuple(claim.sources))
        raise CatalogError(f"source is {term.source!r}, which the claim's sources do not hold", hint=hint)
    _unit(term.unit)
    source = claim.sources[term.source]
    where = f", {term.locator}" if term.locator else f", {source.locator}" if source.locator else ""
    return Quantity(
        value=term.number, unit=term.unit, low=term.low, high=term.high, basis=term.basis,
        identity=f"cited {claim.id}",  # completed by the name of the term
        how=f"{source.publisher}, {source.title} ({source.date}){where}",
        sources=(source_entry(f"claims/{claim.id}:{term.source}", source),),
    )  # fmt: skip


def _placed(error: AccordError, verb: str) -> CatalogError:
    """What a verb complains of, as a fault of a term's inputs; one of another entry's file stays what it is."""
    flag = error.where if error.where is not None and error.where.startswith("--") else None
    if error.what.startswith(("with", "take")) or (error.where is not None and flag is None):
        return CatalogError(error.what, where=error.where, hint=error.hint)
    said = f"{flag}: {error.what}" if flag is not None else error.what
    return CatalogError(f"with, asked of {verb}: {said}", hint=error.hint)
