"""Records refuse shapes no model can have."""

from __future__ import annotations

from typing import Any

import pytest

from accord.base.errors import ModelConfigError
from accord.models import Attention, Ffn, Layer, ModelSpec

ATTENTION: dict[str, Any] = {"kind": "full", "heads": 4, "kv_heads": 2, "head_dim": 8, "v_head_dim": 8}


@pytest.mark.parametrize("key", ["heads", "kv_heads", "head_dim", "v_head_dim", "compress", "o_groups"])
def test_attention_needs_positive_sizes(key: str) -> None:
    with pytest.raises(ModelConfigError, match=f"attention.{key} is 0"):
        Attention(**(ATTENTION | {key: 0}))


def test_latent_attention_needs_its_rank() -> None:
    with pytest.raises(ModelConfigError, match="kv_lora_rank"):
        Attention(**(ATTENTION | {"kind": "mla"}))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"experts": 4, "top_k": 5, "expert_hidden": 8}, "5 of 4 experts"),
        ({"experts": 4, "top_k": 0, "expert_hidden": 8}, "0 of 4 experts"),
        ({"experts": 4, "top_k": 2}, "expert_hidden"),
        ({}, "no width"),
    ],
)
def test_blocks_need_width(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelConfigError, match=message):
        Ffn(**keys)


def test_groups_and_models_are_not_empty() -> None:
    attention, ffn = Attention(**ATTENTION), Ffn(hidden=8)
    with pytest.raises(ModelConfigError, match="0 layers"):
        Layer(attention=attention, ffn=ffn, count=0)
    with pytest.raises(ModelConfigError, match="0 layer groups"):
        ModelSpec(id="m", model_type="m", hidden=8, vocab=8, layers=())


def test_counting_layers() -> None:
    dense = Layer(attention=Attention(**ATTENTION), ffn=Ffn(hidden=8), count=3)
    moe = Layer(attention=Attention(**ATTENTION), ffn=Ffn(experts=4, top_k=1, expert_hidden=8), count=2)
    spec = ModelSpec(id="m", model_type="m", hidden=8, vocab=8, layers=(dense, moe))
    assert spec.n_layers == 5
    assert spec.is_moe
    assert not ModelSpec(id="m", model_type="m", hidden=8, vocab=8, layers=(dense,)).is_moe
