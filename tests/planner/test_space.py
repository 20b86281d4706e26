from __future__ import annotations

from functools import cache

import pytest

from accord.api.branches import sized
from accord.api.records import efficiency_of, machine_of, model_spec
from accord.catalog.load import load_catalog
from accord.inference.complete import Assumed, formats_for, number
from accord.inference.request import EstimateRequest
from accord.parallel.plan import Setting
from accord.planner.plan import Role
from accord.planner.problem import Space
from accord.planner.space import Layout, layouts

CATALOG = load_catalog()
WIDE = number(CATALOG.defaults(), "serving", "wide_ep")
SYSTEMS = (("huawei-cloudmatrix-384", 768, "cloudmatrix-infer"), ("nvidia-hgx-h800-8", 64, "deepseek"))


@cache
def setting(system: str, devices: int, engine: str, model: str = "deepseek-r1") -> Setting:
    machine = sized(machine_of(CATALOG, system), devices)
    spec = model_spec(CATALOG, model)
    efficiency = efficiency_of(CATALOG, machine.chip, engine)
    formats = formats_for(spec, machine, EstimateRequest(model=model, system=system), efficiency, Assumed())
    return Setting(spec, machine, formats, efficiency)


def found(place: tuple[str, int, str], role: Role, space: Space = Space()) -> tuple[Layout, ...]:  # noqa: B008  frozen
    return layouts(setting(*place), place[1], space, role, WIDE)[0]


@pytest.mark.parametrize("role", ["prefill", "decode", "serve"])
@pytest.mark.parametrize("place", SYSTEMS)
def test_layouts_divide_and_fill_nodes(place: tuple[str, int, str], role: Role) -> None:
    node = setting(*place).machine.tiers[0].devices
    all_of_them = found(place, role)
    assert len(all_of_them) == len(set(all_of_them)) > 20
    for one in all_of_them:
        assert one.devices == one.tp * one.pp * one.dp * one.cp <= place[1]
        assert (one.tp * one.dp * one.cp) % one.ep == 0
        assert one.devices % node == 0 or node % one.devices == 0


def test_the_widest_published_layouts_are_among_them() -> None:
    wide = {(one.tp, one.dp, one.ep) for one in found(SYSTEMS[0], "decode")}
    assert {(1, 32, 32), (1, 144, 144), (1, 320, 320)} <= wide


def test_pipelines_are_for_prompts_unless_they_are_asked_for() -> None:
    assert {one.pp for one in found(SYSTEMS[0], "prefill")} > {1}
    assert {one.pp for one in found(SYSTEMS[0], "decode")} == {1}
    assert {one.pp for one in found(SYSTEMS[0], "prefill", Space(pp=(1,)))} == {1}


def test_a_dense_model_has_no_experts_to_share_out() -> None:
    shared = setting("nvidia-hgx-h100-8", 8, "vllm", "llama-3.1-70b")
    dense, _ = layouts(shared, 8, Space(pp=(1,)), "decode", WIDE)
    assert {(one.tp, one.ep) for one in dense} >= {(8, 1), (4, 1), (1, 1)}
    assert {one.ep for one in dense} == {1}
