"""Plans as scripts for vLLM on Ascend: checked against the flags of ``vllm serve`` 0.23.0 and of the proxies."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.report.exports.launches import CM384, H200, R1, V3, disaggregated, parsed, plan, pool, run, write

from accord.base.errors import NotSupported
from accord.report.launch import Launch, Site

ENV = {"MODEL": "/w", "HEAD_HOST": "head-0", "NODE_HOST": "node-0", "NIC": "eth0", "NODE_RANK": "2", "LOCAL_RANK": "3"}
A2 = Site("huawei-atlas-800-a2-node", "huawei", "huawei-ascend-910b", "ascend-910", 1, 8, 0.9)
A5 = Site("huawei-atlas-950-superpod", "huawei", "huawei-ascend-950dt", "ascend-950", 1, 8, 0.9)


def texts(launch: Launch) -> dict[str, str]:
    return {file.name: file.text for file in write("vllm-ascend", launch).files}


def flags(launch: Launch, name: str, folder: Path, **env: str) -> dict[str, Any]:
    words = run(texts(launch)[name], {**ENV, **env})
    assert words[:2] == ["vllm", "serve"]
    return {"model": words[2], **parsed(words[3:], "vllm_0.23")}


def test_ranks_are_dies(tmp_path: Path) -> None:
    text = texts(disaggregated())["decode-rank.sh"]
    assert "0 to 15, set by decode-node.sh" in text and "0 to 9, another on every node" in text
    found = flags(disaggregated(), "decode-rank.sh", tmp_path)
    assert (found["data_parallel_size"], found["data_parallel_rank"]) == (160, 35)
    assert found["port"] == 8403 and found["tensor_parallel_size"] == 1
    assert found["quantization"] == "ascend" and found["enable_expert_parallel"]
    assert found["additional_config"] == {"eplb_config": {"dynamic_eplb": True, "num_redundant_experts": 64}}
    assert "export DYNAMIC_EPLB=true\n" in text
    assert found["kv_transfer_config"] == {
        "kv_connector": "MooncakeConnectorV1", "kv_role": "kv_consumer", "kv_port": "36000",
        "kv_connector_extra_config": {
            "prefill": {"dp_size": 2, "tp_size": 8}, "decode": {"dp_size": 160, "tp_size": 1},
        },
    }  # fmt: skip


def test_a_rank_sees_its_own_dies(tmp_path: Path) -> None:
    text = texts(disaggregated())["prefill-rank.sh"].replace("exec vllm", 'exec vllm "$ASCEND_RT_VISIBLE_DEVICES"')
    assert run(text, {**ENV, "LOCAL_RANK": "1"})[1] == "8,9,10,11,12,13,14,15"


def test_a_node_starts_all_its_ranks(tmp_path: Path) -> None:
    (tmp_path / "prefill-node.sh").write_text(texts(disaggregated())["prefill-node.sh"])
    (tmp_path / "prefill-rank.sh").write_text('echo "$LOCAL_RANK"\n')
    done = subprocess.run(["bash", str(tmp_path / "prefill-node.sh")], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == ["0", "1"]


def test_the_proxy_knows_every_server(tmp_path: Path) -> None:
    env = {"PREFILL_HOSTS": "a a", "PREFILL_PORTS": "8100 8101", "DECODE_HOSTS": "b", "DECODE_PORTS": "8400"}
    words = run(texts(disaggregated())["proxy.sh"], env)
    assert words[:2] == ["python3", "load_balance_proxy_server_example.py"]
    found = parsed(words[2:], "vllm_ascend_proxy")
    assert found["prefiller_ports"] == [8100, 8101] and found["decoder_hosts"] == ["b"]


def aggregated(**changes: Any) -> Launch:
    facts = {"weights": "int8", "engine": "vllm-ascend", "system": A2.system, **changes}
    return Launch(plan(pool(**facts), model=R1.id), (A2,), R1, 8000)


def test_one_server_an_instance_where_pools_are_not_apart(tmp_path: Path) -> None:
    found = flags(aggregated(), "serve.sh", tmp_path)
    assert found["data_parallel_size"] == 8 and "additional_config" not in found
    assert "DYNAMIC_EPLB" not in texts(aggregated())["serve.sh"]
    two = aggregated(tp=4, dp=4, ep=16, devices=16, instances=1)
    head, node = flags(two, "serve-head.sh", tmp_path), flags(two, "serve-node.sh", tmp_path)
    assert head["data_parallel_size_local"] == 2 and head["port"] == 8000
    assert node["headless"] and node["data_parallel_start_rank"] == 4


def test_a_balancer_before_several_instances(tmp_path: Path) -> None:
    env = {"SERVE_HOSTS": "a b", "SERVE_PORTS": "8001 8001"}
    words = run(texts(aggregated())["proxy.sh"], env)
    assert words[1] == "dp_load_balance_proxy_server.py"
    assert parsed(words[2:], "vllm_ascend_proxy")["dp_hosts"] == ["a", "b"]


def test_context_parallel_pieces_are_as_large_as_blocks(tmp_path: Path) -> None:
    common: dict[str, Any] = {"system": CM384.system, "weights": "int8", "devices": 16, "dp": 1, "ep": 16}
    pools = pool(role="prefill", tp=8, cp=2, **common), pool(role="decode", tp=16, **common)
    found = flags(Launch(plan(*pools), (CM384, CM384), R1, 1), "prefill-rank.sh", tmp_path)
    assert found["prefill_context_parallel_size"] == 2 and found["cp_kv_cache_interleave_size"] == 128


REFUSED = [
    (aggregated(pp=2, dp=4, ep=4, mtp_tokens=1), "drafts with pipeline stages"),
    (aggregated(redundant_experts=8), "redundant experts are not for Atlas A2"),
    (aggregated(redundant_experts=4), "do not divide by the 8 ranks"),
    (Launch(plan(pool(redundant_experts=8, weights="bf16")), (CM384,), R1, 1), "redundant experts in bf16"),
    (Launch(plan(pool()), (H200,), V3, 1), "not on chips of huawei"),
    (Launch(plan(pool(weights="int8")), (A5,), R1, 1), "is not of the Atlas A2 or A3 series"),
    (aggregated(weights="fp8"), "no documented weights in fp8"),
    (aggregated(kv="fp8"), "no documented cache in fp8"),
    (aggregated(ep=2), "experts of the serve pool are shared by 2 ranks"),
    (aggregated(tp=16, dp=1, ep=16, devices=16), "a rank here spans several nodes"),
    (aggregated(cp=2, dp=4, mtp_tokens=1), "context parallelism with drafts"),
]


@pytest.mark.parametrize(("launch", "reason"), REFUSED, ids=lambda one: one[:24] if isinstance(one, str) else "")
def test_what_it_cannot_express_is_refused_by_name(launch: Launch, reason: str) -> None:
    with pytest.raises(NotSupported, match=reason):
        write("vllm-ascend", launch)


def test_microbatches_are_said_to_be_left_out() -> None:
    assert any("--enable-dbo is ignored" in one for one in write("vllm-ascend", disaggregated()).departures)
