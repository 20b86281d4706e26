"""Rows priced: how fast each runs in steady state, how much memory it takes, and how sure that is.

The formulas are those of :mod:`accord.inference`, over all rows of a branch at once. A row that does not fit its
memory is not timed. A row whose latency at the estimate, or at the least that its interval can be, breaks a limit
is dropped before its interval is computed: parameters can only widen it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from accord.base.array import Array
from accord.inference.cache import Reuse, reuse_load_s
from accord.inference.grid import SLICE, log_sd
from accord.inference.mixed import iteration, mean_parts
from accord.inference.open_loop import first_token
from accord.inference.pools import decode_point, prefill_point
from accord.inference.slo import tokens_per_iteration
from accord.parallel.memory import (
    cache_bytes_per_request,
    decode_memory,
    most_requests,
    prefill_memory,
    serving_memory,
)
from accord.parallel.plan import Deployments, Setting, deployments
from accord.planner.plan import Role
from accord.planner.problem import QUANTILES, Problem
from accord.planner.space import (
    ANY,
    BATCHES,
    BUDGETS,
    MOST_TOKENS,
    PROMPTS,
    Layout,
    Rules,
    layouts,
    redundant,
)
from accord.planner.table import Index, Table, Tally
from accord.step.breakdown import StepTime
from accord.step.decode import decode_step
from accord.step.prefill import prefill_step

FOLLOWED = 24  # rows on which every cause of an interval is followed
ROOM = 1.0 + 1e-9  # that a limit is given, so that what just keeps it is not lost in rounding
_WIDEST = 1024  # ranks of instances that are followed
_MOST_SEATS = 1024.0  # running requests that a scheduler is given, where its default is lower


Times = tuple[Array, Array, Array]  # means, percentiles, deviations of the logarithm


@dataclass(frozen=True, slots=True)
class Branch:
    """One system with one engine and one set of formats in one role.

    residuals: standard deviations of logarithms beyond parameters, of ``rate``, ``tpot`` and ``first``
    accept: chance that a draft is accepted; redundant_from: expert ranks from which experts are kept twice
    window_s: how long a queue has been building
    rules: which ranks the engine can be started with
    """

    system: str
    engine: str
    role: Role
    setting: Setting
    residuals: Mapping[str, float]
    accept: float
    redundant_from: float
    window_s: float
    rules: Rules = ANY


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows before they are priced: deployments, load of a group, token budget."""

    plan: Deployments
    load: Array
    budget: Array

    def pick(self, index: Index) -> _Rows:
        return _Rows(self.plan.pick(index), self.load[index], self.budget[index])

    def __len__(self) -> int:
        return len(self.load)


def price(branch: Branch, problem: Problem, found: Sequence[Layout], *, steady: bool = False) -> tuple[Table, Tally]:
    """Every load of every layout, priced; what does not fit or cannot keep a limit is counted and left out.

    steady: follow causes on rows of all layouts, so that a deviation does not depend on what else is priced; else on
        the rows that keep the limits at their least, which differs by a few thousandths
    """
    rows = _rows(branch, problem, found)
    fell: Counter[str] = Counter()
    good, memory, capacity = _fits(branch, rows, problem.max_load)
    fell["memory"] = len(rows) - len(good)
    rows, memory, capacity = rows.pick(good), memory[good], capacity[good]
    timed = _timed(branch, rows, problem)
    table = _table(branch, rows, timed, memory, capacity)
    keeping, broken = within(table, problem)
    fell += broken
    table, kept = table.pick(keeping), rows.pick(keeping)
    if problem.intervals and len(table):
        table = _with_sd(branch, table, _time_sd(branch, kept, _followed(branch, problem) if steady else None))
        keeping, broken = within(table, problem)
        fell += Counter({f"{name} not sure enough": count for name, count in broken.items()})
        table = table.pick(keeping)
    return table, Tally(len(good) + fell["memory"], len(good), +fell)


# The rows


