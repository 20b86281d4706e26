"""A place: what electricity costs there, what it emits, how buildings are cooled."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from accord.base.errors import CatalogError
from accord.catalog.value import Fact, Sources, fact_units

_FACTS = {"pue": "1", "carbon_intensity": "kgCO2e/kWh"}


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A country, or a region or site within one.

    country: ISO 3166 code of two letters, in capitals; within: id of the place around it, none for a country
    facts: by name, among them electricity_industrial, electricity_business, electricity_data_centre,
        electricity_residential [USD/kWh or another currency], carbon_intensity [kgCO2e/kWh], pue [1]; a name that
        ends in a year, such as electricity_industrial_2023, holds for that year
    """

    id: str
    name: str
    kind: Literal["country", "region", "site"]
    country: str
    within: str | None = None
    facts: Annotated[dict[str, Fact], fact_units(_FACTS)] = {}
    sources: Sources

    def __post_init__(self) -> None:
        """Refuse what is no code of a country, and a place that nothing is around. Raises CatalogError."""
        if not re.fullmatch(r"[A-Z]{2}", self.country):
            raise CatalogError(
                f"country is {self.country!r}, not two capital letters", hint="write the ISO 3166 code, such as 'US'"
            )
        if self.kind == "country" and self.within is not None:
            raise CatalogError(f"within is {self.within!r}, but nothing is around a country", hint="drop 'within:'")
        if self.kind != "country" and self.within is None:
            raise CatalogError(
                f"kind is {self.kind!r}, but 'within' is missing", hint="add 'within:', the id of the place around it"
            )
