"""The fit of collectives on small tables made from known parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from accord.calibration import collective_tables
from accord.calibration.collective_tables import Timed, read_all, timed
from accord.calibration.collectives import GENERIC, CollectiveFit, fit_tables, log_error
from accord.hardware.fabric import FabricTier
from accord.ops.op import Phase

LINKS = (FabricTier("A", "scale-up", 8.0, 400e9), FabricTier("B", "scale-out", math.inf, 50e9))
MADE_UP = (
    ("nvidia-ampere", "chip-a", 1.0),
    ("nvidia-hopper", "chip-b", 1.0),
    ("nvidia-hopper", "chip-c", 1.2),
)
TRUE = {
    "link.scale-up": 0.85, "link.scale-out": 0.75, "reduce.local": 0.5, "reduce.chunk_s": 2e-6,
    "reduce.base_s.scale-up": 5e-6, "reduce.per_doubling_s": 1e-6, "reduce.share.switch": 0.5,
    "dispatch.base_s": 9e-6, "combine.base_s": 1.2e-5, "exchange.layout_s": 2e-5, "exchange.per_doubling_s": 2e-6,
    "exchange.share.dispatch": 0.6, "exchange.share.combine": 0.5, "exchange.share.prefill": 0.7,
    "exchange.local": 0.8, "send.base_s.scale-out": 1e-5, "reduce.base_s.scale-out": 3e-5,
}  # fmt: skip
UNTOLD = ("reduce.share.switch", "reduce.base_s.scale-out")  # no row of the chip that is looked at speaks of them
LOGS = {name: math.log(number) for name, number in TRUE.items()}
COPIES = 5  # tables of a kind, so that they outweigh what is believed beforehand
FAMILIES: tuple[tuple[str, Phase, float], ...] = (
    ("reduce", "decode", 0.0), ("dispatch", "decode", 8.0), ("combine", "decode", 8.0), ("dispatch", "prefill", 8.0),
    ("combine", "prefill", 8.0), ("dispatch", "decode", 2.0), ("combine", "prefill", 2.0),
)  # fmt: skip


def made() -> Iterator[tuple[str, str, str, str, Phase, float, list[tuple[float, ...]]]]:
    """Rows as the true parameters time them; a chip's factor slows all of it."""
    for (entry, chip, slower), (family, phase, copies), at in product(MADE_UP, FAMILIES, range(COPIES)):
        ranks = (2.0, 4.0, 8.0) if family == "reduce" else (8.0, 16.0, 32.0)
        shapes = [(many, size, 1.0) for many in ranks for size in np.geomspace(1e3, 1e9, 7) * (1.0 + at / 8)]
        blank = timed("made 1", chip, entry, family, LINKS, shapes, engine="vllm", phase=phase, copies=copies)
        seconds = np.exp(log_error(blank, LOGS)) * slower
        columns = (blank.op.ranks.tolist(), blank.op.wire_bytes.tolist(), seconds.tolist())
        rows: list[tuple[float, ...]] = list(zip(*columns, strict=True))
        yield f"made{at} {family} {phase}", entry, chip, family, phase, copies, rows


def tables(order: np.random.Generator | None = None) -> list[Timed]:
    found: list[Timed] = []
    for name, entry, chip, family, phase, copies, rows in made():
        if order is not None:
            rows = [rows[at] for at in order.permutation(len(rows))]
        found.append(timed(name, chip, entry, family, LINKS, rows, engine="vllm", phase=phase, copies=copies))
    if order is not None:
        found = [found[at] for at in order.permutation(len(found))]
    return found


@pytest.fixture(scope="module")
def fit() -> CollectiveFit:
    pytest.importorskip("scipy")
    return fit_tables(tables())


@pytest.mark.parametrize("name", [name for name in TRUE if name not in UNTOLD])
def test_known_parameters_are_found_again(fit: CollectiveFit, name: str) -> None:
    found = fit.parameters["nvidia-ampere"][name]
    tolerance = 0.3 if ".local" in name or ".per_doubling" in name else 0.12
    assert found.value == pytest.approx(TRUE[name], rel=tolerance)
    assert found.log_sd > 0.0
    assert found.chips == ("chip-a",)
    assert found.n > 0


