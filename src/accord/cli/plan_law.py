"""The law of ``accord plan`` and ``accord size``: flags to verdicts on systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accord.api.plan_law import law_terms, lawful
from accord.base.errors import UsageError
from accord.catalog.countries import CODES
from accord.catalog.load import Catalog
from accord.planner.lawful import NOT_CHECKED, WANTED, Lawful

_OF_THE_LAW = {
    "seller": "--from", "exporter": "--exporter", "consignee": "--consignee", "hq": "--hq", "facts": "--set"
}  # fmt: skip
_SAY = ("says", "say")


def asked_law(
    catalog: Catalog, flags: Mapping[str, Any], systems: Sequence[str], model: str | None = None
) -> Lawful:  # fmt: skip
    """Ask the law that the flags speak of about systems or chips; nothing where they do not say enough.

    model: whose licence is asked about. Raises UsageError for a country, party or fact nobody knows.
    """
    terms = law_terms(
        catalog, mode=flags["law"], seller=flags["seller"], buyer=flags["buyer"], hq=flags["hq"], day=flags["date"],
        exporter=flags["exporter"], consignee=flags["consignee"],
        facts=_facts(flags["facts"]),
    )  # fmt: skip
    return lawful(catalog, systems, terms, model=model)


def _facts(pairs: Sequence[str]) -> dict[str, str]:
    """Facts of the deal by name. Raises UsageError for what is no pair."""
    found = {}
    for text in pairs:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign and value):
            raise UsageError(f"'{text}' is no FACT=VALUE", where="--set", hint="such as state_funded=no")
        found[name] = value
    return found


def unasked(flags: Mapping[str, Any], catalog: Catalog) -> tuple[str, ...]:
    """Warn of a deal that the law is not asked about, and of a country without figures of energy."""
    said = []
    if flags["law"] == "off":
        given = [flag for name, flag in _OF_THE_LAW.items() if flags[name]]
        said += (
            [f"the law is {NOT_CHECKED} (--law off): {', '.join(given)} {_SAY[len(given) > 1]} nothing"]
            if given
            else []
        )
    elif flags["seller"] and not (flags["buyer"] and flags["date"]):
        said.append(f"the law is {NOT_CHECKED}: {WANTED}")
    if flags["buyer"] and not has_place(catalog, flags["buyer"]):
        said.append(f"no price of energy, PUE and emissions of {flags['buyer']} are in the catalog")
    return tuple(said)


def has_place(catalog: Catalog, country: str) -> bool:
    """Whether the catalog has figures of energy for a country; of what is no country too, so that it is refused."""
    return country not in CODES or any(catalog.place(id).country == country for id in catalog.ids("places"))
