"""Which of several stated parameters counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from tests import rig

from accord import api
from accord.base.errors import CatalogError
from accord.catalog.calibration import Calibration, Curve, Fit
from accord.catalog.engine import Engine
from accord.catalog.value import Value
from accord.hardware.derate import Efficiency, draw, join


def value(number: float) -> Value:
    return Value(number=number, unit="1", basis="assumed", source="S")


def entry(id: str, numbers: Mapping[str, float] | None = None, **fields: object) -> Calibration:
    """An entry below one that states the rest."""
    parameters = {name: value(number) for name, number in (numbers or {}).items()}
    return Calibration(id=id, parent="rest", parameters=parameters, sources={}, **fields)  # type: ignore[arg-type]


def engine(**numbers: float) -> Engine:
    parameters = {name: value(number) for name, number in numbers.items()}
    return Engine(id="e", name="E", parameters=parameters, features={"overlap": True, "other": False}, sources={})


def test_the_nearest_entry_counts() -> None:
    joined = join([entry("leaf", {"a": 1.0}), entry("root", {"a": 2.0, "b": 3.0})], engine(c=4.0))
    assert (joined.get("a"), joined.get("b"), joined.get("engine.c")) == (1.0, 3.0, 4.0)
    assert joined.chain == ("leaf", "root")


def test_format_and_place_then_format_then_place_then_plain() -> None:
    numbers = {"x": 1.0, "x.fp8": 2.0, "x.nvidia-hopper": 3.0, "x.vllm": 4.0, "x.fp8.nvidia-hopper": 5.0}
    hopper = Efficiency((), "e", numbers, {}, ("h100", "vllm", "nvidia-hopper"))
    assert (hopper.get("x", "fp8"), hopper.get("x", "bf16"), hopper.get("x")) == (5.0, 4.0, 4.0)
    assert Efficiency((), "e", numbers, {}, ("nvidia-hopper",)).get("x") == 3.0
    assert Efficiency((), "e", numbers, {}).get("x", "fp8") == 2.0
    assert Efficiency((), "e", numbers, {}).get("x", "bf16") == 1.0


def test_a_plain_number_takes_the_place_of_inherited_special_ones() -> None:
    root = entry("root", {"x": 1.0, "x.fp8": 2.0, "x.fp8.vllm": 3.0, "xy": 4.0, "xy.fp8": 5.0})
    plain = join([entry("leaf", {"x": 6.0}), root], engine(), ("vllm",))
    assert [plain.get("x", fmt) for fmt in ("fp8", "bf16", None)] == [6.0, 6.0, 6.0]
    assert plain.get("xy", "fp8") == 5.0, "only the same name counts"
    special = join([entry("leaf", {"x.fp8": 7.0}), root], engine(), ("vllm",))
    assert (special.get("x", "fp8"), special.get("x")) == (7.0, 1.0)
    both = join([entry("leaf", {"x": 6.0, "x.fp8": 7.0}), root], engine(), ("vllm",))
    assert (both.get("x", "fp8"), both.get("x")) == (7.0, 6.0)


def test_how_sure_a_number_is_comes_from_who_states_it() -> None:
    fit, other = Fit(log_sd=0.1, n=3, chips=("a",)), Fit(log_sd=0.2)
    tied: dict[str, object] = {"fits": {"x": fit, "y": fit}, "correlations": {"x": {"y": 0.5}}}
    root = entry("root", {"x": 1.0, "y": 2.0}, **tied)
    assert join([entry("leaf"), root], engine()).correlations == {("x", "y"): 0.5}
    exact = join([entry("leaf", {"x": 3.0}), root], engine())
    assert (dict(exact.fits), exact.correlations) == ({"y": fit}, {}), "an exact number has nothing to be tied by"
    refitted = join([entry("leaf", {"x": 3.0}, fits={"x": other}), root], engine())
    assert (refitted.fits["x"], refitted.owners["x"], refitted.owners["y"]) == (other, "leaf", "root")
    own = entry("leaf", {"x": 3.0}, fits={"x": other}, correlations={"x": {"y": -0.3}})
    assert join([own, root], engine()).correlations == {("x", "y"): -0.3}


@pytest.mark.parametrize(("leaf", "names"), [
    ({}, {"gemm", "gemm.fp8", "linear"}), ({"gemm.compute": 0.5}, {"linear"}),
    ({"gemm.compute.fp8": 0.5}, {"gemm", "gemm.fp8", "linear"}), ({"gemm.memory": 0.5}, {"gemm", "gemm.fp8", "linear"}),
])  # fmt: skip
def test_who_states_a_plain_share_of_the_peak_does_without_inherited_curves(
    leaf: dict[str, float], names: set[str]
) -> None:
    curve = Curve(rows=(0.0, 1.0), width=(0.0, 1.0), log=((0.0, 0.1), (0.1, 0.2)), n=1)
    root = entry("root", {"gemm.compute": 0.4}, curves={"gemm": curve, "gemm.fp8": curve, "linear": curve})
    assert set(join([entry("leaf", leaf), root], engine()).curves) == names
    own = join([entry("leaf", leaf, curves={"gemm.fp8": curve}), root], engine())
    assert set(own.curves) == {*names, "gemm.fp8"}


def test_a_family_without_a_fixed_time_takes_that_of_any_kernel() -> None:
    numbers = {"launch_s": 1.0, "gemm.launch_s": 2.0, "gemm.launch_s.fp8": 3.0}
    found = Efficiency((), "e", numbers, {})
    assert [found.fixed(family, "fp8") for family in ("gemm", "linear")] == [3.0, 1.0]
    assert found.fixed("gemm", "bf16") == 2.0


def test_a_share_that_is_drawn_stops_at_the_whole() -> None:
    fits = {name: Fit(log_sd=1.0) for name in ("gemm.compute.fp8", "link.scale-up", "launch_s")}
    made = Efficiency((), "e", {"gemm.compute.fp8": 0.5, "link.scale-up": 0.9, "launch_s": 2.0}, {}, fits=fits)
    normal = np.array([-1.0, 0.0, 1.0])
    drawn = draw(made, dict.fromkeys(fits, normal))
    times = np.exp(normal)
    assert drawn.numbers["gemm.compute.fp8"] == pytest.approx(np.minimum(0.5 * times, 1.0))
    assert drawn.numbers["link.scale-up"] == pytest.approx(np.minimum(0.9 * times, 1.0))
    assert drawn.numbers["launch_s"] == pytest.approx(2.0 * times)


def test_features_nobody_names_are_absent() -> None:
    joined = join([entry("root")], engine())
    assert joined.has("overlap")
    assert not joined.has("other")
    assert not joined.has("unheard-of")


def test_a_parameter_nobody_states() -> None:
    with pytest.raises(CatalogError, match="no calibration entry of leaf < root < e states 'x'"):
        join([entry("leaf"), entry("root")], engine()).get("x")


FIRST_OF_FAMILY: dict[str, str] = {rig.catalog().chip(id).family: id for id in reversed(rig.catalog().ids("chips"))}
OF_FORMATS = {"exchange.share": ("dispatch", "combine", "prefill"), "reduce.chunk_s": ("vllm",)}


@pytest.mark.parametrize("family", sorted(FIRST_OF_FAMILY))
@pytest.mark.parametrize("name", rig.catalog().ids("engines"))
def test_every_family_and_engine_states_every_parameter(family: str, name: str) -> None:
    joined = api.efficiency_of(rig.catalog(), FIRST_OF_FAMILY[family], name)
    for parameter in rig.NUMBERS:
        for fmt in OF_FORMATS.get(parameter, (None,)):
            number = joined.get(parameter, fmt)
            assert number >= 0.0, parameter
            if parameter.endswith((".compute", ".memory", "_fraction", "_share")) or parameter.startswith("link."):
                assert 0.0 < number <= 1.0, parameter


def test_engines_are_found_by_alias() -> None:
    for id in rig.catalog().ids("engines"):
        for alias in rig.catalog().engine(id).aliases:
            assert api.engine_id(rig.catalog(), alias) == id
    with pytest.raises(CatalogError, match="no engine is called 'vlm'") as error:
        api.engine_id(rig.catalog(), "vlm")
    assert "vllm" in str(error.value.hint)


def test_the_nearest_entry_of_a_chip() -> None:
    """A chip's own entry, else its family's, else the generic one, and then their parents."""

    def chain(chip: str) -> list[str]:
        return [entry.id for entry in api.calibration_chain(rig.catalog(), chip)]

    assert chain("nvidia-h100-sxm") == ["nvidia-h100-sxm", "nvidia-hopper", "generic"]
    assert chain("nvidia-h20") == ["nvidia-hopper", "generic"]
    unmeasured = next(id for id in rig.catalog().ids("chips") if rig.catalog().chip(id).family == "biren")
    assert chain(unmeasured) == ["generic"]
