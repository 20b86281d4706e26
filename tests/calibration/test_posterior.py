"""Factors folded into numbers, and the records that are written of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests import rig
from tests.calibration.test_rows_stage import read, table

pytest.importorskip("scipy")
from accord.api.drawn import Chosen
from accord.base.array import Array
from accord.calibration.book import Entry, calibrations, stated
from accord.calibration.numbers import FittedNumber
from accord.calibration.posterior import folded
from accord.calibration.priors import NOTES, Shift, shifts
from accord.calibration.rows_stage import Problem, RowFit
from accord.catalog.calibration import NEEDED, Calibration

CHIP, MEASURED = "nvidia-h100-sxm", "huawei-ascend-910c"
FREE = (
    Shift("generic", "launch_s", 0.5), Shift("generic", "gemm.compute", 0.15),
    Shift("nvidia-hopper", "gemm.compute", 0.1), Shift("ascend", "gemm.compute", None),
    Shift("generic", "grouped.memory", 0.1),
)  # fmt: skip
LOGS = np.array([0.3, 0.2, 0.4, -0.5, -0.1])
SD = np.array([0.2, 0.05, 0.04, 0.1, 0.08])


def number(value: float, log_sd: float = 0.1, n: int = 100, chips: tuple[str, ...] = (CHIP,)) -> FittedNumber:
    return FittedNumber(value, log_sd, n, chips)


def entry(id: str, parent: str | None, numbers: dict[str, FittedNumber], **fields: tuple[str, ...]) -> Entry:
    given: dict[str, tuple[str, ...]] = {"families": (), "chips": (), **fields}
    return Entry(id, parent, given["families"], given["chips"], numbers, {}, dict.fromkeys(numbers, "AIC"))


def book() -> dict[str, Entry]:
    judged = {name: number(0.4, 0.3) for name in NEEDED} | {"launch_s": number(2e-6, 0.5, 0, ())}
    found = {
        "generic": entry("generic", None, judged),
        "nvidia-hopper": entry("nvidia-hopper", "generic", {"gemm.compute.bf16": number(0.7, 0.12)},
                               families=("nvidia-hopper",)),
        CHIP: entry(CHIP, "nvidia-hopper", {"gemm.compute.bf16": number(0.8, 0.06)}, chips=(CHIP,)),
        "ascend": entry("ascend", "generic", {}, families=("ascend-910",)),
        "amd": entry("amd", "generic", {}, families=("amd-cdna3",)),
    }  # fmt: skip
    return stated(found, "ascend", [shift for shift in FREE if shift.entry == "ascend"])


def problem(slopes: Array | None = None) -> tuple[Problem, RowFit]:
    """Three rows of a Hopper chip and one of an Ascend; each factor is told of by some."""
    ascend = {"chip": MEASURED, "system": MEASURED}
    rows = read(table({}, {"batch_per_device": "8"}, {"batch_per_device": "9"}, ascend))
    told = np.array([[0.5, 0.3, 0.3, 0.0, 0.0], [0.0, 0.3, 0.3, 0.0, 0.0], [0.0, 0.01, 0.3, 0.0, 0.0],
                     [0.4, 0.0, 0.0, 0.6, 0.0]]) if slopes is None else slopes  # fmt: skip
    posed = Problem(rows, np.zeros(4), np.ones(4), FREE, SD * 2, Chosen(rig.catalog()))
    return posed, RowFit(LOGS, np.diag(SD**2), np.zeros(4), told)


MADE = folded(rig.catalog(), book(), *problem())


@pytest.mark.parametrize(("id", "name", "value", "moved"), [
    ("generic", "launch_s", 2e-6, 0.3), ("generic", "gemm.compute", 0.4, 0.2), ("generic", "grouped.memory", 0.4, -0.1),
    ("generic", "linear.compute", 0.4, 0.0), ("nvidia-hopper", "gemm.compute.bf16", 0.7, 0.6),
    (CHIP, "gemm.compute.bf16", 0.8, 0.6), ("ascend", "gemm.compute", 0.4, -0.3),
    ("generic", "fused.memory", 0.4, -0.1),
])  # fmt: skip
def test_every_factor_along_the_chain_is_folded_in(id: str, name: str, value: float, moved: float) -> None:
    assert MADE[id].numbers[name].value == pytest.approx(value * math.exp(moved))


def test_variances_add_to_what_tables_leave_open() -> None:
    hopper = MADE["nvidia-hopper"].numbers["gemm.compute.bf16"]
    assert hopper.log_sd == pytest.approx(math.hypot(0.12, math.hypot(0.05, 0.04)))
    left = MADE["generic"].numbers["launch_s"].log_sd
    assert left == pytest.approx(math.hypot(0.2, 0.15)), "what the rows leave, and how chips differ"
    assert MADE["generic"].numbers["linear.compute"].log_sd == pytest.approx(math.hypot(0.3, 0.15))


def test_rows_and_chips_that_tell_of_a_factor_are_counted() -> None:
    launch, hopper = MADE["generic"].numbers["launch_s"], MADE["nvidia-hopper"].numbers["gemm.compute.bf16"]
    assert (launch.n, launch.chips) == (2, (MEASURED, CHIP))
    assert (hopper.n, hopper.chips) == (100 + 3, (CHIP,))
    untold = MADE["generic"].numbers["grouped.memory"]
    assert (untold.n, untold.chips) == (100, (CHIP,))
    assert MADE["generic"].sources["launch_s"] == "ROWS"
    assert MADE["nvidia-hopper"].sources["gemm.compute.bf16"] == "AIC"


def test_a_chip_with_rows_has_an_entry_and_its_unmeasured_family_a_wider_one() -> None:
    own, family = MADE[MEASURED], MADE["ascend"]
    assert (own.parent, own.chips, own.families) == ("ascend", (MEASURED,), ())
    assert set(own.numbers) == {"gemm.compute"}
    assert own.numbers["gemm.compute"].value == family.numbers["gemm.compute"].value
    assert own.numbers["gemm.compute"].log_sd < family.numbers["gemm.compute"].log_sd
    assert own.numbers["gemm.compute"].chips == (MEASURED,)
    assert family.correlations == {}


def records(made: dict[str, Entry]) -> dict[str, Calibration]:
    return calibrations(made, "2026-11-22", NOTES)


def test_no_share_is_written_above_the_whole() -> None:
    hopper = MADE["nvidia-hopper"].numbers["gemm.compute.bf16"]
    assert hopper.value > 1.0
    written = records(MADE)
    assert written["nvidia-hopper"].parameters["gemm.compute.bf16"].si == 1.0
    for record in written.values():
        for name, value in record.parameters.items():
            if ".compute" in name or ".memory" in name or name.startswith("link."):
                assert 0.0 < value.si <= 1.0, (record.id, name)


def test_what_rows_tell_together_stays_tied() -> None:
    covariance = np.diag(SD**2)
    covariance[1, 2] = covariance[2, 1] = -0.9 * SD[1] * SD[2]
    covariance[0, 1] = covariance[1, 0] = 0.1 * SD[0] * SD[1]
    posed, fit = problem()
    made = folded(rig.catalog(), book(), posed, RowFit(fit.logs, covariance, fit.predicted, fit.slopes))
    for record in records(made).values():
        names = tuple(sorted({*record.correlations, *(name for row in record.correlations.values() for name in row)}))
        if names:
            np.linalg.cholesky(record.correlation(names))
    assert records(made)["generic"].correlations == {}


def test_the_factors_of_the_real_fit_are_about_something() -> None:
    """Every factor moves a number that some packaged entry states or inherits."""
    stated_names = {
        name for id in rig.catalog().ids("calibration") for name in rig.catalog().calibration(id).parameters
    }
    for shift in shifts():
        assert any(shift.moves(name) for name in stated_names), (shift.entry, shift.name)


@pytest.mark.parametrize(("shift", "name", "moves"), [
    ("gemm.compute", "gemm.compute", True), ("gemm.compute", "gemm.compute.fp8.vllm", True),
    ("gemm.compute", "gemm.computers", False), ("grouped.memory", "fused.memory.bf16", True),
    ("launch_s", "gemm.launch_s", False), ("engine.iteration_s", "engine.iteration_s.vllm", True),
    ("engine.iteration_s.vllm", "engine.iteration_s", False),
])  # fmt: skip
def test_which_numbers_a_factor_moves(shift: str, name: str, moves: bool) -> None:
    assert Shift("generic", shift, 0.1).moves(name) is moves
