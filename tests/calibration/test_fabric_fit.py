"""The fit of collectives: it finds what made its rows, and its entries are those that are packaged."""

from __future__ import annotations

import csv
import io
import math
from functools import cache

import numpy as np
import pytest
from tests.validation.fabric import HEADER, shared

from accord.api.fabric_validate import CatalogFabricLookup
from accord.calibration.fabric_crossval import fits_without, latency_shares, scored_without
from accord.calibration.fabric_entries import entries_of, residuals_of
from accord.calibration.fabric_fit import BELIEFS, FabricFit, solve, teaching
from accord.catalog.load import load_catalog
from accord.validation.fabric_predict import predict
from accord.validation.fabric_rows import FabricRow, question_of, read_fabric
from accord.validation.fabric_score import by_system

CATALOG = load_catalog()


@cache
def rows() -> tuple[FabricRow, ...]:
    """The shared table."""
    return read_fabric(shared(), "fabric.csv")


@cache
def fit() -> FabricFit:
    """Fitted once."""
    return solve(CATALOG, rows())


def made(factor: float = 1.0) -> tuple[FabricRow, ...]:
    """Rows that the packaged parameters predict, times a factor."""
    lookup, lines = CatalogFabricLookup(CATALOG), [HEADER.split(",")]
    systems = (("nvidia-hgx-a100-8", "nvidia-a100-sxm-80"), ("nvidia-hgx-h100-8", "nvidia-h100-sxm"))
    for system, chip in systems:
        for name in ("all_reduce", "all_gather", "all_to_all"):
            for ranks in (2, 4, 8):
                for log in range(12, 33, 4):
                    cells = [
                        f"r{len(lines)}", "s", "s", "2026", "measured", "high", chip, system, "intra-node", str(ranks),
                        "1", name, "default", "l", str(2**log), "time_s", "1", "s", "", "",
                    ]  # fmt: skip
                    one = read_fabric(_table([lines[0], cells]), "t.csv")[0]
                    value = predict(question_of(one), "time_s", *lookup.facts(system)).value
                    cells[16] = repr(float(value[0]) * factor) if value is not None else "1"
                    lines.append(cells)
    return read_fabric(_table(lines), "t.csv")


def _table(lines: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def test_it_finds_the_parameters_that_made_the_rows() -> None:
    found = solve(CATALOG, made())
    assert np.max(np.abs(found.errors)) < 0.05
    for family in ("nvidia-ampere", "nvidia-hopper"):
        for name in ("collective.share.scale-up", "collective.step_s.scale-up"):
            true = CATALOG.constants("collectives", family).parameters[name].si
            assert found.values[name, family] == pytest.approx(true, rel=0.1), (name, family)


def test_slower_rows_give_slower_parameters() -> None:
    plain, slow = solve(CATALOG, made()), solve(CATALOG, made(1.3))
    assert slow.values["collective.base_s", "nvidia-hopper"] > plain.values["collective.base_s", "nvidia-hopper"]
    share = "collective.share.scale-up"
    assert slow.values[share, "nvidia-hopper"] < plain.values[share, "nvidia-hopper"]


def test_few_numbers_are_fitted() -> None:
    assert fit().count <= 20
    assert fit().count < len(fit().rows) / 10


def test_the_order_and_names_of_rows_do_not_matter() -> None:
    again = solve(CATALOG, tuple(reversed(rows())))
    for key, value in fit().values.items():
        assert again.values[key] == pytest.approx(value, rel=1e-9)


def test_families_without_rows_are_less_sure() -> None:
    numbers, fits = fit().of("google-tpu")
    for name in BELIEFS:
        assert numbers[name] == fit().values[name, ""]
        assert fits[name].log_sd >= fit().fits[name, "nvidia-hopper"].log_sd


def test_packaged_entries_are_those_of_the_table() -> None:
    shares = latency_shares(CATALOG, fit())
    residuals = residuals_of(fit(), shares, np.array([0.2]))
    for id, entry in entries_of(fit(), rows(), residuals, "2026-01-01").items():
        packaged = CATALOG.constants("collectives", id)
        assert set(packaged.parameters) == set(entry.parameters)
        for name, value in entry.parameters.items():
            if name != "residual.collective.scale-out":
                assert packaged.parameters[name].si == pytest.approx(value.si, rel=5e-3), (id, name)
        assert {name: one.n for name, one in packaged.fits.items()} == {name: one.n for name, one in entry.fits.items()}
        assert all(value.source in entry.sources and value.note for value in entry.parameters.values())


def test_systems_left_out_are_within_their_target() -> None:
    """A generation of which no row is left, and one of two systems of a generation."""
    chosen = ("nvidia-hgx-a100-8", "nvidia-hgx-h100-8", "nvidia-hgx-h200-8")
    mine = [row for row in rows() if row.system in chosen]
    errors = by_system(mine, scored_without(CATALOG, mine, "system"))
    assert len(errors) == 3
    for one in errors:
        assert math.expm1(one.median_abs_log_error) <= 0.25, one


def test_nothing_of_a_group_is_in_its_own_fit() -> None:
    for name, left in fits_without(CATALOG, made(), "chip").items():
        assert len(left.rows) < len(teaching(made()))
        assert all(row.text["chip"] != name for row in left.rows)
