"""`accord train`: its envelope, its sums, what its flags change, and how it reads."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.cli.trained import DEEPSEEK, LLAMA, SMALL, asked, train

METRICS = (
    "step_s", "tokens_per_s_total", "tokens_per_s_per_chip", "model_flop_per_s_per_chip",
    "hardware_flop_per_s_per_chip", "mfu", "hfu", "mfu_own_peak", "steps", "run_s", "days", "chip_hours", "energy_kwh",
    "cost_usd", "interruptions", "effective_training_time", "power_w",
)  # fmt: skip
PEAK_H800 = 989e12


def test_the_envelope_has_every_metric_with_its_interval() -> None:
    body = asked(*DEEPSEEK)
    assert body["schema"] == "accord.train/1"
    result = body["result"]
    assert set(METRICS) <= set(result["metrics"])
    for name in METRICS:
        metric = result["metrics"][name]
        assert set(metric) == {"value", "unit", "low", "high", "basis"}
        if metric["low"] is not None:
            assert metric["low"] <= metric["value"] <= metric["high"], name
    assert set(result) == {
        "metrics", "conventions", "parts", "memory", "layout", "run", "cost", "flop", "failures", "sites", "assumed",
        "chosen", "search", "law", "limits",
    }  # fmt: skip
    assert {"training/generic", "collectives/generic", "reliability/generic", "models/deepseek-v3"} <= {
        source["id"].partition(":")[0] for source in body["sources"]
    }
    assert body["inputs"]["precision"] == "fp8"
    assert body["inputs"]["auto"] is True
    assert {"mfu", "hfu", "causal", "recompute", "peak"} <= set(result["conventions"])


def test_parts_sum() -> None:
    result = asked(*DEEPSEEK)["result"]
    metrics, parts = result["metrics"], dict(result["parts"])
    total = parts.pop("total_s")
    assert sum(parts.values()) == pytest.approx(total, rel=1e-12)
    assert total == pytest.approx(metrics["step_s"]["value"], rel=1e-9)
    memory = dict(result["memory"])
    used, free, capacity = (memory.pop(f"{name}_bytes") for name in ("used", "free", "capacity"))
    assert sum(memory.values()) == pytest.approx(used)
    assert used + free == pytest.approx(capacity)
    assert free >= 0.0
    run = dict(result["run"])
    elapsed = run.pop("elapsed_s")
    assert sum(run.values()) == pytest.approx(elapsed)
    assert run["productive_s"] == pytest.approx(metrics["run_s"]["value"])
    assert elapsed / 86400.0 == pytest.approx(metrics["days"]["value"])
    failures = result["failures"]
    lost = sum(failures["lost_s"].values())
    assert metrics["effective_training_time"]["value"] == pytest.approx(
        run["productive_s"] / (run["productive_s"] + lost)
    )
    assert sum(failures["by_component"].values()) == pytest.approx(metrics["interruptions"]["value"])
    assert sum(result["cost"].values()) == pytest.approx(metrics["cost_usd"]["value"])


def test_metrics_follow_from_one_another() -> None:
    result = asked(*DEEPSEEK)["result"]
    metrics = {name: metric["value"] for name, metric in result["metrics"].items()}
    layout = result["layout"]
    assert layout["tp"] * layout["cp"] * layout["pp"] * layout["dp"] == layout["devices"] == 2048
    assert metrics["tokens_per_s_total"] == pytest.approx(layout["global_batch"] / metrics["step_s"])
    assert metrics["tokens_per_s_per_chip"] == pytest.approx(metrics["tokens_per_s_total"] / 2048)
    assert metrics["steps"] == math.ceil(14.8e12 / layout["global_batch"])
    assert metrics["run_s"] == pytest.approx(metrics["steps"] * metrics["step_s"])
    assert metrics["chip_hours"] == pytest.approx(metrics["days"] * 24.0 * 2048)
    assert metrics["cost_usd"] == pytest.approx(2.0 * metrics["chip_hours"])
    assert metrics["energy_kwh"] == pytest.approx(metrics["power_w"] * metrics["days"] * 24.0 / 1e3)
    flop = result["flop"]
    assert metrics["model_flop_per_s_per_chip"] == pytest.approx(
        metrics["tokens_per_s_per_chip"] * flop["flop_per_token"]
    )
    assert metrics["mfu"] == pytest.approx(metrics["model_flop_per_s_per_chip"] / PEAK_H800, rel=1e-3)
    assert metrics["hfu"] >= metrics["mfu"] >= metrics["mfu_own_peak"]


def test_compute_is_counted_three_ways_and_no_rule_is_checked_without_a_day() -> None:
    result = asked(*DEEPSEEK)["result"]
    flop = result["flop"]
    methods = {method["name"]: method for method in flop["methods"]}
    assert set(methods) == {"operators", "6nd", "hardware"}
    assert flop["total_flop"] == methods["operators"]["flop"]
    assert methods["hardware"]["flop"] == pytest.approx(flop["total_flop"], rel=0.02)  # the last step is a whole one
    assert methods["hardware"]["log10_low"] < flop["log10"] < methods["hardware"]["log10_high"]
    for reached in flop["distances"]:
        assert reached["log10_above"] == pytest.approx(math.log10(flop["total_flop"] / reached["flop"]))
    assert [reached["flop"] for reached in flop["distances"]] == [1e23, 1e25, 1e26]
    assert result["law"]["answer"] == "not checked"
    assert result["law"]["why"] == "no day given"
    assert result["law"]["needs"]["training_flop"] == flop["total_flop"]


def test_rules_on_compute_are_asked_on_the_first_day() -> None:
    words = (*SMALL, "--start", "2026-02-01")
    law, flop = asked(*words)["result"]["law"], asked(*words)["result"]["flop"]
    assert (law["answer"], law["date"]) == ("checked", "2026-02-01")
    rules = {(rule["instrument"], rule["rule"]): rule for rule in law["rules"]}
    systemic = rules["eu-aia-51", "presumed-systemic"]
    assert systemic["threshold_flop"] == 1e25
    assert systemic["log10_distance"] == pytest.approx(math.log10(flop["total_flop"] / 1e25))
    assert (systemic["outcome"], systemic["reached"]) == ("does_not_apply", "no")
    line = " ".join(train(*words).out.split("law as of ")[1].split())
    assert line.startswith("2026-02-01: ")
    assert "is below 1e25 by" in line
    assert "accord policy check RUN.json has the rest" in line


def test_stages_and_a_base_are_counted_and_not_timed() -> None:
    words = (*SMALL, "--base-flop", "6e24", "--stage", "continued:1e11", "--stage", "long-context:2e9@32768")
    alone, more = asked(*SMALL)["result"], asked(*words)["result"]
    assert more["metrics"]["run_s"] == alone["metrics"]["run_s"]
    flop = more["flop"]
    assert [stage["kind"] for stage in flop["stages"]] == ["continued", "continued", "long-context"]
    assert flop["base_flop"] == 6e24
    assert flop["own_flop"] == pytest.approx(sum(stage["flop"] for stage in flop["stages"]))
    assert flop["total_flop"] == pytest.approx(6e24 + flop["own_flop"])
    assert flop["stages"][-1]["cumulative_flop"] == pytest.approx(flop["total_flop"])
    assert flop["own_over_base"] == pytest.approx(flop["own_flop"] / 6e24)
    assert {method["name"] for method in flop["methods"]} == {"operators", "6nd"}


def test_compute_in_place_of_tokens() -> None:
    result = asked(*SMALL[:-2], "--flop", "1e24")["result"]
    assert result["flop"]["total_flop"] == pytest.approx(1e24, rel=1e-9)
    assert "tokens" in result["assumed"]


def test_without_tokens_there_is_a_step_and_no_run() -> None:
    result = asked(*SMALL[:-2])["result"]
    assert "days" not in result["metrics"]
    assert result["run"] is result["flop"] is result["failures"] is None
    assert "step_s" in result["metrics"]
    assert result["law"] == {"answer": "not checked", "why": "no compute is known", "needs": {}}


def test_a_layout_that_nobody_stated_is_assumed_unless_it_was_asked_for() -> None:
    free, search = asked(*SMALL)["result"], asked(*SMALL, "--auto")["result"]
    assert {"tp", "pp", "dp", "recompute"} <= set(free["assumed"])
    assert not {"tp", "pp", "dp", "recompute"} & set(search["assumed"])
    assert {"tp", "pp", "dp", "recompute"} <= set(search["chosen"])
    assert search["search"]["timed"] >= free["search"]["timed"]
    steps = [other["step_s"] for other in search["search"]["others"]]
    assert steps == sorted(steps)
    assert steps[0] >= search["metrics"]["step_s"]["value"]
    assert search["metrics"]["step_s"]["value"] <= free["metrics"]["step_s"]["value"] * (1.0 + 1e-9)


def test_what_is_stated_is_taken() -> None:
    layout = asked(*LLAMA)["result"]["layout"]
    assert (layout["tp"], layout["pp"], layout["dp"], layout["cp"]) == (8, 16, 128, 1)
    assert layout["global_batch"] == 16 * 2**20
    assert layout["micro_batches"] == 16.0
    assert (layout["schedule"], layout["vp"], layout["recompute"]) == ("interleaved", 4, "selective")
    by_count = (*SMALL, "--seq", "4096", "--global-batch-seqs", "512")
    assert asked(*by_count)["result"]["layout"]["global_batch"] == 512 * 4096


def test_a_batch_in_round_tokens_is_taken_in_whole_sequences() -> None:
    body = asked(*SMALL, "--seq", "8192", "--global-batch", "16M")
    assert body["result"]["layout"]["global_batch"] == 2048 * 8192
    assert any("taken as 2,048 sequences" in line for line in body["warnings"])
    exact = asked(*SMALL, "--seq", "8192", "--global-batch-seqs", "1953")
    assert exact["result"]["layout"]["global_batch"] == 1953 * 8192


def test_tokens_are_counted_in_billions() -> None:
    by_letter = asked(*SMALL[:-1], "300B", "--stage", "sft:1B", "--stage", "long-context:2 B@32768")
    assert by_letter["inputs"]["tokens"] == 3e11
    assert [stage["tokens"] for stage in by_letter["result"]["flop"]["stages"]] == [3e11, 1e9, 2e9]


def test_failures_are_played_the_same_with_the_same_seed() -> None:
    one = asked(*LLAMA)["result"]["failures"]["played"]
    again = asked(*LLAMA, "--seed", "0")["result"]["failures"]["played"]
    other = asked(*LLAMA, "--seed", "1")["result"]["failures"]["played"]
    assert one == again
    assert one != other
    assert one["runs"] == 200
    closed = asked(*LLAMA)["result"]["metrics"]
    assert one["effective_training_time"]["value"] == pytest.approx(closed["effective_training_time"]["value"], rel=0.1)
    assert one["days"]["low"] < one["days"]["value"] < one["days"]["high"]


def test_failures_by_closed_form_come_with_tokens() -> None:
    failures = asked(*SMALL)["result"]["failures"]
    assert failures["played"] is None
    assert failures["interval_s"] == failures["best_interval_s"]
    assert failures["mttf_s"]["low"] < failures["mttf_s"]["value"] < failures["mttf_s"]["high"]
    stated = ("--checkpoint-interval", "4h", "--restart", "1h", "--detection", "10min", "--spares", "8")
    slower = asked(*SMALL, *stated)["result"]
    assert slower["failures"]["interval_s"] == 4 * 3600.0
    assert slower["failures"]["best_interval_s"] < 4 * 3600.0
    assert slower["failures"]["spares_chips"] == 8
    before = asked(*SMALL)["result"]["metrics"]["effective_training_time"]["value"]
    assert slower["metrics"]["effective_training_time"]["value"] < before


@pytest.mark.parametrize("loss", ["spare", "drop-domain", "shrink"])
def test_every_way_to_go_on_without_a_spare(loss: str) -> None:
    failures = asked(*SMALL, "--on-loss", loss, "--spares", "0")["result"]["failures"]
    assert failures["on_loss"] == loss
    assert failures["spares_chips"] == 0
    assert failures["lost_s"]["waiting_s" if loss == "spare" else "shrunk_s"] > 0.0


def test_adapters_cost_less_and_are_counted_apart() -> None:
    whole, adapters = asked(*SMALL)["result"], asked(*SMALL, "--lora-rank", "16")["result"]
    assert adapters["flop"]["total_flop"] < 0.75 * whole["flop"]["total_flop"]
    assert adapters["flop"]["stages"][0]["kind"] == "sft"
    assert adapters["memory"]["optimizer_bytes"] < 0.1 * whole["memory"]["used_bytes"]
    assert adapters["failures"]["checkpoint_bytes"] < 0.01 * whole["failures"]["checkpoint_bytes"]


def test_sites_wait_for_each_other() -> None:
    one = asked(*SMALL)["result"]
    wide = ("--sites", "2", "--wan", "100GB/s", "--rtt", "30ms")
    two = asked(*SMALL, *wide)["result"]
    assert two["sites"]["chips_per_site"] == 128
    assert two["layout"]["devices"] == one["layout"]["devices"] == 256
    assert two["parts"]["sites_s"] == pytest.approx(two["sites"]["exposed_s"])
    step = two["metrics"]["step_s"]["value"]
    assert two["sites"]["exposed_share"] == pytest.approx(two["parts"]["sites_s"] / step)
    assert sum(value for name, value in two["parts"].items() if name != "total_s") == pytest.approx(step)
    tokens = two["metrics"]["tokens_per_s_total"]["value"]
    assert tokens == pytest.approx(two["layout"]["global_batch"] / step)
    assert two["sites"]["power_w_per_site"] == pytest.approx(two["metrics"]["power_w"]["value"] / 2, rel=0.35)
    body = asked(*SMALL, *wide, "--local-steps", "50", "--bits", "8", "--overlap", "0.5")
    local = body["result"]
    assert local["sites"]["mode"] == "local"
    assert local["sites"]["exposed_share"] < two["sites"]["exposed_share"]
    assert any("not modelled" in line for line in body["warnings"])


def test_place_gives_energy_at_the_meter_and_emissions() -> None:
    words = (*SMALL, "--place", "CN", "--pue", "1.2", "--price", "14 CNY/h")
    metrics = asked(*words)["result"]["metrics"]
    assert metrics["energy_at_meter_kwh"]["value"] == pytest.approx(1.2 * metrics["energy_kwh"]["value"])
    assert metrics["co2_kg"]["value"] > 0.0
    assert metrics["cost_usd"]["value"] < 14.0 / 6.0 * metrics["chip_hours"]["value"]


def test_a_first_day_gives_a_last_one() -> None:
    result = asked(*SMALL, "--start", "2026-12-01")["result"]
    dates = result["dates"]
    assert dates["start"] == "2026-12-01" < dates["end_low"] <= dates["end"] <= dates["end_high"]


def test_a_feed_that_is_too_small_is_an_answer_of_no() -> None:
    short = train(*SMALL, "--power", "100kW", "--json")
    assert short.code == 1
    limit = short.body["result"]["limits"][0]
    assert limit["met"] is False
    assert 0 < limit["chips"] < 256
    assert train(*SMALL, "--power", "10MW", "--json").code == 0


def test_a_format_the_chip_lacks_is_replaced_and_said() -> None:
    words = ("--model", "deepseek-v3", "--system", "huawei-cloudmatrix-384", "--chips", "384", "--tokens", "1e12")
    body = asked(*words)
    assert body["result"]["layout"]["precision"] == "bf16"
    assert any("no fp8 unit" in line for line in body["warnings"])
    assert body["result"]["assumed"]["precision"] == "bf16: the chip has no fp8 unit"
    assert body["result"]["layout"]["devices"] == 768


def test_a_wider_level_has_wider_intervals() -> None:
    narrow, wide = (asked(*SMALL, "--level", level)["result"]["metrics"] for level in ("0.5", "0.95"))
    for name in ("step_s", "days", "interruptions", "effective_training_time"):
        assert wide[name]["low"] <= narrow[name]["low"] <= narrow[name]["high"] <= wide[name]["high"], name


def test_explain_says_why_intervals_are_as_wide() -> None:
    result = asked(*SMALL, "--explain")["result"]
    causes = result["explain"]["step_s"]["causes"]
    assert sum(cause["share"] for cause in causes) == pytest.approx(1.0, abs=0.02)
    names = {constant["name"] for constant in result["constants"]}
    assert any(name.startswith("train.gemm") for name in names)
    assert all(constant["source"] for constant in result["constants"])


def test_balance_of_experts_that_are_not_there_is_said() -> None:
    assert any("--balanced changes nothing" in line for line in asked(*SMALL, "--balanced")["warnings"])


def test_a_longer_sequence_than_the_model_accepts_is_said() -> None:
    body = asked(*SMALL, "--seq", "262144")
    assert any("longer than the 131,072" in line for line in body["warnings"])


def test_the_schedule_is_drawn(tmp_path: Path) -> None:
    file = tmp_path / "schedule.svg"
    done = train(*LLAMA, "--draw-schedule", str(file), "--json")
    assert done.code == 0
    assert ElementTree.parse(file).getroot().tag.endswith("svg")
    assert done.body["result"]["picture"] == str(file)


def test_the_timeline_has_every_task_of_a_step() -> None:
    found = asked(*LLAMA, "--timeline")["result"]["timeline"]
    tasks = found["tasks"]
    assert {len(column) for column in tasks.values()} == {len(tasks["rank"])}
    assert sorted(set(tasks["rank"])) == list(range(found["ranks"]))
    assert all(
        0.0 <= start <= end <= found["total_s"] * 1.001
        for start, end in zip(tasks["start_s"], tasks["end_s"], strict=True)
    )
    for rank in range(found["ranks"]):
        forwards = [at for at, kind in enumerate(tasks["kind"]) if kind == "forward" and tasks["rank"][at] == rank]
        assert len(forwards) >= found["shown"] and found["shown"] <= found["micro_batches"]


@pytest.mark.parametrize(("name", "words"), [("train", DEEPSEEK), ("train-failures", LLAMA)])
def test_text_and_json_are_as_kept(name: str, words: tuple[str, ...], golden: Callable[[str, str], None]) -> None:
    done = train(*words)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    golden(f"{name}.txt", done.out)
    body = asked(*words)
    kept = {"inputs": body["inputs"], "result": _rounded(body["result"]), "warnings": body["warnings"]}
    golden(f"{name}.json", json.dumps(kept, indent=1) + "\n")


def _rounded(value: object) -> object:
    """Numbers to nine digits, as the last ones may depend on the machine."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value
