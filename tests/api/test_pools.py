"""Deployments as pools of the simulator: instances, cache, budgets, links."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from accord.api.pools import Built, EngineRules, pooled_cache, pools_of
from accord.base.errors import DoesNotFit, NotSupported, UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.inference.request import EstimateRequest, PoolRequest

LENGTHS = (1000.0, 100.0)
CM, H100 = "huawei-cloudmatrix-384", "nvidia-hgx-h100-8"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def request(**fields: Any) -> EstimateRequest:
    return EstimateRequest(**{"model": "llama-3.1-8b", "system": H100, "phase": "serve", **fields})


def one(catalog: Catalog, rules: EngineRules | None = None, **fields: Any) -> Built:
    (built,) = pools_of(catalog, request(**fields), rules or EngineRules(), LENGTHS)
    return built


def r1(**fields: Any) -> EstimateRequest:
    return request(model="deepseek-r1", system=CM, **fields)


def test_replicas_groups_and_idle_devices(catalog: Catalog) -> None:
    built = one(catalog, chips=7, tp=2)
    assert (built.pool.instances, built.pool.groups, built.pool.chips, built.idle) == (3, 1, 2.0, 1)
    (wide,) = pools_of(catalog, r1(chips=16, tp=4, dp=8, ep=32), EngineRules(), LENGTHS)
    assert (wide.pool.instances, wide.pool.groups, wide.pool.chips, wide.idle) == (1, 8, 16.0, 0)


def test_the_cache_is_what_memory_leaves(catalog: Catalog) -> None:
    base = one(catalog)
    assert base.pool.kv_tokens * base.pool.bytes_per_token < 80e9
    assert base.pool.bytes_per_token == 2 * 32 * 8 * 128 * 2  # keys and values, layers, heads, width, bf16
    assert one(catalog, chips=2, tp=2).pool.kv_tokens > 2 * base.pool.kv_tokens  # weights are halved as well
    assert one(catalog, EngineRules(gpu_memory_utilization=0.5)).pool.kv_tokens < base.pool.kv_tokens
    assert one(catalog, kv="fp8").pool.bytes_per_token == base.pool.bytes_per_token / 2
    assert one(catalog, EngineRules(kv_blocks=100, block_size=32)).pool.kv_tokens == 3200
    with pytest.raises(DoesNotFit, match="no room for a cache"):
        one(catalog, EngineRules(gpu_memory_utilization=0.1))
    with pytest.raises(DoesNotFit) as caught:
        one(catalog, EngineRules(block_size=10**9))
    assert caught.value.hint is not None and caught.value.hint.endswith("lower --block-size")


def test_stages_of_a_pipeline_hold_as_many_batches(catalog: Catalog) -> None:
    rules = EngineRules(max_num_seqs=8, max_num_batched_tokens=512)
    plain, staged = one(catalog, rules).pool, one(catalog, rules, chips=2, pp=2).pool
    assert (plain.max_seqs, plain.token_budget) == (8, 512)
    assert (staged.max_seqs, staged.token_budget) == (16, 1024)
    assert staged.kv_tokens > plain.kv_tokens


def test_context_parallel_ranks_share_a_cache(catalog: Catalog) -> None:
    plain, shared = one(catalog).pool, one(catalog, chips=2, cp=2).pool
    assert (shared.instances, shared.groups, shared.chips) == (1, 1, 2.0)
    assert shared.kv_tokens == pytest.approx(2 * plain.kv_tokens, rel=0.05)
    assert shared.token_budget == plain.token_budget


def test_rules_of_the_engine(catalog: Catalog) -> None:
    rules = EngineRules(
        block_size=64, watermark=0.05, prefix_caching=False, load_s=7.0, cold=True, step_overhead_s=0.5
    )  # fmt: skip
    pool = one(catalog, rules).pool
    assert (pool.block_tokens, pool.watermark, pool.prefix_cache, pool.load_s, pool.cold) == (
        64,
        0.05,
        False,
        7.0,
        True,
    )
    assert pool.timer.line(1, 100.0)[0] > 0.5
    assert one(catalog).pool.load_s > 1.0


def test_two_pools(catalog: Catalog) -> None:
    asked = r1(
        mtp_tokens=1, mtp_accept=0.7,
        prefill=PoolRequest(instances=3, devices=32, ep=32), decode=PoolRequest(instances=2, devices=64, ep=64),
    )  # fmt: skip
    prefill, decode = pools_of(catalog, asked, EngineRules(), LENGTHS)
    assert [(one.pool.name, one.pool.role, one.pool.instances) for one in (prefill, decode)] == [
        ("prefill", "prefill", 3),
        ("decode", "decode", 2),
    ]
    assert (prefill.pool.chips, decode.pool.chips, decode.pool.groups) == (16.0, 32.0, 64)
    assert (prefill.pool.mtp_tokens, decode.pool.mtp_tokens, decode.pool.accept) == (0, 1, 0.7)
    assert decode.pool.ingress_bytes_per_s == pytest.approx(64 / 32 * prefill.pool.egress_bytes_per_s)
    for built in (prefill, decode):
        assert built.pool.stream_bytes_per_s * built.pool.groups == pytest.approx(built.pool.egress_bytes_per_s)
        assert np.isfinite(built.pool.egress_bytes_per_s) and built.pool.latency_s > 0.0


def test_one_pool_moves_nothing(catalog: Catalog) -> None:
    pool = one(catalog).pool
    assert (pool.egress_bytes_per_s, pool.ingress_bytes_per_s, pool.latency_s) == (np.inf, np.inf, 0.0)


def test_pools_on_other_systems(catalog: Catalog) -> None:
    asked = request(model="qwen3-8b", prefill=PoolRequest(devices=2), decode=PoolRequest(devices=1))
    found = pools_of(catalog, asked, EngineRules(), LENGTHS, {"prefill": "huawei-atlas-800-a2-node"})
    assert [built.system for built in found] == ["huawei-atlas-800-a2-node", H100]
    assert found[0].pool.kv_tokens < found[1].pool.kv_tokens


def test_refusals(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="one pool of two"):
        one(catalog, prefill=PoolRequest(devices=1))
    with pytest.raises(UsageError, match="a list where one value is wanted") as caught:
        one(catalog, mtp_tokens=(1, 2))
    assert caught.value.where == "--mtp-tokens"
    pools = {"prefill": PoolRequest(devices=1), "decode": PoolRequest(devices=1)}
    with pytest.raises(UsageError, match="the pools use 2 chips, more than the 1 given"):
        pools_of(catalog, request(chips=1, **pools), EngineRules(), LENGTHS)
    with pytest.raises(DoesNotFit) as short:
        pools_of(catalog, r1(prefill=PoolRequest(devices=2), decode=PoolRequest(devices=64)), EngineRules(), LENGTHS)
    assert short.value.where == "--prefill"


def test_the_pooled_cache(catalog: Catalog) -> None:
    (built,) = pools_of(catalog, r1(chips=16, dp=32, ep=32), EngineRules(), LENGTHS)
    fast, slow = (pooled_cache(built, plane, 1e12) for plane in ("UB", "vpc"))
    assert fast.capacity_tokens == slow.capacity_tokens == 1e12 / built.pool.bytes_per_token
    assert fast.bytes_per_s > slow.bytes_per_s
    assert fast.latency_s > 0.0
    assert fast.stream_bytes_per_s * built.pool.groups == pytest.approx(fast.link_bytes_per_s)
    with pytest.raises(UsageError) as caught:
        pooled_cache(built, "RDMA2", 1e12)
    assert caught.value.where == "--cache-plane"
    with pytest.raises(NotSupported, match="no pooled memory"):
        pooled_cache(one(catalog), None, 1e12)


def test_what_the_workload_is_made_of_is_not_kept(catalog: Catalog) -> None:
    loaded = msgspec.structs.replace(request(), batch_per_device=99.0, isl=5.0, kv_len=7.0, concurrency=3.0)
    (built,) = pools_of(catalog, loaded, EngineRules(), LENGTHS)
    assert built.pool.kv_tokens == one(catalog).pool.kv_tokens
