"""Measured collectives beside predictions."""

from __future__ import annotations

from accord.api.records import machine_of, training_efficiency
from accord.base.errors import AccordError
from accord.catalog.load import Catalog, load_catalog
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.inference.spread import draws
from accord.validation.fabric_rows import read_fabric
from accord.validation.fabric_score import FabricLookup, SystemErrors, by_system, score_fabric, show_fabric
from accord.validation.score import Scored

DRAWS = 256


def validate_fabric(content: str, name: str, catalog: Catalog | None = None, level: float = 0.9) -> tuple[Scored, ...]:
    """Score a table of collectives (CSV text; ``name`` is for messages). Raises TableError for a bad table."""
    plain, drawn = lookups(catalog or load_catalog())
    return score_fabric(read_fabric(content, name), plain, drawn, level)


def shown_fabric(content: str, name: str, catalog: Catalog | None = None, level: float = 0.9) -> tuple[Scored, ...]:
    """Rows of the same table that are in no total, beside predictions; see :func:`validate_fabric`."""
    plain, drawn = lookups(catalog or load_catalog())
    return show_fabric(read_fabric(content, name), plain, drawn, level)


def fabric_by_system(content: str, name: str, scored: tuple[Scored, ...]) -> tuple[SystemErrors, ...]:
    """Errors of each system of the table that was scored."""
    return by_system(read_fabric(content, name), scored)


def lookups(catalog: Catalog) -> tuple[CatalogFabricLookup, DrawnFabricLookup]:
    """Systems at the mean, and with parameters and disputed facts drawn."""
    plain = CatalogFabricLookup(catalog)
    return plain, DrawnFabricLookup(plain)


class CatalogFabricLookup:
    """Machines and parameters of the catalog, each built once."""

    def __init__(self, catalog: Catalog) -> None:
        """Look things up in ``catalog``."""
        self._catalog = catalog
        self._found: dict[str, tuple[Machine, Efficiency] | AccordError] = {}

    def facts(self, system: str) -> tuple[Machine, Efficiency]:
        """The machine of a system, or of a chip on its own. Raises AccordError where the catalog has none."""
        if system not in self._found:
            try:
                machine = machine_of(self._catalog, system)
                self._found[system] = (machine, training_efficiency(self._catalog, machine.chip))
            except AccordError as error:
                self._found[system] = error
        found = self._found[system]
        if isinstance(found, AccordError):
            raise found
        return found

    def family(self, system: str) -> str:
        """Family of a system's chip."""
        return self._catalog.chip(self.facts(system)[0].chip).family


class DrawnFabricLookup:
    """The systems of another lookup, their parameters and disputed facts drawn :data:`DRAWS` times."""

    def __init__(self, plain: FabricLookup) -> None:
        """Draw what ``plain`` finds."""
        self._plain = plain
        self._found: dict[str, tuple[Machine, Efficiency]] = {}

    def facts(self, system: str) -> tuple[Machine, Efficiency]:
        """The machine and its parameters, arrays of shape ``(S,)``."""
        if system not in self._found:
            machine, efficiency = self._plain.facts(system)
            sample = draws(machine, efficiency, None, DRAWS)
            self._found[system] = (sample.machine, sample.efficiency)
        return self._found[system]
