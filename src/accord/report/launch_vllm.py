"""Flags of vLLM's engine that several targets start: what a pool of a plan becomes on ``vllm serve``."""

from __future__ import annotations

from dataclasses import dataclass

from accord.planner.plan import PoolPlan
from accord.report.launch import (
    About,
    Launch,
    Nodes,
    Served,
    Site,
    Words,
    compact,
    need_even,
    nodes_of,
    refuse,
)

KV = {"bf16": "bfloat16", "fp16": "float16", "fp8": "fp8"}  # vllm/config/cache.py, CacheDType
LEAST_BUDGET = 2048  # tokens; a decode pool that needs no more keeps the engine's own budget
DEEPEP = {
    "prefill": "deepep_high_throughput",
    "decode": "deepep_low_latency",
}  # docs/serving/expert_parallel_deployment.md
BALANCED = ("bf16", "fp16", "fp8", "fp4", "mxfp4")  # expert formats whose methods support EPLB
RPC_PORT = 13345  # as in docs/serving/data_parallel_deployment.md


@dataclass(frozen=True, slots=True)
class Spread:
    """An instance on its nodes. local_groups: data-parallel ranks a node, 0 where one group spans several nodes."""

    nodes: Nodes
    local_groups: int


def spread(about: About, pool: PoolPlan, site: Site) -> Spread:
    """How ranks lie on nodes. Raises NotSupported where attention groups would be cut by the edge of a node."""
    nodes = nodes_of(about, pool, site)
    group = pool.tp * pool.pp * pool.cp
    if nodes.local % group == 0:
        return Spread(nodes, nodes.local // group)
    if pool.dp > 1:
        reason = f"data-parallel ranks of {group} devices in the {pool.role} pool do not fit nodes of {nodes.local}"
        raise refuse(about, reason, f"plan with data-parallel ranks of at most {nodes.local} devices")
    return Spread(nodes, 0)


def check(about: About, model: Served, pool: PoolPlan) -> None:
    """Refuse what no flag of the engine can say."""
    group = pool.tp * pool.dp * pool.cp
    if pool.ep > 1 and not model.moe:
        raise refuse(about, f"the {pool.role} pool shares experts over {pool.ep} ranks; the model has none")
    if pool.ep not in (1, group):
        reason = f"experts of the {pool.role} pool are shared by {pool.ep} ranks; with expert parallelism on, always by"
        raise refuse(about, f"{reason} all tp x dp x cp = {group}")
    if pool.kv not in KV:
        raise refuse(about, f"no documented format of the cache is '{pool.kv}'", f"plan with one of {', '.join(KV)}")
    if 0 < pool.max_num_batched_tokens < pool.max_num_seqs:
        reason = f"a token budget of {pool.max_num_batched_tokens} is below the {pool.max_num_seqs} running requests"
        raise refuse(about, reason)


def check_copies(about: About, model: Served, pool: PoolPlan, site: Site) -> None:
    """Refuse redundant experts, or experts on ranks, that the engine on NVIDIA and AMD chips cannot hold."""
    deepep = bool(overlap(pool, site, nodes_of(about, pool, site)))
    need_even(about, model, pool, always=deepep)  # DeepEP, csrc/deep_ep.cpp: experts divide by ranks
    if pool.redundant_experts and pool.weights not in BALANCED:
        reason = f"its balancer of experts does not move weights in {pool.weights}, which the {pool.role} pool has"
        raise refuse(about, reason, f"plan with one of {', '.join(BALANCED)}")


def layout(pool: PoolPlan) -> list[Words]:
    """Ranks: tensor, pipeline, context and data parallel."""
    lines: list[Words] = [("--tensor-parallel-size", str(pool.tp))]
    if pool.pp > 1:
        lines.append(("--pipeline-parallel-size", str(pool.pp)))
    if pool.dp > 1:
        lines.append(("--data-parallel-size", str(pool.dp)))
    return lines + shared(pool)


def shared(pool: PoolPlan) -> list[Words]:
    """Ranks that share a request's tokens and cache, and experts."""
    lines: list[Words] = []
    if pool.cp > 1:
        lines.append(("--prefill-context-parallel-size", str(pool.cp)))
        lines.append(("--decode-context-parallel-size", str(pool.cp)))
    if pool.ep > 1:
        lines.append(("--enable-expert-parallel",))
    return lines


def limits(pool: PoolPlan, site: Site) -> list[Words]:
    """Memory, running requests and tokens of an iteration."""
    lines: list[Words] = [("--gpu-memory-utilization", f"{site.memory_fraction:g}")]
    if pool.max_num_seqs:
        lines.append(("--max-num-seqs", str(pool.max_num_seqs)))
    budget = pool.max_num_batched_tokens
    if not budget:
        wanted = pool.max_num_seqs * (1 + pool.mtp_tokens)
        budget = wanted if wanted > LEAST_BUDGET else 0
    if budget:
        lines.append(("--max-num-batched-tokens", str(budget)))
    return lines


def formats(model: Served, pool: PoolPlan) -> list[Words]:
    """Formats: the checkpoint says its own, a cache's is stated, 16-bit weights are narrowed to FP8 when loaded."""
    online = pool.weights == "fp8" and model.weights in ("bf16", "fp16")
    lines: list[Words] = [("--quantization", "fp8")] if online else []
    return [*lines, ("--kv-cache-dtype", KV[pool.kv])]


def balance(pool: PoolPlan) -> list[Words]:
    """Redundant experts, and the balancer that fills them: the engine has none without it."""
    if not pool.redundant_experts:
        return []
    return [("--enable-eplb",), ("--eplb-config", compact({"num_redundant_experts": pool.redundant_experts}))]


def drafts(launch: Launch, pool: PoolPlan) -> list[Words]:
    """The model's own draft layers. A prefill pool has them where its decode pool does: both sides must agree."""
    tokens = pool.mtp_tokens
    decode = launch.plan.pool("decode")
    if pool.role == "prefill" and not tokens and decode is not None and decode.mtp_tokens:
        tokens = 1
    if not tokens:
        return []
    return [("--speculative-config", compact({"method": "mtp", "num_speculative_tokens": tokens}))]


def overlap(pool: PoolPlan, site: Site, nodes: Nodes) -> list[Words]:
    """Exchange of tokens between experts' ranks, and two batches that hide it."""
    lines: list[Words] = []
    if _exchanges(pool, site) and (nodes.nodes > 1 or pool.microbatches > 1):
        lines.append(("--all2all-backend", DEEPEP[pool.role]))
    if pool.microbatches > 1 and _exchanges(pool, site):
        lines.append(("--enable-dbo",))
    return lines


def _exchanges(pool: PoolPlan, site: Site) -> bool:
    """Whether tokens travel between experts' ranks by a backend that two batches can share."""
    return pool.ep > 1 and pool.dp > 1 and pool.role in DEEPEP and site.vendor == "nvidia"


def transfer(pool: PoolPlan) -> list[Words]:
    """How a disaggregated pool hands on or takes a prompt's cache."""
    role = {"prefill": "kv_producer", "decode": "kv_consumer"}.get(pool.role)
    if role is None:
        return []
    config = {"kv_connector": "NixlConnector", "kv_role": role, "kv_load_failure_policy": "fail"}
    return [("--kv-transfer-config", compact(config))]


def unmet(launch: Launch) -> tuple[str, ...]:
    """What a plan counts on and the engine has no flag for, in words."""
    found = []
    for pool, site in launch.pools:
        if pool.microbatches > 1 and not _exchanges(pool, site):
            found.append(
                f"the {pool.role} pool counts on two microbatches; --enable-dbo goes with DeepEP's exchange in a"
                " prefill or decode pool on NVIDIA chips, so it is off"
            )
    return tuple(found)
