"""Layouts of an instance: which there are, and why the others fell."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from accord.api.branches import Key, branch_of
from accord.planner.plan import Role
from accord.planner.pricing import Branch
from accord.planner.problem import Problem, Space
from accord.planner.space import Layout, layouts, most_experts, redundant, refusal

CASES = (
    ("llama-3.1-8b", "nvidia-hgx-h100-8", "vllm"),
    ("deepseek-v3", "nvidia-gb200-nvl72", "sglang"),
    ("deepseek-v3", "huawei-cloudmatrix-384", "cloudmatrix-infer"),
)


def branch(case: tuple[str, str, str], devices: int = 64, role: Role = "serve") -> Branch:
    model, system, engine = case
    question = Problem(model=model, systems=(system,), isl=1000.0, osl=100.0)
    return branch_of(Key(system=system, engine=engine, weights=None, kv=None, role=role), question, devices, ())


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("role", ["serve", "prefill", "decode"])
@pytest.mark.parametrize("devices", [1, 8, 48, 64])
def test_every_layout_can_be_run_and_is_there_once(case: tuple[str, str, str], role: Role, devices: int) -> None:
    own = branch(case)
    found, fell = layouts(own.setting, devices, Space(), role, own.redundant_from)
    assert len(set(found)) == len(found) > 0
    for one in found:
        assert refusal(own.setting, one, devices, own.redundant_from) is None
        assert one.devices <= devices
        assert (one.tp * one.dp * one.cp) % one.ep == 0
        if not most_experts(own.setting.spec):
            assert one.ep == 1
        elif one.ep <= most_experts(own.setting.spec):
            slots = most_experts(own.setting.spec) + redundant(own.setting, one.ep, own.redundant_from)
            assert slots % one.ep == 0
        if role == "decode":
            assert one.pp == 1
    assert list(found) == sorted(found, key=lambda one: (one.devices, one.tp, one.pp, one.cp, one.ep))
    assert all(fell.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_named_ranks_are_all_tried_and_counted(case: tuple[str, str, str]) -> None:
    own = branch(case)
    space = Space(tp=(1, 2, 3, 64), pp=(1, 2), dp=(1, 4, 6), cp=(1, 2), ep=(1, 4, 8, 500))
    found, fell = layouts(own.setting, 64, space, "serve", own.redundant_from)
    every = [Layout(*ranks) for ranks in product(space.tp, space.pp, space.dp, space.cp, space.ep)]
    reasons = [refusal(own.setting, one, 64, own.redundant_from) for one in every]
    assert set(found) == {one for one, why in zip(every, reasons, strict=True) if why is None}
    assert fell == Counter(why for why in reasons if why is not None)
    assert len(found) + sum(fell.values()) == len(every)


def why(case: tuple[str, str, str], layout: Layout, devices: int = 64) -> str | None:
    own = branch(case)
    return refusal(own.setting, layout, devices, own.redundant_from)


def test_reasons() -> None:
    llama, deepseek, ascend = CASES
    assert why(llama, Layout(64, 1, 1, 1, 1)) == "tensor ranks beyond the scale-up domain"
    assert why(llama, Layout(3, 1, 8, 1, 1), 24) == "attention heads not divisible by tp"
    assert why(llama, Layout(1, 33, 1, 1, 1)) == "instance neither fills nor divides a node"
    assert why(llama, Layout(1, 64, 1, 1, 1)) == "more stages than layers"
    assert why(llama, Layout(2, 1, 4, 1, 4)) == "expert ranks without experts"
    assert why(llama, Layout(8, 1, 2, 1, 1), 8) == "instance larger than the chips"
    assert why(llama, Layout(2, 1, 3, 1, 1)) == "instance neither fills nor divides a node"
    assert why(deepseek, Layout(2, 1, 4, 1, 3)) == "ep does not divide the ranks"
    assert why(deepseek, Layout(1, 1, 12, 1, 12), 12) == "experts not divisible by ep"
    assert why(ascend, Layout(2, 1, 160, 1, 320), 384) is None
    assert why(ascend, Layout(2, 1, 176, 1, 352), 384) == "more expert ranks than experts"


def test_tensor_ranks_divide_the_heads() -> None:
    own = branch(CASES[0])
    found, _ = layouts(own.setting, 64, Space(), "serve", own.redundant_from)
    heads = {block.attention.heads for block in own.setting.spec.distinct_layers}
    assert all(count % one.tp == 0 for one in found for count in heads)