def test_tables_of_their_own_chip_are_met(fit: CollectiveFit) -> None:
    errors = {(error.chip, error.table): error for error in fit.errors}
    assert len(errors) == len(fit.errors) == 3 * 5 * COPIES
    assert all(error.median_in_sample < 0.02 for key, error in errors.items() if key[0] == "chip-a")
    assert all(error.median_left_out < 0.35 for error in fit.errors)


def test_chips_that_differ_widen_what_they_share(fit: CollectiveFit) -> None:
    lone, two, all_three = (fit.parameters[entry] for entry in ("nvidia-ampere", "nvidia-hopper", GENERIC))
    for name in ("link.scale-up", "dispatch.base_s", "exchange.share.prefill"):
        assert two[name].log_sd > lone[name].log_sd
        assert two[name].chips == ("chip-b", "chip-c")
        assert all_three[name].log_sd > 0.5 * two[name].log_sd
        assert all_three[name].n == lone[name].n + two[name].n


def test_an_engine_without_tables_gets_the_mean_of_the_others(fit: CollectiveFit) -> None:
    own, mean = (fit.parameters["nvidia-hopper"][f"reduce.chunk_s{suffix}"] for suffix in (".vllm", ""))
    assert mean.value == own.value
    assert mean.log_sd > own.log_sd


def test_sums_in_a_switch_are_not_handed_to_other_families(fit: CollectiveFit) -> None:
    assert "reduce.share.switch" in fit.parameters["nvidia-hopper"]
    assert "reduce.share.switch" not in fit.parameters[GENERIC]


def test_the_order_of_rows_and_tables_changes_no_bit(fit: CollectiveFit) -> None:
    assert fit_tables(tables(np.random.default_rng(3))) == fit


def test_no_table() -> None:
    with pytest.raises(ValueError, match="no table"):
        fit_tables([])


# Reading


def test_rows_are_sorted_thinned_evenly_and_one_a_shape() -> None:
    rows = [(8.0, float(size), 2e-6 * size) for size in range(400, 0, -1)]
    found = timed("t 1", "chip", "nvidia-hopper", "reduce", LINKS, [*rows, (8.0, 1.0, 8e-6), (8.0, 1.0, 5e-6)])
    assert found.op.wire_bytes.tolist() == [float(size) for size in range(1, 401, 5)]
    assert found.seconds[0] == 5e-6


def test_only_the_newest_table_of_an_engine_is_fitted_on() -> None:
    rows = [(8.0, 1e3 * size, 1e-6 * size) for size in range(1, 6)]
    names = ("custom_allreduce vllm 0.9.2", "custom_allreduce vllm 0.10.0", "nccl nccl 2.3")
    given = [timed(name, "chip", "nvidia-hopper", "reduce", LINKS, rows, engine=name.split()[1]) for name in names]
    assert [rows.fitted for rows in collective_tables._newest(given)] == [False, True, True]


def test_a_copied_table_counts_once() -> None:
    rows = [(8.0, 1e3 * size, 1e-6 * size) for size in range(1, 6)]
    given = [timed("t 1", chip, "nvidia-hopper", "reduce", LINKS, rows) for chip in ("a", "b")]
    assert [rows.chip for rows in collective_tables._originals(given)] == ["a"]


def test_the_packaged_tables_respect_the_wires() -> None:
    """Sizes as bytes: no all-reduce of a large message beats the nominal rate of its link."""
    pytest.importorskip("aiconfigurator_core")
    pytest.importorskip("pyarrow")
    for rows in read_all():
        if rows.op.stage == "reduce":
            large = rows.op.wire_bytes > 1e8
            moved = (1.0 + 1.0 / rows.op.ranks) * rows.op.wire_bytes
            ring = 2.0 * (rows.op.ranks - 1.0) / rows.op.ranks * rows.op.wire_bytes
            rate = np.minimum(moved, ring) / rows.seconds
            assert np.all(rate[large] < rows.tiers[0].bytes_per_s), rows.table
