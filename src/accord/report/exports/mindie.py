"""Configuration of MindIE for a plan: a server's config.json, or the cluster's user_config.json of two pools.

Ranks are dies: an Ascend 910C has two, and a node of an Atlas 800 A3 sixteen.
"""

from __future__ import annotations

import math
import re

from accord.planner.plan import PoolPlan
from accord.report.launch import (
    About,
    Bundle,
    Launch,
    LaunchFile,
    Nodes,
    Site,
    as_json,
    compact,
    count,
    departures,
    each,
    head,
    model_value,
    need_even,
    need_vendor,
    need_whole,
    nodes_of,
    on_nodes,
    one_of,
    readme,
    refuse,
    script,
)

ABOUT = About(
    "MindIE",
    "3.1.0",
    "Ascend/MindIE-LLM@docs/en/user_guide/user_manual/service_parameter_configuration.md and docs/en/user_guide/feature"
    " (commit 613aab547, 2026-08) and, for two pools, MindIE-Motor@mindie_service/management_service/example/"
    "deploy_scripts/user_config_base_A3.json (commit 2a88c0e4c)",
    "tests compare keys and values of such files with the documented keys, types and ranges, not with the server; this"
    " file was neither compared nor started",
)
ENGINES = ("mindie",)
HARDWARE = (("huawei-ascend-910c", "800I_A3"), ("huawei-ascend-910b", "800I_A2"))  # chip, how the cluster names it
WEIGHTS = ("bf16", "fp16", "int8")
EXCHANGED = 2  # ep_level of experts that exchange tokens by AllToAll
STATIC = 1  # level of eplb that takes a table: docs/en/user_guide/feature/expert_parallelism_load_balancer.md
MOST_DRAFTS = 2  # docs/en/user_guide/feature/mtp.md
MODEL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?")
MOST_INSTANCES = 16  # p_instances_num and d_instances_num of MindIE Motor


def files(launch: Launch) -> Bundle:
    """Write a plan for MindIE on Atlas A2 or A3. Raises NotSupported with the reason."""
    need_whole(ABOUT, launch)
    need_vendor(ABOUT, launch, "huawei")
    if not MODEL_NAME.fullmatch(launch.model.name):
        hint = "give --served-model-name of letters, digits, '-', '.' and '_', none of these at its ends"
        raise refuse(ABOUT, f"modelName cannot be {launch.model.name!r}", hint)
    for pool, site in launch.pools:
        _check(launch, pool, site)
    made, steps = _cluster(launch) if len(launch.pools) > 1 else _server(launch)
    departed = departures(launch, ENGINES) + _unmet(launch)
    return Bundle((*made, readme(ABOUT, launch, steps, departed)), departed)


def _hardware(site: Site) -> str:
    found = next((name for chip, name in HARDWARE if site.chip.startswith(chip)), None)
    if found is None:
        raise refuse(ABOUT, f"{site.chip} is not on an Atlas 800I A2 or A3, which it is documented for")
    return found


def _check(launch: Launch, pool: PoolPlan, site: Site) -> None:
    """Refuse what no documented key can say."""
    _hardware(site)
    role, model = pool.role, launch.model
    if pool.pp > 1:
        raise refuse(ABOUT, f"no documented pipeline of {pool.pp} stages, in the {role} pool")
    if pool.cp > 1 and pool.dp > 1:
        raise refuse(ABOUT, f"context parallelism of the {role} pool needs dp 1, and it is {pool.dp}")
    if pool.ep > 1 and not (model.moe and model.mla):
        raise refuse(ABOUT, "expert parallelism is documented for DeepSeek-V2, V3 and R1 alone")
    if (pool.tp * pool.dp * pool.cp) % pool.ep:
        raise refuse(ABOUT, f"{pool.ep} ranks of experts do not divide the ranks of the {role} pool")
    need_even(ABOUT, model, pool)
    if pool.redundant_experts and _ep_level(pool) < EXCHANGED:
        reason = f"redundant experts are documented for experts that exchange by AllToAll (ep_level {EXCHANGED})"
        raise refuse(ABOUT, f"{reason}, which needs dp above 1; dp of the {role} pool is {pool.dp}")
    if pool.weights not in WEIGHTS:
        raise refuse(ABOUT, f"no weights in {pool.weights} are read here", f"plan with one of {', '.join(WEIGHTS)}")
    if pool.kv not in ("bf16", "fp16"):
        raise refuse(ABOUT, f"no documented cache in {pool.kv}", "plan with a cache in bf16")
    if pool.mtp_tokens > MOST_DRAFTS:
        raise refuse(ABOUT, f"{pool.mtp_tokens} drafts an iteration; num_speculative_tokens is 1 or 2")
    if pool.mtp_tokens and pool.weights != "int8":
        raise refuse(ABOUT, "drafts are documented for W8A8 weights alone", "plan with int8 weights or no drafts")
    if len(launch.pools) > 1 and pool.instances > MOST_INSTANCES:
        raise refuse(ABOUT, f"{pool.instances} instances of the {role} pool; at most {MOST_INSTANCES} in one cluster")


