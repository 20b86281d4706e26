"""Every target: whole files of two plans, and any plan either becomes valid files or is refused with a reason."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.report.exports.launches import (
    CM384,
    DENSE,
    H200,
    R1,
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

from accord._version import VERSION
from accord.base.errors import NotSupported
from accord.planner.plan import PoolPlan
from accord.report.launch import Launch, LaunchFile, Site
from accord.report.outputs import TARGETS

Golden = Callable[[str, str], None]
WHOLE = [
    *((target, aggregated, "h200") for target in ("vllm", "sglang", "dynamo", "llm-d")),
    *((target, disaggregated, "cloudmatrix") for target in ("vllm-ascend", "sglang", "mindie")),
]


@pytest.mark.parametrize(("target", "launch", "name"), WHOLE, ids=lambda one: one if isinstance(one, str) else "")
def test_whole_files(target: str, launch: Callable[[], Launch], name: str, golden: Golden) -> None:
    text = "\n".join(f"==> {file.name} <==\n{file.text}" for file in write(target, launch()).files)
    golden(f"launch_{target}_{name}.txt", text.replace(VERSION, "VERSION"))


NEEDED = (
    "MODEL", "HEAD_HOST", "NODE_HOST", "NIC", "MIES_CONTAINER_IP", "MIES_CONFIG_JSON_PATH", "RANK_TABLE_FILE",
    "MASTER_IP", "MASTER_PORT", "WORKER_URLS", "PREFILL_URLS", "DECODE_URLS", "LWS_LEADER_ADDRESS",
)  # fmt: skip
COUNTED = (
    "NODE_RANK",
    "LOCAL_RANK",
    *(f"{side}_{kind}" for side in ("SERVE", "PREFILL", "DECODE") for kind in ("HOSTS", "PORTS")),
)
ENV = {name: "a-word,1" for name in NEEDED} | {name: "1" for name in COUNTED}


def command(words: list[str], vllm: str) -> None:
    """Fail on a command whose flags are not listed."""
    if words[:2] == ["vllm", "serve"]:
        assert parsed(words[3:], vllm)
    elif words[0] == "vllm-router":
        assert parsed(words[1:], "vllm_router")
    elif words[:2] == ["python3", "-m"]:
        assert parsed(
            words[3:], {"sglang.launch_server": "sglang", "sglang_router.launch_router": "sglang_router"}[words[2]]
        )
    elif words[0] == "python3":
        assert parsed(words[2:], "vllm_ascend_proxy")
    else:
        assert words == ["mindie_llm_server"]


def valid(file: LaunchFile) -> None:
    """Fail on a file that its reader could not read, or with a key or flag that is not listed."""
    if file.name.endswith(".sh"):
        subprocess.run(["bash", "-n"], input=file.text, text=True, check=True, capture_output=True)
        assert file.run and file.text.startswith("#!/usr/bin/env bash\n# ")
        if "exec " in file.text:
            command(run(file.text, ENV), "vllm_0.23" if "for vllm-ascend" in file.text else "vllm")
    elif file.name.endswith(".yaml"):
        keys = {"graph.yaml": "dynamo_graph", "values.yaml": "llm_d"}[file.name]
        document = yaml.safe_load(file.text)
        assert unlisted(document, keys) == []
        for side in ("prefill", "decode"):
            for container in document.get(side, {}).get("containers", ()):
                command(run(container["args"][0], ENV), "vllm")
        if keys == "dynamo_graph":
            for component in document["spec"]["components"]:
                (container,) = component["podTemplate"]["spec"]["containers"]
                parsed(container["args"], container["command"][2].replace(".", "_"))
    elif file.name.endswith(".json"):
        document = json.loads(file.text)
        listed = {"config.json": "mindie", "user_config.json": "mindie_cluster"}
        assert file.name not in listed or unlisted(document, listed[file.name]) == []
    else:
        assert file.name == "README.md"


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
NVIDIA = (H200, replace(H200, devices_per_node=4), replace(H200, vendor="amd"))
HOMES = {"vllm-ascend": (CM384,), "mindie": (CM384,), "sglang": (*NVIDIA, CM384)}


@st.composite
def pools(draw: st.DrawFn, role: str, site: Site, odd: bool) -> PoolPlan:
    """One pool: odd ones are mostly refused, others mostly not."""
    sizes = st.sampled_from([1, 2, 3, 7, 16] if odd else [1, 1, 2, 4, 8])
    tp, dp = draw(sizes), draw(sizes)
    pp, cp = (draw(st.sampled_from([1, 1, 1, 2])) for _ in range(2))
    mtp = draw(st.integers(0, 3 if odd else 1))
    usual = ["int8"] if site.vendor == "huawei" else ["fp8", "bf16", "int8"]
    facts: dict[str, Any] = {
        "role": role, "system": site.system, "engine": draw(st.sampled_from(["vllm", "sglang", "mindie", "generic"])),
        "weights": draw(st.sampled_from(["int4", "fp4", "x y"] if odd else usual)),
        "kv": draw(st.sampled_from(["bf16", "fp8", "int8"] if odd else ["bf16"])), "tp": tp, "pp": pp, "dp": dp,
        "cp": cp, "ep": draw(st.sampled_from([1, tp * dp * cp, *([dp, 5] if odd else [])])),
        "devices": draw(st.sampled_from([tp * pp * dp * cp, *([7] if odd else [])])),
        "instances": draw(st.integers(1, 20)), "max_num_seqs": draw(st.integers(0, 2000)),
        "max_num_batched_tokens": draw(st.sampled_from([0, 2048, 16384])), "microbatches": draw(st.integers(1, 2)),
        "redundant_experts": draw(st.sampled_from([0, 0, 32, 1 if odd else 128])),
        "mtp_tokens": mtp, "mtp_accept": 0.5 if mtp else 0.0,
    }  # fmt: skip
    return pool(**facts)


@st.composite
def launches(draw: st.DrawFn, target: str) -> Launch:
    """A plan for a target, sound or odd, on chips it runs on or on others."""
    odd = draw(st.sampled_from([False, False, False, True]))
    site = draw(st.sampled_from([H200, CM384] if odd else HOMES.get(target, NVIDIA)))
    model = draw(st.sampled_from([V3, R1, DENSE] if odd else [V3, R1]))
    name = draw(TEXT if odd else st.sampled_from(["a-model", "m.2", "0_x"]))
    served = replace(model, path=draw(st.none() | TEXT), name=name)
    roles = draw(
        st.sampled_from([("decode",), ("serve", "decode"), ()] if odd else [("serve",), ("prefill", "decode")])
    )
    made = tuple(draw(pools(role, site, odd)) for role in roles)
    whole = replace_id(plan(*(made or (pool(),)), model=model.id), draw(TEXT))
    whole = msgspec.structs.replace(whole, pools=made)
    return Launch(whole, tuple(site for _ in made), served, draw(st.integers(1024, 65000)))


def replace_id(one: Any, id: str) -> Any:
    """A plan of another id: one with line ends in it must not leave its comment."""
    return msgspec.structs.replace(one, id=id)


@pytest.mark.parametrize("target", list(TARGETS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_plan_becomes_files_or_is_refused_with_a_reason(target: str, data: st.DataObject) -> None:
    launch = data.draw(launches(target))
    try:
        bundle = write(target, launch)
    except NotSupported as refused:
        assert "cannot run this plan: " in refused.what and "\n" not in refused.what
        return
    assert {"README.md"} < {file.name for file in bundle.files}
    for file in bundle.files:
        valid(file)


@pytest.mark.parametrize("target", list(TARGETS))
def test_one_of_a_thing_is_not_called_many(target: str) -> None:
    launch = disaggregated() if target in HOMES else split_h200()
    single = msgspec.structs.replace(launch.plan, pools=tuple(pool_of(one) for one in launch.plan.pools))
    for file in write(target, replace(launch, plan=single)).files:
        assert not re.search(r"\b1 (instance|node|server|rank|device)s\b|of its 1 ", file.text)


def pool_of(one: PoolPlan) -> PoolPlan:
    """The pool with one instance."""
    return msgspec.structs.replace(one, instances=1)
