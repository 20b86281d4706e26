"""Shell scripts that serve a plan with vLLM on Ascend: ranks are dies, of which an Ascend 910C has two.

Disaggregated pools are started as the project's guide does it: a server for each data-parallel rank and a proxy that
knows them all. An aggregated pool has one server for each instance.
"""

from __future__ import annotations

import shlex

from accord.planner.plan import PoolPlan
from accord.report import launch_vllm as engine
from accord.report.launch import (
    About,
    Bundle,
    Launch,
    LaunchFile,
    Shell,
    Site,
    Words,
    compact,
    count,
    departures,
    each,
    head,
    model_word,
    need_even,
    need_vendor,
    need_whole,
    on_nodes,
    one_of,
    readme,
    refuse,
    script,
)

ABOUT = About(
    "vllm-ascend",
    "0.23.0.post1",
    "vllm-project/vllm-ascend@docs/source/tutorials/features/pd_disaggregation_mooncake_multi_node.md,"
    " docs/source/tutorials/models/DeepSeek-R1.md and docs/source/user_guide (release 0.23.0.post1, 2026-09), and"
    " vllm-project/vllm@vllm/engine/arg_utils.py 0.23.0",
    "tests parse such files with the flags of `vllm serve` 0.23.0, listed from its own parser, and with those that the"
    " examples' proxies document; this file was neither parsed nor started",
)
ENGINES = ("vllm-ascend",)
FAMILY = "ascend-910"  # Atlas A2 and A3
WEIGHTS = {"bf16": None, "fp16": None, "int8": "ascend", "int4": "ascend"}  # user_guide/feature_guide/quantization.md
BALANCED = ("int8",)  # W8A8, as in the balancer's guide; W4A8 needs a fusion that no flag here turns on
WITHOUT_COPIES = "huawei-ascend-910b"  # Atlas A2, as in the balancer's guide
RPC_PORT = 12321  # as in the guide
OFFSETS = {"serve": 1, "prefill": 100, "decode": 400}  # servers' ports above the proxy's
SMALL_NODE = 8  # devices; above it the transport takes ports up to 35999
KV_PORTS = (28000, 36000)  # of the guide's table, for nodes of 8 and of 16 devices
BLOCK = 128  # tokens of a cache block, which pieces of a split cache are as large as
PROXY = "load_balance_proxy_server_example.py"
BALANCER = "dp_load_balance_proxy_server.py"


def files(launch: Launch) -> Bundle:
    """Write a plan for vLLM on Atlas A2 or A3. Raises NotSupported with the reason."""
    need_whole(ABOUT, launch)
    need_vendor(ABOUT, launch, "huawei")
    made: list[LaunchFile] = []
    steps: list[str] = []
    for pool, site in launch.pools:
        _check(launch, pool, site)
        lay = engine.spread(ABOUT, pool, site)
        if pool.role == "serve":
            made += _serve(launch, pool, site, lay)
        else:
            made += _ranks(launch, pool, site, lay)
        steps.append(_step(pool, lay))
    if len(launch.pools) > 1 or launch.pools[0][0].instances > 1:
        made.append(_proxy(launch))
        steps.append(f"`proxy.sh` in the folder of {_proxy_name(launch)}; clients connect to its port {launch.port}")
    departed = departures(launch, ENGINES) + tuple(
        f"the {pool.role} pool counts on two microbatches; --enable-dbo is ignored on Ascend, so it is not given"
        for pool in launch.plan.pools
        if pool.microbatches > 1
    )
    return Bundle((*made, readme(ABOUT, launch, steps, departed)), departed)


