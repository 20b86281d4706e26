"""Plans as a DynamoGraphDeployment: keys of the project's examples, flags of its own parsers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from tests.report.exports.launches import (
    DENSE,
    H200,
    V3,
    aggregated,
    disaggregated,
    parsed,
    plan,
    pool,
    split_h200,
    unlisted,
    write,
)

from accord.base.errors import NotSupported
from accord.report.launch import Launch


def graph(launch: Launch) -> dict[str, Any]:
    found = yaml.safe_load(write("dynamo", launch).files[0].text)
    assert unlisted(found, "dynamo_graph") == []
    assert isinstance(found, dict)
    return found


def workers(launch: Launch) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in graph(launch)["spec"]["components"]}


def flags(worker: dict[str, Any], keys: str) -> dict[str, Any]:
    (container,) = worker["podTemplate"]["spec"]["containers"]
    assert container["command"] == ["python3", "-m", keys.replace("_", ".")]
    return parsed(container["args"], keys)


def test_a_worker_for_each_pool() -> None:
    found = workers(split_h200())
    assert list(found) == ["Frontend", "prefill", "decode"]
    assert flags(found["Frontend"], "dynamo_frontend") == {"http_port": 8000}
    assert found["prefill"]["replicas"] == 2 and "multinode" not in found["prefill"]
    assert found["decode"]["multinode"] == {"nodeCount": 2}
    decode = flags(found["decode"], "dynamo_vllm")
    assert decode["disaggregation_mode"] == "decode" and decode["data_parallel_size"] == 16
    assert decode["kv_transfer_config"] == {"kv_connector": "NixlConnector", "kv_role": "kv_both"}
    assert decode["enable_eplb"] and decode["eplb_config"] == {"num_redundant_experts": 32}
    assert decode["enable_dbo"] and decode["model"] == "${MODEL}"
    gpus = [one["podTemplate"]["spec"]["containers"][0].get("resources") for one in found.values()]
    assert gpus == [None, {"limits": {"nvidia.com/gpu": "8"}}, {"limits": {"nvidia.com/gpu": "8"}}]


def test_one_pool_is_a_worker() -> None:
    found = workers(aggregated())["serve"]
    assert (found["type"], found["replicas"]) == ("worker", 4)
    assert "disaggregation_mode" not in flags(found, "dynamo_vllm")


def test_a_plan_for_sglang_keeps_its_engine() -> None:
    launch = split_h200(engine="dynamo-sglang")
    assert graph(launch)["spec"]["backendFramework"] == "sglang"
    decode = flags(workers(launch)["decode"], "dynamo_sglang")
    assert decode["dp_size"] == 16 and decode["enable_dp_attention"] and decode["tp_size"] == 16
    assert decode["ep_num_redundant_experts"] == 32 and decode["enable_eplb"]
    assert decode["disaggregation_transfer_backend"] == "nixl"


def test_names_are_safe() -> None:
    served = replace(V3, path="/w: {a}\n", name="- Ünsafe: name #1 " * 9)
    found = graph(Launch(plan(pool()), (H200,), served, 8000))
    name = found["metadata"]["name"]
    assert len(name) <= 63 and name.replace("-", "").isalnum() and name.isascii() and name[0].isalpha()
    serve = flags({one["name"]: one for one in found["spec"]["components"]}["serve"], "dynamo_vllm")
    assert serve["model"] == "/w: {a}\n"


REFUSED = [
    (split_h200(redundant_experts=5), "do not divide by the 16 ranks"),
    (split_h200(redundant_experts=5, engine="sglang"), "do not divide by the 16 ranks"),
    (disaggregated(), "not on chips of nvidia"),
    (Launch(plan(pool(ep=2)), (H200,), V3, 1), "are shared by 2 ranks"),
    (Launch(plan(pool(engine="sglang", ep=1), model=DENSE.id), (H200,), DENSE, 1), "is for models with experts"),
]


@pytest.mark.parametrize(("launch", "reason"), REFUSED, ids=lambda one: one[:24] if isinstance(one, str) else "")
def test_what_it_cannot_express_is_refused_by_name(launch: Launch, reason: str) -> None:
    with pytest.raises(NotSupported, match=reason):
        write("dynamo", launch)
