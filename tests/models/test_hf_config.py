"""from_config: every family reads, every wrong value is refused by name."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from accord.base.errors import ModelConfigError
from accord.models import from_config
from accord.models.hf_config import BUILDERS
from accord.models.spec import ModelSpec

CONFIGS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("configs.json").read_text(encoding="utf-8"))


def text_part(config: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = config.get("text_config", config)
    return inner


def changed(name: str, **keys: object) -> dict[str, Any]:
    config = copy.deepcopy(CONFIGS[name])
    text_part(config).update(keys)
    return config


def without(name: str, key: str) -> dict[str, Any]:
    config = copy.deepcopy(CONFIGS[name])
    del text_part(config)[key]
    return config


def windows(spec: ModelSpec) -> list[int]:
    return [group.attention.window for group in spec.layers for _ in range(group.count)]


@pytest.mark.parametrize("name", CONFIGS)
def test_every_family_reads(name: str) -> None:
    spec = from_config(CONFIGS[name], name)
    assert spec.id == name
    assert spec.n_layers == 4
    assert spec.vocab == 1000
    assert spec.context == 4096


def test_every_builder_has_a_case() -> None:
    seen = {text_part(config)["model_type"] for config in CONFIGS.values()} | set(CONFIGS)
    assert {BUILDERS[name] for name in seen if name in BUILDERS} == set(BUILDERS.values())


def test_equal_neighbours_are_merged() -> None:
    assert [group.count for group in from_config(CONFIGS["deepseek_v3"]).layers] == [1, 3]
    assert [group.count for group in from_config(CONFIGS["llama"]).layers] == [4]


def test_nested_text_model() -> None:
    spec = from_config(CONFIGS["gemma3"])
    assert spec.model_type == "gemma3_text"
    assert spec.other_params > 0
    assert spec.tied_embeddings is False


def test_tying_is_looked_up_outside_and_then_by_family() -> None:
    config = without("gemma3", "tie_word_embeddings")
    assert from_config(config).tied_embeddings
    assert not from_config(config | {"tie_word_embeddings": False}).tied_embeddings


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama", [0, 0, 0, 0]),
        ("mistral", [64, 64, 64, 64]),
        ("qwen2", [0, 0, 64, 64]),
        ("gemma2", [64, 0, 64, 0]),
        ("gemma3", [64, 64, 0, 64]),
        ("gpt_oss", [64, 0, 64, 0]),
        ("llama4", [64, 64, 64, 0]),
        ("mimo_v2_flash", [0, 64, 64, 0]),
        ("deepseek_v4", [16, 16, 16, 16]),
    ],
)
def test_windows(name: str, expected: list[int]) -> None:
    assert windows(from_config(CONFIGS[name])) == expected


def test_alternating_blocks() -> None:
    layers = from_config(CONFIGS["llama4"]).layers
    assert [group.ffn.experts for group in layers for _ in range(group.count)] == [0, 4, 0, 4]
    moe = from_config(CONFIGS["qwen3_moe"]).layers
    assert [group.ffn.experts for group in moe for _ in range(group.count)] == [8, 0, 8, 8]


def test_shared_caches() -> None:
    layers = from_config(CONFIGS["hunyuan"]).layers
    assert [group.attention.shares_kv for group in layers] == [False, True, False, True]


def test_latent_attention_conventions() -> None:
    attention = from_config(CONFIGS["deepseek_v32"]).layers[0].attention
    assert (attention.kind, attention.head_dim, attention.kv_heads) == ("mla", 24, 1)
    assert (attention.sparse_top_k, attention.index_heads, attention.index_head_dim) == (64, 4, 16)


def test_compressed_attention() -> None:
    layers = from_config(CONFIGS["deepseek_v4"]).layers
    assert [group.attention.compress for group in layers] == [1, 4, 128, 4]
    assert [group.attention.sparse_top_k for group in layers] == [0, 64, 0, 64]
    assert all(group.attention.shared_kv_vector for group in layers)


def test_linear_layers_keep_a_state() -> None:
    layers = from_config(CONFIGS["qwen3_next"]).layers
    assert [group.attention.kind for group in layers] == ["linear", "full"]
    assert layers[0].attention.state_elements == 4 * 16 * 16 + 3 * (2 * 2 * 16 + 4 * 16)
    assert layers[1].attention.output_gate
    assert from_config(CONFIGS["minimax_m1"]).layers[0].attention.state_elements == 8 * 32 * 32


@pytest.mark.parametrize(
    ("name", "count"),
    [("llama", 0), ("deepseek_v3", 1), ("minimax_m2", 3), ("qwen3_5_moe", 1), ("deepseek_v4", 1), ("glm4_moe", 1)],
)
def test_prediction_layers(name: str, count: int) -> None:
    spec = from_config(CONFIGS[name])
    assert spec.mtp_layers == count
    assert (spec.mtp is not None) == (count > 0)
    assert spec.mtp is None or spec.mtp.count == 1


@pytest.mark.parametrize(
    ("text", "layers"),
    [("1..2", [0, 8, 8, 0]), ("3", [0, 0, 0, 8]), ("0,2", [8, 0, 8, 0]), ("0..3", [8, 8, 8, 8])],
)
def test_layer_numbers_as_text(text: str, layers: list[int]) -> None:
    spec = from_config(changed("step3_vl", moe_layers_enum=text))
    assert [group.ffn.experts for group in spec.layers for _ in range(group.count)] == layers


@pytest.mark.parametrize("text", ["", "4", "2..1", "a", "1..", 5, "-1", "1;2", [1]])
def test_bad_layer_numbers(text: object) -> None:
    with pytest.raises(ModelConfigError, match="moe_layers_enum"):
        from_config(changed("step3_vl", moe_layers_enum=text))


def test_unknown_type_says_what_is_there() -> None:
    with pytest.raises(ModelConfigError) as caught:
        from_config({"model_type": "qwen3_mo", "hidden_size": 64, "num_hidden_layers": 2}, "mine")
    text = str(caught.value)
    assert text.startswith("mine: model_type is 'qwen3_mo'")
    assert "found: hidden_size, num_hidden_layers;" in text
    assert "not found: num_attention_heads" in text
    assert "qwen3_moe" in text


def test_unknown_type_far_from_all_lists_them() -> None:
    with pytest.raises(ModelConfigError, match="supported types: llama") as caught:
        from_config({"model_type": "zzzz"})
    assert "deepseek_v4" in str(caught.value)


@pytest.mark.parametrize("config", [{}, {"model_type": 3}, {"model_type": None}, {"model_type": ""}])
def test_missing_type(config: Mapping[str, object]) -> None:
    with pytest.raises(ModelConfigError, match="model_type"):
        from_config(config)


@pytest.mark.parametrize("config", [None, [], "llama", 3])
def test_not_an_object(config: Any) -> None:
    with pytest.raises(ModelConfigError, match="must be an object"):
        from_config(config)


BAD_INTEGERS = [0, -1, "4", 4.0, float("nan"), float("inf"), True, [4], {"a": 1}, 10**10, 10**5000]


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "head_dim"])
@pytest.mark.parametrize("value", BAD_INTEGERS, ids=lambda value: type(value).__name__)
def test_bad_integers_are_named(key: str, value: object) -> None:
    with pytest.raises(ModelConfigError, match=rf"{key} is .*it must be an integer from 1 to"):
        from_config(changed("llama", **{key: value}))


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"])
def test_missing_keys_are_named(key: str) -> None:
    with pytest.raises(ModelConfigError, match=f"model: {key} is missing; it must be an integer"):
        from_config(without("llama", key))


def test_nested_keys_carry_their_path() -> None:
    with pytest.raises(ModelConfigError, match="text_config.hidden_size is -3"):
        from_config(changed("gemma3", hidden_size=-3))


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("llama", {"num_key_value_heads": 3}, "num_key_value_heads is 3; it must divide the 8 query heads"),
        ("llama", {"num_hidden_layers": 10_001}, "num_hidden_layers is 10001"),
        ("llama", {"attention_bias": "no"}, "attention_bias is 'no'; it must be true or false"),
        ("llama", {"tie_word_embeddings": 1}, "tie_word_embeddings is 1"),
        ("llama", {"head_dim": None, "hidden_size": 250}, "head_dim is null; it must be given"),
        ("llama", {"head_dim": 10**6, "num_attention_heads": 100}, "must not exceed"),
        ("qwen3", {"layer_types": ["full_attention"] * 3}, "layer_types is a list of 3; it must be a list of 4"),
        ("qwen3", {"layer_types": ["full"] * 4}, r"layer_types\[0\] is 'full'; it must be one of"),
        ("gpt_oss", {"sliding_window": None}, "sliding_window is null"),
        ("mixtral", {"num_experts_per_tok": 9}, "num_experts_per_tok is 9; it must be an integer from 1 to 8"),
        ("hunyuan_v1_moe", {"moe_topk": [9] * 4}, "moe_topk is a list of 4; it must be at most num_experts"),
        ("hunyuan_v1_moe", {"moe_topk": [2] * 5}, "moe_topk is a list of 5"),
        ("qwen3_moe", {"mlp_only_layers": [4]}, r"mlp_only_layers\[0\] is 4"),
        ("qwen3_moe", {"mlp_only_layers": [0] * 5}, "mlp_only_layers is a list of 5; it must be a list of at most 4"),
        ("deepseek_v4", {"compress_ratios": [4] * 6}, "compress_ratios is a list of 6; it must be a list of 4 or 5"),
        ("deepseek_v4", {"o_groups": 3}, "o_groups is 3; it must be a divisor of the 8 heads"),
        ("deepseek_v32", {"q_lora_rank": None}, "q_lora_rank is null; it must be given"),
        ("minimax_m1", {"attn_type_list": [0, 0, 2, 1]}, r"attn_type_list\[2\] is 2"),
        ("minimax_m2", {"attn_type_list": [1, 0, 1, 1]}, "attn_type_list has a 0"),
        ("qwen3_next", {"linear_num_key_heads": 3}, "linear_num_key_heads is 3"),
        ("qwen3_next", {"max_position_embeddings": 10**9 + 1}, "max_position_embeddings is 1000000001"),
        ("llama4", {"no_rope_layers": 3}, "no_rope_layers is 3"),
    ],
)
def test_contradictions_are_named(name: str, keys: dict[str, object], message: str) -> None:
    with pytest.raises(ModelConfigError, match=message):
        from_config(changed(name, **keys))


def test_a_section_that_is_no_object() -> None:
    with pytest.raises(ModelConfigError, match="text_config is 'x'; it must be an object"):
        from_config({"model_type": "gemma3", "text_config": "x"})


def test_null_counts_as_absent() -> None:
    assert from_config(changed("llama", num_key_value_heads=None)).layers[0].attention.kv_heads == 8
    assert from_config(changed("llama", head_dim=None)).layers[0].attention.head_dim == 32


def test_the_configuration_is_not_changed() -> None:
    for name, config in CONFIGS.items():
        before = copy.deepcopy(config)
        from_config(config, name)
        assert config == before