def _check(launch: Launch, pool: PoolPlan, site: Site) -> None:
    engine.check(ABOUT, launch.model, pool)
    if site.family != FAMILY:
        raise refuse(ABOUT, f"{site.chip} is not of the Atlas A2 or A3 series, which the guide read here is for")
    if pool.weights not in WEIGHTS:
        raise refuse(ABOUT, f"no documented weights in {pool.weights} on A2 and A3", "plan with int8 or bf16")
    if pool.kv not in ("bf16", "fp16"):
        raise refuse(ABOUT, f"no documented cache in {pool.kv} on A2 and A3", "plan with a cache in bf16")
    if pool.cp > 1 and pool.mtp_tokens and pool.role == "serve":
        raise refuse(ABOUT, "context parallelism with drafts is for disaggregated pools alone")
    if pool.pp > 1 and pool.mtp_tokens and pool.role != "prefill":  # vllm_ascend/platform.py 0.23.0
        raise refuse(ABOUT, f"drafts with pipeline stages are for prefill pools alone, not the {pool.role} pool")
    need_even(ABOUT, launch.model, pool)
    if pool.redundant_experts and site.chip.startswith(WITHOUT_COPIES):
        raise refuse(ABOUT, f"redundant experts are not for Atlas A2, and the {pool.role} pool is on {site.chip}")
    if pool.redundant_experts and pool.weights not in BALANCED:
        raise refuse(ABOUT, f"redundant experts in {pool.weights} are not documented", "plan with int8")


def _common(launch: Launch, pool: PoolPlan, site: Site) -> list[Words]:
    """Flags of every server of a pool, ranks aside."""
    lines: list[Words] = []
    if pool.pp > 1:
        lines.append(("--pipeline-parallel-size", str(pool.pp)))
    if pool.cp > 1:
        lines.append(("--prefill-context-parallel-size", str(pool.cp)))
        if pool.role != "serve":
            lines.append(("--cp-kv-cache-interleave-size", str(BLOCK)))
    if pool.ep > 1:
        lines.append(("--enable-expert-parallel",))
    lines += engine.limits(pool, site)
    method = WEIGHTS[pool.weights]
    if method:
        lines.append(("--quantization", method))
    if pool.redundant_experts:
        balancer = {"dynamic_eplb": True, "num_redundant_experts": pool.redundant_experts}
        lines.append(("--additional-config", compact({"eplb_config": balancer})))
    return lines + engine.drafts(launch, pool)


def _start(launch: Launch, pool: PoolPlan) -> list[Words]:
    return [
        ("vllm", "serve", model_word(launch.model)),
        ("--served-model-name", launch.model.name),
        ("--tensor-parallel-size", str(pool.tp)),
    ]


def _setting(pool: PoolPlan) -> tuple[dict[str, str], list[str]]:
    """Variables for collectives, as in the guide, and the one that the balancer of experts asks for."""
    needs = {"NODE_HOST": "address of this node", "NIC": "name of the network card that has it"}
    names = ("GLOO_SOCKET_IFNAME", "TP_SOCKET_IFNAME", "HCCL_SOCKET_IFNAME")
    balancer = ["export DYNAMIC_EPLB=true"] if pool.redundant_experts else []
    return needs, ['export HCCL_IF_IP="$NODE_HOST"', *(f'export {name}="$NIC"' for name in names), *balancer]


