"""Published sizes of families the catalog has no model of; shapes as in their config.json."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from accord.models import count, from_config


class Case(NamedTuple):
    """total, active: weights as printed [1e9], active None where dense or printed to one digit."""

    name: str
    config: dict[str, object]
    total: float
    active: float | None
    source: str


def shape(model_type: str, hidden: int, layers: int, heads: int, vocab: int, **rest: object) -> dict[str, object]:
    return {
        "model_type": model_type,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "vocab_size": vocab,
        **rest,
    }


LATENT: dict[str, object] = {
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "n_shared_experts": 2,
    "num_experts_per_tok": 6,
    "first_k_dense_replace": 1,
}

CASES = (
    Case(
        "DeepSeek-V2",
        shape("deepseek_v2", 5120, 60, 128, 102400, intermediate_size=12288, moe_intermediate_size=1536)
        | LATENT
        | {"q_lora_rank": 1536, "n_routed_experts": 160},
        236,
        21,
        "DeepSeek-V2, arXiv 2405.04434, abstract",
    ),
    Case(
        "DeepSeek-V2-Lite",
        shape("deepseek_v2", 2048, 27, 16, 102400, intermediate_size=10944, moe_intermediate_size=1408)
        | LATENT
        | {"q_lora_rank": None, "n_routed_experts": 64},
        15.7,
        2.4,
        "DeepSeek-V2, arXiv 2405.04434, appendix B",
    ),
    Case(
        "Qwen2-72B",
        shape("qwen2", 8192, 80, 64, 152064, num_key_value_heads=8, intermediate_size=29568),
        72.7,
        None,
        "Qwen2.5-72B model card",
    ),
    Case(
        "Qwen2-57B-A14B",
        shape("qwen2_moe", 3584, 28, 28, 151936, num_key_value_heads=4, intermediate_size=18944)
        | {
            "num_experts": 64,
            "num_experts_per_tok": 8,
            "moe_intermediate_size": 2560,
            "shared_expert_intermediate_size": 20480,
        },
        57.4,
        14,
        "Qwen2 Technical Report, arXiv 2407.10671, table 1",
    ),
    Case(
        "Qwen3-Next-80B-A3B",
        shape("qwen3_next", 2048, 48, 16, 151936, num_key_value_heads=2, head_dim=256, intermediate_size=5120)
        | {
            "num_experts": 512,
            "num_experts_per_tok": 10,
            "moe_intermediate_size": 512,
            "shared_expert_intermediate_size": 512,
            "linear_num_key_heads": 16,
            "linear_num_value_heads": 32,
            "linear_key_head_dim": 128,
            "linear_value_head_dim": 128,
            "linear_conv_kernel_dim": 4,
            "full_attention_interval": 4,
        },
        80,
        None,
        "Qwen3-Next model card, 2025-09-11",
    ),
    Case(
        "Gemma-7B",
        shape("gemma", 3072, 28, 16, 256000, head_dim=256, intermediate_size=24576),
        8.54,
        None,
        "Gemma, arXiv 2403.08295, table 2",
    ),
    Case(
        "Gemma-2-27B",
        shape("gemma2", 4608, 46, 32, 256000, num_key_value_heads=16, head_dim=128, intermediate_size=36864)
        | {"sliding_window": 4096},
        27.2,
        None,
        "Gemma 2, arXiv 2408.00118, table 2",
    ),
    Case(
        "Phi-3-mini",
        shape("phi3", 3072, 32, 32, 32064, intermediate_size=8192, sliding_window=2047),
        3.8,
        None,
        "Phi-3 Technical Report, arXiv 2404.14219, abstract",
    ),
    Case(
        "GLM-4-32B-0414",
        shape("glm4", 6144, 61, 48, 151552, num_key_value_heads=2, head_dim=128, intermediate_size=23040),
        32.6,
        None,
        "GLM-4-32B-0414 model card",
    ),
    Case(
        "Granite-3.1-8B",
        shape("granite", 4096, 40, 32, 49155, num_key_value_heads=8, intermediate_size=12800)
        | {"tie_word_embeddings": True},
        8.1,
        None,
        "Granite 3.1 model card, table",
    ),
    Case(
        "Hunyuan-A13B",
        shape("hunyuan_v1_moe", 4096, 32, 32, 128167, num_key_value_heads=8, head_dim=128, intermediate_size=3072)
        | {
            "num_experts": 64,
            "moe_topk": [8] * 32,
            "moe_intermediate_size": [3072] * 32,
            "num_shared_expert": [1] * 32,
            "use_mixed_mlp_moe": True,
            "use_cla": False,
            "use_qk_norm": True,
            "tie_word_embeddings": True,
        },
        80,
        13,
        "Hunyuan-A13B model card, 2025-06-27",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_total_agrees(case: Case) -> None:
    assert count(from_config(case.config)).total / 1e9 == pytest.approx(case.total, rel=0.01)


@pytest.mark.parametrize("case", [case for case in CASES if case.active], ids=lambda case: case.name)
def test_active_agrees(case: Case) -> None:
    assert case.active is not None
    counted = count(from_config(case.config))
    nearest = min(abs(n / 1e9 / case.active - 1) for n in (counted.active, counted.active_without_embeddings))
    assert nearest <= 0.03
