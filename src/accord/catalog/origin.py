"""Where things come from: the countries that a chip, a system or a model's licence depends on."""

from __future__ import annotations

from typing import Literal

import msgspec

from accord.catalog.value import Fact, Sources

Component = Literal[
    "design", "fab", "packaging", "hbm", "switch", "host_cpu", "software", "licence", "tools", "assembly"
]


class Supplier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who makes a component and where; several for one component are alternatives or shares.

    countries: ISO codes of two letters; share: of the component this supplier makes [1], None where nobody says
    capex_share: of the system's price that the component makes up [1], None where nobody says
    """

    component: Component
    company: str
    countries: tuple[str, ...]
    source: str
    basis: Literal["measured", "published", "derived", "estimate", "assumed"]
    share: Fact | None = None
    capex_share: Fact | None = None
    note: str | None = None


class Origin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Suppliers of what the ids name.

    chips, systems, models, engines, families, vendors: what this entry speaks of; the more special entry goes first
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