def _serve(launch: Launch, pool: PoolPlan, site: Site, lay: engine.Spread) -> list[LaunchFile]:
    """A server for each instance: one script, or one for its first node and one for the others."""
    port = launch.port + (OFFSETS["serve"] if pool.instances > 1 else 0)
    needs, before = _setting(pool)
    slots, local = lay.nodes.slots, lay.nodes.local
    if slots > 1 or local < site.devices_per_node:
        before += [
            f'SLOT="${{SLOT:-0}}"  # 0 to {slots - 1}: which of the instances on this node',
            *_visible("SLOT", local),
        ]
        before.append(f'PORT="${{PORT:-$(({port} + SLOT))}}"')
    else:
        before.append(f'PORT="${{PORT:-{port}}}"')
    ranks: list[Words] = [("--data-parallel-size", str(pool.dp))] if pool.dp > 1 else []
    listen: list[Words] = [("--host", "0.0.0.0"), ("--port", Shell('"$PORT"'))]
    lines = head(ABOUT, launch, one_of(pool))
    common = _common(launch, pool, site)
    if lay.nodes.nodes == 1:
        run = [*_start(launch, pool), *ranks, *listen, *common]
        return [LaunchFile("serve.sh", script(lines, needs, before, run), run=True)]
    if not lay.local_groups:
        raise refuse(ABOUT, "the guide joins nodes by data-parallel ranks; a rank here spans several nodes")
    needs["HEAD_HOST"] = "address of the first node of this instance"
    across: list[Words] = [
        ("--data-parallel-size-local", str(lay.local_groups)),
        ("--data-parallel-address", Shell('"$HEAD_HOST"')),
        ("--data-parallel-rpc-port", str(RPC_PORT)),
    ]
    first = script(lines, needs, before, [*_start(launch, pool), *ranks, *listen, *across, *common])
    needs = {"NODE_RANK": f"1 to {lay.nodes.nodes - 1}, another on every node", **needs}
    rank: list[Words] = [
        ("--headless",),
        ("--data-parallel-start-rank", Shell(f'"$((NODE_RANK * {lay.local_groups}))"')),
    ]
    other = script(lines, needs, before, [*_start(launch, pool), *ranks, *rank, *across, *common])
    return [LaunchFile("serve-head.sh", first, run=True), LaunchFile("serve-node.sh", other, run=True)]


def _visible(at: str, width: int) -> list[str]:
    """Lines that leave ``width`` devices to a server, the ``at``-th of its node."""
    last = width - 1
    return [
        f"first=$(({at} * {width}))",
        f'export ASCEND_RT_VISIBLE_DEVICES="$(seq -s, "$first" "$((first + {last}))")"',
    ]


def _ranks(launch: Launch, pool: PoolPlan, site: Site, lay: engine.Spread) -> list[LaunchFile]:
    """A script for one data-parallel rank, and one that starts those of a node."""
    local, role = lay.local_groups, pool.role
    if not local:
        raise refuse(ABOUT, f"the guide starts a server for each rank; one of the {role} pool spans several nodes")
    needs, before = _setting(pool)
    needs["LOCAL_RANK"] = f"0 to {local - 1}, set by {role}-node.sh"
    group = lay.nodes.local // local
    before += [
        f'SLOT="${{SLOT:-0}}"  # 0 to {lay.nodes.slots - 1}: which of the instances on this node',
        *_visible(f"(SLOT * {local} + LOCAL_RANK)", group),
        f'PORT="$((${{PORT:-{launch.port + OFFSETS[role]}}} + SLOT * {local} + LOCAL_RANK))"',
        f'KV_PORT="$((${{KV_PORT:-{KV_PORTS[site.devices_per_node > SMALL_NODE]}}} + SLOT * 100))"',
    ]
    ranks: list[Words] = []
    if pool.dp > 1:
        needs["HEAD_HOST"] = "address of the first node of this instance"
        if lay.nodes.nodes > 1:
            needs["NODE_RANK"] = f"0 to {lay.nodes.nodes - 1}, another on every node; 0 on the first"
        rank = f"NODE_RANK * {local} + LOCAL_RANK" if lay.nodes.nodes > 1 else "LOCAL_RANK"
        ranks = [
            ("--data-parallel-size", str(pool.dp)),
            ("--data-parallel-rank", Shell(f'"$(({rank}))"')),
            ("--data-parallel-address", Shell('"$HEAD_HOST"')),
            ("--data-parallel-rpc-port", Shell(f'"$(({RPC_PORT} + SLOT))"')),
        ]
    listen: list[Words] = [("--host", "0.0.0.0"), ("--port", Shell('"$PORT"'))]
    run = [*_start(launch, pool), *ranks, *listen, *_common(launch, pool, site), _transfer(launch, role)]
    lines = head(ABOUT, launch, f"{one_of(pool)}, one of its data-parallel ranks")
    loop = (
        f"#!/usr/bin/env bash\n# Starts the {count(local, 'server')} of pool {role} on this node.\nset -euo pipefail\n"
        f'here="$(cd "$(dirname "$0")" && pwd)"\n'
        f"for rank in $(seq 0 {local - 1}); do\n"
        f'  LOCAL_RANK="$rank" bash "$here/{role}-rank.sh" &\ndone\nwait\n'
    )
    made = LaunchFile(f"{role}-rank.sh", script(lines, needs, before, run), run=True)
    return [made, LaunchFile(f"{role}-node.sh", loop, run=True)]


