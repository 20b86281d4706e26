"""Who sends what to whom, as facts: the transaction follows from the countries and from whose law follows the item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accord.policy.facts import Facts, FactValue

US = "US"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A transaction, what is not told of it None.

    seller, buyer: country it is sent from and to; hq: country of the consignee's headquarters or ultimate parent
    exporter: party that sends it; transaction: in place of the one that the countries make
    more: other facts of the deal, by name, such as what is known of a consignee
    """

    seller: str | None = None
    buyer: str | None = None
    hq: str | None = None
    exporter: str | None = None
    transaction: str | None = None
    more: Mapping[str, FactValue] | None = None


def deal_facts(deal: Deal, item: Facts) -> dict[str, FactValue]:
    """Return the item's facts with those of the deal.

    ``origin`` is the country of the item's designer where the item does not say otherwise: its law follows the item.
    """
    facts: dict[str, FactValue] = dict(item)
    if "origin" not in facts and "designer_hq" in facts:
        facts["origin"] = facts["designer_hq"]
    told = {"destination": deal.buyer, "hq": deal.hq, "exporter": deal.exporter}
    facts |= {name: value for name, value in told.items() if value is not None}
    transaction = deal.transaction or _transaction(deal, facts.get("origin"))
    if transaction is not None:
        facts["transaction"] = transaction
    return facts | dict(deal.more or {})


def _transaction(deal: Deal, origin: FactValue | None) -> str | None:
    """What the countries make of it; None where they, or the item's origin, leave it open."""
    if deal.seller is None or deal.buyer is None:
        return None
    if deal.seller == deal.buyer:
        if deal.seller == US or origin is None:
            return "domestic" if deal.seller == US else None
        return "in_country_transfer" if origin == US else "domestic"
    if deal.seller == US:
        return "export_from_us"
    if origin is None:
        return None
    return "reexport" if origin == US else f"export_from_{deal.seller.lower()}"
