from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import pytest

from accord.api.demonstration import Demo, asked, demo
from accord.catalog.load import load_catalog
from accord.cli.main import main
from accord.report.demo import QUESTION, Measure
from accord.report.demo_numbers import chance_above, log_sd, lognormal
from accord.report.tables import to_text
from accord.report.to_json import to_bytes

Capture = pytest.CaptureFixture[str]
METRICS = {
    "tpot_s", "ttft_s", "kv_transfer_s", "request_per_s", "output_token_per_s_per_chip", "output_token_per_s_total",
    "total_token_per_s_total", "decode_token_per_s_per_chip", "prefill_token_per_s_per_chip", "decode_memory_bytes",
    "prefill_memory_bytes",
}  # fmt: skip


@cache
def timed() -> tuple[Demo, float]:
    """The answer and the CPU time it took [s]."""
    started = time.process_time()
    return demo(), time.process_time() - started


def answer() -> Demo:
    return timed()[0]


def result() -> dict[str, Any]:
    found = json.loads(to_bytes(answer().result))
    assert isinstance(found, dict)
    return found


def test_the_envelope(capsys: Capture) -> None:
    assert main(["demo", "--json"]) == 0
    shown = capsys.readouterr()
    envelope = json.loads(shown.out)
    assert shown.err == ""
    assert list(envelope) == ["schema", "accord", "catalog", "inputs", "result", "sources", "warnings"]
    assert envelope["schema"] == "accord.demo/1"
    assert envelope["inputs"]["mtp_accept"] == 0.7 and envelope["inputs"]["isl"] == 4096
    assert envelope["result"]["law"]["to"] == QUESTION.buyer and "tax" in envelope["result"]["law"]["not_covered"]
    assert envelope["sources"]


def test_every_system_answers_under_both_limits() -> None:
    found = result()
    assert [one["id"] for one in found["systems"]] == [one.system for one in QUESTION.candidates]
    assert found["metrics"] == found["systems"][0]["slo"][0]["metrics"]
    for one in found["systems"]:
        assert one["within_feed"] is not None and one["evidence"]
        assert [plan["tpot_limit_s"] for plan in one["slo"]] == list(QUESTION.tpot_s)
        for plan in one["slo"]:
            metrics = plan["metrics"]
            assert set(metrics) >= METRICS if plan["feasible"] else not metrics
            for metric in metrics.values():
                assert set(metric) == {"value", "unit", "low", "high", "basis"}
                assert metric["low"] <= metric["value"] <= metric["high"]


def test_a_plan_adds_up() -> None:
    for one in result()["systems"]:
        for plan in one["slo"]:
            if not plan["feasible"]:
                continue
            value = {name: metric["value"] for name, metric in plan["metrics"].items()}
            output = value["request_per_s"] * QUESTION.osl
            assert value["output_token_per_s_total"] == pytest.approx(output)
            assert value["output_token_per_s_per_chip"] == pytest.approx(output / one["chips"])
            total = value["request_per_s"] * (QUESTION.isl + QUESTION.osl)
            assert value["total_token_per_s_total"] == pytest.approx(total)
            assert value["tpot_s"] <= plan["tpot_limit_s"] and value["ttft_s"] <= QUESTION.ttft_s
            assert value["output_token_per_s_per_w"] == pytest.approx(output / one["power"]["value"])
            if one["price"] is not None:
                assert value["output_token_per_s_per_usd"] == pytest.approx(output / one["price"]["value"])
            used = sum(plan[pool]["devices"] * plan[pool]["instances"] for pool in ("prefill", "decode"))
            assert (used + plan["idle_devices"]) % one["chips"] == 0
            assert 0.5 <= plan["chance"] <= 1.0 and 0.5 <= plan["chance_ttft"] <= 1.0
            for pool in ("prefill", "decode"):
                carried = QUESTION.max_load * plan[pool]["request_per_s"]
                assert carried >= value["request_per_s"] * (1.0 - 1e-9)
                assert plan[pool]["memory_bytes"] <= plan[pool]["capacity_bytes"]
            if plan["assured"]["feasible"]:
                assured = plan["assured"]["metrics"]
                assert assured["tpot_s"]["high"] <= plan["tpot_limit_s"] * (1.0 + 1e-9)
                assert assured["ttft_s"]["high"] <= QUESTION.ttft_s * (1.0 + 1e-9)
                assert assured["request_per_s"]["value"] <= value["request_per_s"] * (1.0 + 1e-9)


def test_cost_by_hand() -> None:
    one = result()["systems"][0]
    value = {name: metric["value"] for name, metric in one["slo"][0]["metrics"].items()}
    energy = one["power"]["value"] / 1e3 * 8760 * 1.56 * 0.161
    tokens = value["output_token_per_s_total"] * 8760 * 3600
    by_hand = (one["price"]["value"] / 3 + energy) / tokens * 1e6
    assert value["usd_per_million_output_tokens"] == pytest.approx(by_hand)


def test_nodes_scale_power_and_price() -> None:
    one = next(system for system in result()["systems"] if system["id"] == "nvidia-hgx-h100-8")
    node = load_catalog().system("nvidia-hgx-h100-8")
    assert node.power is not None and node.price is not None
    assert one["chips"] == 8 * one["nodes"]
    assert one["power"]["value"] == pytest.approx(node.power.si * one["nodes"])
    assert one["price"]["value"] == pytest.approx(node.price.si * one["nodes"])
    assert one["price"]["high"] > one["price"]["value"]