def _model(launch: Launch, pool: PoolPlan, world: int) -> dict[str, object]:
    """One entry of ModelConfig. world: ranks one server drives."""
    group = pool.tp * pool.dp * pool.cp
    model: dict[str, object] = {
        "modelInstanceType": "Standard",
        "modelName": launch.model.name,
        "modelWeightPath": model_value(launch.model),
        "worldSize": world,
        "cpuMemSize": 0,
        "npuMemSize": -1,
        "backendType": "atb",
        "trustRemoteCode": False,
        "tp": pool.tp,
        "dp": pool.dp if pool.dp > 1 else -1,
        "cp": pool.cp,
        "sp": pool.tp if pool.cp > 1 else 1,
    }
    if launch.model.moe:
        model["moe_ep"] = pool.ep
        model["moe_tp"] = group // pool.ep
    drafts = _drafts(launch, pool)
    if drafts:
        model["plugin_params"] = compact({"plugin_type": "mtp", "num_speculative_tokens": drafts})
    options: dict[str, object] = {}
    if pool.ep > 1:
        options["ep_level"] = _ep_level(pool)
    if pool.redundant_experts:
        options["eplb"] = {"level": STATIC, "expert_map_file": f"${{{_table(pool)}}}"}
    if _overlaps(launch, pool):
        options["stream_options"] = {"micro_batch": True}
    if options:
        model["models"] = {"deepseekv2": options}
    return model


def _ep_level(pool: PoolPlan) -> int:
    """How tokens reach experts: exchanged between data-parallel ranks, else gathered."""
    return EXCHANGED if pool.dp > 1 else 1


def _table(pool: PoolPlan) -> str:
    """Placeholder for the table of a pool's redundant experts."""
    return f"{pool.role.upper()}_EXPERT_MAP"


def _tables(launch: Launch) -> list[str]:
    """Steps that make the tables of redundant experts: from what a first run without them measured."""
    steps = []
    for pool in launch.plan.pools:
        if pool.redundant_experts:
            copies = pool.redundant_experts
            steps.append(
                f"start `{pool.role}` once without `eplb`, gather its expert hotspots, and make a table of"
                f" {count(copies, 'redundant expert')} over {count(pool.ep, 'rank')} with `msit elb -nre {copies}`, as"
                f" the guide of load balancing says; {_table(pool)} is its path on every node"
            )
    return steps


def _drafts(launch: Launch, pool: PoolPlan) -> int:
    """Drafts of a pool; both pools must have them where one has."""
    decode = launch.plan.pool("decode")
    return pool.mtp_tokens or (decode.mtp_tokens if pool.role == "prefill" and decode is not None else 0)


def _overlaps(launch: Launch, pool: PoolPlan) -> bool:
    """Whether two batches hide exchange: not with experts' AllToAll, which is fused with computing."""
    return pool.microbatches > 1 and launch.model.mla and launch.model.moe and not (pool.ep > 1 and pool.dp > 1)


