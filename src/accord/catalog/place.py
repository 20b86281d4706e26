"""A place: what electricity costs there, what it emits, how buildings are cooled."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from accord.catalog.value import Fact, Sources, fact_units

_FACTS = {"pue": "1", "carbon_intensity": "kgCO2e/kWh"}


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A country, or a region or site within one.

    country: ISO 3166 code of two letters, in capitals; within: id of the place around it
    facts: by name, among them electricity_industrial, electricity_business, electricity_data_centre,
        electricity_residential [USD/kWh or another currency], carbon_intensity [kgCO2e/kWh], pue [1]
    """

    id: str
    name: str
    kind: Literal["country", "region", "site"]
    country: str
    within: str | None = None
    facts: Annotated[dict[str, Fact], fact_units(_FACTS)] = {}
    sources: Sources
