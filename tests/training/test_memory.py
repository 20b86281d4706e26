"""Memory of training: bytes a weight under ZeRO, activations as published, parts that sum."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from tests.training.rig import gpt, job

from accord.models.params import count
from accord.training.layout import FULL, NONE, SELECTIVE, layouts
from accord.training.memory import layer_activation_bytes, rank_weights, train_memory


def test_parts_sum_to_what_is_used() -> None:
    found = train_memory(job("deepseek-v3"), layouts(pp=16.0, dp=128.0, ep=64.0))
    parts = [getattr(found, field.name) for field in fields(found) if field.name != "capacity_bytes"]
    assert np.allclose(sum(parts), found.used_bytes)
    assert all(np.all(part >= 0.0) for part in parts)
    assert np.allclose(found.capacity_bytes - found.used_bytes, found.free_bytes)


@pytest.mark.parametrize("zero, each", [(0.0, 18.0), (1.0, 6.0 + 12.0 / 64), (2.0, 2.0 + 16.0 / 64), (3.0, 18.0 / 64)])
def test_bytes_a_weight_under_zero(zero: float, each: float) -> None:
    """Rajbhandari et al., arXiv 1910.02054, figure 1, with gradients in 32 bits."""
    asked = job("llama-3.1-8b")
    found = train_memory(asked, layouts(dp=64.0, zero=zero))
    held = found.weights_bytes + found.gradients_bytes + found.optimizer_bytes
    weights = rank_weights(asked, layouts(dp=64.0))
    whole = max(2.0 * weights.dense[0] / asked.spec.n_layers, weights.table[0])  # two layers, or both tables, at a time
    gathered = 2.0 * whole if zero == 3.0 else 0.0
    assert held[0] - gathered == pytest.approx(each * weights.shared[0], rel=0.02)


@pytest.mark.parametrize("name", ["llama-3.1-70b", "deepseek-v3", "qwen3-235b-a22b"])
def test_ranks_hold_all_weights_once(name: str) -> None:
    asked = job(name)
    lay = layouts(tp=2.0, pp=1.0, dp=16.0, ep=8.0 if asked.spec.is_moe else 1.0)
    held = rank_weights(asked, lay)
    total = float(held.shared[0] * 2.0 + held.routed[0] * float(lay.ep[0] * lay.slices[0]))
    assert total == pytest.approx(count(asked.spec).total, rel=0.03)


def test_activations_of_a_layer_are_as_published() -> None:
    """Korthikanti et al., arXiv 2205.05198: 34 s b h a layer but for squares; masks are not kept here."""
    asked = job(gpt(48, 6144, 64), "nvidia-hgx-a100-8", seq=2048.0)
    found = layer_activation_bytes(asked, layouts(micro=4.0), asked.spec.layers[0])
    assert found[0] / (2048.0 * 4.0 * 6144.0) == pytest.approx(34.0, abs=6.0)


def test_recomputation_trades_memory() -> None:
    asked = job("llama-3.1-70b")
    lay = layouts(tp=8.0, pp=4.0, dp=8.0, recompute=[NONE, SELECTIVE, FULL])
    found = train_memory(asked, lay).activations_bytes
    assert found[0] > found[1] > found[2]


def test_the_rank_with_the_head_counts_where_it_is_fuller() -> None:
    """Two stages of a small model with a large vocabulary: one micro-batch and its logits outweigh two without."""
    asked = job("llama-3.1-8b", seq=8192.0)
    found = train_memory(asked, layouts(pp=2.0, dp=4.0, micro=4.0, recompute=FULL))
    assert found.logits_bytes[0] == pytest.approx(4.0 * 8192.0 * 128256.0 * 6.0)


def test_dualpipe_holds_stages_twice_but_not_the_drafts() -> None:
    asked = job("deepseek-v3", precision="fp8", mtp=True)
    lay = layouts(pp=16.0, dp=128.0, ep=64.0, schedule=[0.0, 3.0])
    own = rank_weights(asked, lay)
    plain, both = train_memory(asked, lay).weights_bytes
    stage = float(own.dense[1] + own.experts[1] + own.table[1])
    assert both == pytest.approx(2.0 * (2.0 * stage + float(own.mtp_dense[1] + own.mtp_experts[1])))
    assert plain < both


def test_offloaded_states_take_no_device_memory() -> None:
    asked = job("llama-3.1-8b")
    assert train_memory(asked, layouts(dp=8.0, offload=1.0)).optimizer_bytes[0] == 0.0


def test_latent_layers_keep_latents_where_products_are_made_again() -> None:
    asked = job("deepseek-v3")
    layer = asked.spec.distinct_layers[0]
    whole, some = (layer_activation_bytes(asked, layouts(recompute=one), layer)[0] for one in (NONE, SELECTIVE))
    assert some < 0.6 * whole


def test_frozen_models_keep_no_states_of_their_own() -> None:
    whole = train_memory(job("llama-2-70b"), layouts(tp=8.0))
    adapters = train_memory(job("llama-2-70b", lora_rank=16), layouts(tp=8.0))
    assert adapters.optimizer_bytes[0] < 0.01 * whole.optimizer_bytes[0]
