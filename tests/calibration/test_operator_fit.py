"""Operator tables: what counts of them, and the fit on tables that the cost model itself made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from tests.rig import device

from accord.base.array import Array
from accord.calibration.operators import Dataset, _by_format, _fastest, _label, bound_s, usable
from accord.calibration.tables import Table
from accord.catalog.calibration import Curve
from accord.ops.gemm import gemm
from accord.ops.op import Op, compute_op
from accord.ops.roofline import shape_factor

pytest.importorskip("scipy")
from accord.calibration.operator_fit import (
    Point,
    fit_curve,
    fit_point,
    modelled_s,
    names_of,
)
from accord.calibration.operator_stage import fit_operators

TRUE = {"launch_s": 4e-6, "compute": 0.62, "memory": 0.71, "walk": 1.5e5}
BOWL = Curve(rows=(2.0, 6.0, 11.0), width=(20.0, 24.0, 28.0), n=1,
             log=((0.3, 0.1, 0.0), (0.1, 0.0, -0.1), (0.0, -0.1, -0.3)))  # fmt: skip


def products(fmt: str = "bf16", steps: int = 12) -> tuple[Op, ...]:
    rows, width, inner = (2.0 ** np.linspace(low, high, steps) for low, high in ((0, 13), (8, 14), (8, 13)))
    m, n, k = (part.ravel() for part in np.meshgrid(rows, width, inner[::3], indexing="ij"))
    return (gemm("product", "ffn", fmt, m, k, n, 1.0),)


def decodes(steps: int = 20) -> tuple[Op, ...]:
    requests, entries = np.meshgrid(2.0 ** np.linspace(0, 8, steps), 2.0 ** np.linspace(4, 16, steps), indexing="ij")
    moved = (requests * entries * 2048.0).ravel()
    flop = (requests * entries * 2048.0 * np.where(entries < 1000, 8.0, 400.0)).ravel()
    return (
        compute_op("core", "attention_decode", "attention", "bf16", flop, moved, rows=entries.ravel(), width=moved),
    )


def dataset(
    ops: tuple[Op, ...], chip: str = "chip-a", curve: Curve | None = None, changes: Mapping[str, float] | None = None
) -> Dataset:
    """A table as the model times it."""
    made = Dataset("table", ops[0].family, ops[0].fmt, chip, ops, np.ones_like(ops[0].flop))
    names = names_of(made.family)
    numbers = {**TRUE, **(changes or {})}
    logs = np.log([numbers[name] for name in names])
    return replace(made, seconds=modelled_s(made, device(), names, logs, curve))


def numbers(point: Point) -> dict[str, float]:
    return dict(zip(point.names, np.exp(point.logs).tolist(), strict=True))


# One chip


@pytest.mark.parametrize("changes", [
    {}, {"launch_s": 12e-6}, {"compute": 0.35, "memory": 0.9}, {"walk": 8e5, "memory": 0.5},
])  # fmt: skip
def test_known_numbers_are_found_again(changes: dict[str, float]) -> None:
    point = fit_point([dataset(products(), changes=changes)], device(), None)
    assert point.names == ("launch_s", "compute", "memory", "walk")
    assert numbers(point) == pytest.approx({**TRUE, **changes}, rel=0.05)
    assert np.all(point.variance > 0.0) and np.all(point.variance < 0.05)


def test_attention_has_no_walk() -> None:
    point = fit_point([dataset(decodes())], device(), None)
    assert point.names == ("launch_s", "compute", "memory")
    assert numbers(point) == pytest.approx({name: TRUE[name] for name in point.names}, rel=0.05)


def test_a_few_shapes_that_are_far_off_do_not_pull() -> None:
    made = dataset(products())
    seconds = made.seconds * np.where(np.arange(len(made)) % 25 == 0, 6.0, 1.0)
    point = fit_point([replace(made, seconds=seconds)], device(), None)
    assert numbers(point) == pytest.approx(TRUE, rel=0.08)


def test_noise_makes_the_numbers_less_sure() -> None:
    made = dataset(products())
    noise = np.exp(0.3 * np.random.default_rng(5).standard_normal(len(made)))
    exact, noisy = (fit_point([one], device(), None) for one in (made, replace(made, seconds=made.seconds * noise)))
    assert np.all(noisy.variance > exact.variance)
    assert numbers(noisy)["memory"] == pytest.approx(TRUE["memory"], rel=0.1)


def test_a_number_that_nothing_tells_of_stays_where_it_was_believed() -> None:
    large = products()[0]
    chosen = large.flop > 1e12  # far above any launch
    ops = (replace(large, **{name: getattr(large, name)[chosen] for name in
                             ("flop", "bytes", "depth", "rows", "width", "wire_bytes", "ranks")}),)  # fmt: skip
    point = fit_point([dataset(ops)], device(), None)
    assert numbers(point)["launch_s"] == pytest.approx(5e-6, rel=0.9)
    assert point.variance[0] > 10 * point.variance[1]


# Curves


def test_a_smooth_curve_is_found_again() -> None:
    made = dataset(products(), curve=BOWL)
    known = Point(names_of("gemm"), np.log(list(TRUE.values())), np.zeros(4))
    found = fit_curve([made], {"chip-a": device()}, {"chip-a": known})
    assert found is not None and found.n == len(made)
    op = made.ops[0]
    work = op.flop * 0.0 + 1.0
    true, fitted = (np.log(shape_factor(curve, op.rows * work, op.width)) for curve in (BOWL, found))
    inside = modelled_s(made, device(), known.names, known.logs, None) > 5 * TRUE["launch_s"]
    assert float(np.median(np.abs(true - fitted)[inside])) < 0.04
    assert float(np.max(np.abs(np.asarray(found.log)))) <= 1.0
    before, after = (
        float(np.median(np.abs(np.log(modelled_s(made, device(), known.names, known.logs, curve) / made.seconds))))
        for curve in (None, found)
    )
    assert after < 0.5 * before


def test_nothing_left_over_is_a_flat_curve() -> None:
    known = Point(names_of("gemm"), np.log(list(TRUE.values())), np.zeros(4))
    found = fit_curve([dataset(products())], {"chip-a": device()}, {"chip-a": known})
    assert found is not None
    assert float(np.max(np.abs(np.asarray(found.log)))) == 0.0


def test_few_shapes_make_no_curve() -> None:
    made = dataset(products(steps=5))
    known = Point(names_of("gemm"), np.log(list(TRUE.values())), np.zeros(4))
    assert len(made) < 200
    assert fit_curve([made], {"chip-a": device()}, {"chip-a": known}) is None


def test_the_stage_meets_the_tables_it_was_made_from() -> None:
    sets = [
        dataset(products(steps=10), chip, changes={"compute": share})
        for chip, share in (("a1", 0.6), ("a2", 0.66), ("b1", 0.45))
    ]
    devices, generations = dict.fromkeys(("a1", "a2", "b1"), device()), {"a1": "a", "a2": "a", "b1": "b"}
    found = fit_operators(sets, devices, generations)
    assert [error.chip for error in found.errors] == ["a1", "a2", "b1"]
    assert all(error.median_in_sample < 0.02 for error in found.errors)
    assert all(error.median_in_sample < error.median_left_out < 0.4 for error in found.errors)
    assert found.levels.entries["a1"]["gemm.compute.bf16"].value == pytest.approx(0.6, rel=0.05)
    again = fit_operators(sets[::-1], devices, generations)
    assert again == found, "the order of datasets does not matter"
    assert fit_operators(sets, devices, generations, judged=False).errors == ()


# What counts


def test_a_shape_counts_once_with_its_least_time() -> None:
    first = (np.array([[2.0, 8.0], [1.0, 4.0]]), np.array([5.0, 3.0]))
    second = (np.array([[1.0, 4.0], [3.0, 1.0], [2.0, 8.0]]), np.array([2.0, 7.0, 6.0]))
    keys, seconds = _fastest([first, second])
    assert keys.tolist() == [[1.0, 4.0], [2.0, 8.0], [3.0, 1.0]]
    assert seconds.tolist() == [2.0, 5.0, 7.0]


def test_the_order_of_rows_and_tables_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    keys, seconds = rng.integers(0, 5, (80, 3)).astype(float), rng.random(80)
    plain = _fastest([(keys[:40], seconds[:40]), (keys[40:], seconds[40:])])
    order = rng.permutation(80)
    mixed = _fastest([(keys[order][:30], seconds[order][:30]), (keys[order][30:], seconds[order][30:])])
    assert all(np.array_equal(a, b) for a, b in zip(plain, mixed, strict=True))


def attention_table(order: Array | None = None) -> Table:
    columns = {
        "batch_size": np.arange(1.0, 9.0), "window_size": np.array([0.0, 0, 0, 128, 0, 0, 0, 0]),
    }  # fmt: skip
    words = {
        "attn_dtype": ("bfloat16", "fp8", "bfloat16", "bfloat16", "int3", "bfloat16", "fp8", "bfloat16"),
        "kv_cache_dtype": ("bfloat16", "fp8", "fp8", "bfloat16", "bfloat16", "bfloat16", "fp8", "fp8"),
    }
    seconds = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 7.0, 8.0])
    at = np.arange(8) if order is None else order.astype(int)
    return Table(
        "generation_attention", "chip", "vllm", {name: values[at] for name, values in columns.items()},
        {name: tuple(values[one] for one in at) for name, values in words.items()}, seconds[at],
    )  # fmt: skip


def by_format(table: Table) -> dict[tuple[str, float], set[tuple[float, float]]]:
    found: dict[tuple[str, float], set[tuple[float, float]]] = {}
    for fmt, keys, seconds in _by_format(table, ("batch_size", "window_size")):
        for key, taken in zip(keys, seconds, strict=True):
            found.setdefault((fmt, float(key[-1])), set()).add((float(key[0]), float(taken)))
    return found


def test_rows_by_format_and_width_of_the_cache() -> None:
    """Windows, formats the model has no place for, and times of nought are left out."""
    expected = {
        ("bf16", 2.0): {(1.0, 1.0)},
        ("bf16", 1.0): {(3.0, 3.0), (8.0, 8.0)},
        ("fp8", 1.0): {(2.0, 2.0), (7.0, 7.0)},
    }
    assert by_format(attention_table()) == expected
    assert by_format(attention_table(np.random.default_rng(1).permutation(8).astype(float))) == expected


@pytest.mark.parametrize(("words", "label"), [
    (("bfloat16", "bfloat16"), "bf16"), (("bfloat16", "fp8"), "bf16+8"), (("fp8_block",), "fp8"), (("sq",), "int8"),
    (("int4_wo",), ""), (("bfloat16", "power_law_1.2"), ""), (("nvfp4", "uniform"), "fp4"),
])  # fmt: skip
def test_formats_the_model_has_a_place_for(words: tuple[str, ...], label: str) -> None:
    assert _label(words) == label


@pytest.mark.parametrize(("share", "kept"), [(0.0, True), (0.04, True), (0.06, False), (1.0, False)])
def test_a_table_that_beats_its_bound_is_left_out(share: float, kept: bool) -> None:
    ops = products(steps=5)
    bound = bound_s(device(), ops)
    beats = np.arange(len(bound)) < math.ceil(share * len(bound))
    assert usable(device(), ops, np.where(beats, 0.5, 1.5) * bound) is kept


def test_the_bound_is_the_longer_of_both_at_full_rate() -> None:
    op = compute_op("x", "gemm", "ffn", "bf16", np.array([1e12, 1e9]), np.array([1e9, 1e9]))
    assert bound_s(device(), (op,)).tolist() == pytest.approx([1e12 / 100e12, 1e9 / 1e12])
