"""Cached elements: what model cards print, and what an engine must hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from accord.base.errors import UsageError
from accord.models import Attention, Ffn, Layer, from_config
from accord.models.kv import cache_elements, elements_per_token, layer_cache_elements, layer_elements_per_token

CONFIGS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("configs.json").read_text(encoding="utf-8"))
PLAIN = Attention(kind="full", heads=4, kv_heads=2, head_dim=8, v_head_dim=6)


def layer(**change: Any) -> Layer:
    return Layer(attention=msgspec.structs.replace(PLAIN, **change), ffn=Ffn(hidden=8), count=3)


@pytest.mark.parametrize(
    ("change", "elements"),
    [
        ({}, 2 * (8 + 6)),
        ({"window": 4}, 2 * (8 + 6)),
        ({"shares_kv": True}, 0),
        ({"shared_kv_vector": True}, 16),
        ({"shared_kv_vector": True, "compress": 4}, 4),
        ({"shared_kv_vector": True, "compress": 3}, 6),
        ({"kind": "linear", "state_elements": 100}, 0),
        ({"kind": "mla", "kv_heads": 1, "kv_lora_rank": 12, "rope_head_dim": 4}, 16),
        ({"index_heads": 2, "index_head_dim": 8}, 2 * (8 + 6)),
    ],
)
def test_elements_per_token_of_a_layer(change: dict[str, Any], elements: int) -> None:
    assert layer_elements_per_token(layer(**change)) == elements


@pytest.mark.parametrize(
    ("change", "elements"),
    [
        ({}, 28 * 100),
        ({"window": 40}, 28 * 40),
        ({"window": 400}, 28 * 100),
        ({"shares_kv": True}, 0),
        ({"shared_kv_vector": True, "compress": 4}, 16 * 25),
        ({"shared_kv_vector": True, "compress": 4, "window": 40}, 16 * (25 + 40)),
        ({"index_heads": 2, "index_head_dim": 8}, (28 + 8) * 100),
        ({"shared_kv_vector": True, "compress": 4, "index_heads": 2, "index_head_dim": 8}, (16 + 8) * 25),
        ({"kind": "linear", "state_elements": 77}, 77),
    ],
)
def test_cache_of_a_layer_at_a_hundred_tokens(change: dict[str, Any], elements: float) -> None:
    assert layer_cache_elements(layer(**change), 100) == elements


@pytest.mark.parametrize("name", CONFIGS)
def test_model_is_the_sum_of_its_layers(name: str) -> None:
    spec = from_config(CONFIGS[name], name)
    assert elements_per_token(spec) == sum(g.count * layer_elements_per_token(g) for g in spec.layers)
    assert cache_elements(spec, 500) == sum(g.count * layer_cache_elements(g, 500) for g in spec.layers)
    assert isinstance(elements_per_token(spec), int)


@pytest.mark.parametrize("name", CONFIGS)
def test_cache_grows_with_context(name: str) -> None:
    spec = from_config(CONFIGS[name], name)
    sizes = [cache_elements(spec, tokens) for tokens in (0, 1, 10, 100, 1_000, 100_000)]
    assert sizes == sorted(sizes)
    assert sizes[0] >= 0


@pytest.mark.parametrize("name", ["llama", "mixtral", "deepseek_v3", "hunyuan", "step3_vl"])
def test_without_windows_and_states_the_two_figures_agree(name: str) -> None:
    spec = from_config(CONFIGS[name], name)
    assert cache_elements(spec, 1_000) == 1_000 * elements_per_token(spec)


def test_linear_attention_does_not_grow() -> None:
    spec = from_config(CONFIGS["minimax_m1"])
    growing = 1 * 2 * 2 * 32
    assert elements_per_token(spec) == growing
    assert cache_elements(spec, 2_000) - cache_elements(spec, 1_000) == 1_000 * growing


@pytest.mark.parametrize("tokens", [-1, float("nan"), float("inf")])
def test_contexts_that_are_none(tokens: float) -> None:
    with pytest.raises(UsageError, match="a context of"):
        cache_elements(from_config(CONFIGS["llama"]), tokens)
