"""Values of llm-d's modelservice chart for a plan: pools as leader-worker sets or deployments of vLLM."""

from __future__ import annotations

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
    as_yaml,
    command,
    compact,
    departures,
    dns_name,
    head,
    model_word,
    need_vendor,
    need_whole,
    readme,
)

ABOUT = About(
    "llm-d modelservice chart",
    "v0.4.0",
    "llm-d-incubation/llm-d-modelservice@charts/llm-d-modelservice/values.yaml and templates/_helpers.tpl (commit"
    " 024c0f2d0), llm-d/llm-d@guides/wide-ep-lws/manifests/modelserver/base (commit 03da3b007), and"
    " vllm-project/vllm@vllm/engine/arg_utils.py 0.33.0",
    "tests compare keys of such files with the chart's values and parse their flags with those of `vllm serve` 0.33.0,"
    " listed from its own parser; this file was neither parsed nor installed",
)
ENGINES = ("vllm",)
RESOURCES = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu"}  # values.yaml, accelerator.resources
TARGET_PORT = 8200  # values.yaml, routing.proxy.targetPort
RPC_PORT = 5555  # as in the guide
MOUNT = "/model-cache"
IMAGE = "${IMAGE}"
KINDS = {"serve": "decode", "prefill": "prefill", "decode": "decode"}  # the chart serves alone from its decode pool


def files(launch: Launch) -> Bundle:
    """Write values for the chart on NVIDIA or AMD chips. Raises NotSupported with the reason."""
    need_whole(ABOUT, launch)
    need_vendor(ABOUT, launch, *RESOURCES)
    pools: dict[str, dict[str, object]] = {"decode": {"create": False}, "prefill": {"create": False}}
    several = False
    split = len(launch.pools) > 1
    for pool, site in launch.pools:
        engine.check(ABOUT, launch.model, pool)
        engine.check_copies(ABOUT, launch.model, pool, site)
        lay = engine.spread(ABOUT, pool, site)
        several = several or lay.nodes.nodes > 1
        pools[KINDS[pool.role]] = _pool(launch, pool, site, lay, split)
    values: dict[str, object] = {
        "fullnameOverride": dns_name(f"{launch.model.name}-{launch.plan.id}"),
        "modelArtifacts": _artifacts(launch),
        "multinode": several,
        "accelerator": {"type": launch.sites[0].vendor},
        "routing": {
            "servicePort": launch.port,
            "proxy": {"enabled": split, "targetPort": _target_port(launch), "connector": "nixlv2"},
        },
        **pools,
    }
    departed = departures(launch, ENGINES) + engine.unmet(launch)
    text = as_yaml(head(ABOUT, launch, "values of the chart"), values)
    steps = _steps(launch)
    return Bundle((LaunchFile("values.yaml", text), readme(ABOUT, launch, steps, departed)), departed)


def _artifacts(launch: Launch) -> dict[str, object]:
    """Where weights come from: a hub's name where the user gave one, else what envsubst fills in."""
    path = launch.model.path
    hub = path is not None and not path.startswith((".", "/")) and path.count("/") == 1
    return {
        "name": launch.model.name,
        "uri": f"hf://{path}" if hub else "${MODEL_URI}",
        "mountPath": MOUNT,
        "labels": {"llm-d.ai/inferenceServing": "true", "llm-d.ai/model": dns_name(launch.model.name)},
    }


def _target_port(launch: Launch) -> int:
    return TARGET_PORT if launch.port != TARGET_PORT else TARGET_PORT + 1


def _pool(launch: Launch, pool: PoolPlan, site: Site, lay: engine.Spread, split: bool) -> dict[str, object]:
    port = _target_port(launch) if split and pool.role == "decode" else launch.port
    env: list[dict[str, object]] = []
    if launch.model.path is None:
        env.append({"name": "MODEL", "value": "${MODEL}"})
    if split:
        pod = {"fieldRef": {"fieldPath": "status.podIP"}}
        env.append({"name": "VLLM_NIXL_SIDE_CHANNEL_HOST", "valueFrom": pod})
    container = {
        "name": "vllm",
        "image": IMAGE,
        "modelCommand": "custom",
        "command": ["/bin/bash", "-c"],
        "args": [_start(launch, pool, site, lay, port)],
        "env": env,
        "ports": [{"containerPort": port, "name": "metrics", "protocol": "TCP"}],
        "resources": {"limits": {RESOURCES[site.vendor]: str(lay.nodes.local)}},
        "mountModelVolume": True,
    }
    return {
        "create": True,
        "replicas": pool.instances,
        "parallelism": {
            "tensor": pool.tp,
            "data": pool.dp,
            "dataLocal": max(lay.local_groups, 1),
            "workers": lay.nodes.nodes,
        },
        "containers": [container],
    }


def _start(launch: Launch, pool: PoolPlan, site: Site, lay: engine.Spread, port: int) -> str:
    """What a pod runs; the leader-worker set tells it which of its group it is."""
    lines: list[Words] = [
        ("exec", "vllm", "serve", model_word(launch.model)),
        ("--served-model-name", launch.model.name),
        ("--port", str(port)),
        *engine.layout(pool),
    ]
    before = ""
    if lay.nodes.nodes > 1 and lay.local_groups:
        start = Shell(f'"$((${{LWS_WORKER_INDEX:-0}} * {lay.local_groups}))"')
        lines += [
            ("--data-parallel-hybrid-lb",),
            ("--data-parallel-size-local", str(lay.local_groups)),
            ("--data-parallel-address", Shell('"$LWS_LEADER_ADDRESS"')),
            ("--data-parallel-rpc-port", str(RPC_PORT)),
            ("--data-parallel-start-rank", start),
        ]
    elif lay.nodes.nodes > 1:
        before = 'rank="${LWS_WORKER_INDEX:-0}"; more=()\nif [ "$rank" -gt 0 ]; then more=(--headless); fi\n'
        lines += [
            ("--nnodes", str(lay.nodes.nodes)),
            ("--node-rank", Shell('"$rank"')),
            ("--master-addr", Shell('"$LWS_LEADER_ADDRESS"')),
            (Shell('"${more[@]}"'),),
        ]
    lines += engine.limits(pool, site) + engine.formats(launch.model, pool) + engine.balance(pool)
    lines += engine.drafts(launch, pool) + engine.overlap(pool, site, lay.nodes)
    if pool.role != "serve":
        config = {"kv_connector": "NixlConnector", "kv_role": "kv_both"}
        lines.append(("--kv-transfer-config", compact(config)))
    return before + command(lines) + "\n"


def _steps(launch: Launch) -> tuple[str, ...]:
    fill = ["IMAGE (an image with vLLM 0.33.0)"]
    if launch.model.path is None:
        fill.append("MODEL (weights as vLLM takes them)")
    fill.append("MODEL_URI (hf://, or pvc:// with claim and path), if values.yaml asks for it")
    listed = " ".join(f"${text.split()[0]}" for text in fill)
    return (
        "install the LeaderWorkerSet controller where an instance has several nodes, a gateway, and llm-d's router for"
        " the labels in `modelArtifacts.labels` (the chart brings neither)",
        f"export {'; '.join(fill)}",
        f"`envsubst '{listed}' < values.yaml > filled.yaml`",
        "`helm install NAME llm-d-modelservice/llm-d-modelservice --version v0.4.0 -f filled.yaml`",
    )
