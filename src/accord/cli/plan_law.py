"""The law of ``accord plan`` and ``accord size``: flags to verdicts on systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accord.api.plan_law import law_terms, lawful
from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.planner.lawful import NOT_CHECKED, WANTED, Lawful


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


def unasked(flags: Mapping[str, Any]) -> tuple[str, ...]:
    """Warn of a country that sells where the law is not checked all the same."""
    if not flags["seller"] or flags["law"] == "off" or (flags["buyer"] and flags["date"]):
        return ()
    return (f"the law is {NOT_CHECKED}: {WANTED}",)
