"""What a request leaves out."""

from __future__ import annotations

import pytest
from tests import rig

from accord.base.errors import DoesNotFit, UsageError
from accord.catalog.load import load_catalog
from accord.inference.complete import Assumed, Layout, formats_for, layout_for, number
from accord.inference.request import EstimateRequest, PoolRequest
from accord.ops.op import Formats
from accord.parallel.plan import Setting

H100, CM384, GB200 = "nvidia-hgx-h100-8", "huawei-cloudmatrix-384", "nvidia-gb200-nvl72"


def formats(model: str, system: str, assumed: Assumed | None = None, **given: str) -> Formats:
    one = rig.setting_of(model, system)
    request = EstimateRequest(model=model, system=system, **given)  # type: ignore[arg-type]
    return formats_for(one.spec, one.machine, request, one.efficiency, assumed or Assumed())


def layout(setting: Setting, pool: PoolRequest, devices: int = 8, assumed: Assumed | None = None) -> Layout:
    return layout_for(setting, pool, devices, load_catalog().defaults(), assumed or Assumed())


def test_a_note_is_taken_once() -> None:
    assumed = Assumed()
    for name in ("tp", "ep", "tp"):
        assumed.note(name)
    assert assumed.names == ["tp", "ep"]


@pytest.mark.parametrize(("model", "system", "weights"), [
    ("deepseek-r1", H100, "fp8"), ("deepseek-r1", CM384, "int8"), ("llama-3.1-70b", CM384, "bf16"),
    ("gpt-oss-120b", H100, "mxfp4"), ("gpt-oss-120b", CM384, "mxfp4"),
])  # fmt: skip
def test_weights_keep_the_checkpoints_format_where_the_chip_multiplies_it(
    model: str, system: str, weights: str
) -> None:
    assumed = Assumed()
    assert formats(model, system, assumed).experts == weights
    assert assumed.names == ["weights", "kv"]


def test_four_bit_experts_leave_attention_in_16_bits() -> None:
    found = formats("gpt-oss-120b", GB200)
    assert (found.experts, found.attention, found.dense) == ("mxfp4", "bf16", "bf16")
    assert formats("deepseek-r1", GB200, weights="fp4").attention == "bf16"
    assert formats("llama-3.1-70b", GB200, weights="fp4").attention == "fp4"


def test_a_four_bit_checkpoint_is_not_stored_wider() -> None:
    assert formats("gpt-oss-120b", H100, weights="bf16").experts == "mxfp4"


def test_what_is_asked_for_is_kept() -> None:
    assumed = Assumed()
    found = formats("llama-3.1-70b", H100, assumed, weights="fp8", kv="fp8")
    assert found == Formats(attention="fp8", dense="fp8", experts="fp8", kv="fp8")
    assert assumed.names == []


def test_expert_parallel_alone_means_attention_data_parallel() -> None:
    one = rig.setting_of("deepseek-r1", CM384)
    assumed = Assumed()
    assert layout(one, PoolRequest(ep=320), 320, assumed) == Layout(tp=1, pp=1, dp=320, cp=1, ep=320, instances=1)
    assert assumed.names == ["dp"]


def test_given_ranks_are_kept() -> None:
    one = rig.setting_of("deepseek-r1", CM384)
    assert layout(one, PoolRequest(tp=4, dp=8, ep=32, pp=2)) == Layout(tp=4, pp=2, dp=8, cp=1, ep=32, instances=1)
    assert layout(one, PoolRequest(tp=4, dp=8)) == Layout(tp=4, pp=1, dp=8, cp=1, ep=32, instances=1)
    assert layout(one, PoolRequest(devices=32, dp=8), 32) == Layout(tp=4, pp=1, dp=8, cp=1, ep=32, instances=1)
    assert layout(one, PoolRequest(devices=32, tp=4, ep=32), 32) == Layout(tp=4, pp=1, dp=8, cp=1, ep=32, instances=1)


@pytest.mark.parametrize(("model", "system", "tp"), [
    ("llama-3.1-8b", H100, 1), ("llama-3.1-70b", H100, 4), ("llama-3.1-70b", GB200, 1), ("qwen3-32b", H100, 2),
])  # fmt: skip
def test_nothing_said_means_the_fewest_ranks_that_hold_the_weights(model: str, system: str, tp: int) -> None:
    assumed = Assumed()
    assert layout(rig.setting_of(model, system), PoolRequest(), 8, assumed).tp == tp
    assert "tp" in assumed.names


def test_what_no_layout_holds() -> None:
    with pytest.raises(DoesNotFit, match=r"llama-3.1-405b in bf16 misses [0-9.]+ GB on each of 8 devices") as error:
        layout(rig.setting_of("llama-3.1-405b", H100), PoolRequest())
    assert error.value.hint is not None
    wanted = int(error.value.hint.split()[0])
    assert layout(rig.setting_of("llama-3.1-405b", H100), PoolRequest(), wanted).tp == wanted


def test_defaults_by_name() -> None:
    defaults = rig.catalog().defaults()
    assert number(defaults, "serving", "isl") == defaults["serving"]["isl"].si
    with pytest.raises(UsageError, match="no 'serving.nothing'"):
        number(defaults, "serving", "nothing")
    with pytest.raises(UsageError, match="no 'nothing.isl'"):
        number(defaults, "nothing", "isl")
