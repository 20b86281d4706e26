"""Flags of SGLang's engine that several targets start: what a pool of a plan becomes on its server."""

from __future__ import annotations

from accord.planner.plan import PoolPlan
from accord.report.launch import About, Launch, Nodes, Served, Site, Words, need_even, refuse

KV = {"bf16": "bfloat16", "fp8": "fp8_e4m3"}  # srt/arg_groups/fields/model.py, kv_cache_dtype
BOOTSTRAP_PORT = 8998  # default of --disaggregation-bootstrap-port
MODES = {"prefill": "normal", "decode": "low_latency"}  # of DeepEP, choices of --deepep-mode
ASCEND_WEIGHTS = ("bf16", "int8")  # unquantised, or checkpoints of ModelSlim


def check(about: About, model: Served, pool: PoolPlan, site: Site) -> None:
    """Refuse what no flag of the engine can say."""
    if pool.ep > 1 and not model.moe:
        raise refuse(about, f"the {pool.role} pool shares experts over {pool.ep} ranks; the model has none")
    if (pool.tp * pool.dp * pool.cp) % pool.ep:
        raise refuse(about, f"{pool.ep} ranks of experts do not divide tp x dp x cp of the {pool.role} pool")
    need_even(about, model, pool, always=True)  # srt/eplb/expert_location.py, for any model
    if pool.dp > 1 and not model.moe:
        reason = f"data-parallel attention in the {pool.role} pool is for models with experts; start more instances"
        raise refuse(about, reason)
    if pool.kv not in KV:
        raise refuse(about, f"no documented format of the cache is '{pool.kv}'", f"plan with one of {', '.join(KV)}")
    if pool.cp > 1 and (pool.role != "prefill" or pool.pp > 1):
        raise refuse(about, "context parallelism is for prefill pools without pipeline parallelism")
    if pool.pp > 1 and pool.mtp_tokens and pool.role != "prefill":  # srt/arg_groups/validation_hook.py
        raise refuse(about, f"drafts with pipeline stages are for prefill pools alone, not the {pool.role} pool")
    if site.vendor == "huawei" and pool.weights not in ASCEND_WEIGHTS:
        raise refuse(about, f"no documented weights in {pool.weights} on Ascend", "plan with int8 or bf16")


def layout(pool: PoolPlan, attention_dp: bool) -> list[Words]:
    """Ranks. ``--tp-size`` counts all ranks of a stage, those of attention groups included.

    attention_dp: attention groups have a flag of their own (from 0.5.23 on); before, ``--dp-size`` and a switch
    """
    lines: list[Words] = [("--tp-size", str(pool.tp * pool.dp * pool.cp))]
    if pool.pp > 1:
        lines.append(("--pp-size", str(pool.pp)))
    if pool.dp > 1 and attention_dp:
        lines.append(("--attn-dp-size", str(pool.dp)))
    elif pool.dp > 1:
        lines += [("--dp-size", str(pool.dp)), ("--enable-dp-attention",)]
    if pool.cp > 1:
        lines += [("--attn-cp-size", str(pool.cp)), ("--enable-prefill-cp",), ("--cp-strategy", "zigzag")]
    if pool.ep > 1:
        lines.append(("--ep-size", str(pool.ep)))
    return lines


def limits(pool: PoolPlan, site: Site) -> list[Words]:
    """Memory, running requests and tokens of an iteration.

    The engine divides the last two among attention groups, and requests among stages as well.
    """
    lines: list[Words] = [("--mem-fraction-static", f"{site.memory_fraction:g}")]
    if pool.max_num_seqs:
        lines.append(("--max-running-requests", str(pool.max_num_seqs * pool.dp)))
    if pool.max_num_batched_tokens:
        lines.append(("--chunked-prefill-size", str(pool.max_num_batched_tokens * pool.dp)))
    return lines


def formats(model: Served, pool: PoolPlan, site: Site) -> list[Words]:
    """Formats: the checkpoint says its own, a cache's is stated, 16-bit weights are narrowed to FP8 when loaded."""
    lines: list[Words] = []
    if site.vendor == "huawei":
        lines += [("--device", "npu"), ("--attention-backend", "ascend")]
        if pool.weights == "int8":
            lines.append(("--quantization", "modelslim"))
    elif pool.weights == "fp8" and model.weights in ("bf16", "fp16"):
        lines.append(("--quantization", "fp8"))
    return [*lines, ("--kv-cache-dtype", KV[pool.kv])]


def balance(pool: PoolPlan) -> list[Words]:
    """Redundant experts, and the balancer that fills them; recording and choice of a copy follow by themselves."""
    if not pool.redundant_experts:
        return []
    return [("--ep-num-redundant-experts", str(pool.redundant_experts)), ("--enable-eplb",)]


def drafts(launch: Launch, pool: PoolPlan) -> list[Words]:
    """The model's own draft layers, one draft after another. A prefill pool has them where its decode pool does."""
    decode = launch.plan.pool("decode")
    tokens = pool.mtp_tokens or (decode.mtp_tokens if pool.role == "prefill" and decode is not None else 0)
    if not tokens:
        return []
    return [
        ("--speculative-algorithm", "NEXTN"),
        ("--speculative-num-steps", str(tokens)),
        ("--speculative-eagle-topk", "1"),
        ("--speculative-num-draft-tokens", str(tokens + 1)),
    ]


def overlap(pool: PoolPlan, site: Site, nodes: Nodes) -> list[Words]:
    """Exchange of tokens between experts' ranks, and two batches that hide it."""
    if not _exchanges(pool, site) or (nodes.nodes == 1 and pool.microbatches < 2):
        return []
    lines: list[Words] = [("--moe-a2a-backend", "deepep"), ("--deepep-mode", MODES.get(pool.role, "auto"))]
    if pool.microbatches > 1:
        lines.append(("--enable-two-batch-overlap",))
    return lines


def _exchanges(pool: PoolPlan, site: Site) -> bool:
    """Whether DeepEP carries tokens: all ranks of a stage share the experts."""
    return site.vendor == "nvidia" and pool.ep > 1 and pool.ep == pool.tp * pool.dp * pool.cp and pool.dp > 1


def transfer(pool: PoolPlan, site: Site) -> list[Words]:
    """How a disaggregated pool hands on or takes a prompt's cache."""
    if pool.role == "serve":
        return []
    return [
        ("--disaggregation-mode", pool.role),
        ("--disaggregation-transfer-backend", "ascend" if site.vendor == "huawei" else "mooncake"),
    ]


def unmet(launch: Launch) -> tuple[str, ...]:
    """What a plan counts on and the engine has no flag for, in words."""
    found = []
    for pool, site in launch.pools:
        if pool.microbatches > 1 and not _exchanges(pool, site):
            found.append(
                f"the {pool.role} pool counts on two microbatches; --enable-two-batch-overlap goes with DeepEP over all"
                " ranks on NVIDIA chips, so it is off"
            )
        if pool.cp > 1:
            found.append(f"--cp-strategy of the {pool.role} pool is zigzag; the plan says nothing of it")
    return tuple(found)