def test_what_is_measured_follows_from_the_catalog() -> None:
    evidence = {one.id: {part.part: part for part in one.evidence} for one in answer().answers}
    first = evidence["huawei-cloudmatrix-384"]
    assert {part for part, known in first.items() if known.basis == "measured"} == {"links", "end to end"}
    assert first["kernels"].basis == "derived" and "fitted" in first["kernels"].words
    assert evidence["nvidia-gb200-nvl72"]["links"].basis == "published"
    assert evidence["nvidia-hgx-h800-8"]["price"].words == "no source"


def test_a_missing_price_is_said_and_not_made_up() -> None:
    one = next(system for system in result()["systems"] if system["id"] == "nvidia-hgx-h800-8")
    assert one["price"] is None and one["systems_in_budget"] is None
    assert all("usd_per_million_output_tokens" not in plan["metrics"] for plan in one["slo"])
    assert any("nvidia-hgx-h800-8" in line and "price" in line for line in answer().warnings)


def test_the_law_of_a_day_stands_beside_every_system_and_what_is_not_known_is_said() -> None:
    found = result()
    known = {one["id"] for one in answer().sources}
    law = found["law"]
    assert (law["to"], law["date"]) == ("MY", "2025-06-01") and "2025-06-01" in law["disclaimer"]
    for one in found["systems"]:
        assert law["from"][one["id"]] == ("CN" if one["id"].startswith("huawei") else "US")
        assert set(one["law"]["sources"]) <= known
        for plan in one["slo"]:
            assert plan["law"].startswith(f"{one['law']['outcome']} (as of 2025-06-01)")
    outcomes = {one["id"]: (one["law"]["outcome"], one["law"]["mode"]) for one in found["systems"]}
    assert outcomes.pop("huawei-cloudmatrix-384") == ("prohibited:GP10_presumption", None)
    assert set(outcomes.values()) == {("no_licence", "strict")}
    ascend = result()["systems"][0]["slo"][0]
    assert any(word.startswith("support of cloudmatrix-infer") for word in ascend["unknown"])


def test_weights_narrower_than_released_are_said() -> None:
    narrow = {one.id for one in answer().answers for plan in one.plans if plan.weights == "fp4"}
    assert {line.partition(":")[0] for line in answer().warnings if "narrower" in line} == narrow


def test_a_limit_that_nothing_keeps() -> None:
    question = msgspec.structs.replace(QUESTION, tpot_s=(1e-4,), candidates=QUESTION.candidates[:2])
    found = demo(question=question)
    assert any("no layout keeps 0.1 ms" in line for line in found.warnings)
    assert "none keeps it" in "".join(to_text(table) for table in found.tables)
    assert all(not plan.metrics and plan.plan is None for one in found.answers for plan in one.plans)


def test_another_country_and_day() -> None:
    first = msgspec.structs.replace(QUESTION, candidates=QUESTION.candidates[1:2])
    question = msgspec.structs.replace(first, buyer="AE", day="2024-06-01")
    (one,) = demo(question=question).answers
    assert one.law is not None and (one.law.outcome, one.law.mode) == ("licence:presumption_of_approval", "licensable")
    assert asked("de", "2024-06-01") == msgspec.structs.replace(QUESTION, buyer="DE", day="2024-06-01")
    assert asked(None, None) == QUESTION


@pytest.mark.parametrize("words", [("--date", "soon"), ("--to", "XX")])
def test_what_is_no_country_or_day(words: tuple[str, str], capsys: Capture) -> None:
    assert main(["demo", *words]) == 2
    assert f"error: {words[0]}: '{words[1]}' is no " in capsys.readouterr().err


def test_a_wider_level_gives_wider_intervals() -> None:
    question = msgspec.structs.replace(QUESTION, candidates=QUESTION.candidates[:1])
    narrow, wide = demo(level=0.5, question=question).answers[0].plans[0], answer().answers[0].plans[0]
    for name, metric in wide.metrics.items():
        assert narrow.metrics[name].high <= metric.high and narrow.metrics[name].value == metric.value


def test_chances() -> None:
    z = 1.6448536269514722
    a, b = (Measure(value=v, unit="1", low=v / math.exp(0.3 * z), high=v * math.exp(0.3 * z)) for v in (2.0, 1.0))
    assert chance_above(a, b, 0.9) + chance_above(b, a, 0.9) == pytest.approx(1.0)
    assert chance_above(a, a, 0.9) == pytest.approx(0.5)
    assert log_sd(a, 0.9) == pytest.approx(0.3)
    draws = lognormal(3.0, 0.4)
    assert math.prod(draws) ** (1.0 / len(draws)) == pytest.approx(3.0)


def test_the_tables(golden: Callable[[str, str], None], capsys: Capture) -> None:
    assert main(["demo"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 100
    words = " ".join(text.split())
    assert "To MY on 2025-06-01: prohibited:GP10_presumption for CloudMatrix 384; no_licence for" in words
    assert "Not legal advice" in words and "data protection and transfer of data" in words
    golden("demo.txt", text)


def test_it_is_quick() -> None:
    assert timed()[1] < 4.0