def _transfer(launch: Launch, role: str) -> Words:
    """How the cache is handed on: both pools' ranks are named to both."""
    sides = {
        pool.role: {"dp_size": pool.dp, "tp_size": pool.tp}
        for pool in sorted(launch.plan.pools, key=lambda one: one.role, reverse=True)
    }
    config = compact(
        {
            "kv_connector": "MooncakeConnectorV1",
            "kv_role": {"prefill": "kv_producer", "decode": "kv_consumer"}[role],
            "kv_port": "@",
            "kv_connector_extra_config": sides,
        }
    )
    before, after = (shlex.quote(part) for part in config.split("@"))
    return ("--kv-transfer-config", Shell(f'{before}"$KV_PORT"{after}'))


def _proxy_name(launch: Launch) -> str:
    if len(launch.pools) == 1:
        return f"examples/external_online_dp/{BALANCER} of vllm-ascend"
    return f"examples/disaggregated_prefill_v1/{PROXY} of vllm-ascend"


def _proxy(launch: Launch) -> LaunchFile:
    """A script of the proxy that the project's examples have."""
    listen: list[Words] = [
        ("--host", Shell('"${HOST:-0.0.0.0}"')),
        ("--port", Shell(f'"${{PORT:-{launch.port}}}"')),
    ]
    pairs = [("dp", "SERVE")] if len(launch.pools) == 1 else [("prefiller", "PREFILL"), ("decoder", "DECODE")]
    needs, before, lists = {}, [], []
    for flag, name in pairs:
        needs[f"{name}_HOSTS"] = "address of every server, spaces between"
        needs[f"{name}_PORTS"] = "port of every server, in the same order"
        for kind in ("hosts", "ports"):
            variable = f"{flag}_{kind}"
            before.append(f'read -r -a {variable} <<< "${name}_{kind.upper()}"')
            lists.append((f"--{flag}-{kind}", Shell(f'"${{{variable}[@]}}"')))
    program = BALANCER if len(launch.pools) == 1 else PROXY
    text = script(head(ABOUT, launch, "proxy"), needs, before, [("python3", program), *listen, *lists])
    return LaunchFile("proxy.sh", text, run=True)


def _step(pool: PoolPlan, lay: engine.Spread) -> str:
    slot = f", SLOT 0 to {lay.nodes.slots - 1} on a node" if lay.nodes.slots > 1 else ""
    if pool.role != "serve":
        rank = f", NODE_RANK 0 to {lay.nodes.nodes - 1}" if lay.nodes.nodes > 1 else ""
        start = f"`{pool.role}-node.sh` {on_nodes(lay.nodes.nodes)}"
        has = f"it has {count(lay.local_groups, 'server')} a node, on ports from its PORT on"
        return f"{each(pool)}: {start}, HEAD_HOST set to the first{rank}{slot}; {has}"
    if lay.nodes.nodes == 1:
        return f"{each(pool)}: `serve.sh`{slot}"
    others = f"`serve-node.sh` with NODE_RANK 1 to {lay.nodes.nodes - 1} on the others"
    return f"{each(pool)}: `serve-head.sh` on its first node, then {others}"
