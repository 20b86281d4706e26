"""Formats of released checkpoints."""

from __future__ import annotations

from typing import Any

import pytest

from accord.base.errors import ModelConfigError
from accord.models.config_fields import Fields
from accord.models.weights_format import formats


def read(**keys: Any) -> tuple[str, str]:
    f = Fields(keys)
    return formats(f, f)


def groups(bits: int, kind: str) -> dict[str, Any]:
    return {
        "quant_method": "compressed-tensors",
        "config_groups": {"group_0": {"weights": {"num_bits": bits, "type": kind}}},
    }


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(None, "bf16"), ("bfloat16", "bf16"), ("torch.float16", "fp16"), ("float32", "fp32"), ("auto", "bf16")],
)
def test_plain(dtype: str | None, expected: str) -> None:
    assert read(torch_dtype=dtype) == (expected, "")
    assert read(dtype=dtype) == (expected, "")


def test_plain_is_looked_up_outside() -> None:
    assert formats(Fields({}), Fields({"torch_dtype": "float16"})) == ("fp16", "")


@pytest.mark.parametrize(
    ("quant", "expected"),
    [
        ({"quant_method": "fp8"}, "fp8"),
        ({"quant_method": "FP8"}, "fp8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "awq", "bits": 4}, "int4"),
        ({"quant_method": "awq", "w_bit": 4}, "int4"),
        ({"quant_method": "gptq", "bits": 8}, "int8"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "int4"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "fp4"),
        ({"quant_method": "modelopt"}, "fp8"),
        (groups(4, "int"), "int4"),
        (groups(8, "int"), "int8"),
        (groups(8, "float"), "fp8"),
        (groups(4, "float"), "fp4"),
    ],
)
def test_quantised(quant: dict[str, Any], expected: str) -> None:
    assert read(quantization_config=quant) == (expected, "")


def test_experts_alone_are_quantised() -> None:
    left = {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn", 3]}
    assert read(quantization_config=left) == ("mxfp4", "bf16")
    assert read(quantization_config=left, torch_dtype="float16") == ("mxfp4", "fp16")


def test_experts_have_their_own_format() -> None:
    assert read(expert_dtype="fp4", quantization_config={"quant_method": "fp8"}) == ("mxfp4", "fp8")
    assert read(expert_dtype="fp8", quantization_config={"quant_method": "fp8"}) == ("fp8", "")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"torch_dtype": "int3"}, "torch_dtype is 'int3'"),
        ({"expert_dtype": "fp3"}, "expert_dtype is 'fp3'"),
        ({"quantization_config": 4}, "quantization_config is 4"),
        ({"quantization_config": {}}, "quantization_config.quant_method is missing"),
        ({"quantization_config": {"quant_method": "magic"}}, "quant_method is 'magic'; it must be one of fp8"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 3}}, "bits is 3; it must be 4 or 8"),
        ({"quantization_config": {"quant_method": "modelopt", "quant_algo": "Q"}}, "quant_algo is 'Q'"),
        ({"quantization_config": groups(3, "int")}, "num_bits is 3"),
        ({"quantization_config": {"quant_method": "compressed-tensors"}}, "config_groups is missing"),
        ({"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"a": {}}}}, "config_groups"),
    ],
)
def test_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelConfigError, match=message):
        read(**keys)
