"""Plans as scripts for SGLang: checked against the flags of its own parser, listed in ``keys/sglang.txt``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.report.exports.launches import (
    CM384,
    DENSE,
    GB200,
    H200,
    V3,
    aggregated,
    disaggregated,
    parsed,
    plan,
    pool,
    run,
    split_h200,
    write,
)

from accord.base.errors import NotSupported
from accord.report.launch import Launch

ENV = {"MODEL": "/w", "HEAD_HOST": "head-0", "NODE_RANK": "1"}


def texts(launch: Launch) -> dict[str, str]:
    return {file.name: file.text for file in write("sglang", launch).files}


def flags(launch: Launch, name: str, folder: Path, **env: str) -> dict[str, Any]:
    words = run(texts(launch)[name], {**ENV, **env})
    assert words[:3] == ["python3", "-m", "sglang.launch_server"]
    return parsed(words[3:], "sglang")


def test_an_instance_a_node(tmp_path: Path) -> None:
    assert flags(aggregated(), "serve.sh", tmp_path) == {
        "model_path": "/w", "served_model_name": "deepseek-v3", "host": "0.0.0.0", "port": 8001, "tp_size": 8,
        "attn_dp_size": 8, "ep_size": 8, "mem_fraction_static": 0.9, "max_running_requests": 192,
        "chunked_prefill_size": 65536, "kv_cache_dtype": "bfloat16",
    }  # fmt: skip


def test_two_pools_on_two_nodes(tmp_path: Path) -> None:
    decode = flags(split_h200(), "decode.sh", tmp_path)
    assert (decode["nnodes"], decode["node_rank"], decode["dist_init_addr"]) == (2, 1, "head-0:20000")
    assert decode["disaggregation_mode"] == "decode" and decode["enable_two_batch_overlap"]
    assert decode["moe_a2a_backend"] == "deepep" and decode["deepep_mode"] == "low_latency"
    assert decode["speculative_algorithm"] == "NEXTN" and decode["speculative_num_draft_tokens"] == 2
    assert decode["ep_num_redundant_experts"] == 32 and decode["enable_eplb"]
    prefill = flags(split_h200(), "prefill.sh", tmp_path)
    assert not {"ep_num_redundant_experts", "enable_eplb"} & set(prefill)
    assert prefill["disaggregation_bootstrap_port"] == 8998 and prefill["speculative_num_steps"] == 1


def test_router_pairs_pools(tmp_path: Path) -> None:
    env = {"PREFILL_URLS": "http://a:8001,8998 http://b:8002,8999", "DECODE_URLS": "http://c:8101"}
    words = run(texts(split_h200())["router.sh"], env)
    assert words[:3] == ["python3", "-m", "sglang_router.launch_router"]
    found = parsed(words[3:], "sglang_router")
    assert found["prefill"] == [["http://a:8001", "8998"], ["http://b:8002", "8999"]]
    assert found["decode"] == [["http://c:8101"]] and found["pd_disaggregation"]


def test_ranks_on_ascend_are_dies(tmp_path: Path) -> None:
    decode = flags(disaggregated(), "decode.sh", tmp_path)
    assert decode["tp_size"] == 160 and decode["nnodes"] == 10
    assert decode["ep_num_redundant_experts"] == 64 and decode["enable_eplb"]
    assert decode["device"] == "npu" and decode["quantization"] == "modelslim"
    assert decode["disaggregation_transfer_backend"] == "ascend"
    assert any("two microbatches" in one for one in write("sglang", disaggregated()).departures)


def test_several_instances_share_a_node(tmp_path: Path) -> None:
    launch = Launch(plan(pool(tp=2, dp=1, ep=1, devices=2), model=DENSE.id), (H200,), DENSE, 9000)
    found = flags(launch, "serve.sh", tmp_path, SLOT="3")
    assert found["base_gpu_id"] == 6 and found["port"] == 9004 and found["quantization"] == "fp8"


def test_context_parallel_in_a_prefill_pool(tmp_path: Path) -> None:
    prefill = pool(role="prefill", cp=4, dp=2, tp=1, ep=8)
    launch = Launch(plan(prefill, pool(role="decode")), (H200, H200), V3, 8000)
    found = flags(launch, "prefill.sh", tmp_path)
    assert found["attn_cp_size"] == 4 and found["enable_prefill_cp"] and found["cp_strategy"] == "zigzag"


def test_a_tray_of_four_is_a_node(tmp_path: Path) -> None:
    wide = pool(system=GB200.system, tp=8, dp=4, ep=32, devices=32)
    found = flags(Launch(plan(wide), (GB200,), V3, 8000), "serve.sh", tmp_path, NODE_RANK="7")
    assert (found["nnodes"], found["node_rank"], found["tp_size"]) == (8, 7, 32)


def test_a_prefill_pool_of_stages_seats_the_prompts_of_all(tmp_path: Path) -> None:
    staged = pool(role="prefill", tp=2, pp=2, dp=2, ep=4, max_num_seqs=6)
    found = flags(Launch(plan(staged, pool(role="decode")), (H200, H200), V3, 8000), "prefill.sh", tmp_path)
    assert (found["pp_size"], found["max_running_requests"], found["chunked_prefill_size"]) == (2, 12, 16384)


REFUSED = [
    (Launch(plan(pool(pp=2, dp=4, ep=4, mtp_tokens=1)), (H200,), V3, 1), "drafts with pipeline stages"),
    (Launch(plan(pool(redundant_experts=12)), (H200,), V3, 1), "do not divide by the 8 ranks"),
    (Launch(plan(pool(dp=24, ep=24, devices=24)), (H200,), V3, 1), "256 experts and 0 redundant ones do not divide"),
    (Launch(plan(pool(ep=1, redundant_experts=8)), (H200,), V3, 1), "no ranks share its experts"),
    (Launch(plan(pool(role="prefill"), pool(role="decode")), (H200, CM384), V3, 1), "between chips of two vendors"),
    (Launch(plan(pool(cp=2, dp=4)), (H200,), V3, 1), "context parallelism is for prefill pools"),
    (Launch(plan(pool(ep=1), model=DENSE.id), (H200,), DENSE, 1), "is for models with experts"),
    (Launch(plan(pool(kv="int4")), (H200,), V3, 1), "no documented format of the cache is 'int4'"),
    (Launch(plan(pool(ep=3)), (H200,), V3, 1), "do not divide"),
]


@pytest.mark.parametrize(("launch", "reason"), REFUSED, ids=lambda one: one[:24] if isinstance(one, str) else "")
def test_what_it_cannot_express_is_refused_by_name(launch: Launch, reason: str) -> None:
    with pytest.raises(NotSupported, match=reason):
        write("sglang", launch)
