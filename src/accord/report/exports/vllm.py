"""Shell scripts that serve a plan with vLLM: one for each pool and role of a node, a router, and how to start them."""

from __future__ import annotations

from collections.abc import Iterator

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
    departures,
    each,
    head,
    model_word,
    need_vendor,
    need_whole,
    one_of,
    readme,
    script,
)

ABOUT = About(
    "vLLM",
    "0.33.0",
    "vllm-project/vllm@vllm/engine/arg_utils.py and vllm/entrypoints/common/cli_args.py (commit 4ba787ec9, 2026-11);"
    " vllm-project/router@py_src/vllm_router/router_args.py 0.1.17",
    "tests parse such files with the flags of `vllm serve` 0.33.0 and `vllm-router` 0.1.17, listed from their own"
    " parsers; this file was neither parsed nor started",
)
ENGINES = ("vllm",)
SIDE_PORT = 5600  # docs/features/nixl_connector_usage.md, VLLM_NIXL_SIDE_CHANNEL_PORT
OFFSETS = {"serve": 1, "prefill": 1, "decode": 101}  # engines' ports above the router's
VISIBLE = "CUDA_VISIBLE_DEVICES"  # vllm/platforms/cuda.py and rocm.py, device_control_env_var


def files(launch: Launch) -> Bundle:
    """Write a plan for vLLM on NVIDIA or AMD chips. Raises NotSupported with the reason."""
    need_whole(ABOUT, launch)
    need_vendor(ABOUT, launch, "nvidia", "amd")
    routed = len(launch.pools) > 1 or launch.pools[0][0].instances > 1
    made: list[LaunchFile] = []
    steps: list[str] = []
    for pool, site in launch.pools:
        engine.check(ABOUT, launch.model, pool)
        engine.check_copies(ABOUT, launch.model, pool, site)
        made += _pool(launch, pool, site, routed)
        steps += _steps(pool, engine.spread(ABOUT, pool, site))
    if routed:
        made.append(_router(launch))
        steps.append(_router_step(launch))
    departed = departures(launch, ENGINES) + engine.unmet(launch)
    return Bundle((*made, readme(ABOUT, launch, steps, departed)), departed)


def _pool(launch: Launch, pool: PoolPlan, site: Site, routed: bool) -> Iterator[LaunchFile]:
    """Scripts of one pool: one, or one of the first node and one of every other."""
    lay = engine.spread(ABOUT, pool, site)
    port = launch.port + (OFFSETS[pool.role] if routed else 0)
    common = [
        *engine.limits(pool, site),
        *engine.formats(launch.model, pool),
        *engine.balance(pool),
        *engine.drafts(launch, pool),
        *engine.overlap(pool, site, lay.nodes),
        *engine.transfer(pool),
    ]
    first: list[Words] = [
        ("vllm", "serve", model_word(launch.model)),
        ("--served-model-name", launch.model.name),
        *engine.layout(pool),
    ]
    serving: list[Words] = [("--host", "0.0.0.0"), ("--port", Shell('"$PORT"'))]
    needs, before = _setting(pool, site, lay, port)
    lines = head(ABOUT, launch, one_of(pool))
    if lay.nodes.nodes == 1:
        shared = pool.dp > 1 and lay.nodes.slots > 1
        rpc: list[Words] = [("--data-parallel-rpc-port", Shell(f'"$(({engine.RPC_PORT} + SLOT))"'))] if shared else []
        yield LaunchFile(f"{pool.role}.sh", script(lines, needs, before, [*first, *serving, *rpc, *common]), run=True)
        return
    needs = {"HEAD_HOST": "address of the first node of this instance", **needs}
    across = _across(lay)
    yield LaunchFile(
        f"{pool.role}-head.sh",
        script(lines, needs, before, [*first, *serving, *across, *_rank(lay, "0"), *common]),
        run=True,
    )
    needs = {"NODE_RANK": f"1 to {lay.nodes.nodes - 1}, another on every node", **needs}
    headless: Words = ("--headless",)
    yield LaunchFile(
        f"{pool.role}-node.sh",
        script(lines, needs, before, [*first, headless, *across, *_rank(lay, "NODE_RANK"), *common]),
        run=True,
    )


