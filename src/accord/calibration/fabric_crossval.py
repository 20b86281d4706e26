"""Collectives predicted by fits that have not seen their system, chip, family or source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from accord.api.fabric_validate import CatalogFabricLookup, DrawnFabricLookup
from accord.base.array import Array
from accord.base.errors import AccordError
from accord.calibration.fabric_fit import FabricFit, solve, teaching
from accord.catalog.load import Catalog
from accord.fabric.collective import collective
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.validation.fabric_predict import group_of, predict
from accord.validation.fabric_rows import FabricRow, question_of, to_score
from accord.validation.fabric_score import score_one
from accord.validation.score import Scored

By = Literal["system", "chip", "family", "source"]
NOT_LEFT_OUT = "exchange parameters of the calibration"


class FittedFabricLookup:
    """The systems of the catalog with the parameters of a fit."""

    def __init__(self, plain: CatalogFabricLookup, fit: FabricFit) -> None:
        """Put the numbers of ``fit`` in the place of the catalog's."""
        self._plain, self._fit = plain, fit

    def facts(self, system: str) -> tuple[Machine, Efficiency]:
        """The machine and its parameters. Raises AccordError where the catalog has none."""
        machine, efficiency = self._plain.facts(system)
        numbers, fits = self._fit.of(self._plain.family(system))
        changed = replace(efficiency, numbers={**efficiency.numbers, **numbers}, fits={**efficiency.fits, **fits})
        return machine, changed


def keys_of(plain: CatalogFabricLookup) -> Mapping[By, Callable[[FabricRow], str]]:
    """What a row belongs to, by the kind of group that is left out."""

    def family(row: FabricRow) -> str:
        try:
            return plain.family(row.system)
        except AccordError:
            return ""

    return MappingProxyType(
        {
            "system": lambda row: row.system,
            "chip": lambda row: row.text["chip"],
            "family": family,
            "source": lambda row: row.text["source_id"],
        }
    )


def fits_without(catalog: Catalog, rows: Sequence[FabricRow], by: By) -> dict[str, FabricFit]:
    """Fits without the rows of each group in turn, by the group's name."""
    key = keys_of(CatalogFabricLookup(catalog))[by]
    names = sorted({key(row) for row in teaching(rows)})
    return {name: solve(catalog, [row for row in rows if key(row) != name]) for name in names}


def scored_without(catalog: Catalog, rows: Sequence[FabricRow], by: By, level: float = 0.9) -> tuple[Scored, ...]:
    """Rows that count, each beside the prediction of the fit that has not seen its group.

    Exchanges of experts follow parameters of another fit, which is not done again; that is named as assumed.
    """
    plain = CatalogFabricLookup(catalog)
    key, fits, counted = keys_of(plain)[by], fits_without(catalog, rows, by), to_score(rows)
    whole = solve(catalog, rows)
    lookups = {
        name: (FittedFabricLookup(plain, fit), DrawnFabricLookup(FittedFabricLookup(plain, fit)))
        for name, fit in {**fits, "": whole}.items()
    }
    found = []
    for row in (row for row in rows if row.id in counted):
        pair = lookups.get(key(row), lookups[""])
        scored = score_one(row, *pair, level)
        if question_of(row).kind != "collective":
            scored = replace(scored, assumed=(*scored.assumed, NOT_LEFT_OUT))
        found.append(scored)
    return tuple(found)


def errors_without(catalog: Catalog, rows: Sequence[FabricRow], by: By = "system") -> Array:
    """ln(predicted / measured) of the rows that teach, each by the fit that has not seen its group."""
    plain = CatalogFabricLookup(catalog)
    key, fits = keys_of(plain)[by], fits_without(catalog, rows, by)
    lookups = {name: FittedFabricLookup(plain, fit) for name, fit in fits.items()}
    found = []
    for row in teaching(rows):
        try:
            made = predict(question_of(row), row.text["metric"], *lookups[key(row)].facts(row.system))
        except AccordError:
            continue
        if made.value is not None:
            found.append(np.log(made.value[0] / row.numbers["value"]))
    return np.array(found)


def latency_shares(catalog: Catalog, fit: FabricFit) -> Array:
    """Share of launch and steps in each row's predicted time [1], shape ``(R,)``."""
    lookup = FittedFabricLookup(CatalogFabricLookup(catalog), fit)
    found = []
    for row in fit.rows:
        machine, efficiency = lookup.facts(row.system)
        asked = question_of(row)
        size, group = np.array([asked.size_bytes]), group_of(asked, machine)
        made = collective(asked.name, size, group, machine, efficiency, asked.algorithm)
        found.append(float((made.base_s[0] + made.latency_s[0]) / made.total_s[0]))
    return np.array(found)
