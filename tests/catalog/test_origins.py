"""The catalog's origins: what they cover, that they name what exists, that nobody contradicts himself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from accord.base.errors import CatalogError
from accord.catalog.check import check_catalog
from accord.catalog.load import load_catalog, load_file
from accord.catalog.origin import Origin
from accord.planner.origin_shares import supplier_ranges

CATALOG = load_catalog()
ORIGINS = [CATALOG.origin(id) for id in CATALOG.ids("origins")]
NAMED = (("chips", "chips"), ("systems", "systems"), ("models", "models"), ("engines", "engines"))

ENTRY = """
id: example
name: Example
chips: [example-chip]
suppliers:
  - component: fab
    company: "Example"
    countries: [CN]
    share: {value: 0.5, basis: assumed, source: S}
    basis: assumed
    source: S
sources:
  S: {title: "Made up", publisher: "Accord", date: 2026-11-25}
"""


@pytest.mark.parametrize("field, kind", NAMED)
def test_named_entries_exist(field: str, kind: str) -> None:
    for origin in ORIGINS:
        assert set(getattr(origin, field)) <= set(CATALOG.ids(kind)), origin.id


def test_families_and_vendors_exist() -> None:
    chips = [CATALOG.chip(id) for id in CATALOG.ids("chips")]
    vendors = {chip.vendor for chip in chips} | {CATALOG.system(id).vendor for id in CATALOG.ids("systems")}
    for origin in ORIGINS:
        assert set(origin.families) <= {chip.family for chip in chips}, origin.id
        assert set(origin.vendors) <= vendors, origin.id


def test_one_entry_speaks_of_a_component_of_each_thing() -> None:
    told: Counter[tuple[str, str, str]] = Counter()
    for origin in ORIGINS:
        for field in ("chips", "systems", "models", "engines", "families", "vendors"):
            components = {line.component for line in origin.suppliers}
            told.update((field, name, component) for name in getattr(origin, field) for component in components)
    assert [key for key, times in told.items() if times > 1] == []


def test_shares_of_a_component_can_add_up() -> None:
    for origin in ORIGINS:
        for component in {line.component for line in origin.suppliers}:
            ranges, rest = supplier_ranges([line for line in origin.suppliers if line.component == component])
            assert sum(low for low, _ in ranges) + rest[0] <= 1.0 + 1e-9, origin.id
            assert sum(high for _, high in ranges) + rest[1] >= 1.0 - 1e-9, origin.id


def test_shares_of_a_price_add_up() -> None:
    for origin in ORIGINS:
        shares = [line.capex_share.si for line in origin.suppliers if line.capex_share is not None]
        assert not shares or sum(shares) == pytest.approx(1.0, abs=0.002), origin.id


def test_every_chip_model_and_engine_is_covered() -> None:
    for id in CATALOG.ids("chips"):
        chip = CATALOG.chip(id)
        names = {("chips", id), ("families", chip.family), ("vendors", chip.vendor)}
        told = {line.component for one in ORIGINS for line in one.suppliers if _speaks_of(one, names)}
        assert {"design", "software", "tools"} <= told, id
    for kind, component in (("models", "licence"), ("engines", "software")):
        for id in CATALOG.ids(kind):
            lines = [line for one in ORIGINS if id in getattr(one, kind) for line in one.suppliers]
            assert [line for line in lines if line.component == component], id


def test_what_was_not_seen_is_assumed() -> None:
    for origin in ORIGINS:
        for line in origin.suppliers:
            if origin.sources[line.source].url is None:
                assert line.basis == "assumed", origin.id


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("[CN]", "[China]", "no country code"),
        ("[CN]", "[cn]", "no country code"),
        ("value: 0.5", "value: 1.5", "not between 0 and 1"),
        ("component: fab", "component: fabs", "fabs"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "origins" / "example.yaml"
    path.parent.mkdir()
    path.write_text(ENTRY)
    assert isinstance(load_file(path, "origins"), Origin)
    path.write_text(ENTRY.replace(old, new))
    with pytest.raises(CatalogError, match=words) as caught:
        load_file(path, "origins")
    assert "example.yaml:" in str(caught.value)


def test_a_supplier_needs_a_source_of_the_entry(tmp_path: Path) -> None:
    path = tmp_path / "origins" / "example.yaml"
    path.parent.mkdir()
    path.write_text(ENTRY.replace("    source: S\n", "    source: T\n"))
    problems = check_catalog(load_catalog((tmp_path,))).problems
    assert [problem for problem in problems if "no source of this entry" in problem]


def _speaks_of(origin: Origin, names: set[tuple[str, str]]) -> bool:
    return any(name in getattr(origin, field) for field, name in names)
