"""Which of several stated parameters counts."""

from __future__ import annotations

import pytest
from tests import rig

from accord import api
from accord.base.errors import CatalogError
from accord.catalog.calibration import Calibration
from accord.catalog.engine import Engine
from accord.catalog.value import Value
from accord.hardware.derate import Efficiency, join


def value(number: float) -> Value:
    return Value(number=number, unit="1", basis="assumed", source="S")


def entry(id: str, **numbers: float) -> Calibration:
    return Calibration(id=id, parameters={name: value(number) for name, number in numbers.items()}, sources={})


def engine(**numbers: float) -> Engine:
    parameters = {name: value(number) for name, number in numbers.items()}
    return Engine(id="e", name="E", parameters=parameters, features={"overlap": True, "other": False}, sources={})


def test_the_nearest_entry_counts() -> None:
    joined = join([entry("leaf", a=1.0), entry("root", a=2.0, b=3.0)], engine(c=4.0))
    assert (joined.get("a"), joined.get("b"), joined.get("engine.c")) == (1.0, 3.0, 4.0)
    assert joined.chain == ("leaf", "root")


def test_format_then_family_then_plain() -> None:
    numbers = {"x": 1.0, "x.fp8": 2.0, "x.nvidia-hopper": 3.0}
    hopper = Efficiency((), "e", numbers, {}, "nvidia-hopper")
    assert (hopper.get("x", "fp8"), hopper.get("x", "bf16"), hopper.get("x")) == (2.0, 3.0, 3.0)
    assert Efficiency((), "e", numbers, {}).get("x", "bf16") == 1.0


def test_features_nobody_names_are_absent() -> None:
    joined = join([entry("root")], engine())
    assert joined.has("overlap")
    assert not joined.has("other")
    assert not joined.has("unheard-of")


def test_a_parameter_nobody_states() -> None:
    with pytest.raises(CatalogError, match="no calibration entry of leaf < root < e states 'x'"):
        join([entry("leaf"), entry("root")], engine()).get("x")


@pytest.mark.parametrize("family", sorted({rig.catalog().chip(id).family for id in rig.catalog().ids("chips")}))
@pytest.mark.parametrize("name", rig.catalog().ids("engines"))
def test_every_family_and_engine_states_every_parameter(family: str, name: str) -> None:
    joined = api.efficiency_of(rig.catalog(), family, name)
    for parameter in rig.NUMBERS:
        number = joined.get(parameter)
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


def test_an_unmeasured_family_takes_its_parents() -> None:
    assert [entry.id for entry in api.calibration_chain(rig.catalog(), "biren")][-1] == "generic"