def _setting(pool: PoolPlan, site: Site, lay: engine.Spread, port: int) -> tuple[dict[str, str], list[str]]:
    """Variables a script asks for, and lines before its command: devices, ports, address of the cache's handshake."""
    slots = lay.nodes.slots
    needs: dict[str, str] = {}
    before = []
    if slots > 1 or lay.nodes.local < site.devices_per_node:
        last = lay.nodes.local - 1
        before += [
            f'SLOT="${{SLOT:-0}}"  # 0 to {slots - 1}: which of the instances on this node',
            f"first=$((SLOT * {lay.nodes.local}))",
            f'export {VISIBLE}="${{{VISIBLE}:-$(seq -s, "$first" "$((first + {last}))")}}"',
            f'PORT="${{PORT:-$(({port} + SLOT))}}"',
        ]
    else:
        before.append(f'PORT="${{PORT:-{port}}}"')
    if pool.role in ("prefill", "decode"):
        needs["NODE_HOST"] = "address of this node that the other pool reaches"
        step = f" + SLOT * {max(lay.local_groups, 1)}" if slots > 1 else ""
        before.append('export VLLM_NIXL_SIDE_CHANNEL_HOST="$NODE_HOST"')
        side = f"$(({SIDE_PORT}{step}))" if step else str(SIDE_PORT)
        before.append(f'export VLLM_NIXL_SIDE_CHANNEL_PORT="${{VLLM_NIXL_SIDE_CHANNEL_PORT:-{side}}}"')
    return needs, before


def _across(lay: engine.Spread) -> list[Words]:
    """Flags that join nodes, the same on each."""
    host = Shell('"$HEAD_HOST"')
    if lay.local_groups:
        return [
            ("--data-parallel-size-local", str(lay.local_groups)),
            ("--data-parallel-address", host),
            ("--data-parallel-rpc-port", str(engine.RPC_PORT)),
        ]
    return [("--nnodes", str(lay.nodes.nodes)), ("--master-addr", host)]


def _rank(lay: engine.Spread, rank: str) -> list[Words]:
    """Which node this is."""
    if lay.local_groups:
        start = Shell(f'"$((NODE_RANK * {lay.local_groups}))"')
        return [] if rank == "0" else [("--data-parallel-start-rank", start)]
    return [("--node-rank", "0" if rank == "0" else Shell('"$NODE_RANK"'))]


def _router(launch: Launch) -> LaunchFile:
    """A script that spreads requests over instances, or sends prompts to one pool and answers to the other."""
    listen: list[Words] = [("--host", "0.0.0.0"), ("--port", Shell(f'"${{PORT:-{launch.port}}}"'))]
    lines = head(ABOUT, launch, "router")
    if len(launch.pools) == 1:
        needs = {"WORKER_URLS": "http://host:port of every instance, spaces between"}
        before = ['read -r -a workers <<< "$WORKER_URLS"']
        run: list[Words] = [("vllm-router",), ("--worker-urls", Shell('"${workers[@]}"')), *listen]
        return LaunchFile("router.sh", script(lines, needs, before, run), run=True)
    needs = {
        "PREFILL_URLS": "http://host:port of every prefill instance, spaces between",
        "DECODE_URLS": "http://host:port of every decode instance, spaces between",
    }
    before = [
        "pools=()",
        'for url in $PREFILL_URLS; do pools+=(--prefill "$url"); done',
        'for url in $DECODE_URLS; do pools+=(--decode "$url"); done',
    ]
    run = [("vllm-router",), ("--vllm-pd-disaggregation",), (Shell('"${pools[@]}"'),), *listen]
    return LaunchFile("router.sh", script(lines, needs, before, run), run=True)


def _steps(pool: PoolPlan, lay: engine.Spread) -> list[str]:
    if lay.nodes.nodes == 1:
        slot = f", SLOT 0 to {lay.nodes.slots - 1} on a node" if lay.nodes.slots > 1 else ""
        return [f"{each(pool)}: `{pool.role}.sh`{slot}"]
    return [
        f"{each(pool)}: `{pool.role}-head.sh` on its first node, then `{pool.role}-node.sh` with NODE_RANK 1 to"
        f" {lay.nodes.nodes - 1} on the others, all with HEAD_HOST set to the first node"
    ]


def _router_step(launch: Launch) -> str:
    urls = "WORKER_URLS" if len(launch.pools) == 1 else "PREFILL_URLS and DECODE_URLS"
    return f"`router.sh` (vllm-router 0.1.17) with {urls}; clients connect to its port {launch.port}"
