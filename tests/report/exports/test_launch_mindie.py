"""Plans as configuration of MindIE: documented keys, their types and ranges; the server itself is not run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.report.exports.launches import (
    CM384,
    DENSE,
    R1,
    aggregated,
    disaggregated,
    plan,
    pool,
    run,
    split_h200,
    unlisted,
    write,
)

from accord.base.errors import NotSupported
from accord.report.launch import Launch

ENV = {"MIES_CONTAINER_IP": "node-0", "MIES_CONFIG_JSON_PATH": "/c.json"}


def serve(**changes: Any) -> Launch:
    facts = {"system": CM384.system, "engine": "mindie", "weights": "int8", "dp": 2, "tp": 8, "ep": 16, "devices": 16}
    return Launch(plan(pool(**{**facts, **changes}), model=R1.id), (CM384,), R1, 2000)


def config(launch: Launch, name: str, keys: str) -> dict[str, Any]:
    found = json.loads(next(file.text for file in write("mindie", launch).files if file.name == name))
    assert unlisted(found, keys) == []
    assert isinstance(found, dict)
    return found


def model(found: dict[str, Any]) -> dict[str, Any]:
    (one,) = found["BackendConfig"]["ModelDeployConfig"]["ModelConfig"]
    assert isinstance(one, dict)
    return one


def test_a_server_on_a_node_of_sixteen_dies(tmp_path: Path) -> None:
    found = config(serve(mtp_tokens=1), "config.json", "mindie")
    assert found["BackendConfig"]["npuDeviceIds"] == [list(range(16))] and found["ServerConfig"]["port"] == 2000
    one = model(found)
    assert (one["worldSize"], one["tp"], one["dp"], one["moe_ep"], one["moe_tp"]) == (16, 8, 2, 16, 1)
    assert json.loads(one["plugin_params"]) == {"plugin_type": "mtp", "num_speculative_tokens": 1}
    assert found["BackendConfig"]["ScheduleConfig"]["maxBatchSize"] == 24
    deploy = found["BackendConfig"]["ModelDeployConfig"]
    assert deploy["maxInputTokenLen"] <= found["BackendConfig"]["ScheduleConfig"]["maxPrefillTokens"]
    script = next(file.text for file in write("mindie", serve()).files if file.name == "serve.sh")
    assert run(script, ENV) == ["mindie_llm_server"]


def test_several_nodes_need_a_table_of_ranks() -> None:
    launch = serve(dp=4, ep=32, devices=32)
    assert config(launch, "config.json", "mindie")["BackendConfig"]["multiNodesInferEnabled"]
    text = next(file.text for file in write("mindie", launch).files if file.name == "serve.sh")
    assert all(name in text for name in ("RANK_TABLE_FILE", "MASTER_IP", "MASTER_PORT"))


def test_a_cluster_of_two_pools() -> None:
    found = config(disaggregated(), "user_config.json", "mindie_cluster")
    deploy = found["deploy_config"]
    assert deploy["hardware_type"] == "800I_A3" and deploy["decode_distribute_enable"] == 1
    assert (deploy["p_instances_num"], deploy["single_d_instance_pod_num"], deploy["d_pod_npu_num"]) == (3, 10, 16)
    decode, prefill = (found[f"mindie_server_{side}_config"] for side in ("decode", "prefill"))
    assert (model(decode)["worldSize"], model(decode)["dp"], model(decode)["moe_ep"]) == (1, 160, 160)
    assert (model(prefill)["worldSize"], prefill["ServerConfig"]["distDPServerEnabled"]) == (16, False)
    for one, table in ((decode, "${DECODE_EXPERT_MAP}"), (prefill, "${PREFILL_EXPERT_MAP}")):
        assert model(one)["models"]["deepseekv2"]["eplb"] == {"level": 1, "expert_map_file": table}
        assert one["BackendConfig"]["ScheduleConfig"]["maxPrefillBatchSize"] == (8 if one is prefill else 48)


def test_copies_of_experts_come_from_a_table() -> None:
    files = {file.name: file.text for file in write("mindie", serve(redundant_experts=16)).files}
    eplb = model(json.loads(files["config.json"]))["models"]["deepseekv2"]["eplb"]
    assert eplb == {"level": 1, "expert_map_file": "${SERVE_EXPERT_MAP}"}
    assert "16 redundant experts over 16 ranks with `msit elb -nre 16`" in files["README.md"]
    assert "`envsubst '$SERVE_EXPERT_MAP' < config.json" in files["README.md"]
    assert "eplb" not in model(config(serve(), "config.json", "mindie"))["models"]["deepseekv2"]


def test_context_parallel_with_sequence_parallel() -> None:
    one = model(config(serve(dp=1, cp=2), "config.json", "mindie"))
    assert (one["cp"], one["sp"], one["dp"]) == (2, 8, -1)


def test_two_batches_where_experts_exchange_is_not_fused() -> None:
    one = model(config(serve(dp=1, tp=16, microbatches=2), "config.json", "mindie"))
    assert one["models"]["deepseekv2"] == {"ep_level": 1, "stream_options": {"micro_batch": True}}
    assert any("micro_batch does not go" in said for said in write("mindie", serve(microbatches=2)).departures)


REFUSED = [
    (serve(redundant_experts=8), "do not divide by the 16 ranks"),
    (serve(redundant_experts=16, dp=1, tp=16), "which needs dp above 1"),
    (aggregated(), "not on chips of huawei"),
    (split_h200(), "not on chips of huawei"),
    (serve(weights="fp8"), "no weights in fp8"),
    (serve(kv="int8"), "no documented cache in int8"),
    (serve(mtp_tokens=3), "num_speculative_tokens is 1 or 2"),
    (serve(mtp_tokens=1, weights="bf16"), "W8A8 weights alone"),
    (serve(pp=2, tp=4), "no documented pipeline"),
    (serve(cp=2, tp=4), "needs dp 1"),
    (replace(serve(), model=replace(R1, name="-bad name")), "modelName cannot be '-bad name'"),
    (replace(serve(), model=DENSE), "expert parallelism is documented for DeepSeek"),
    (replace(serve(), sites=(replace(CM384, chip="huawei-ascend-950dt"),)), "is not on an Atlas 800I A2 or A3"),
]


@pytest.mark.parametrize(("launch", "reason"), REFUSED, ids=lambda one: one[:24] if isinstance(one, str) else "")
def test_what_it_cannot_express_is_refused_by_name(launch: Launch, reason: str) -> None:
    with pytest.raises(NotSupported, match=reason):
        write("mindie", launch)