def _rows(branch: Branch, problem: Problem, layouts: Sequence[Layout]) -> _Rows:
    """Layouts x loads x budgets x drafts x reuse."""
    space, setting = problem.space, branch.setting
    drafts = _drafts(branch, problem)
    ranks = np.array([(one.tp, one.pp, one.dp, one.cp, one.ep) for one in layouts], dtype=np.float64).reshape(-1, 5)
    reuse = space.reuse if branch.role != "decode" else (0.0,)
    loads: Sequence[int] = PROMPTS if branch.role == "prefill" else (space.batches or BATCHES)
    budgets = (space.budgets or BUDGETS) if branch.role == "serve" else (0,)
    micro = (space.microbatches or (0,)) if setting.efficiency.has("microbatch_overlap") else (1,)
    axes = (np.arange(len(ranks)), loads, budgets, drafts, reuse, micro)
    grid = [part.ravel() for part in np.meshgrid(*(np.asarray(axis, dtype=np.float64) for axis in axes), indexing="ij")]
    chosen = ranks[grid[0].astype(np.intp)].T
    tp, pp, dp, cp, ep = chosen
    load = grid[1]
    copies = redundant(setting, branch.redundant_from, branch.redundant_from)
    if not len(load):
        return _Rows(deployments(tp=1).pick(np.zeros(0, dtype=np.intp)), load, grid[2])
    plan = deployments(
        tp=tp, pp=pp, dp=dp, cp=cp, ep=ep, isl=problem.isl, osl=problem.osl, mtp_tokens=grid[3],
        accept=np.where(grid[3] > 0.0, branch.accept, 0.0), reuse=grid[4],
        microbatches=np.where(dp * cp > 1.0, grid[5], 1.0),
        redundant=np.where(ep >= branch.redundant_from, copies, 0.0),
        context=problem.context if problem.context is not None else problem.isl + problem.osl / 2.0,
        batch=load / (tp * cp * pp) if branch.role != "prefill" else 1.0,
        tokens=load * problem.isl / (tp * cp) if branch.role == "prefill" else 0.0,
    )  # fmt: skip
    rows = _Rows(plan, load, grid[2])
    if branch.role == "prefill":
        fits = (load == 1.0) | (plan.tokens <= MOST_TOKENS)
        return rows.pick(np.flatnonzero(fits))
    seats = max(setting.efficiency.scalar("engine.max_num_seqs"), _MOST_SEATS)
    return rows.pick(np.flatnonzero(load <= seats * pp))


def _drafts(branch: Branch, problem: Problem) -> tuple[int, ...]:
    """Draft tokens tried: none, and one where the model has heads for it."""
    if branch.role == "prefill":
        return (0,)
    if problem.space.mtp_tokens:
        return problem.space.mtp_tokens
    return (0, 1) if branch.setting.spec.mtp is not None else (0,)


def _fits(branch: Branch, rows: _Rows, max_load: float) -> tuple[Index, Array, Array]:
    """Rows that fit the fullest device beside the engine's whole default reserve, bytes used there and there are."""
    setting, plan = branch.setting, rows.plan
    if branch.role == "serve":
        memory = serving_memory(setting, plan, rows.load / plan.cp, whole_reserve=True)
        held = most_requests(setting, plan, rows.budget, whole_reserve=True) * max_load
        good = (memory.free_bytes >= 0.0) & (rows.load / plan.cp <= held)
    else:
        of_role = decode_memory if branch.role == "decode" else prefill_memory
        memory = of_role(setting, plan, whole_reserve=True)
        good = memory.free_bytes >= 0.0
    return np.flatnonzero(good), memory.used_bytes, np.asarray(memory.capacity_bytes)


# Time


def _kinds(plan: Deployments) -> Iterator[Index]:
    """Slices of rows that agree on whether attention groups are separate."""
    separate = plan.groups > 1.0
    for kind in (separate, ~separate):
        index = np.flatnonzero(kind)
        for start in range(0, len(index), SLICE):
            yield index[start : start + SLICE]


def _timed(branch: Branch, rows: _Rows, problem: Problem) -> dict[str, Array]:
    """Columns that time fills, by name."""
    count, many = len(rows), len(QUANTILES)
    shapes = {"tpot_q_s": (many, count), "first_q_s": (many, count)}
    names = ("microbatches", "request_per_s", "tpot_s", "tpot_q_s", "first_s", "first_q_s", "gather_s", "payload_bytes")
    columns = {name: np.zeros(shapes.get(name, (count,))) for name in names}
    price_one = _PRICED[branch.role]
    for index in _kinds(rows.plan):
        for name, values in price_one(branch, rows.pick(index), problem).items():
            columns[name][..., index] = values
    return columns


