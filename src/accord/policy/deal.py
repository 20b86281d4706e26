"""Who sends what to whom, as facts: the transaction follows from the countries and from whose law follows the item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from accord.policy.facts import Facts, FactValue

US = "US"
_ELSEWHERE = "--"  # a country that no rule names


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


def moves(deal: Deal, item: Facts) -> tuple[str, ...]:
    """Every transaction that a deal whose sender, or whose item's origin, is not told could be; none where it is clear.

    What moves nothing (use, tests) is left out: who means that says so.
    """
    origin = item.get("origin", item.get("designer_hq"))
    if deal.transaction is not None or deal.buyer is None or _transaction(deal, origin) is not None:
        return ()
    sellers = (deal.seller,) if deal.seller is not None else (US, deal.buyer, _ELSEWHERE)
    origins = (origin,) if origin is not None else (US, _ELSEWHERE)
    found = (_transaction(replace(deal, seller=seller), one) for seller in sellers for one in origins)
    return tuple(dict.fromkeys(word for word in found if word is not None))


def _transaction(deal: Deal, origin: FactValue | None) -> str | None:
    """What the countries make of it; None where they, or the item's origin, leave it open."""
    if deal.seller is None or deal.buyer is None:
        return None
    if deal.seller == US:
        return "domestic" if deal.buyer == US else "export_from_us"
    if deal.buyer == US:
        return f"export_from_{deal.seller.lower()}"  # a reexport goes from one foreign country to another
    if origin is None:
        return None
    if deal.seller == deal.buyer:
        return "in_country_transfer" if origin == US else "domestic"
    return "reexport" if origin == US else f"export_from_{deal.seller.lower()}"