def _deploy(launch: Launch, pool: PoolPlan, world: int) -> dict[str, object]:
    prompt = max(1, math.ceil(launch.plan.isl))
    return {
        "maxSeqLen": prompt + max(1, math.ceil(launch.plan.osl)),
        "maxInputTokenLen": prompt,
        "truncation": 0,
        "ModelConfig": [_model(launch, pool, world)],
    }


def _schedule(launch: Launch, pool: PoolPlan) -> dict[str, object]:
    prompt = max(1, math.ceil(launch.plan.isl))
    batch = max(1, pool.max_num_seqs)
    return {
        "templateType": "Standard",
        "templateName": "Standard_LLM",
        "cacheBlockSize": 128,
        "maxPrefillBatchSize": batch,
        "maxPrefillTokens": max(pool.max_num_batched_tokens, prompt),
        "maxBatchSize": batch,
        "maxIterTimes": max(1, math.ceil(launch.plan.osl)),
        "maxPreemptCount": 0,
    }


def _backend(launch: Launch, pool: PoolPlan, nodes: Nodes, world: int) -> dict[str, object]:
    return {
        "backendName": "mindieservice_llm_engine",
        "modelInstanceNumber": 1,
        "npuDeviceIds": [list(range(min(world, nodes.local)))],
        "tokenizerProcessNumber": 8,
        "multiNodesInferEnabled": nodes.nodes > 1,
        "ModelDeployConfig": _deploy(launch, pool, world),
        "ScheduleConfig": _schedule(launch, pool),
    }


def _server(launch: Launch) -> tuple[list[LaunchFile], list[str]]:
    """Files of one pool: a config.json and a script that starts the server with it on each node."""
    pool, site = launch.pools[0]
    nodes = nodes_of(ABOUT, pool, site)
    config = {
        "Version": "1.0.0",
        "ServerConfig": {
            "ipAddress": "127.0.0.1",
            "port": launch.port,
            "allowAllZeroIpListening": False,
            "maxLinkNum": min(4096, max(1, pool.max_num_seqs * pool.dp)),
            "httpsEnabled": True,
            "inferMode": "standard",
            "distDPServerEnabled": False,
        },
        "BackendConfig": _backend(launch, pool, nodes, pool.devices),
        "LogConfig": {"dynamicLogLevelValidHours": 2},
    }
    needs = {"MIES_CONTAINER_IP": "address of this node", "MIES_CONFIG_JSON_PATH": "path of the filled config.json"}
    if nodes.nodes > 1:
        needs |= {
            "RANK_TABLE_FILE": "path of rank_table_file.json, mode 640",
            "MASTER_IP": "address of the first node",
            "MASTER_PORT": "a free port of the first node",
        }
    before = [f"export {' '.join(needs)}", f"export NPU_MEMORY_FRACTION={site.memory_fraction:g}"]
    if nodes.slots > 1 or nodes.local < site.devices_per_node:
        last = nodes.local - 1
        before += [
            f'SLOT="${{SLOT:-0}}"  # 0 to {nodes.slots - 1}: which of the instances on this node',
            f"first=$((SLOT * {nodes.local}))",
            f'export ASCEND_RT_VISIBLE_DEVICES="$(seq -s, "$first" "$((first + {last}))")"',
        ]
    lines = head(ABOUT, launch, one_of(pool))
    start = LaunchFile("serve.sh", script(lines, needs, before, [("mindie_llm_server",)]), run=True)
    ports = " and with ports of its own where instances share a node" if nodes.slots > 1 else ""
    steps = [
        *_tables(launch),
        f"fill config.json{ports} and set its mode to 640: {_fill(launch, 'config.json')}",
        f"{each(pool)}: `serve.sh` {on_nodes(nodes.nodes)}",
        "put a balancer of your own before the instances" if pool.instances > 1 else "clients connect to its port",
    ]
    return [LaunchFile("config.json", as_json(config)), start], steps


