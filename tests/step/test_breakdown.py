"""The parts of a step sum to the step."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from tests import rig

from accord.base.array import array
from accord.ops.op import Op, Phase
from accord.parallel.plan import Setting
from accord.step.breakdown import LayerTime, StepTime
from accord.step.decode import decode_ops, decode_step
from accord.step.prefill import prefill_ops, prefill_step
from accord.step.price import seconds


def test_total_is_every_part() -> None:
    parts = [array(float(2**at)) for at in range(len(fields(StepTime)))]
    assert StepTime(*parts).total_s[0] == 2 ** len(parts) - 1


def test_groups_of_layers_add_up() -> None:
    total = LayerTime(array(1), array(2), array(3), array(4)) + LayerTime(array(10), array(20), array(30), array(40))
    assert [part[0] for part in (total.attention_s, total.ffn_s, total.reduce_s, total.exchange_s)] == [11, 22, 33, 44]
    assert total.device_s[0] == 66


def table(setting: Setting, ops: list[Op], phase: Phase) -> dict[str, np.ndarray]:
    """Seconds of a list of operators by where they belong."""
    total: dict[str, np.ndarray] = {}
    for op in ops:
        taken = op.layers * seconds(op, setting, phase).total_s
        total[op.stage] = total.get(op.stage, np.zeros_like(taken)) + taken
    return total


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("name", rig.MODELS)
def test_with_one_microbatch_the_table_of_operators_sums_to_the_stack(name: str, separate: bool) -> None:
    setting = rig.setting_of(name, "nvidia-gb200-nvl72")
    plan = rig.random_plan(np.random.default_rng(5), 50, name, separate, ranks=64)
    plan = plan.with_(microbatches=np.ones(50))
    decoded = (decode_step(setting, plan)[0], decode_ops(setting, plan), "decode")
    prefilled = (prefill_step(setting, plan)[0], prefill_ops(setting, plan), "prefill")
    for step, ops, phase in (decoded, prefilled):
        found = table(setting, ops, phase)  # type: ignore[arg-type]
        assert found["attention"] == pytest.approx(step.attention_s)
        assert found["ffn"] == pytest.approx(step.ffn_s)
        assert found["reduce"] == pytest.approx(step.reduce_s)
        assert found.get("exchange", np.zeros(50)) == pytest.approx(step.exchange_s)
        assert found["head"] == pytest.approx(step.head_s)
        around = step.draft_s + step.pipeline_s + step.outside_s
        assert step.total_s == pytest.approx(sum(found.values()) + around)
