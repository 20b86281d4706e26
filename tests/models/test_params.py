"""Counting weights, part by part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from accord.models import Attention, Ffn, Layer, ModelSpec, count, from_config
from accord.models.params import attention_params, expert_params, layer_params

CONFIGS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("configs.json").read_text(encoding="utf-8"))
PARTS = (
    "embeddings",
    "lm_head",
    "attention",
    "dense_ffn",
    "routed_experts",
    "shared_experts",
    "router",
    "norms",
    "other",
)
PLAIN = Attention(kind="full", heads=4, kv_heads=2, head_dim=8, v_head_dim=8)


@pytest.mark.parametrize("name", CONFIGS)
def test_parts_sum_to_the_total(name: str) -> None:
    counted = count(from_config(CONFIGS[name], name))
    assert sum(getattr(counted, part) for part in PARTS) == counted.total
    assert all(isinstance(getattr(counted, part), int) and getattr(counted, part) >= 0 for part in PARTS)
    assert 0 < counted.active_without_embeddings <= counted.active <= counted.total


@pytest.mark.parametrize("name", CONFIGS)
def test_layers_sum_to_the_total(name: str) -> None:
    spec = from_config(CONFIGS[name], name)
    counted = count(spec)
    layers = sum(group.count * layer_params(group, spec.hidden) for group in spec.layers)
    assert layers == counted.total - counted.embeddings - counted.lm_head - counted.other - spec.hidden


def test_one_llama_by_hand() -> None:
    spec = ModelSpec(
        id="hand",
        model_type="llama",
        hidden=32,
        vocab=100,
        layers=(Layer(attention=PLAIN, ffn=Ffn(hidden=64), count=3),),
    )
    counted = count(spec)
    assert counted.attention == 3 * (32 * 32 + 2 * 32 * 16 + 32 * 32)
    assert counted.dense_ffn == 3 * 3 * 32 * 64
    assert counted.norms == 3 * 2 * 32 + 32
    assert counted.embeddings == counted.lm_head == 3200
    assert counted.active == counted.total == counted.active_without_embeddings + 3200
    assert counted.mtp == 0


def test_tied_table_is_counted_once_and_stays_active() -> None:
    config = CONFIGS["llama"]
    apart = count(from_config(config))
    tied = count(from_config(config | {"tie_word_embeddings": True}))
    assert tied.lm_head == 0
    assert tied.total == apart.total - apart.embeddings
    assert tied.active_without_embeddings == tied.active


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"shares_kv": True}, -2 * 32 * 16),
        ({"shared_kv_vector": True}, -32 * 16),
        ({"output_gate": True}, 32 * 32),
        ({"q_lora_rank": 5}, 5 * (32 + 32) - 32 * 32),
        ({"o_lora_rank": 6, "o_groups": 2}, 6 * (32 + 2 * 32) - 32 * 32),
        ({"index_heads": 2, "index_head_dim": 4}, 32 * 8 + 32 * 2 + 32 * 4),
        ({"index_heads": 2, "index_head_dim": 4, "q_lora_rank": 5}, 5 * 64 - 1024 + 5 * 8 + 32 * 2 + 32 * 4),
        ({"compress": 4, "compress_width": 16}, 2 * 32 * 16),
        (
            {"compress": 4, "compress_width": 16, "index_heads": 2, "index_head_dim": 4},
            2 * 32 * 16 + 32 * 8 + 32 * 2 + 2 * 32 * 8,
        ),
        ({"other_params": 7}, 7),
        ({"window": 9, "state_elements": 5, "sparse_top_k": 3}, 0),
    ],
)
def test_each_field_of_attention(change: dict[str, Any], difference: int) -> None:
    altered = msgspec.structs.replace(PLAIN, **change)
    assert attention_params(altered, 32) - attention_params(PLAIN, 32) == difference


def test_latent_attention_by_hand() -> None:
    mla = Attention(
        kind="mla", heads=4, kv_heads=1, head_dim=24, v_head_dim=16, q_lora_rank=10, kv_lora_rank=12, rope_head_dim=8
    )
    by_hand = 32 * 10 + 10 * 4 * 24 + 32 * (12 + 8) + 12 * 4 * (16 + 16) + 4 * 16 * 32
    assert attention_params(mla, 32) == by_hand


def test_linear_attention_by_hand() -> None:
    linear = Attention(
        kind="linear", heads=4, kv_heads=2, head_dim=8, v_head_dim=6, output_gate=True, conv_kernel=3, other_params=5
    )
    assert attention_params(linear, 32) == 32 * (2 * 16 + 3 * 24) + 3 * (2 * 16 + 24) + 5


def test_mixture_by_hand() -> None:
    ffn = Ffn(experts=8, top_k=2, expert_hidden=10, shared_hidden=20, other_params=8, expert_other_params=3)
    spec = ModelSpec(id="m", model_type="m", hidden=32, vocab=10, layers=(Layer(attention=PLAIN, ffn=ffn),))
    counted = count(spec)
    assert counted.routed_experts == 8 * (3 * 32 * 10 + 3)
    assert counted.shared_experts == 3 * 32 * 20
    assert counted.router == 32 * 8 + 8
    assert counted.total - counted.active == 6 * (3 * 32 * 10 + 3)


def test_narrow_experts_add_two_projections() -> None:
    ffn = Ffn(experts=8, top_k=2, expert_hidden=10, latent=16)
    assert expert_params(ffn, 32) == 3 * 16 * 10
    spec = ModelSpec(id="m", model_type="m", hidden=32, vocab=10, layers=(Layer(attention=PLAIN, ffn=ffn),))
    assert count(spec).shared_experts == 2 * 32 * 16


def test_ungated_block_has_two_matrices() -> None:
    spec = from_config(CONFIGS["llama"])
    group = spec.layers[0]
    plain = msgspec.structs.replace(group, ffn=Ffn(hidden=512, gated=False))
    gated = msgspec.structs.replace(group, ffn=Ffn(hidden=512))
    assert layer_params(gated, 256) - layer_params(plain, 256) == 256 * 512


def test_prediction_layers_are_apart() -> None:
    with_mtp = from_config(CONFIGS["deepseek_v3"])
    without = from_config(CONFIGS["deepseek_v3"] | {"num_nextn_predict_layers": 0})
    assert count(with_mtp).total == count(without).total
    assert with_mtp.mtp is not None
    assert count(with_mtp).mtp == layer_params(with_mtp.mtp, 256) + 2 * 256 * 256 + 3 * 256
    assert count(without).mtp == 0


def test_vision_towers_are_not_active() -> None:
    spec = from_config(CONFIGS["qwen3_5_moe"])
    bare = msgspec.structs.replace(spec, other_params=0)
    assert count(spec).active == count(bare).active
    assert count(spec).total == count(bare).total + spec.other_params
