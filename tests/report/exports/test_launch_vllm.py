"""Plans as scripts for vLLM: checked against the flags of its own parser, listed in ``keys/vllm.txt``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.report.exports.launches import (
    CM384,
    DENSE,
    GB200,
    H200,
    R1,
    V3,
    aggregated,
    parsed,
    plan,
    pool,
    run,
    split_h200,
    write,
)

from accord.base.errors import NotSupported
from accord.report.launch import Launch

ENV = {"MODEL": "/w", "HEAD_HOST": "head-0", "NODE_HOST": "node-0", "NODE_RANK": "1"}


def texts(launch: Launch) -> dict[str, str]:
    return {file.name: file.text for file in write("vllm", launch).files}


def flags(launch: Launch, name: str, folder: Path, **env: str) -> dict[str, Any]:
    words = run(texts(launch)[name], {**ENV, **env})
    assert words[:2] == ["vllm", "serve"]
    return {"model": words[2], **parsed(words[3:], "vllm")}


def test_an_instance_a_node(tmp_path: Path) -> None:
    assert flags(aggregated(), "serve.sh", tmp_path) == {
        "model": "/w", "served_model_name": ["deepseek-v3"], "tensor_parallel_size": 1, "data_parallel_size": 8,
        "enable_expert_parallel": True, "host": "0.0.0.0", "port": 8001, "gpu_memory_utilization": 0.9,
        "max_num_seqs": 24, "max_num_batched_tokens": 8192, "kv_cache_dtype": "bfloat16",
    }  # fmt: skip


def test_router_before_several_instances(tmp_path: Path) -> None:
    words = run(texts(aggregated())["router.sh"], {"WORKER_URLS": "http://a:8001 http://b:8001"})
    assert words[0] == "vllm-router"
    found = parsed(words[1:], "vllm_router")
    assert found["worker_urls"] == ["http://a:8001", "http://b:8001"] and found["port"] == 8000


def test_no_router_before_one_instance() -> None:
    assert set(texts(Launch(plan(pool(instances=1)), (H200,), V3, 8000))) == {"serve.sh", "README.md"}


def test_an_instance_over_two_nodes(tmp_path: Path) -> None:
    head = flags(split_h200(), "decode-head.sh", tmp_path)
    node = flags(split_h200(), "decode-node.sh", tmp_path)
    assert head["data_parallel_size"] == 16 and head["data_parallel_size_local"] == 8
    assert head["data_parallel_address"] == "head-0" and "data_parallel_start_rank" not in head
    assert node["data_parallel_start_rank"] == 8 and node["headless"] and "port" not in node
    assert head["all2all_backend"] == "deepep_low_latency" and head["enable_dbo"]
    assert head["kv_transfer_config"]["kv_role"] == "kv_consumer"
    assert head["enable_eplb"] and head["eplb_config"] == {"num_redundant_experts": 32}
    shared = set(head) - {"host", "port"}
    assert {name: head[name] for name in shared} == {name: node[name] for name in shared}


def test_both_pools_draft_where_one_does(tmp_path: Path) -> None:
    for name in ("decode-head.sh", "prefill.sh"):
        assert flags(split_h200(), name, tmp_path)["speculative_config"] == {
            "method": "mtp", "num_speculative_tokens": 1,
        }  # fmt: skip


def test_router_of_two_pools(tmp_path: Path) -> None:
    env = {"PREFILL_URLS": "http://a:8001 http://b:8001", "DECODE_URLS": "http://c:8101"}
    words = run(texts(split_h200())["router.sh"], env)
    found = parsed(words[1:], "vllm_router")
    assert found["vllm_pd_disaggregation"] and found["prefill"] == [["http://a:8001"], ["http://b:8001"]]
    assert found["decode"] == [["http://c:8101"]]


def test_a_group_over_two_nodes_joins_by_node_rank(tmp_path: Path) -> None:
    launch = Launch(plan(pool(tp=8, pp=2, dp=1, ep=8, devices=16)), (H200,), V3, 8000)
    node = flags(launch, "serve-node.sh", tmp_path)
    assert (node["nnodes"], node["node_rank"], node["master_addr"]) == (2, 1, "head-0")
    assert node["pipeline_parallel_size"] == 2 and "data_parallel_size" not in node


def test_several_instances_share_a_node(tmp_path: Path) -> None:
    launch = Launch(plan(pool(tp=2, dp=1, ep=1, devices=2, weights="fp8"), model=DENSE.id), (H200,), DENSE, 9000)
    text = texts(launch)["serve.sh"]
    probe = text.replace("exec vllm", 'export SEEN="$CUDA_VISIBLE_DEVICES"; exec vllm "$SEEN"')
    words = run(probe, {**ENV, "SLOT": "3"})
    assert words[1] == "6,7"
    found = parsed(words[4:], "vllm")
    assert found["port"] == 9004 and found["quantization"] == "fp8"


def test_names_and_paths_are_words_of_the_shell(tmp_path: Path) -> None:
    served = replace(V3, path="/w/it's $HOME; rm -rf /", name='a "b" `c`')
    found = flags(Launch(plan(pool()), (H200,), served, 8000), "serve.sh", tmp_path)
    assert found["model"] == "/w/it's $HOME; rm -rf /" and found["served_model_name"] == ['a "b" `c`']


def test_copies_of_experts_need_the_balancer(tmp_path: Path) -> None:
    assert not {"enable_eplb", "eplb_config"} & set(flags(aggregated(), "serve.sh", tmp_path))
    found = flags(Launch(plan(pool(redundant_experts=64)), (H200,), V3, 8000), "serve.sh", tmp_path)
    assert found["enable_eplb"] and found["eplb_config"] == {"num_redundant_experts": 64}


def test_a_tray_of_four_is_a_node(tmp_path: Path) -> None:
    wide = pool(system=GB200.system, dp=32, ep=32, devices=32, redundant_experts=32)
    node = flags(Launch(plan(wide), (GB200,), V3, 8000), "serve-node.sh", tmp_path, NODE_RANK="7")
    assert (node["data_parallel_size_local"], node["data_parallel_start_rank"]) == (4, 28)


def test_a_prefill_pool_of_stages_seats_the_prompts_of_all(tmp_path: Path) -> None:
    staged = pool(role="prefill", tp=2, pp=4, dp=1, ep=2, max_num_seqs=16)
    found = flags(Launch(plan(staged, pool(role="decode")), (H200, H200), V3, 8000), "prefill.sh", tmp_path)
    assert (found["pipeline_parallel_size"], found["max_num_seqs"], found["max_num_batched_tokens"]) == (4, 16, 8192)


REFUSED = [
    (
        Launch(plan(pool(redundant_experts=12)), (H200,), V3, 1),
        "256 experts and 12 redundant ones do not divide by the 8",
    ),
    (Launch(plan(pool(ep=1, redundant_experts=8)), (H200,), V3, 1), "no ranks share its experts"),
    (Launch(plan(pool(redundant_experts=8, weights="int8")), (H200,), V3, 1), "does not move weights in int8"),
    (Launch(plan(pool(redundant_experts=-8)), (H200,), V3, 1), "is below 1"),
    (Launch(plan(pool(mtp_tokens=1, ep=1), model=DENSE.id), (H200,), DENSE, 1), "has no draft layers of its own"),
    (
        Launch(plan(pool(role="prefill"), pool(role="decode", dp=24, ep=24, devices=24)), (H200, H200), V3, 1),
        "256 experts and 0 redundant ones do not divide by the 24 ranks",
    ),
    (Launch(plan(pool(tp=8, dp=4, ep=32, devices=32)), (GB200,), V3, 1), "do not fit nodes of 4"),
    (Launch(plan(pool(role="prefill"), pool(role="decode")), (H200, CM384), V3, 1), "between chips of two vendors"),
    (Launch(plan(pool(ep=4)), (H200,), V3, 1), "experts of the serve pool are shared by 4 ranks"),
    (Launch(plan(pool(system=CM384.system)), (CM384,), R1, 1), "not on chips of nvidia or amd"),
    (Launch(plan(pool(kv="int8")), (H200,), V3, 1), "no documented format of the cache is 'int8'"),
    (Launch(plan(pool(ep=8), model=DENSE.id), (H200,), DENSE, 1), "the model has none"),
    (Launch(plan(pool(tp=3, dp=4, ep=1, devices=12)), (H200,), V3, 1), "do not fill whole nodes of 8"),
    (Launch(plan(pool(tp=16, dp=2, ep=1, devices=32)), (H200,), V3, 1), "do not fit nodes of 8"),
    (Launch(plan(pool(devices=9)), (H200,), V3, 1), "are not its 9 devices"),
    (Launch(plan(pool(max_num_seqs=9000)), (H200,), V3, 1), "token budget of 8192 is below"),
    (Launch(plan(pool(role="decode")), (H200,), V3, 1), "its pools are decode"),
]


@pytest.mark.parametrize(("launch", "reason"), REFUSED, ids=lambda one: one[:24] if isinstance(one, str) else "")
def test_what_it_cannot_express_is_refused_by_name(launch: Launch, reason: str) -> None:
    with pytest.raises(NotSupported, match=reason) as told:
        write("vllm", launch)
    assert str(told.value).startswith("vLLM 0.33.0 cannot run this plan: ")


def test_what_differs_from_the_plan_is_said() -> None:
    launch = Launch(plan(pool(microbatches=2, engine="generic", weights="int8")), (H200,), V3, 8000)
    bundle = write("vllm", launch)
    said = " ".join(bundle.departures)
    for part in ("estimated as generic", "needs weights in int8", "two microbatches"):
        assert part in said
    readme = next(file.text for file in bundle.files if file.name == "README.md")
    assert all(one in readme for one in bundle.departures)