def _fill(launch: Launch, name: str, also: str = "") -> str:
    """How placeholders are filled. also: one that is there besides the weights'."""
    tables = [_table(pool) for pool in launch.plan.pools if pool.redundant_experts]
    names = [*([also] if also else []), *([] if launch.model.path is not None else ["MODEL"]), *tables]
    if not names:
        return "it has no placeholder"
    return f"export {' and '.join(names)}, `envsubst '{' '.join(f'${one}' for one in names)}' < {name} > filled.json`"


def _cluster(launch: Launch) -> tuple[list[LaunchFile], list[str]]:
    """Files of two pools: what MindIE Motor's deployment script takes."""
    sides = {pool.role: (pool, site, nodes_of(ABOUT, pool, site)) for pool, site in launch.pools}
    (prefill, site, at_prefill), (decode, _, at_decode) = sides["prefill"], sides["decode"]
    if at_prefill.nodes > 1:
        raise refuse(ABOUT, f"a prefill instance of {at_prefill.nodes} nodes is in no example read here")
    spread = at_decode.nodes > 1
    config = {
        "version": "v1.0",
        "deploy_config": {
            "p_instances_num": prefill.instances,
            "d_instances_num": decode.instances,
            "single_p_instance_pod_num": at_prefill.nodes,
            "single_d_instance_pod_num": at_decode.nodes,
            "p_pod_npu_num": at_prefill.local,
            "d_pod_npu_num": at_decode.local,
            "prefill_distribute_enable": 0,
            "decode_distribute_enable": 1 if spread else 0,
            "image_name": "${IMAGE}",
            "job_id": "mindie",
            "hardware_type": _hardware(site),
            "weight_mount_path": model_value(launch.model),
        },
        "mindie_ms_controller_config": {
            "deploy_mode": "pd_separate",
            "multi_node_infer_config": {"multi_node_infer_enable": spread},
        },
        "mindie_server_prefill_config": _side(launch, prefill, at_prefill, False),
        "mindie_server_decode_config": _side(launch, decode, at_decode, spread),
    }
    fraction = as_json({"NPU_MEMORY_FRACTION": f"{site.memory_fraction:g}"})
    steps = [
        *_tables(launch),
        f"fill user_config.json, IMAGE being an image of MindIE 3.1.0: {_fill(launch, 'user_config.json', 'IMAGE')}",
        "add the keys of env.json to the environment of both servers (mindie_env of the deployment's conf)",
        "lay the filled file beside MindIE Motor's deployment scripts, with its certificates, and run deploy_ac_job.py",
    ]
    return [LaunchFile("user_config.json", as_json(config)), LaunchFile("env.json", fraction)], steps


def _side(launch: Launch, pool: PoolPlan, nodes: Nodes, spread: bool) -> dict[str, object]:
    """A server's configuration inside the cluster's. spread: it runs one server for each data-parallel rank."""
    world = pool.tp if spread else pool.devices
    backend = _backend(launch, pool, Nodes(1, nodes.local, nodes.slots), world)
    for name in ("backendName", "modelInstanceNumber"):
        del backend[name]
    schedule = _schedule(launch, pool)
    for name in ("templateType", "templateName", "cacheBlockSize", "maxPreemptCount"):
        del schedule[name]
    backend["ScheduleConfig"] = {"distributedEnable": spread, **schedule}
    return {
        "ServerConfig": {
            "maxLinkNum": min(4096, max(1, pool.max_num_seqs * (1 if spread else pool.dp))),
            "inferMode": "dmi",
            "distDPServerEnabled": spread,
        },
        "BackendConfig": backend,
    }


def _unmet(launch: Launch) -> tuple[str, ...]:
    """What a plan counts on and no key says, in words."""
    found = ["maxSeqLen and maxIterTimes are the plan's mean prompt and answer; raise both where requests are longer"]
    for pool in launch.plan.pools:
        if pool.microbatches > 1 and not _overlaps(launch, pool):
            found.append(f"the {pool.role} pool counts on two microbatches; micro_batch does not go with its layout")
        if pool.dp > 1:
            found.append(f"maxBatchSize of the {pool.role} pool is taken to be of one data-parallel rank")
    return tuple(found)
