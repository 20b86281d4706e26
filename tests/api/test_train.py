"""Training runs as the API answers them: what is completed, how sure it is, and what does not change it."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.api.records import machine_of, model_spec
from accord.api.reliability import failure_rates
from accord.api.train import TrainAnswer, train_answer
from accord.api.train_failures import within
from accord.api.train_request import (
    SNAP,
    FailureAsk,
    SitesAsk,
    StageAsk,
    TrainAsk,
    completed,
    usual_batch,
    whole_sequences,
)
from accord.base.errors import AccordError, DoesNotFit, UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.economics.scenario import Amount, Scenario, SystemTerms
from accord.training.estimate import estimate
from accord.training.request import TrainRequest

SYSTEM = "nvidia-hgx-h100-8"
RUN = TrainRequest(model="llama-3.1-8b", system=SYSTEM, chips=64, tokens=1e11, seq=4096, global_batch=2.0**20)


@cache
def catalog() -> Catalog:
    return load_catalog()


def answer(request: TrainRequest = RUN, **more: Any) -> TrainAnswer:
    return train_answer(TrainAsk(request=request, **more), catalog())


def value(told: TrainAnswer, name: str) -> float:
    metrics: Any = told.result["metrics"]
    return float(metrics[name]["value"])


def test_a_scenario_and_a_price_give_the_same_cost() -> None:
    rent = SystemTerms(rent=Amount(2.5, "USD/h"))
    told = answer(scenario=Scenario(mode="rent", systems={SYSTEM: rent}))
    assert value(told, "cost_usd") == pytest.approx(2.5 * value(told, "chip_hours"))
    found: Any = told.result["cost"]
    assert set(found) == {"rent"}


def test_owning_costs_capital_maintenance_and_energy() -> None:
    place = Scenario(mode="own", tariff=Amount(0.08, "USD/kWh"), pue=1.2, kgco2_per_kwh=0.4)
    told = answer(scenario=place)
    cost: Any = told.result["cost"]
    assert {"capital", "maintenance", "energy"} <= set(cost)
    assert sum(cost.values()) == pytest.approx(value(told, "cost_usd"))
    assert cost["energy"] == pytest.approx(0.08 * value(told, "energy_at_meter_kwh"), rel=1e-6)
    assert value(told, "co2_kg") == pytest.approx(0.4 * value(told, "energy_at_meter_kwh"))
    assert value(told, "energy_at_meter_kwh") == pytest.approx(1.2 * value(told, "energy_kwh"))


def test_a_search_is_no_slower_than_the_closed_form_choice_by_timeline() -> None:
    """Both are timed the same way where one pipeline rank is best; else the search has looked at more."""
    spec, machine = model_spec(catalog(), RUN.model), machine_of(catalog(), SYSTEM)
    efficiency = answer(auto=True).found.job.efficiency
    plain = estimate(spec, machine, efficiency, RUN)
    assert value(answer(auto=True), "step_s") <= float(plain.metrics["step_s"][0]) * 1.03


@given(
    chips=st.integers(1, 5000), tokens=st.floats(1e9, 1e14), seq=st.sampled_from([1024, 4096, 8192]),
    sites=st.sampled_from([1, 2, 3]),
)  # fmt: skip
def test_a_batch_is_whole_sequences_and_near_the_rule(chips: int, tokens: float, seq: int, sites: int) -> None:
    spec, machine = model_spec(catalog(), RUN.model), machine_of(catalog(), SYSTEM)
    request = TrainRequest(model=RUN.model, system=SYSTEM, chips=chips * sites, tokens=tokens, seq=seq)
    apart = SitesAsk(sites=sites, wan_bytes_per_s=1e9, rtt_s=0.01) if sites > 1 else None
    batch, words = usual_batch(TrainAsk(request=request, sites=apart), request, spec, machine)
    sequences = batch / seq
    assert sequences == round(sequences) >= 1.0
    assert sequences % sites == 0
    active = 8.03e9
    wanted = 0.2920 * (6.0 * active * tokens) ** 0.3271
    if wanted / seq > 8.0:
        assert abs(np.log(batch / wanted)) < 0.35
    assert "0.2920" in words


def test_precision_follows_the_release_and_is_said() -> None:
    request = TrainRequest(model="deepseek-v3", system=SYSTEM, chips=256, tokens=1e12)
    spec, machine = model_spec(catalog(), "deepseek-v3"), machine_of(catalog(), SYSTEM)
    done = completed(TrainAsk(request=request), spec, machine, None)
    assert done.request.precision == "fp8"
    assert "released" in done.filled["precision"]
    stated = completed(TrainAsk(request=msgspec.structs.replace(request, precision="bf16")), spec, machine, None)
    assert stated.request.precision == "bf16"
    assert "precision" not in stated.filled


def test_draws_beyond_the_interval_are_brought_to_its_end() -> None:
    rates, _ = failure_rates(catalog(), "nvidia-h800-sxm", 512)
    kept = within(rates, 2048.0, 0.9)
    before, after = rates.total_s(2048.0), kept.total_s(2048.0)
    assert np.max(after) < np.max(before)
    assert np.quantile(after, 0.95) == pytest.approx(np.quantile(before, 0.95))
    low = before < np.quantile(before, 0.9)
    assert np.array_equal(after[low], before[low])


def test_stages_are_counted_in_order() -> None:
    stages = (StageAsk(kind="sft", tokens=1e9), StageAsk(kind="rl", tokens=2e9, seq=16384.0))
    flop: Any = answer(stages=stages).result["flop"]
    cumulative = [stage["cumulative_flop"] for stage in flop["stages"]]
    assert cumulative == sorted(cumulative)
    assert cumulative[-1] == pytest.approx(flop["total_flop"])
    per_token = [stage["flop"] / stage["tokens"] for stage in flop["stages"]]
    assert per_token[2] > per_token[1]


def test_more_sites_wait_longer() -> None:
    waits = []
    for sites in (2, 4):
        asked = SitesAsk(sites=sites, wan_bytes_per_s=10e9, rtt_s=0.05)
        found: Any = answer(sites=asked).result["sites"]
        waits.append(found["exposed_s"])
    assert waits[1] > waits[0] > 0.0


WHOLE = st.one_of(st.none(), st.none(), st.sampled_from([1, 2, 3, 4, 8, 16, 64]))


REQUESTS = st.builds(
    TrainRequest,
    model=st.sampled_from(["llama-3.1-8b", "deepseek-v3", "gemma-3-27b-it"]),
    system=st.sampled_from([SYSTEM, "huawei-cloudmatrix-384", "google-tpu-v5p-pod"]),
    chips=st.sampled_from([None, 1, 7, 64, 384, 1024]), tokens=st.sampled_from([None, 1.0, 1e10, 1e13]),
    tp=WHOLE, pp=WHOLE, dp=WHOLE, ep=WHOLE, vp=WHOLE, micro_batch=WHOLE, cp=WHOLE,
    zero=st.sampled_from([None, 0, 1, 2, 3]), recompute=st.sampled_from([None, "none", "selective", "full"]),
    schedule=st.sampled_from([None, "1f1b", "interleaved", "zero-bubble", "dualpipe"]),
    lora_rank=st.sampled_from([None, 16]), seq=st.sampled_from([None, 2048, 65536]),
    global_batch=st.sampled_from([None, 2.0**20, 2.0**24]),
)  # fmt: skip


@settings(max_examples=40)
@given(request=REQUESTS)
def test_whatever_is_asked_is_answered_or_refused_with_a_hint(request: TrainRequest) -> None:
    try:
        told = answer(request)
    except AccordError as refused:
        assert isinstance(refused, UsageError | DoesNotFit)
        assert refused.hint
        return
    layout: Any = told.result["layout"]
    for name in ("tp", "cp", "pp", "dp", "ep", "vp", "zero", "recompute", "schedule"):
        stated = getattr(request, name)
        one_rank = name in ("schedule", "zero") and (layout["pp"] == 1 or layout["dp"] * layout["cp"] == 1)
        assert stated is None or layout[name] == stated or one_rank, name
    assert layout["tp"] * layout["cp"] * layout["pp"] * layout["dp"] == layout["devices"]
    assert told.found.memory.free_bytes[0] >= 0.0


def test_numbers_that_cannot_be_are_refused() -> None:
    for wrong in (
        TrainAsk(request=msgspec.structs.replace(RUN, tokens=float("nan"))),
        TrainAsk(request=msgspec.structs.replace(RUN, chips=0)),
        TrainAsk(request=msgspec.structs.replace(RUN, global_batch=float("inf"))),
        TrainAsk(request=RUN, base_flop=-1.0),
        TrainAsk(request=RUN, power_w=0.0),
        TrainAsk(request=RUN, failures=FailureAsk(repair_s=-1.0)),
        TrainAsk(request=RUN, sites=SitesAsk(sites=2, wan_bytes_per_s=float("nan"), rtt_s=0.1)),
        TrainAsk(request=RUN, sites=SitesAsk(sites=2, wan_bytes_per_s=1e9, rtt_s=float("nan"))),
        TrainAsk(request=RUN, stages=(StageAsk(kind="rl", tokens=-1.0),)),
    ):
        with pytest.raises(UsageError) as refused:
            train_answer(wrong, catalog())
        assert refused.value.hint


@pytest.mark.parametrize(
    "worse",
    [
        FailureAsk(spares_chips=0.0, repair_s=10 * 86400.0),
        FailureAsk(interval_s=86400.0),
        FailureAsk(restart_s=6 * 3600.0),
        FailureAsk(detection_s=6 * 3600.0),
        FailureAsk(checkpoint_bytes_per_s=1e8),
    ],
)
def test_whatever_lengthens_interruptions_moves_days_energy_and_cost(worse: FailureAsk) -> None:
    money = Scenario(mode="rent", systems={SYSTEM: SystemTerms(rent=Amount(2.5, "USD/h"))})
    long = msgspec.structs.replace(RUN, tokens=2e12)
    usual, slower = answer(long, scenario=money), answer(long, scenario=money, failures=worse)
    for name in ("days", "chip_hours", "cost_usd", "energy_kwh"):
        assert value(slower, name) > 1.001 * value(usual, name), name
    assert value(slower, "run_s") == value(usual, "run_s")


def test_time_outside_steps_is_a_share_of_the_elapsed_and_played_too() -> None:
    told = answer(failures=FailureAsk(details=True, runs=300))
    run: Any = told.result["run"]
    efficiency = told.found.job.efficiency
    share = 1.0 - float(efficiency.get("train.whole_run")) / float(efficiency.get("train.whole_run_effective"))
    assert run["outside_steps_s"] / run["elapsed_s"] == pytest.approx(share)
    failures: Any = told.result["failures"]
    assert failures["played"]["days"]["value"] == pytest.approx(value(told, "days"), rel=0.05)


def test_sites_that_wait_draw_and_cost_what_is_told_of_them() -> None:
    asked = SitesAsk(sites=2, wan_bytes_per_s=1e9, rtt_s=0.05)
    place = Scenario(mode="own", tariff=Amount(0.08, "USD/kWh"), pue=1.2)
    alone, told = answer(scenario=place), answer(sites=asked, scenario=place, power_w=1e9)
    sites: Any = told.result["sites"]
    assert 2 * sites["power_w_per_site"] == pytest.approx(value(told, "power_w"))
    assert value(told, "power_w") < 0.8 * value(alone, "power_w")
    assert value(told, "energy_kwh") == pytest.approx(value(told, "power_w") * value(told, "days") * 24.0 / 1e3)
    cost: Any = told.result["cost"]
    assert cost["energy"] == pytest.approx(0.08 * value(told, "energy_at_meter_kwh"), rel=1e-6)
    limit: Any = told.result["limits"]
    assert limit[0]["value"] == pytest.approx(value(alone, "power_w"))
    assert 0.0 < value(told, "days") * 86400.0 - value(told, "run_s") < 0.2 * value(told, "run_s")


@pytest.mark.parametrize(
    ("batch", "chips", "sequences"),
    [(16e6, 16384, 2048), (16e6, 2048, 2048), (16e6, 64, 2048), (4e6, 2048, 512), (4e6, 256, 512), (2.0**24, 48, 2048)],
)
def test_a_round_batch_becomes_sequences_that_deal_out(batch: float, chips: int, sequences: int) -> None:
    spec, machine = model_spec(catalog(), RUN.model), machine_of(catalog(), SYSTEM)
    request = TrainRequest(model=RUN.model, system=SYSTEM, chips=chips, seq=8192, global_batch=batch)
    done = completed(TrainAsk(request=request), spec, machine, None)
    assert done.request.global_batch == sequences * 8192
    assert len(done.said) == (batch != sequences * 8192)


@given(
    batch=st.floats(1e3, 1e8), chips=st.integers(1, 5000), seq=st.sampled_from([1024, 4096, 8192]),
    dp=st.sampled_from([None, 3, 64]), sites=st.sampled_from([1, 2]),
)  # fmt: skip
def test_a_stated_batch_moves_little_and_to_whole_sequences(
    batch: float, chips: int, seq: int, dp: int | None, sites: int
) -> None:
    machine = machine_of(catalog(), SYSTEM)
    request = TrainRequest(model=RUN.model, system=SYSTEM, chips=chips, seq=seq, global_batch=batch, dp=dp)
    apart = SitesAsk(sites=sites, wan_bytes_per_s=1e9, rtt_s=0.01) if sites > 1 else None
    found = whole_sequences(TrainAsk(request=request, sites=apart), request, machine)
    stays = abs(batch / seq - round(batch / seq)) < 1e-6
    if found is not None and not stays:
        assert abs(found * seq - batch) <= SNAP * batch * (1.0 + 1e-9)
        assert found % sites == 0 and found % (dp or 1) == 0


@settings(max_examples=15)
@given(tp=st.integers(1, 12), cp=st.integers(1, 4), pp=st.integers(1, 12), dp=st.integers(1, 12))
def test_ranks_that_are_named_instead_work(tp: int, cp: int, pp: int, dp: int) -> None:
    request = TrainRequest(model=RUN.model, system=SYSTEM, chips=64, tp=tp, cp=cp, pp=pp, dp=dp)
    try:
        answer(request)
    except DoesNotFit:
        return
    except UsageError as refused:
        assert refused.hint is not None and refused.hint.startswith("use "), refused.hint
        words = refused.hint.removeprefix("use ").replace(",", "").split(" and ")
        changes = {
            name: int(value) for name, value in (one.split() for one in words) if name in ("tp", "cp", "pp", "dp")
        }
        for one in words:
            if one.endswith("chips"):
                changes["chips"] = int(one.split()[0])
        assert len(changes) == len(words), refused.hint
        answer(msgspec.structs.replace(request, **changes))


def test_storage_does_not_grow_with_a_job_for_ever() -> None:
    rates = []
    for chips in (64, 131072):
        failures: Any = answer(msgspec.structs.replace(RUN, chips=chips, global_batch=None)).result["failures"]
        rates.append(failures["checkpoint_byte_per_s"])
        assert failures["write_s"] == pytest.approx(failures["checkpoint_bytes"] / rates[-1])
        assert failures["rate_stated"] is failures["spares_stated"] is False
    assert rates == pytest.approx([64 * 0.135e9, 2e12])
