"""A plan as a DynamoGraphDeployment: a frontend and a worker component for each pool, on vLLM or SGLang."""

from __future__ import annotations

from accord.planner.plan import PoolPlan
from accord.report import launch_sglang, launch_vllm
from accord.report.launch import (
    About,
    Bundle,
    Launch,
    LaunchFile,
    Nodes,
    Site,
    Words,
    as_yaml,
    compact,
    departures,
    dns_name,
    head,
    model_value,
    need_vendor,
    need_whole,
    nodes_of,
    readme,
)

ABOUT = About(
    "NVIDIA Dynamo",
    "1.6.1",
    "ai-dynamo/dynamo@components/src/dynamo/{vllm,sglang,frontend} (release 1.6.1, 2026-10, which pins vLLM 0.31.0 and"
    " SGLang 0.5.21), examples/backends/{vllm,sglang}/deploy/v1beta1 (commit 04521f473) and"
    " docs/kubernetes/deployment/multinode-deployment.md (commit 055373f22)",
    "tests parse such files with the flags of dynamo.vllm, dynamo.sglang and dynamo.frontend 1.6.1, listed from their"
    " own parsers, and compare keys with the project's examples; this file was neither parsed nor applied",
)
ENGINES = {"vllm": ("vllm",), "sglang": ("dynamo-sglang", "sglang")}
TYPES = {"serve": "worker", "prefill": "prefill", "decode": "decode"}
IMAGE = "${IMAGE}"
LEADER_PORTS = "the operator adds addresses and ranks of nodes to the workers' flags"


def files(launch: Launch) -> Bundle:
    """Write a plan for Dynamo's operator on NVIDIA chips. Raises NotSupported with the reason."""
    need_whole(ABOUT, launch)
    need_vendor(ABOUT, launch, "nvidia")
    backend = "sglang" if any("sglang" in pool.engine for pool in launch.plan.pools) else "vllm"
    args = _sglang if backend == "sglang" else _vllm
    workers = [_worker(backend, pool, site, args(launch, pool, site)) for pool, site in launch.pools]
    graph = {
        "apiVersion": "nvidia.com/v1beta1",
        "kind": "DynamoGraphDeployment",
        "metadata": {"name": dns_name(f"{launch.model.name}-{launch.plan.id}")},
        "spec": {"backendFramework": backend, "components": [_frontend(launch), *workers]},
    }
    unmet = launch_sglang.unmet(launch) if backend == "sglang" else launch_vllm.unmet(launch)
    departed = departures(launch, ENGINES[backend]) + unmet
    wanted = "IMAGE" if launch.model.path is not None else "IMAGE and MODEL"
    listed = "$IMAGE" if launch.model.path is not None else "$IMAGE $MODEL"
    steps = (
        "install Dynamo's operator 1.6.1 and, for instances of several nodes, Grove or LWS",
        "create the secret hf-token-secret, if the weights come from a hub",
        f"export {wanted} (an image of {backend} with Dynamo 1.6.1"
        f"{'' if launch.model.path is not None else ', and the weights'}), then"
        f" `envsubst '{listed}' < graph.yaml | kubectl apply -f -`",
    )
    text = as_yaml((*head(ABOUT, launch, "graph"), LEADER_PORTS), graph)
    return Bundle((LaunchFile("graph.yaml", text), readme(ABOUT, launch, steps, departed)), departed)


def _frontend(launch: Launch) -> dict[str, object]:
    container = {
        "name": "main",
        "image": IMAGE,
        "command": ["python3", "-m", "dynamo.frontend"],
        "args": ["--http-port", str(launch.port)],
    }
    return {
        "name": "Frontend",
        "type": "frontend",
        "replicas": 1,
        "podTemplate": {"spec": {"containers": [container]}},
    }


def _worker(backend: str, pool: PoolPlan, site: Site, args: list[Words]) -> dict[str, object]:
    nodes = nodes_of(ABOUT, pool, site)
    container = {
        "name": "main",
        "image": IMAGE,
        "command": ["python3", "-m", f"dynamo.{backend}"],
        "args": [part for words in args for part in words],
        "envFrom": [{"secretRef": {"name": "hf-token-secret"}}],
        "resources": {"limits": {"nvidia.com/gpu": str(nodes.local)}},
    }
    worker: dict[str, object] = {"name": pool.role, "type": TYPES[pool.role], "replicas": pool.instances}
    if nodes.nodes > 1:
        worker["multinode"] = {"nodeCount": nodes.nodes}
    worker["podTemplate"] = {"spec": {"containers": [container]}}
    return worker


def _vllm(launch: Launch, pool: PoolPlan, site: Site) -> list[Words]:
    launch_vllm.check(ABOUT, launch.model, pool)
    launch_vllm.check_copies(ABOUT, launch.model, pool, site)
    lay = launch_vllm.spread(ABOUT, pool, site)
    args: list[Words] = [("--model", model_value(launch.model)), ("--served-model-name", launch.model.name)]
    if pool.role != "serve":
        config = {"kv_connector": "NixlConnector", "kv_role": "kv_both"}
        args += [("--disaggregation-mode", pool.role), ("--kv-transfer-config", compact(config))]
    args += launch_vllm.layout(pool) + launch_vllm.limits(pool, site) + launch_vllm.formats(launch.model, pool)
    args += launch_vllm.balance(pool) + launch_vllm.drafts(launch, pool)
    return args + launch_vllm.overlap(pool, site, lay.nodes)


def _sglang(launch: Launch, pool: PoolPlan, site: Site) -> list[Words]:
    launch_sglang.check(ABOUT, launch.model, pool, site)
    nodes: Nodes = nodes_of(ABOUT, pool, site)
    args: list[Words] = [("--model-path", model_value(launch.model)), ("--served-model-name", launch.model.name)]
    if pool.role != "serve":
        port = str(launch_sglang.BOOTSTRAP_PORT)
        args += [("--disaggregation-mode", pool.role), ("--disaggregation-transfer-backend", "nixl")]
        args += [("--disaggregation-bootstrap-port", port), ("--host", "0.0.0.0")]
    args += launch_sglang.layout(pool, attention_dp=False) + launch_sglang.limits(pool, site)
    args += launch_sglang.formats(launch.model, pool, site) + launch_sglang.balance(pool)
    return args + launch_sglang.drafts(launch, pool) + launch_sglang.overlap(pool, site, nodes)
