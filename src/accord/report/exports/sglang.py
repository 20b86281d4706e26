"""Shell scripts that serve a plan with SGLang: one for each pool, a router, and how to start them."""

from __future__ import annotations

from accord.planner.plan import PoolPlan
from accord.report import launch_sglang as engine
from accord.report.launch import (
    About,
    Bundle,
    Launch,
    LaunchFile,
    Nodes,
    Shell,
    Site,
    Words,
    departures,
    each,
    head,
    model_word,
    need_vendor,
    need_whole,
    nodes_of,
    one_of,
    readme,
    script,
)

ABOUT = About(
    "SGLang",
    "0.5.23",
    "sgl-project/sglang@python/sglang/srt/server_args.py and srt/arg_groups/fields (release 0.5.23, 2026-10);"
    " sgl-model-gateway/bindings/python/src/sglang_router/router_args.py 0.3.2",
    "tests parse such files with the flags of sglang.launch_server 0.5.23 and sglang_router 0.3.2, listed from their"
    " own parsers; this file was neither parsed nor started",
)
ENGINES = ("sglang",)
OFFSETS = {"serve": 1, "prefill": 1, "decode": 101}  # engines' ports above the router's
DIST_PORT = 20000
VENDORS = ("nvidia", "amd", "huawei")


def files(launch: Launch) -> Bundle:
    """Write a plan for SGLang on NVIDIA, AMD or Ascend chips. Raises NotSupported with the reason."""
    need_whole(ABOUT, launch)
    need_vendor(ABOUT, launch, *VENDORS)
    routed = len(launch.pools) > 1 or launch.pools[0][0].instances > 1
    made: list[LaunchFile] = []
    steps: list[str] = []
    for pool, site in launch.pools:
        engine.check(ABOUT, launch.model, pool, site)
        nodes = nodes_of(ABOUT, pool, site)
        made.append(_pool(launch, pool, site, nodes, routed))
        steps.append(_step(pool, nodes))
    if routed:
        made.append(_router(launch))
        steps.append(f"`router.sh` (sglang-router 0.3.2); clients connect to its port {launch.port}")
    departed = departures(launch, ENGINES) + engine.unmet(launch)
    return Bundle((*made, readme(ABOUT, launch, steps, departed)), departed)


def _pool(launch: Launch, pool: PoolPlan, site: Site, nodes: Nodes, routed: bool) -> LaunchFile:
    """One script for all nodes of an instance: they differ in NODE_RANK alone."""
    port = launch.port + (OFFSETS[pool.role] if routed else 0)
    needs, before = _setting(pool, site, nodes, port)
    run: list[Words] = [
        ("python3", "-m", "sglang.launch_server"),
        ("--model-path", model_word(launch.model)),
        ("--served-model-name", launch.model.name),
        ("--host", "0.0.0.0"),
        ("--port", Shell('"$PORT"')),
        *engine.layout(pool, attention_dp=True),
    ]
    if nodes.nodes > 1:
        run += [
            ("--nnodes", str(nodes.nodes)),
            ("--node-rank", Shell('"$NODE_RANK"')),
            ("--dist-init-addr", Shell(f'"$HEAD_HOST:{DIST_PORT}"')),
        ]
    if _shares(nodes, site):
        run.append(("--base-gpu-id", Shell(f'"$((SLOT * {nodes.local}))"')))
    run += engine.limits(pool, site) + engine.formats(launch.model, pool, site) + engine.balance(pool)
    run += engine.drafts(launch, pool) + engine.overlap(pool, site, nodes) + engine.transfer(pool, site)
    if pool.role == "prefill":
        run.append(("--disaggregation-bootstrap-port", Shell('"$BOOTSTRAP_PORT"')))
    lines = head(ABOUT, launch, one_of(pool))
    return LaunchFile(f"{pool.role}.sh", script(lines, needs, before, run), run=True)


def _shares(nodes: Nodes, site: Site) -> bool:
    """Whether an instance leaves devices of its node to others."""
    return nodes.slots > 1 or nodes.local < site.devices_per_node


def _setting(pool: PoolPlan, site: Site, nodes: Nodes, port: int) -> tuple[dict[str, str], list[str]]:
    """Variables a script asks for, and lines before its command: devices and ports."""
    needs: dict[str, str] = {}
    before = []
    slot = ""
    if _shares(nodes, site):
        slot = " + SLOT"
        before.append(f'SLOT="${{SLOT:-0}}"  # 0 to {nodes.slots - 1}: which of the instances on this node')
    if nodes.nodes > 1:
        needs = {
            "HEAD_HOST": "address of the first node of this instance",
            "NODE_RANK": f"0 to {nodes.nodes - 1}, another on every node; 0 on the first",
        }
    before.append(f'PORT="${{PORT:-$(({port}{slot}))}}"' if slot else f'PORT="${{PORT:-{port}}}"')
    if pool.role == "prefill":
        boot = engine.BOOTSTRAP_PORT
        before.append(f'BOOTSTRAP_PORT="${{BOOTSTRAP_PORT:-$(({boot}{slot}))}}"')
    return needs, before


def _router(launch: Launch) -> LaunchFile:
    """A script that spreads requests over instances, or pairs a prefill with a decode instance."""
    listen: list[Words] = [("--host", "0.0.0.0"), ("--port", Shell(f'"${{PORT:-{launch.port}}}"'))]
    start: Words = ("python3", "-m", "sglang_router.launch_router")
    lines = head(ABOUT, launch, "router")
    if len(launch.pools) == 1:
        needs = {"WORKER_URLS": "http://host:port of every instance, spaces between"}
        before = ['read -r -a workers <<< "$WORKER_URLS"']
        run: list[Words] = [start, ("--worker-urls", Shell('"${workers[@]}"')), *listen]
        return LaunchFile("router.sh", script(lines, needs, before, run), run=True)
    needs = {
        "PREFILL_URLS": "http://host:port,bootstrap-port of every prefill instance, spaces between",
        "DECODE_URLS": "http://host:port of every decode instance, spaces between",
    }
    before = [
        "pools=()",
        'for url in $PREFILL_URLS; do pools+=(--prefill "${url%,*}" "${url##*,}"); done',
        'for url in $DECODE_URLS; do pools+=(--decode "$url"); done',
    ]
    run = [start, ("--pd-disaggregation",), (Shell('"${pools[@]}"'),), *listen]
    return LaunchFile("router.sh", script(lines, needs, before, run), run=True)


def _step(pool: PoolPlan, nodes: Nodes) -> str:
    if nodes.nodes > 1:
        last = nodes.nodes - 1
        start = f"`{pool.role}.sh` on each of its {nodes.nodes} nodes"
        return f"{each(pool)}: {start}, NODE_RANK 0 to {last}, HEAD_HOST set"
    slot = f", SLOT 0 to {nodes.slots - 1} on a node" if nodes.slots > 1 else ""
    return f"{each(pool)}: `{pool.role}.sh`{slot}"
