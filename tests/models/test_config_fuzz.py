"""Any configuration gives a sound specification or a ModelConfigError, and sizes move the right way."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.base.errors import ModelConfigError
from accord.models import count, from_config
from accord.models.kv import cache_elements, elements_per_token

CONFIGS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("configs.json").read_text(encoding="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
VALUES = st.one_of(
    st.sampled_from([0, -1, 1, 2, 3, 7, 64, 4096, 10**5, 10**6, 10**9, 10**10, 10**30, 10**5000, 4.0, 0.5, -1.5]),
    st.sampled_from(
        [math.nan, math.inf, "", "4", "full_attention", "1..9", None, True, False, [], {}, [[]], "é" * 500]
    ),
    st.lists(st.integers(-2, 130), min_size=3, max_size=6),
    st.lists(st.sampled_from(["full_attention", "sliding_attention", "linear_attention", "x"]), min_size=3, max_size=5),
    JSON,
)


def places(node: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of every key, nested ones included."""
    found: list[tuple[str, ...]] = []
    for key, value in node.items():
        found.append((*path, key))
        if isinstance(value, dict):
            found.extend(places(value, (*path, key)))
    return found


PLACES = {name: places(config) for name, config in CONFIGS.items()}


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """One of the sample configurations with one to three keys dropped or replaced."""
    name = draw(st.sampled_from(sorted(CONFIGS)))
    config: dict[str, Any] = copy.deepcopy(CONFIGS[name])
    for _ in range(draw(st.integers(1, 3))):
        *outer, key = draw(st.sampled_from(PLACES[name]))
        node: Any = config
        for part in outer:
            node = node.get(part) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            continue
        if draw(st.booleans()):
            node[key] = draw(VALUES)
        else:
            node.pop(key, None)
    return config


def check(config: Any) -> None:
    """The one promise of this file."""
    try:
        spec = from_config(config, "fuzzed")
    except ModelConfigError as error:
        assert str(error).startswith("fuzzed: ")
        assert len(str(error)) < 2_000
        return
    counted = count(spec)
    assert 0 < counted.active_without_embeddings <= counted.active <= counted.total < 10**30
    assert counted.mtp >= 0
    assert elements_per_token(spec) >= 0
    for tokens in (0, 1, 1_000_000):
        assert 0 <= cache_elements(spec, tokens) < math.inf
    assert 1 <= spec.n_layers <= 10_000


@settings(max_examples=1_200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mutated())
def test_mutated_configurations(config: dict[str, Any]) -> None:
    check(config)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_garbage(config: Any) -> None:
    check(config)


@pytest.mark.parametrize("name", CONFIGS)
def test_dropping_each_key(name: str) -> None:
    for *outer, key in PLACES[name]:
        config = copy.deepcopy(CONFIGS[name])
        node = config
        for part in outer:
            node = node[part]
        del node[key]
        check(config)


def text_part(config: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = config.get("text_config", config)
    return inner


def grown(name: str, **factors: int) -> dict[str, Any]:
    config = copy.deepcopy(CONFIGS[name])
    text = text_part(config)
    for key, factor in factors.items():
        text[key] = text[key] * factor  # a list a layer grows with the layers
    return config


LAYER_LISTS = {
    "attn_type_list",
    "compress_ratios",
    "hybrid_layer_pattern",
    "layer_types",
    "moe_intermediate_size",
    "moe_layer_freq",
    "moe_topk",
    "num_shared_expert",
}


@pytest.mark.parametrize("name", CONFIGS)
def test_more_layers_more_weights_and_cache(name: str) -> None:
    text = text_part(CONFIGS[name])
    lists = {key: 2 for key in LAYER_LISTS if isinstance(text.get(key), list) and key != "compress_ratios"}
    config = grown(name, num_hidden_layers=2, **lists)
    if "compress_ratios" in text:
        text_part(config)["compress_ratios"] = text["compress_ratios"][:4] * 2
    small, large = from_config(CONFIGS[name]), from_config(config)
    assert large.n_layers == 2 * small.n_layers
    assert count(large).total > count(small).total
    assert count(large).active > count(small).active
    assert elements_per_token(large) > elements_per_token(small)
    assert cache_elements(large, 100) > cache_elements(small, 100)


@pytest.mark.parametrize("name", CONFIGS)
def test_more_words_only_widen_the_tables(name: str) -> None:
    small, large = from_config(CONFIGS[name]), from_config(grown(name, vocab_size=2))
    tables = 1 if small.tied_embeddings else 2
    biases = small.vocab if name == "gptj" else 0  # of its output table
    assert count(large).total - count(small).total == tables * small.vocab * small.hidden + biases
    assert elements_per_token(large) == elements_per_token(small)


@given(st.integers(1, 64), st.integers(1, 64), st.sampled_from([1, 2, 4, 8]), st.sampled_from([16, 64, 128]))
def test_llama_closed_form(layers: int, inner: int, kv_heads: int, width: int) -> None:
    hidden, vocab = 256, 1000
    config = CONFIGS["llama"] | {
        "num_hidden_layers": layers,
        "intermediate_size": inner,
        "num_key_value_heads": kv_heads,
        "head_dim": width,
        "mlp_bias": False,
    }
    spec = from_config(config)
    per_layer = hidden * width * (2 * 8 + 2 * kv_heads) + 3 * hidden * inner + 2 * hidden
    assert count(spec).total == layers * per_layer + 2 * vocab * hidden + hidden
    assert elements_per_token(spec) == layers * 2 * kv_heads * width


@given(st.integers(1, 64))
def test_more_experts_change_the_total_not_the_expert_part_of_a_token(experts: int) -> None:
    few = from_config(CONFIGS["mixtral"] | {"num_local_experts": 1 + experts, "num_experts_per_tok": 1})
    more = from_config(CONFIGS["mixtral"] | {"num_local_experts": 2 + experts, "num_experts_per_tok": 1})
    assert count(more).total > count(few).total
    assert count(more).active - count(few).active == 4 * 256  # four routers, one row each