def _serve(branch: Branch, rows: _Rows, problem: Problem) -> dict[str, Array]:
    setting, plan = branch.setting, rows.plan
    tau = tokens_per_iteration(plan.mtp_tokens, plan.accept)
    running = rows.load / plan.cp
    step = iteration(setting, plan, running, tau, rows.budget)
    per_group = running * tau / (plan.osl * step.mean_s)
    limit = np.maximum(most_requests(setting, plan, rows.budget), running)
    window = np.full_like(running, branch.window_s)
    first = first_token(setting, plan, running, per_group, step, limit, window)
    tpot = step.mean_s / tau
    share = step.share * (1.0 - step.share) / np.maximum(plan.osl / tau, 1.0)
    apart = np.sqrt(share) * (step.mixed_s - step.plain_s) / tau
    return {
        "microbatches": step.microbatches,
        "request_per_s": per_group * plan.groups,
        "tpot_s": tpot,
        "tpot_q_s": np.stack([np.minimum(tpot + _z(q) * apart, step.mixed_s / tau) for q in QUANTILES]),
        "first_s": first.mean_s,
        "first_q_s": np.stack([first.p50_s, first.p90_s, first.p99_s]),
    }


def _decode(branch: Branch, rows: _Rows, problem: Problem) -> dict[str, Array]:
    plan = rows.plan
    point = decode_point(branch.setting, plan)
    rate = point.tokens_per_s_per_device * plan.devices / plan.osl
    return {
        "microbatches": point.microbatches,
        "request_per_s": rate,
        "tpot_s": point.tpot_s,
        "tpot_q_s": np.stack([point.tpot_s] * len(QUANTILES)),
    }


def _prefill(branch: Branch, rows: _Rows, problem: Problem) -> dict[str, Array]:
    setting, plan = branch.setting, rows.plan
    load_s = reuse_load_s(setting, plan, Reuse()) if setting.machine.pools else None
    point = prefill_point(setting, plan, load_s)
    rate = point.served_tokens_per_s_per_device * plan.devices / plan.isl
    return {
        "microbatches": point.microbatches,
        "request_per_s": rate,
        "first_s": point.step_s,
        "first_q_s": np.stack([point.step_s] * len(QUANTILES)),
        "gather_s": np.where(rows.load * plan.dp > 1.0, 0.5 * point.step_s / plan.pp, 0.0),
        "payload_bytes": cache_bytes_per_request(setting, plan, plan.isl),
    }


_PRICED: Mapping[Role, Callable[[Branch, _Rows, Problem], dict[str, Array]]] = {
    "serve": _serve, "decode": _decode, "prefill": _prefill
}  # fmt: skip


def _z(share: float) -> float:
    return NormalDist().inv_cdf(share)


def _table(branch: Branch, rows: _Rows, timed: Mapping[str, Array], memory: Array, capacity: Array) -> Table:
    plan, zero = rows.plan, np.zeros(len(rows))
    made = Table(
        plan.tp, plan.pp, plan.dp, plan.cp, plan.ep, rows.load, rows.budget, plan.mtp_tokens, plan.reuse,
        time_sd=zero, rate_sd=zero, tpot_sd=zero, first_sd=zero, memory_bytes=memory,
        capacity_bytes=np.broadcast_to(capacity, zero.shape), **timed,
    )  # fmt: skip
    return _with_sd(branch, made, zero)


# How sure


def _with_sd(branch: Branch, table: Table, time_sd: Array) -> Table:
    own = {name: np.hypot(time_sd, branch.residuals[name]) for name in ("rate", "tpot", "first")}
    return replace(table, time_sd=time_sd, rate_sd=own["rate"], tpot_sd=own["tpot"], first_sd=own["first"])


def _time_sd(branch: Branch, rows: _Rows, followed: _Rows | None) -> Array:
    """Standard deviation of the logarithm of a row's step time.

    followed: rows on which every cause is followed; where none is of a kind, or there are none, rows themselves are
    """
    found = np.zeros(len(rows))
    plan, own = _read(branch, rows), None if followed is None else _read(branch, followed)
    for separate in (True, False):
        index = np.flatnonzero((plan.groups > 1.0) == separate)
        few = None if own is None else own.pick(np.flatnonzero((own.groups > 1.0) == separate))
        if len(index):
            of = few if few is not None and len(few) else None
            found[index] = log_sd(_STEPS[branch.role], branch.setting, plan.pick(index), FOLLOWED, of)
    return found


