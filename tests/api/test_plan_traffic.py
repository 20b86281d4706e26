"""Plans under traffic: their pools, what is simulated of them, and their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.traces import trace

from accord.api import EstimateRequest, estimate
from accord.api.plan import plan as search
from accord.api.plan_pools import deployed
from accord.api.plan_traffic import Fixed, Replay, simulate_plans
from accord.base.array import Array
from accord.base.errors import UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.cli.simulate_load import load_of
from accord.planner.plan import Check, Holding, Metric, Mode, Plan, PoolPlan, plan_id
from accord.planner.problem import Limit, Limits, Problem, Space
from accord.serving.slo import Slo
from accord.workloads.arrivals import Arrivals
from accord.workloads.lengths import parse_law
from accord.workloads.request import Workload
from accord.workloads.sessions import Sessions, Talk
from accord.workloads.synthetic import Traffic, generate

H200, CM = "nvidia-hgx-h200-8", "huawei-cloudmatrix-384"
CHIPS = {H200: ("nvidia-h200-sxm", 1), CM: ("huawei-ascend-910c", 2)}
LIMITS = (Slo(ttft_s=1.0, tpot_s=0.05),)
NO_FLAGS: dict[str, Any] = dict.fromkeys(
    ("trace", "workload", "isl", "osl", "rate", "arrivals", "concurrency", "timeout", "skip_bad", "find_rate",
     "requests", "duration", "trace_format")
)  # fmt: skip


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def poisson(rate: float, count: int, isl: int = 1000, osl: int = 200) -> Workload:
    talk = Talk(parse_law(str(isl)), parse_law(str(osl)), Sessions())
    return generate(Traffic("poisson", talk, Arrivals("poisson", per_s=rate)), 0, count=count, duration_s=None)


def pool(role: str = "serve", system: str = H200, **fields: Any) -> PoolPlan:
    usual: dict[str, Any] = {
        "role": role, "system": system, "engine": "vllm", "weights": "bf16", "kv": "bf16", "tp": 1, "devices": 1,
        "instances": 1, "memory_bytes": 8e10, "capacity_bytes": 1.4e11, "request_per_s": 1.0,
    }  # fmt: skip
    return PoolPlan(**{**usual, **fields})


def plan(*pools: PoolPlan, rate: float, model: str = "llama-3.1-8b", isl: float = 1000.0, osl: float = 200.0,
         **metrics: float) -> Plan:  # fmt: skip
    used: dict[str, int] = {}
    for one in pools:
        devices = one.devices * one.instances
        used[one.system] = used.get(one.system, 0) + devices // CHIPS[one.system][1]
    held = tuple(
        Holding(system=system, chip=CHIPS[system][0], chips=chips, used=chips, systems=1)
        for system, chips in used.items()
    )
    figures = {"request_per_s": Metric(value=rate, unit="req/s")}
    units = {"tpot_s": "s", "ttft_s": "s", "usd_per_million_output_tokens": "USD/Mtok"}
    figures |= {name: Metric(value=value, unit=units.get(name, "1")) for name, value in metrics.items()}
    return Plan(
        id=plan_id(model, pools, held), model=model, mode="aggregated" if len(pools) == 1 else "disaggregated",
        isl=isl, osl=osl, pools=pools, holdings=held, metrics=figures,
    )  # fmt: skip


def simulated(found: Plan, name: str) -> float:
    assert found.simulated is not None
    return found.simulated[name].value


def steady(catalog: Catalog, **fields: Any) -> dict[str, float]:
    answer = estimate(EstimateRequest(**fields), catalog=catalog)
    return {name: float(np.asarray(values)[0]) for name, values in answer.metrics.items()}


def llama(rate: float, instances: int = 2, **fields: Any) -> Plan:
    own = {
        name: fields.pop(name)
        for name in ("tpot_s", "ttft_s", "e2el_s", "usd_per_million_output_tokens")
        if name in fields
    }
    return plan(pool(instances=instances, max_num_batched_tokens=8192, **fields), rate=rate, **own)


def r1_decode(system: str = CM, **fields: Any) -> PoolPlan:
    usual: dict[str, Any] = {
        "engine": "cloudmatrix-infer", "weights": "int8", "kv": "int8", "dp": 64, "ep": 64, "devices": 64,
        "batch_per_device": 32.0, "max_num_seqs": 32, "mtp_tokens": 1, "mtp_accept": 0.7, "microbatches": 1,
    }  # fmt: skip
    return pool("decode", system, **{**usual, **fields})


def r1_prefill(system: str = CM, **fields: Any) -> PoolPlan:
    usual: dict[str, Any] = {
        "engine": "cloudmatrix-infer", "weights": "int8", "kv": "int8", "dp": 32, "ep": 32, "devices": 32,
        "tokens_per_device": 8192.0, "max_num_batched_tokens": 8192, "microbatches": 1,
    }  # fmt: skip
    return pool("prefill", system, **{**usual, **fields})


def test_pools_are_those_of_the_plan(catalog: Catalog) -> None:
    work = poisson(1.0, 10, 4000, 1000)
    found = plan(r1_prefill(instances=6), r1_decode(instances=2), rate=10.0, model="deepseek-r1")
    (prefill, decode), rules = deployed(catalog, found, work)
    assert (prefill.pool.role, prefill.pool.instances, prefill.pool.groups, prefill.pool.chips) == (
        "prefill",
        6,
        32,
        16,
    )
    assert (decode.pool.role, decode.pool.instances, decode.pool.groups, decode.pool.chips) == ("decode", 2, 64, 32)
    assert prefill.pool.token_budget == 8192
    assert (prefill.pool.mtp_tokens, decode.pool.mtp_tokens, decode.pool.accept) == (0, 1, 0.7)
    assert prefill.setting.formats.experts == decode.setting.formats.experts == "int8"
    assert rules.router == "least-loaded"
    (serve,), _ = deployed(catalog, llama(1.0, 3, tp=2, devices=2, max_num_seqs=5000), work)
    assert (serve.pool.role, serve.pool.instances, serve.pool.chips, serve.pool.max_seqs) == ("both", 3, 2.0, 10_000)
    assert not serve.pool.prefix_cache
    (kept,), _ = deployed(catalog, llama(1.0, reuse=0.3), work)
    assert kept.pool.prefix_cache


def test_an_aggregated_plan_agrees_with_its_steady_state(catalog: Catalog) -> None:
    rate = 24.0
    planned = steady(catalog, model="llama-3.1-8b", system=H200, engine="vllm", weights="bf16", kv="bf16", chips=2,
                     tp=1, isl=1000.0, osl=200.0, request_rate=rate)  # fmt: skip
    one = llama(rate, tpot_s=planned["tpot_s"], ttft_s=planned["ttft_s"])
    (found,) = simulate_plans(catalog, [one], Fixed(poisson(rate, 3000)), Replay(limits=LIMITS)).plans
    assert simulated(found, "tpot_s") == pytest.approx(planned["tpot_s"], rel=0.15)
    assert simulated(found, "ttft_mean_s") == pytest.approx(planned["ttft_s"], rel=0.15)
    assert simulated(found, "goodput_request_per_s") == pytest.approx(rate, rel=0.1)
    assert simulated(found, "share_within_limits") == 1.0
    assert found.metrics == one.metrics


def test_a_disaggregated_plan_agrees_with_its_steady_state(catalog: Catalog) -> None:
    planned = steady(catalog, model="deepseek-r1", system=CM, phase="decode", engine="cloudmatrix-infer",
                     weights="int8", kv="int8", devices=64, dp=64, ep=64, isl=4000.0, osl=500.0,
                     batch_per_device=32.0, mtp_tokens=1, mtp_accept=0.7, microbatches=1)  # fmt: skip
    rate = 64 * 32.0 / (planned["tpot_s"] * 500.0)
    instances = round(rate * 4000.0 / 60_000.0) + 8  # more than enough: prompts hardly wait
    one = plan(r1_prefill(instances=instances), r1_decode(), rate=rate, model="deepseek-r1", isl=4000.0, osl=500.0)
    load = Fixed(poisson(rate, 5000, 4000, 500))
    (found,) = simulate_plans(catalog, [one], load, Replay(limits=LIMITS)).plans
    assert simulated(found, "tpot_s") == pytest.approx(planned["tpot_s"], rel=0.15)
    assert simulated(found, "completed") == 5000.0
    assert simulated(found, "request_per_s") == pytest.approx(rate, rel=0.03)  # the emptying at the end is left out


def test_time_to_first_token_of_two_pools_agrees_where_prompts_hardly_wait(catalog: Catalog) -> None:
    alone = steady(catalog, model="llama-3.1-8b", system=H200, phase="prefill", engine="vllm", weights="bf16",
                   kv="bf16", devices=1, tp=1, isl=1000.0, tokens_per_device=1000.0)  # fmt: skip
    one = plan(pool("prefill", instances=4, max_num_batched_tokens=8192), pool("decode", instances=2), rate=4.0)
    work = poisson(4.0, 2000)
    (found,) = simulate_plans(catalog, [one], Fixed(work), Replay(limits=LIMITS)).plans
    (sender, receiver), _ = deployed(catalog, one, work)
    sent_s = 1000 * sender.pool.bytes_per_token / sender.pool.egress_bytes_per_s + sender.pool.latency_s
    joining_s = simulated(found, "tpot_s") / 2.0  # an iteration is under way where the cache is sent
    assert sender.pool.egress_bytes_per_s == receiver.pool.ingress_bytes_per_s
    assert simulated(found, "ttft_mean_s") == pytest.approx(alone["ttft_s"] + sent_s + joining_s, rel=0.05)


def test_pools_on_two_systems(catalog: Catalog) -> None:
    far = r1_decode(H200, engine="vllm", weights="fp8", kv="bf16", dp=8, ep=8, devices=8, instances=4)
    one = plan(r1_prefill(instances=2), far, rate=4.0, model="deepseek-r1", isl=4000.0, osl=200.0)
    work = poisson(4.0, 300, 4000, 200)
    (prefill, decode), _ = deployed(catalog, one, work)
    assert (prefill.system, decode.system) == (CM, H200)
    assert (prefill.engine, decode.engine) == ("cloudmatrix-infer", "vllm")
    assert (prefill.setting.formats.experts, decode.setting.formats.experts) == ("int8", "fp8")
    (found,) = simulate_plans(catalog, [one], Fixed(work)).plans
    assert simulated(found, "completed") == 300.0


def test_plans_are_ordered_by_what_was_simulated(catalog: Catalog) -> None:
    small, large = llama(200.0, 1, usd_per_million_output_tokens=0.1), llama(50.0, 8, usd_per_million_output_tokens=0.3)
    asked = Replay(limits=LIMITS, objective="cost")
    found = simulate_plans(catalog, [small, large], Fixed(poisson(150.0, 3000)), asked).plans
    assert [one.id for one in found] == [large.id, small.id]  # the cheap one does not keep the limits
    assert [simulated(one, "rank") for one in found] == [1.0, 2.0]
    assert [simulated(one, "steady_rank") for one in found] == [2.0, 1.0]
    assert simulated(found[0], "share_within_limits") > 0.9 > simulated(found[1], "share_within_limits")
    paid = 0.3 * 50.0 * 200.0 / simulated(found[0], "goodput_output_token_per_s_total")
    assert simulated(found[0], "usd_per_million_output_tokens") == pytest.approx(paid)


def test_of_equals_the_order_stays(catalog: Catalog) -> None:
    plans = [llama(30.0, count) for count in (4, 2, 3)]
    found = simulate_plans(catalog, plans, Fixed(poisson(20.0, 1000)), Replay(limits=LIMITS)).plans
    assert [one.id for one in found] == [one.id for one in plans]  # all serve what comes
    fewest = Replay(limits=LIMITS, objective="chips")
    found = simulate_plans(catalog, plans, Fixed(poisson(20.0, 1000)), fewest).plans
    assert [one.chips for one in found] == [2, 3, 4]


def test_each_plan_at_its_own_rate(catalog: Catalog) -> None:
    plans = [llama(10.0, 2), llama(40.0, 3)]
    answer = simulate_plans(catalog, plans, Fixed(poisson(1.0, 2000)), Replay(limits=LIMITS, pace="plan"))
    assert [one.id for one in answer.plans] == [plans[1].id, plans[0].id]
    assert simulated(answer.plans[0], "offered_request_per_s") == pytest.approx(40.0, rel=0.01)
    assert any("at the rate that it was found to serve" in text for text in answer.said)


def test_a_long_load_is_cut_and_that_is_said(catalog: Catalog) -> None:
    answer = simulate_plans(catalog, [llama(10.0)], Fixed(poisson(10.0, 500)), Replay(requests_cap=100))
    assert simulated(answer.plans[0], "requests") == 100.0
    assert answer.said == ("the first 100 of 500 requests of the load are simulated",)
    more = simulate_plans(catalog, [llama(10.0)], Fixed(poisson(100.0, 6000)))
    assert simulated(more.plans[0], "requests") == 5000.0
    slow = llama(100.0, 8, e2el_s=15.0)  # 1,500 in flight: fewer than 6,000 would not fill it
    assert simulated(simulate_plans(catalog, [slow], Fixed(poisson(100.0, 7000))).plans[0], "requests") == 6000.0


def test_a_load_too_short_to_fill_a_plan_is_said(catalog: Catalog) -> None:
    answer = simulate_plans(catalog, [llama(2000.0, 8)], Fixed(poisson(2000.0, 500)))
    assert any("all requests arrive within" in text and "its batches do not fill" in text for text in answer.said)


def test_shared_beginnings_are_found_where_the_plan_counts_on_reuse(catalog: Catalog, tmp_path: Path) -> None:
    lines = [
        {"timestamp": 500 * at, "input_length": 1536, "output_length": 50, "hash_ids": [0, 1, 2 + at]}
        for at in range(50)
    ]
    file = tmp_path / "mooncake.jsonl"
    file.write_text("".join(msgspec.json.encode(line).decode() + "\n" for line in lines))
    load = load_of(catalog, {**NO_FLAGS, "trace": file})
    answer = simulate_plans(catalog, [llama(2.0, 1, reuse=0.5), llama(2.0, 1)], load)
    kept, bare = answer.plans
    assert simulated(kept, "cache_hit_ratio") > 0.6
    assert "cache_hit_ratio" not in (bare.simulated or {}) or simulated(bare, "cache_hit_ratio") == 0.0
    assert simulated(kept, "ttft_mean_s") < simulated(bare, "ttft_mean_s")
    assert any("plans that count on no reuse" in text for text in answer.said)


def test_a_trace_on_two_pools_with_pooled_memory(catalog: Catalog) -> None:
    load = load_of(catalog, {**NO_FLAGS, "trace": trace("mooncake_conversation_trace.jsonl")})
    decode = r1_decode(batch_per_device=8.0, max_num_seqs=8)
    plain, kept = (
        plan(r1_prefill(instances=4, reuse=reuse), decode, rate=3.0, model="deepseek-r1", isl=12e3, osl=343.0)
        for reuse in (0.0, 0.3)
    )
    asked = Replay(limits=(Slo(tpot_s=0.05),), requests_cap=600, pooled_bytes=20e12)
    answer = simulate_plans(catalog, [plain, kept], load, asked)
    by_id = {one.id: one for one in answer.plans}
    assert simulated(by_id[plain.id], "completed") == simulated(by_id[kept.id], "completed") == 600.0
    assert simulated(by_id[kept.id], "cache_hit_ratio") > 0.1
    assert simulated(by_id[kept.id], "pooled_hit_ratio") > 0.0
    assert simulated(by_id[kept.id], "ttft_mean_s") < simulated(by_id[plain.id], "ttft_mean_s")
    assert "the first 600 of 12,031 requests of the load are simulated" in answer.said


def test_a_load_far_below_a_plan_is_said(catalog: Catalog) -> None:
    answer = simulate_plans(catalog, [llama(100.0, 8)], Fixed(poisson(10.0, 300)))
    assert any("it does not show its limit" in text for text in answer.said)
    asked = Check(name="goodput", sense="at least", limit=10.0, value=100.0, unit="req/s", chance=1.0, slack=10.0)
    enough = msgspec.structs.replace(llama(100.0, 8), checks=(asked,))  # it was planned for that load
    assert simulate_plans(catalog, [enough], Fixed(poisson(10.0, 300))).said == ()


def test_a_plan_that_cannot_be_simulated_goes_last(catalog: Catalog) -> None:
    wide = llama(5.0, 20_000)
    odd = plan(pool(), rate=5.0, model="deepseek-r1")  # a model that does not fit
    answer = simulate_plans(catalog, [odd, wide, llama(5.0)], Fixed(poisson(5.0, 200)))
    assert [one.simulated is None for one in answer.plans] == [False, True, True]
    assert any(f"plan {odd.id} is not simulated and goes last: " in text for text in answer.said)
    assert any("20,000 instances" in text for text in answer.said)
    assert answer.refused == 2
    assert all(one.unknown[-1].startswith("simulation: refused, ") for one in answer.plans[1:])
    rest = llama(4.0, 2)
    assert [one.id for one in answer.with_rest([rest])] == [answer.plans[0].id, rest.id, odd.id, wide.id]
    alone = simulate_plans(catalog, [odd], Fixed(poisson(5.0, 200)))
    assert alone.with_rest([rest])[0].id == rest.id


def talks(rate: float, count: int) -> Workload:
    sessions = Sessions(turns=parse_law("3"), think=parse_law("60"))
    talk = Talk(parse_law("500"), parse_law("100"), sessions)
    return generate(Traffic("talks", talk, Arrivals("poisson", per_s=rate)), 0, count=count, duration_s=None)


def test_people_who_come_back_are_there_from_the_start(catalog: Catalog) -> None:
    work = talks(10.0, 1500)  # sessions begin for 150 s and last for more than two minutes
    one = llama(12.0, 2, e2el_s=2.0)
    answer = simulate_plans(catalog, [one], Fixed(work), Replay(limits=LIMITS))
    assert simulated(answer.plans[0], "requests") == simulated(answer.plans[0], "completed") == 1500.0
    assert simulated(answer.plans[0], "offered_request_per_s") == pytest.approx(10.0, rel=0.05)
    assert simulated(answer.plans[0], "goodput_request_per_s") == pytest.approx(10.0, rel=0.1)
    assert any("sessions that began before the start are in the load" in text for text in answer.said)


def test_where_context_is_kept_the_beginning_is_left_out(catalog: Catalog) -> None:
    kept = llama(12.0, 2, reuse=0.3, e2el_s=2.0)
    long = simulate_plans(catalog, [kept], Fixed(talks(4.0, 2400)), Replay(limits=LIMITS))
    assert any("are left out, until people come back as often as they will" in text for text in long.said)
    assert simulated(long.plans[0], "offered_request_per_s") == pytest.approx(4.0, rel=0.15)  # its end fades out
    assert simulated(long.plans[0], "goodput_request_per_s") == pytest.approx(4.0, rel=0.15)
    assert simulated(long.plans[0], "cache_hit_ratio") > 0.2
    short = simulate_plans(catalog, [kept], Fixed(talks(10.0, 600)), Replay(limits=LIMITS))
    assert any("the stated rate of requests is not reached in this load" in text for text in short.said)
    assert simulated(short.plans[0], "offered_request_per_s") < 8.0


def test_step_times_at_both_ends_give_intervals(catalog: Catalog) -> None:
    one = llama(5.0)
    band = {**one.metrics, "tpot_s": Metric(value=0.007, unit="s", low=0.005, high=0.0098)}
    one = msgspec.structs.replace(one, metrics=band)
    (found,) = simulate_plans(catalog, [one], Fixed(poisson(5.0, 200)), Replay(bounds=True)).plans
    assert found.simulated is not None
    tpot = found.simulated["tpot_s"]
    assert tpot.low is not None and tpot.high is not None
    assert tpot.low < tpot.value / 1.3 and tpot.high > tpot.value * 1.3


def test_a_user_who_ends_it_gets_what_is_done(catalog: Catalog) -> None:
    seen: list[int] = []

    def progress(time_s: float, ended: int, count: int) -> bool:
        seen.append(ended)
        return len(seen) < 2

    plans = [llama(5.0, 1), llama(5.0, 2)]
    answer = simulate_plans(catalog, plans, Fixed(poisson(50.0, 20_000)), Replay(requests_cap=20_000),
                            progress=progress)  # fmt: skip
    assert answer.plans == tuple(plans)
    assert answer.said[-1] == "interrupted: 0 of 2 plans are simulated"


def test_bad_questions_are_refused(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="not ordered by 'chip'") as caught:
        Replay(objective="chip")
    assert caught.value.hint == "did you mean 'chips'?"
    with pytest.raises(UsageError, match="0 requests"):
        Replay(requests_cap=0)
    empty: Array = np.zeros(0)
    none = Workload("none", empty, empty.astype(np.int64), empty.astype(np.int64))
    with pytest.raises(UsageError, match="no request"):
        simulate_plans(catalog, [llama(5.0)], Fixed(none))
    other = Replay(limits=(Slo(ttft_s=1.0, tenant="chat"),))
    with pytest.raises(UsageError, match="who sends no requests"):
        simulate_plans(catalog, [llama(5.0)], Fixed(poisson(5.0, 10)), other)


def searched(mode: Mode) -> Plan:
    """The best plan of eight chips, without pipelines."""
    latencies = (Limit(latency="ttft", limit_s=0.5), Limit(latency="tpot", limit_s=0.02))
    space = Space(modes=(mode,), pp=(1,), engines=("vllm",), weights=("bf16",))
    asked = Problem(model="llama-3.1-8b", systems=(H200,), isl=1000.0, osl=200.0, space=space,
                    limits=Limits(latencies=latencies, chips=8))  # fmt: skip
    return search(asked, count=1).plans[0]


def test_plans_that_were_searched_keep_their_limits_when_simulated(catalog: Catalog) -> None:
    asked = Replay(limits=(Slo(ttft_s=0.5, tpot_s=0.02),), pace="plan")
    one, two = searched("aggregated"), searched("disaggregated")
    found = {plan.mode: plan for plan in simulate_plans(catalog, [one, two], Fixed(poisson(1.0, 5000)), asked).plans}
    mixed, split = found["aggregated"], found["disaggregated"]
    assert simulated(mixed, "tpot_s") == pytest.approx(one.metrics["tpot_s"].value, rel=0.15)
    assert simulated(mixed, "ttft_mean_s") == pytest.approx(one.metrics["ttft_s"].value, rel=0.15)
    # a decode pool is planned at its full batches and serves at most nine tenths of what these would
    assert 0.5 * two.metrics["tpot_s"].value < simulated(split, "tpot_s") < two.metrics["tpot_s"].value
    # a cache that was sent waits for the iteration under way
    assert simulated(split, "ttft_mean_s") < two.metrics["ttft_s"].value + 2.0 * two.metrics["tpot_s"].value
    for plan in (mixed, split):
        assert simulated(plan, "share_within_limits") > 0.99
        assert simulated(plan, "request_per_s") == pytest.approx(plan.metrics["request_per_s"].value, rel=0.03)
