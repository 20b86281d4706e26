"""``accord plan``: what is answered, in which form, and that every flag of the question changes the answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.planned import BASE, FEW, H200, MACHINE, WORK, Capture, envelope, named_sources, plans, trace
from tests.traces import trace as shared_trace

from accord.cli.main import main
from accord.planner.plan import Plan

CM, NVL = "huawei-cloudmatrix-384", "nvidia-gb200-nvl72"
LIMITS = ("--ttft", "1s", "--tpot", "30ms")


def result(capsys: Capture, *words: str, **changes: Any) -> dict[str, Any]:
    return dict(envelope(capsys, *words, **changes)["result"])


def best(capsys: Capture, *words: str) -> Plan:
    return plans(envelope(capsys, *words))[0]


def value(plan: Plan, name: str) -> float:
    return plan.metrics[name].value


# The form of an answer


def test_the_envelope(capsys: Capture) -> None:
    body = envelope(capsys, *BASE, *LIMITS, "--to", "DE", "--objective", "cost,tpot")
    found, few = body["result"], plans(body)
    assert found["feasible"] is True and 1 < len(few) <= 10
    assert found["metrics"] == found["plans"][0]["metrics"]
    assert {one["name"] for one in found["plans"][0]["checks"]} == {"ttft", "tpot"}
    assert body["inputs"]["problem"]["objectives"] == ["cost", "tpot"]
    assert body["inputs"]["scenario"]["country"] == "DE"
    assert body["inputs"]["scenario"]["plan"]["tpot"] == "0.03 s"
    for one in (*few, *plans({"result": {"plans": found["front"]}}), *plans({"result": {"plans": found["by_system"]}})):
        assert all(math.isfinite(metric.value) for metric in one.metrics.values())
        assert all(metric.low is None or metric.low <= metric.value for metric in one.metrics.values())
        assert all(pool.memory_bytes <= pool.capacity_bytes for pool in one.pools)
        assert one.chips == value(one, "chips") and min(check.chance for check in one.checks) >= 0.9
        assert one.law == "not checked"
    assert [one.id for one in few] == list(dict.fromkeys(one.id for one in few))
    costs = [value(one, "usd_per_million_output_tokens") for one in few]
    assert costs == sorted(costs)
    law = found["law"]
    assert law["answer"] == "not checked (give --from, --to and --date)" and law["mode"] == "strict"
    assert (law["from"], law["to"], law["date"], law["systems"]) == (None, "DE", None, [])


def test_every_source_is_there(capsys: Capture) -> None:
    body = envelope(capsys, "--model", "llama-3.1-8b", "--system", f"{H200},{CM},{NVL}", *WORK, "--batch", "8", *LIMITS)
    known = {one["id"] for one in body["sources"]}
    assert {place for name, place in named_sources(body["result"]["terms"]) if name not in known} == set()
    assert {one["system"] for one in body["result"]["terms"]} == {H200, CM, NVL}
    for system in (H200, CM, NVL):
        assert any(name.startswith(f"systems/{system}:") for name in known)
    assert all(one["title"] and one["publisher"] for one in body["sources"])


def test_what_was_looked_at_adds_up(capsys: Capture) -> None:
    free, limited = (result(capsys, *BASE, *words) for words in ((), ("--ttft", "60ms", "--tpot", "9ms")))
    for found in (free, limited):
        searched = found["searched"]
        unfit = {why: many for why, many in found["rejected"].items() if why.split()[0] not in ("ttft", "tpot")}
        assert searched["counted"] - searched["estimated"] == sum(unfit.values())
        assert sum(found["rejected"].values()) <= searched["counted"]
        assert sum(found["rejected_candidates"].values()) <= searched["candidates"]
        assert searched["pruned"] < searched["estimated"]
    assert limited["rejected"]["ttft"] > 0 and limited["rejected"]["tpot"] > 0
    assert limited["searched"]["counted"] == free["searched"]["counted"]


def test_two_runs_give_the_same_bytes(capsys: Capture) -> None:
    printed = []
    for _ in range(2):
        assert main(["plan", *BASE, *LIMITS, "--json"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


# The question


def test_limits_hold_with_their_confidence(capsys: Capture) -> None:
    sure, alone = (best(capsys, *BASE, "--tpot", "9ms", "--confidence", share) for share in ("0.9", "0.5"))
    assert sure.checks[0].chance >= 0.9 > alone.checks[0].chance >= 0.5
    assert value(sure, "request_per_s") < value(alone, "request_per_s")
    assert best(capsys, *BASE, "--tpot", "9ms", "--no-intervals").id == alone.id


@pytest.mark.parametrize(("limit", "metric"), [
    (("--ttft", "p99:60ms"), "ttft_p99_s"), (("--ttft", "p50:30ms"), "ttft_p50_s"),
    (("--tpot", "p90:9ms"), "tpot_p90_s"), (("--e2el", "900ms"), "e2el_s"), (("--ttft", "mean:30ms"), "ttft_s"),
])  # fmt: skip
def test_limits_on_means_and_percentiles(limit: tuple[str, str], metric: str, capsys: Capture) -> None:
    free, held = best(capsys, *BASE), best(capsys, *BASE, *limit)
    (check,) = held.checks
    assert f"{check.name}_s" == metric and check.value == value(held, metric) <= check.limit < value(free, metric)
    assert value(held, "request_per_s") < value(free, "request_per_s")


@pytest.mark.parametrize(("limit", "metric", "most"), [
    (("--chips", "4"), "chips", 4.0), (("--usd-per-hour", "60"), "usd_per_hour", 60.0),
    (("--power-kw", "25"), "power_w", 25e3), (("--racks", "1"), "racks", 1.0),
    (("--budget-usd", "6e6"), "capex_usd", 6e6),
])  # fmt: skip
def test_limits_on_what_is_held(limit: tuple[str, str], metric: str, most: float, capsys: Capture) -> None:
    system = NVL if limit[0] in ("--budget-usd", "--racks") else H200
    words = ("--model", "llama-3.1-8b", "--system", system, *WORK, *FEW)
    found = best(capsys, *words, *limit)
    assert 0.0 < value(found, metric) <= most
    assert all(check.limit == most for check in found.checks)


def test_goodput_asks_for_the_fewest_chips_unless_they_are_given(capsys: Capture) -> None:
    found = best(capsys, *BASE, "--goodput", "500")
    assert found.chips % 8 == 0 and value(found, "request_per_s") >= 500.0
    assert best(capsys, *BASE, "--goodput", "500", "--chips", f"{found.chips}").chips == found.chips
    assert main(["plan", *BASE, "--goodput", "500", "--chips", f"{found.chips - 8}"]) == 1
    capsys.readouterr()
    assert best(capsys, *BASE, "--goodput", "5").chips == 8
    body = envelope(capsys, *BASE, "--goodput", "5", "--chips", "16")
    assert body["inputs"]["problem"]["objectives"] == ["goodput"]


def test_where_no_latency_is_limited_it_is_said(capsys: Capture) -> None:
    words = "no limit on a latency is given: batches are as large as memory holds"
    assert any(one.startswith(words) for one in envelope(capsys, *BASE)["warnings"])
    assert not any(one.startswith(words) for one in envelope(capsys, *BASE, "--e2el", "30s")["warnings"])


def test_a_load_is_planned_for_lower_than_its_most(capsys: Capture) -> None:
    half, full = (best(capsys, *BASE, "--max-load", share, "--mode", "aggregated") for share in ("0.5", "1"))
    assert half.pools[0].max_num_seqs > full.pools[0].max_num_seqs


@pytest.mark.parametrize(("words", "field", "wanted"), [
    (("--tp", "4", "--mode", "aggregated"), "tp", {4}), (("--pp", "2", "--mode", "aggregated"), "pp", {2}),
    (("--batch", "24", "--mode", "aggregated"), "max_num_seqs", {27}), (("--weights", "fp8"), "weights", {"fp8"}),
    (("--kv", "fp8"), "kv", {"fp8"}), (("--engine", "sglang,tensorrt-llm"), "engine", {"sglang", "tensorrt-llm"}),
    (("--engine-version", "0.8.0"), "engine_version", {"0.8.0"}), (("--mode", "aggregated"), "role", {"serve"}),
    (("--mode", "disaggregated"), "role", {"prefill", "decode"}),
    (("--reuse", "0.5", "--mode", "aggregated"), "reuse", {0.5}),
    (("--max-num-batched-tokens", "4096", "--mode", "aggregated"), "max_num_batched_tokens", {4096}),
])  # fmt: skip
def test_the_space_is_what_was_named(words: tuple[str, ...], field: str, wanted: set[Any], capsys: Capture) -> None:
    rest = [word for word in (*BASE, "--chips", "8") if word]
    found = plans(envelope(capsys, *rest, *words))
    assert {getattr(pool, field) for plan in found for pool in plan.pools} == wanted


def test_ranks_of_a_mixture_of_experts(capsys: Capture) -> None:
    words = (
        "--model",
        "qwen3-30b-a3b",
        "--system",
        H200,
        *WORK,
        "--engine",
        "vllm",
        "--batch",
        "16",
        "--mode",
        "aggregated",
    )
    found = plans(envelope(capsys, *words, "--dp", "4", "--ep", "8", "--tp", "2"))
    assert {(one.pools[0].tp, one.pools[0].dp, one.pools[0].ep) for one in found} == {(2, 4, 8)}
    wide = plans(envelope(capsys, *words, "--cp", "2", "--tp", "1", "--dp", "1"))
    assert {one.pools[0].cp for one in wide} == {2}


def test_drafts_and_microbatches(capsys: Capture) -> None:
    words = ("--model", "deepseek-v3", "--system", H200, "--chips", "16", *WORK, "--batch", "16", "--engine", "sglang")
    drafted = plans(envelope(capsys, *words, "--mtp-tokens", "1", "--mtp-accept", "0.9", "--mode", "aggregated"))
    assert {(one.pools[0].mtp_tokens, one.pools[0].mtp_accept) for one in drafted} == {(1, 0.9)}
    assert not any("assumed chance" in text for text in drafted[0].unknown)
    plain = plans(envelope(capsys, *words, "--mtp-tokens", "0", "--mode", "aggregated"))
    assert {one.pools[0].mtp_tokens for one in plain} == {0}
    assert value(plain[0], "tpot_s") > value(drafted[0], "tpot_s")
    for count in (1, 2):
        deep = plans(envelope(
            capsys, "--model", "deepseek-v3", "--system", CM, "--chips", "64", *WORK, "--batch", "16", "--engine",
            "cloudmatrix-infer", "--microbatches", str(count), "--mode", "disaggregated",
        ))  # fmt: skip
        assert {pool.microbatches for one in deep for pool in one.pools if pool.role == "decode"} == {count}


def test_prefill_and_decode_on_two_systems(capsys: Capture) -> None:
    words = ("--model", "llama-3.1-8b", "--system", f"{H200},nvidia-hgx-h100-8", *WORK, *FEW, "--chips", "16",
             "--mode", "disaggregated", "--top", "60")  # fmt: skip
    apart, mixed = plans(envelope(capsys, *words)), plans(envelope(capsys, *words, "--mixed"))
    assert {len(one.holdings) for one in apart} == {1}
    assert 2 in {len(one.holdings) for one in mixed}
    two = next(one for one in mixed if len(one.holdings) == 2)
    assert {pool.system for pool in two.pools} == {one.system for one in two.holdings} and two.chips <= 16


@pytest.mark.parametrize("objective", ["goodput", "cost", "energy", "carbon", "chips", "power", "ttft", "tpot", "e2el"])
def test_every_objective_orders_the_plans(objective: str, capsys: Capture, tmp_path: Path) -> None:
    scenario = tmp_path / "plan.toml"
    scenario.write_text("[place]\ncountry = 'DE'\npue = 1.2\n")
    metric = {
        "goodput": "request_per_s", "cost": "usd_per_million_output_tokens", "energy": "energy_j_per_output_token",
        "carbon": "kgco2_per_million_output_tokens", "chips": "chips", "power": "power_w", "ttft": "ttft_s",
        "tpot": "tpot_s", "e2el": "e2el_s",
    }[objective]  # fmt: skip
    found = plans(envelope(capsys, *BASE, "--scenario", str(scenario), "--objective", objective, "--top", "5"))
    values = [one.metrics[metric].value for one in found]
    assert values == sorted(values, reverse=objective == "goodput")


def test_a_front_of_two(capsys: Capture) -> None:
    found = result(capsys, *BASE, "--objective", "goodput,tpot", "--top", "1")
    assert len(found["plans"]) == 1 and len(found["front"]) > 1
    points = [(-one["metrics"]["request_per_s"]["value"], one["metrics"]["tpot_s"]["value"]) for one in found["front"]]
    for a in points:
        assert not any(b != a and b[0] <= a[0] and b[1] <= a[1] for b in points)
    assert found["plans"][0]["metrics"]["request_per_s"]["value"] == -min(points)[0]


# Places, origins, law


def test_systems_of_a_country_are_left_out(capsys: Capture) -> None:
    words = ("--model", "llama-3.1-8b", "--system", f"{H200},{CM}", *WORK, "--batch", "8")
    body = envelope(capsys, *words, "--exclude-origin", "US")
    assert {one.holdings[0].system for one in plans(body)} == {CM}
    assert any(text.startswith(f"{H200}: excluded by origin") for text in body["result"]["refused"])
    assert body["result"]["refused"][-1] in body["warnings"]
    body = envelope(capsys, *words, "--exclude-origin", "CN")
    assert {one.holdings[0].system for one in plans(body)} == {H200}
    for scope, left in (("design", {H200, CM}), ("any", {CM})):
        body = envelope(capsys, *words, "--exclude-origin", "TW", "--exclude-scope", scope)
        assert {one["holdings"][0]["system"] for one in body["result"]["by_system"]} == left


def test_law_is_said_not_to_be_checked_or_left_out(capsys: Capture) -> None:
    body = envelope(capsys, *BASE, "--from", "us", "--to", "cn")
    assert body["result"]["law"]["answer"] == "not checked (give --from, --to and --date)"
    assert "the law is not checked: give --from, --to and --date" in body["warnings"]
    for words in (("--no-law",), ("--law", "off")):
        found = result(capsys, *BASE, *words, "--to", "cn", "--date", "2026-03-01")["law"]
        assert (found["answer"], found["mode"], found["date"]) == ("not checked", "off", "2026-03-01")
    assert main(["plan", *BASE]) == 0
    assert "\nlaw  not checked" in capsys.readouterr().out
    assert main(["plan", *BASE, "--no-law"]) == 0
    assert "not checked" not in capsys.readouterr().out


def test_a_place_has_a_tariff(capsys: Capture) -> None:
    here, nowhere = (envelope(capsys, *BASE, *words) for words in (("--to", "DE"), ()))
    assert here["result"]["terms"][0]["kgco2_per_kwh"]["value"] > 0.1
    assert nowhere["result"]["terms"][0]["kgco2_per_kwh"] is None
    assert not any("no place is given" in text for text in here["warnings"])
    (told,) = [text for text in nowhere["warnings"] if "no place" in text]
    assert told == (
        f"{H200}: no place is given: the price of energy, PUE and emissions have no figures "
        "(give [place] in a --scenario, or --to)"
    )


def test_engines_that_came_later_are_unknown_before(capsys: Capture) -> None:
    early, now = (best(capsys, *BASE, *words) for words in (("--date", "2023-01-01"), ()))
    assert any("support of vllm" in text for text in early.unknown)
    assert not any("support of vllm" in text for text in now.unknown)


# Loads


def test_a_trace_gives_lengths_and_rate_and_is_simulated(capsys: Capture, tmp_path: Path) -> None:
    words = (*MACHINE, *FEW, "--trace", trace(tmp_path), "--tpot", "30ms")
    body = envelope(capsys, *words)
    found = plans(body)
    assert body["inputs"]["problem"]["isl"] == pytest.approx(1095.0)
    assert body["inputs"]["problem"]["limits"]["request_per_s"] == pytest.approx(1.0)
    assert [one.simulated is not None for one in found[:4]] == [True, True, True, False]
    assert found[0].simulated is not None and found[0].simulated["tpot_s"].value < 0.03
    assert body["inputs"]["load"]
    none = plans(envelope(capsys, *words, "--simulate", "0", "--isl", "500"))
    assert none[0].isl == 500.0 and not any(one.simulated for one in none)


def test_more_are_simulated_than_shown(capsys: Capture, tmp_path: Path) -> None:
    words = (*MACHINE, *FEW, "--trace", trace(tmp_path), "--tpot", "30ms", "--top", "2", "--objective", "tpot")
    for more, simulated in ((("--simulate", "6"), True), ((), True), (("--simulate", "0"), False)):
        found = plans(envelope(capsys, *words, *more))
        assert [one.simulated is not None for one in found] == [simulated] * 2
    six = plans(envelope(capsys, *words, "--simulate", "6", "--top", "9"))
    ranks = [one.simulated["steady_rank"].value for one in six if one.simulated]
    assert sorted(ranks) == [1, 2, 3, 4, 5, 6]


def test_a_profile_with_its_rate(capsys: Capture) -> None:
    words = (*MACHINE, *FEW, "--workload", "chat", "--rate", "20", "--simulate", "1", "--tpot", "30ms")
    body = envelope(capsys, *words, "--requests", "40")
    assert body["inputs"]["problem"]["limits"]["request_per_s"] == 20.0
    one, two, other = (
        plans(envelope(capsys, *words, *more))[0].simulated or {}
        for more in (("--requests", "40"), ("--requests", "80"), ("--requests", "40", "--seed", "1"))
    )
    assert one not in (two, other)
    mix = envelope(capsys, *MACHINE, *FEW, "--workload", "chat=3,rag=2", "--simulate", "0", "--requests", "40")
    assert mix["inputs"]["problem"]["limits"]["request_per_s"] == 5.0
    free = envelope(capsys, *MACHINE, *FEW, "--workload", "chat", "--simulate", "0", "--requests", "40")
    assert free["inputs"]["problem"]["limits"]["request_per_s"] is None


def test_a_trace_at_the_rate_of_the_plan(capsys: Capture, tmp_path: Path) -> None:
    words = (*MACHINE, *FEW, "--trace", trace(tmp_path), "--tpot", "30ms", "--simulate", "1")
    own, paced = (plans(envelope(capsys, *words, "--pace", pace))[0].simulated or {} for pace in ("own", "plan"))
    assert paced["goodput_request_per_s"].value > 2.0 * own["goodput_request_per_s"].value
    faster = envelope(capsys, *words, "--rate", "4")["inputs"]["problem"]["limits"]["request_per_s"]
    assert faster == 4.0


def test_shown_plans(capsys: Capture) -> None:
    assert len(plans(envelope(capsys, *BASE, "--top", "3"))) == 3
    level = [best(capsys, *BASE, "--level", share).metrics["tpot_s"] for share in ("0.5", "0.99")]
    assert all(one.low is not None and one.high is not None for one in level)
    assert level[0].high < level[1].high  # type: ignore[operator]


def test_no_intervals(capsys: Capture) -> None:
    found = best(capsys, *BASE, "--no-intervals")
    assert found.metrics["tpot_s"].low is None
    assert all(check.chance >= 0.5 for check in best(capsys, *BASE, *LIMITS, "--no-intervals").checks)


# Tables


def printed(capsys: Capture, *words: str, code: int = 0) -> str:
    assert main([*words]) == code
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [
    (*BASE, *LIMITS), (*BASE, *LIMITS, "--objective", "cost,tpot,power", "--top", "2"),
    ("--model", "llama-3.1-8b", "--system", f"{H200},{CM},{NVL}", *WORK, "--batch", "8,64", *LIMITS),
    ("--model", "llama-3.1-8b", "--system", "all", *WORK, "--batch", "8", "--mode", "aggregated", "--tp", "1"),
])  # fmt: skip
def test_no_line_but_an_address_is_wider_than_a_terminal(words: tuple[str, ...], capsys: Capture) -> None:
    lines = [line for line in printed(capsys, "plan", *words).splitlines() if "https://" not in line]
    assert [line for line in lines if len(line) > 120] == []
    assert [line for line in lines if line != line.rstrip()] == []


def test_tables_of_a_usual_question(golden: Callable[[str, str], None], capsys: Capture) -> None:
    words = ("plan", *BASE, "--chips", "8", "--ttft", "p99:1s", "--tpot", "30ms", "--to", "US", "--top", "6")
    golden("plan.txt", printed(capsys, *words))


def test_tables_where_nothing_is_feasible(golden: Callable[[str, str], None], capsys: Capture) -> None:
    words = ("plan", *BASE, "--chips", "8", "--goodput", "300", "--tpot", "10ms", "--mode", "aggregated")
    golden("plan-none.txt", printed(capsys, *words, code=1))


def test_tables_of_a_size(golden: Callable[[str, str], None], capsys: Capture) -> None:
    words = (
        "size",
        "--model",
        "llama-3.1-8b",
        "--system",
        f"{H200},nvidia-hgx-h100-8",
        *WORK,
        *FEW,
        "--goodput",
        "300",
    )
    golden("size.txt", printed(capsys, *words, "--mode", "aggregated", "--tpot", "30ms", "--top", "3"))


# Own systems


def test_a_system_of_ones_own(capsys: Capture) -> None:
    folder = str(Path(__file__).parents[2] / "examples" / "catalog")
    body = envelope(capsys, "--model", "llama-3.1-8b", "--system", "example-node-8", *WORK, "--batch", "8", "--engine",
                    "vllm", "--catalog", folder)  # fmt: skip
    found = plans(body)[0]
    assert found.holdings[0].system == "example-node-8"
    assert any("no chip like example-chip-1 was measured" in text for text in found.unknown)
    assert body["inputs"]["catalog"] == [folder]
    assert "usd_per_million_output_tokens" not in found.metrics  # nobody states a price, so none is made up


# The commands of the first page


@pytest.mark.slow
def test_deepseek_v3_on_32_h200(capsys: Capture) -> None:
    words = ("--model", "deepseek-v3", "--system", H200, "--chips", "32", "--isl", "4000", "--osl", "1000")
    found = plans(envelope(capsys, *words, "--ttft", "1000ms", "--tpot", "40ms"))
    assert {one.chips for one in found} == {32}
    assert all(value(one, "tpot_s") < 0.04 and value(one, "ttft_s") < 1.0 for one in found)
    assert {one.mode for one in found} == {"aggregated", "disaggregated"}


@pytest.mark.slow
def test_two_systems_under_a_power_feed(capsys: Capture) -> None:
    words = ("--model", "deepseek-v3", "--system", f"{CM},{NVL}", "--isl", "4000", "--osl", "1000", "--power-kw", "600")
    found = result(capsys, *words, "--ttft", "1000ms", "--tpot", "40ms")
    assert {one["holdings"][0]["system"] for one in found["by_system"]} == {CM, NVL}
    assert all(one["metrics"]["power_w"]["high"] <= 600e3 for one in found["plans"])


@pytest.mark.slow
def test_a_measured_trace(capsys: Capture) -> None:
    file = shared_trace("mooncake_conversation_trace.jsonl")
    body = envelope(capsys, "--model", "deepseek-r1", "--system", CM, "--trace", str(file), "--tpot", "50ms",
                    "--simulate", "1")  # fmt: skip
    found = plans(body)
    assert found[0].simulated is not None
    assert body["inputs"]["problem"]["limits"]["request_per_s"] == pytest.approx(3.4, rel=0.05)