def _read(branch: Branch, rows: _Rows) -> Deployments:
    """Rows as their step reads them: of one that serves its running requests and its token budget."""
    if branch.role != "serve":
        return rows.plan
    return rows.plan.with_(batch=rows.load / rows.plan.cp, tokens=rows.budget)


def _followed(branch: Branch, problem: Problem) -> _Rows:
    """Rows on which every cause is followed: of all layouts, whatever the limits."""
    found, _ = layouts(branch.setting, _WIDEST, problem.space, branch.role, branch.redundant_from, branch.rules)
    rows = _rows(branch, problem, found)
    rows = rows.pick(_fits(branch, rows, problem.max_load)[0])
    separate = rows.plan.groups > 1.0
    kinds = (np.flatnonzero(separate), np.flatnonzero(~separate))
    few = [kind[np.linspace(0, len(kind) - 1, min(FOLLOWED, len(kind))).astype(np.intp)] for kind in kinds]
    return rows.pick(np.concatenate(few))


def _serve_step(setting: Setting, plan: Deployments) -> StepTime:
    tau = tokens_per_iteration(plan.mtp_tokens, plan.accept)
    return mean_parts(setting, plan, plan.batch, tau, plan.tokens)


_STEPS: Mapping[Role, Callable[[Setting, Deployments], StepTime]] = {
    "serve": _serve_step,
    "decode": lambda setting, plan: decode_step(setting, plan)[0],
    "prefill": lambda setting, plan: prefill_step(setting, plan)[0],
}


# Limits that a row alone can break


def within(table: Table, problem: Problem) -> tuple[Index, Counter[str]]:
    """Rows that can keep the latency limits, and how many break which first.

    table: with its deviations, or with the residual alone, the least they can be
    A prefill row is judged without any wait and a decode row without prompts: both can only grow.
    """
    z = problem.deviations
    good = np.ones(len(table), dtype=bool)
    fell: Counter[str] = Counter()
    for limit in problem.limits.latencies:
        value, sd = latency(table, limit.latency, limit.quantile, problem.osl, z)
        broken = good & (value * np.exp(z * sd) > limit.limit_s * ROOM)
        fell[limit.name] = int(np.count_nonzero(broken))
        good &= ~broken
    return np.flatnonzero(good), +fell


def latency(table: Table, name: str, quantile: float | None, osl: float, z: float) -> tuple[Array, Array]:
    """A latency of rows alone and the standard deviation of its logarithm; 0 where a role has no part in it.

    z: how many of them it is to be kept at, see :func:`end_to_end`
    """
    first = table.first_s, table.first_q_s, table.first_sd
    return named_latency(name, quantile, first, (table.tpot_s, table.tpot_q_s, table.tpot_sd), osl, z)


def named_latency(
    name: str, quantile: float | None, first: Times, tpot: Times, osl: float, z: float
) -> tuple[Array, Array]:
    """``ttft``, ``tpot`` or ``e2el``, its mean or a percentile, and the deviation of its logarithm.

    first, tpot: time to first token and per output token; z: see :func:`end_to_end`
    """
    values = [one[0] if quantile is None else one[1][QUANTILES.index(quantile)] for one in (first, tpot)]
    if name == "tpot":
        return values[1], tpot[2]
    if name == "ttft":
        return values[0], first[2]
    return end_to_end(values[0], first[2], values[1], tpot[2], osl, z)


def end_to_end(first: Array, first_sd: Array, tpot: Array, tpot_sd: Array, osl: float, z: float) -> tuple[Array, Array]:
    """Time to the last token and the deviation of its logarithm, both parts off the same way.

    z: deviations at which the time is that of both parts so many deviations off; what a part adds is then never less
        than nothing, however unsure the other is
    """
    answer = tpot * max(osl - 1.0, 0.0)
    total = np.maximum(first + answer, 1e-12)
    if z <= 0.0:
        return total, (first * first_sd + answer * tpot_sd) / total
    late = first * np.exp(z * first_sd) + answer * np.exp(z * tpot_sd)
    return total, np.log(np.maximum(late / total, 1.0)) / z
