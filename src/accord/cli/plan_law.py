"""The law of ``accord plan`` and ``accord size``: flags to verdicts on systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accord.api.plan_law import law_terms, lawful
from accord.catalog.load import Catalog
from accord.planner.lawful import NOT_CHECKED, WANTED, Lawful


def asked_law(catalog: Catalog, flags: Mapping[str, Any], systems: Sequence[str]) -> Lawful:
    """Ask the law that the flags speak of about systems or chips; nothing where they do not say enough.

    Raises UsageError for an exporter nobody knows.
    """
    terms = law_terms(
        catalog, mode=flags["law"], seller=flags["seller"], buyer=flags["buyer"], hq=flags["hq"], day=flags["date"],
        exporter=flags["exporter"], consignee=flags["consignee"],
    )  # fmt: skip
    return lawful(catalog, systems, terms)


def unasked(flags: Mapping[str, Any]) -> tuple[str, ...]:
    """Warn of a country that sells where the law is not checked all the same."""
    if not flags["seller"] or flags["law"] == "off" or (flags["buyer"] and flags["date"]):
        return ()
    return (f"the law is {NOT_CHECKED}: {WANTED}",)
