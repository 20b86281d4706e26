"""Where things come from: the countries that a chip, a system or a model's licence depends on."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from accord.base.errors import CatalogError
from accord.base.source import Basis
from accord.catalog.value import Count, Sources

Component = Literal[
    "design", "fab", "packaging", "hbm", "switch", "host_cpu", "software", "licence", "tools", "assembly"
]
Supply = Literal["current", "installed", "stock", "copies", "ended"]
COUNTRY = re.compile(r"[A-Z]{2}")


class Supplier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who makes a component and where; several for one component are alternatives.

    component: ``hbm`` is the memory beside the chip of any kind, ``switch`` the chips of the scale-up network,
        ``tools`` those of the foundry, ``assembly`` the rest of the system and putting it together
    countries: ISO codes of two letters, all of them needed, the supplier's own first; empty where there is no such
        component (the chips of a torus have no switch)
    supply: ``current``; ``installed``: works on without its maker, but does not grow or get spare parts; ``stock``:
        bought before its maker had to stop; ``copies``: free to copy for ever; ``ended``: no longer supplied
    share: of the component this supplier makes [1], None where nobody says
    capex_share: of the system's price that the component makes up [1], None where nobody says
    """

    component: Component
    company: str
    countries: tuple[str, ...]
    source: str
    basis: Basis
    supply: Supply = "current"
    share: Count | None = None
    capex_share: Count | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no country code and a share outside 0 to 1. Raises CatalogError."""
        for country in self.countries:
            if not COUNTRY.fullmatch(country):
                hint = "write the two capital letters of ISO 3166, such as CN, TW or US"
                raise CatalogError(f"countries has {country!r}, no country code", hint=hint)
        for name in ("share", "capex_share"):
            value = getattr(self, name)
            if value is not None and not all(0.0 <= point <= 1.0 for point in value.spread()):
                raise CatalogError(f"{name} is not between 0 and 1", hint="write 40 % as 0.4")


class Origin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Suppliers of what the ids name.

    chips, systems, models, engines, families, vendors: what this entry speaks of; for each component the most
        special entry that has a supplier of it counts, in this order: system, chip, family of chips, vendor;
        a vendor's ``software`` is that of its chips, engines are named one by one
    """

    id: str
    name: str
    chips: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    suppliers: tuple[Supplier, ...]
    sources: Sources
