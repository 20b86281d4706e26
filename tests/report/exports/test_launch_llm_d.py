"""Plans as values of llm-d's modelservice chart: its keys, and flags of ``vllm serve``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.report.exports.launches import (
    H200,
    V3,
    aggregated,
    disaggregated,
    parsed,
    plan,
    pool,
    run,
    split_h200,
    unlisted,
    write,
)

from accord.base.errors import NotSupported
from accord.report.launch import Launch

ENV = {"MODEL": "/w", "LWS_LEADER_ADDRESS": "leader.svc", "LWS_WORKER_INDEX": "1"}


def values(launch: Launch) -> dict[str, Any]:
    found = yaml.safe_load(write("llm-d", launch).files[0].text)
    assert unlisted(found, "llm_d") == []
    assert isinstance(found, dict)
    return found


def flags(side: dict[str, Any], folder: Path, **env: str) -> dict[str, Any]:
    (container,) = side["containers"]
    assert container["command"] == ["/bin/bash", "-c"] and container["modelCommand"] == "custom"
    words = run(container["args"][0], {**ENV, **env})
    return {"model": words[2], **parsed(words[3:], "vllm")}


def test_two_pools_on_leader_worker_sets(tmp_path: Path) -> None:
    found = values(split_h200())
    assert found["multinode"] and found["routing"]["proxy"]["enabled"]
    assert found["decode"]["parallelism"] == {"tensor": 1, "data": 16, "dataLocal": 8, "workers": 2}
    assert found["prefill"]["replicas"] == 2
    decode = flags(found["decode"], tmp_path)
    assert decode["data_parallel_start_rank"] == 8 and decode["data_parallel_address"] == "leader.svc"
    assert decode["data_parallel_hybrid_lb"] and decode["port"] == found["routing"]["proxy"]["targetPort"]
    assert decode["enable_eplb"] and decode["eplb_config"] == {"num_redundant_experts": 32}
    assert flags(found["prefill"], tmp_path)["port"] == found["routing"]["servicePort"]


def test_one_pool_is_the_decode_pool_without_its_proxy(tmp_path: Path) -> None:
    found = values(aggregated())
    assert not found["prefill"]["create"] and not found["routing"]["proxy"]["enabled"] and not found["multinode"]
    assert found["decode"]["replicas"] == 4
    assert flags(found["decode"], tmp_path)["port"] == 8000


@pytest.mark.parametrize(("index", "headless"), [("0", None), ("1", True)])
def test_a_group_over_two_nodes(index: str, headless: bool | None, tmp_path: Path) -> None:
    found = values(Launch(plan(pool(tp=16, dp=1, ep=16, devices=16)), (H200,), V3, 8200))
    decode = flags(found["decode"], tmp_path, LWS_WORKER_INDEX=index)
    assert decode.get("headless") == headless and decode["node_rank"] == int(index) and decode["nnodes"] == 2


def test_weights_of_a_hub() -> None:
    found = values(replace(aggregated(), model=replace(V3, path="deepseek-ai/DeepSeek-V3")))
    assert found["modelArtifacts"]["uri"] == "hf://deepseek-ai/DeepSeek-V3"
    assert values(aggregated())["modelArtifacts"]["uri"] == "${MODEL_URI}"


def test_chips_of_another_vendor_are_refused() -> None:
    with pytest.raises(NotSupported, match="not on chips of nvidia or amd"):
        write("llm-d", disaggregated())


def test_copies_that_do_not_divide_are_refused() -> None:
    with pytest.raises(NotSupported, match="do not divide by the 16 ranks"):
        write("llm-d", split_h200(redundant_experts=5))
