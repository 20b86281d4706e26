"""``accord why``: files of plans, which two are meant, what is printed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from accord.catalog.load import load_catalog
from accord.cli.main import main
from accord.planner.plan import Check, Holding, Metric, Plan, PoolPlan

Capture = pytest.CaptureFixture[str]
Make = Callable[..., Path]
H200, CM = "nvidia-hgx-h200-8", "huawei-cloudmatrix-384"


def plan(id: str, system: str, hourly: float, tpot_s: float, **fields: Any) -> Plan:
    rate = 16 * 32.0 / tpot_s / 1000.0
    pool = PoolPlan(
        role="serve", system=system, engine="vllm", weights="fp8", kv="bf16", tp=8, devices=8, instances=2,
        batch_per_device=32.0, max_num_batched_tokens=8192, max_num_seqs=256, memory_bytes=1e11,
        capacity_bytes=1.4e11, request_per_s=rate,
    )  # fmt: skip
    values = {
        "request_per_s": (rate, "req/s"), "tpot_s": (tpot_s, "s"), "ttft_s": (0.5, "s"), "chips": (16.0, "1"),
        "usd_per_hour": (hourly, "USD/h"), "usd_per_million_output_tokens": (hourly / rate / 3.6, "USD"),
    }  # fmt: skip
    metrics = {
        name: Metric(value=value, unit=unit, low=value / 1.3, high=value * 1.3)
        for name, (value, unit) in values.items()
    }
    limit = Check(name="tpot", sense="at most", limit=0.04, value=tpot_s, unit="s", chance=0.93, slack=1.02)
    made: dict[str, Any] = {
        "id": id, "model": "deepseek-r1", "mode": "aggregated", "isl": 4000.0, "osl": 1000.0, "pools": (pool,),
        "holdings": (Holding(system=system, chip="chip", chips=16, used=16, systems=2),), "metrics": metrics,
        "checks": (limit,), "chance": 0.93,
    }  # fmt: skip
    return Plan(**{**made, **fields})


PLANS = (
    plan("0a1b2c3d4e", H200, 40.0, 0.03, unknown=("engine support: no record",)),
    plan("5f6a7b8c9d", H200, 40.0, 0.035),
    plan("fedcba9876", CM, 64.0, 0.03),
)


def printed(*plans: Plan, **changes: Any) -> dict[str, Any]:
    inputs = {"problem": {"objectives": ["cost"], "level": 0.9}}
    body = {
        "schema": "accord.plan/1", "accord": "0", "catalog": load_catalog().digest, "inputs": inputs,
        "result": {"plans": msgspec.to_builtins(plans), "front": msgspec.to_builtins(plans[:1])}, "sources": [],
        "warnings": ["price is built bottom-up"],
    }  # fmt: skip
    return {**body, **changes}


def figures(**values: float) -> dict[str, Any]:
    return {name: {"value": value, "unit": "USD/h"} for name, value in values.items()}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(body: object = None) -> Path:
        file = tmp_path / "plan.json"
        text = body if isinstance(body, str) else json.dumps(printed(*PLANS) if body is None else body)
        file.write_text(text)
        return file

    return made


def answer(capsys: Capture, *words: str) -> dict[str, Any]:
    assert main(["why", *words, "--json"]) == 0
    shown = capsys.readouterr()
    assert shown.err in ("", "searching again with each limit relaxed; --no-prices leaves that out\n")
    envelope = json.loads(shown.out)
    assert isinstance(envelope, dict)
    return envelope


def test_the_envelope(make: Make, capsys: Capture) -> None:
    found = answer(capsys, str(make()))
    assert found["schema"] == "accord.why/1"
    assert found["inputs"]["a"] == "0a1b2c3d4e" and found["inputs"]["b"] == "5f6a7b8c9d"
    assert found["inputs"]["objective"] == "cost" and found["inputs"]["level"] == 0.9
    assert found["warnings"] == []
    result = found["result"]
    assert result["metric"] == "usd_per_million_output_tokens"
    whole = result["metrics"]["usd_per_million_output_tokens"]
    assert whole["ratio"] == pytest.approx(0.03 / 0.035)
    assert math.prod(term["factor"] for term in result["terms"]) == pytest.approx(whole["ratio"])
    assert sum(term["share"] for term in result["terms"]) == pytest.approx(1.0)
    assert whole["low"] < whole["ratio"] < whole["high"]
    assert 0.5 < whole["chance"] < 1.0 and whole["better"] == "less"
    assert result["common_causes"] is True
    assert result["differences"] == []
    assert result["a"]["binding"] == ["tpot"] and result["a"]["riskiest"] == "tpot"
    assert result["rests_on"] == {
        "both": ["price is built bottom-up", "law: not checked"], "a": ["engine support: no record"], "b": [],
    }  # fmt: skip


def test_a_rank_an_id_or_its_beginning(make: Make, capsys: Capture) -> None:
    file = str(make())
    by_rank = answer(capsys, file, "1", "3")
    assert answer(capsys, file, "0a1b2c3d4e", "fedcba9876") == answer(capsys, file, "0a1b", "fed") == by_rank
    assert by_rank["result"]["common_causes"] is False
    fields = {f"{one['where']} {one['field']}" for one in by_rank["result"]["differences"]}
    assert fields == {"serve system", f"chips held {H200}", f"chips held {CM}"}


def test_the_tables(make: Make, capsys: Capture) -> None:
    assert main(["why", str(make()), "1", "3"]) == 0
    shown = capsys.readouterr().out
    for title in ("Why A over B for deepseek-r1", "What differs", "What the ratio is made of", "Metrics", "Limits",
                  "What nobody has shown"):  # fmt: skip
        assert f"\n{title}\n" in f"\n{shown}"
    assert "cost of an output token: A has 0.625 times that of B, A is ahead" in shown
    assert "A is held by tpot; A is least sure of tpot (93 %)" in shown
    assert max(map(len, shown.splitlines())) <= 120


def test_another_objective(make: Make, capsys: Capture) -> None:
    assert answer(capsys, str(make()), "--objective", "tpot_s")["result"]["metric"] == "tpot_s"
    assert main(["why", str(make()), "--objective", "costs"]) == 2
    assert "have no 'costs'" in capsys.readouterr().err


def test_prices_by_kind(make: Make, capsys: Capture) -> None:
    body = printed(*PLANS)
    body["result"]["terms"] = [
        {"system": H200, "assumed": ["utilisation"], "parts_usd_per_hour": figures(capital=2.0, energy=0.5)},
        {"system": CM, "assumed": ["utilisation"], "parts_usd_per_hour": figures(capital=3.0, energy=1.0)},
    ]
    result = answer(capsys, str(make(body)), "1", "3")["result"]
    assert "utilisation is a default" in result["rests_on"]["both"]
    terms = result["terms"]
    hours = {term["name"]: term["factor"] for term in terms if term["name"].startswith("an hour of a chip held")}
    assert set(hours) == {"an hour of a chip held: capital", "an hour of a chip held: energy"}
    assert math.prod(hours.values()) == pytest.approx(40.0 / 64.0)


def test_plans_that_were_printed_and_the_price_of_their_limits(tmp_path: Path, capsys: Capture) -> None:
    question = ["plan", "--model", "llama-3.1-8b", "--system", H200, "--chips", "8", "--isl", "1000", "--osl", "200",
                "--ttft", "500ms", "--tpot", "15ms", "--engine", "vllm", "--weights", "bf16", "--json"]  # fmt: skip
    assert main(question) == 0
    file = tmp_path / "plan.json"
    file.write_text(capsys.readouterr().out)
    found = answer(capsys, str(file))["result"]
    whole = found["metrics"][found["metric"]]
    assert found["objective"] == "goodput" and whole["ratio"] >= 1.0
    assert math.prod(term["factor"] for term in found["terms"]) == pytest.approx(whole["ratio"])
    prices = {one["name"]: one for one in found["relaxations"]}
    assert set(prices) == {"ttft", "tpot", "chips"}
    assert prices["tpot"]["relaxed"] == pytest.approx(0.0165)
    assert prices["chips"]["relaxed"] == 16.0 and prices["chips"]["gain"] > 1.5
    assert all(one["gain"] >= 1.0 - 1e-9 for one in prices.values())  # a looser question has no worse answer
    assert main(["why", str(file)]) == 0
    assert "Price of each limit" in capsys.readouterr().out
    assert answer(capsys, str(file), "--no-prices")["result"]["relaxations"] == []


def test_simulated_figures_stand_beside_the_planned(make: Make, capsys: Capture) -> None:
    run = {"tpot_s": Metric(value=0.031, unit="s"), "share_within_limits": Metric(value=0.97, unit="1")}
    plans = [msgspec.structs.replace(one, simulated=run) for one in PLANS]
    found = answer(capsys, str(make(printed(*plans))))
    assert found["result"]["simulated"]["tpot_s"]["ratio"] == 1.0
    assert main(["why", str(make(printed(*plans)))]) == 0
    shown = capsys.readouterr().out
    assert "As simulated" in shown and "97.0 %" in shown


def test_other_facts_are_said(make: Make, capsys: Capture) -> None:
    assert main(["why", str(make(printed(*PLANS, catalog="0" * 64)))]) == 0
    assert "the plans rest on other facts than those of this catalog" in capsys.readouterr().err


def test_keys_of_later_versions_are_left_out(make: Make, capsys: Capture) -> None:
    body = printed(*PLANS)
    body["result"]["plans"] = [{"rank": 1, **one} for one in body["result"]["plans"]]
    assert answer(capsys, str(make(body)))["result"]["a"]["rank"] == 1


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("fedcba9875", "1"), "there is no plan 'fedcba9875'", "did you mean 'fedcba9876'?"),
        (("1", "9"), "there is no plan of rank 9", "ranks go from 1 to 3"),
        (("0", "1"), "there is no plan of rank 0", "ranks go from 1 to 3"),
        (("2", "5f6a7b8c9d"), "'2' and '5f6a7b8c9d' are the same plan", "name two"),
        (("1", "2", "--objective", "request_pers"), "have no 'request_pers'", "did you mean 'request_per_s'?"),
    ],
)
def test_mistakes_of_usage(make: Make, capsys: Capture, words: tuple[str, ...], message: str, hint: str) -> None:
    assert main(["why", str(make()), *words]) == 2
    shown = capsys.readouterr().err
    assert message in shown and f"hint: {hint}" in shown


def test_one_plan_has_no_other(make: Make, capsys: Capture) -> None:
    assert main(["why", str(make(printed(PLANS[0])))]) == 2
    assert "there is one plan and nothing to put beside it" in capsys.readouterr().err


BROKEN = printed(*PLANS)
BROKEN["result"] = {"plans": [{**BROKEN["result"]["plans"][0], "isl": "many"}]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("no json", "is not JSON"),
        ("[1, 2]", "is no answer of a verb, not a file of plans"),
        ({"schema": "accord.estimate/1"}, "is an answer of 'accord.estimate/1', not a file of plans"),
        (printed(), "holds no plan"),
        ({"schema": "accord.plan/1", "result": 3, "inputs": []}, "holds no plan"),
        (BROKEN, "result.plans[0]: is no plan: Expected `float`, got `str` - at `$.isl`"),
    ],
)
def test_what_is_no_file_of_plans(make: Make, capsys: Capture, body: object, message: str) -> None:
    assert main(["why", str(make(body))]) == 3
    shown = capsys.readouterr().err
    assert message in shown and "Traceback" not in shown


def test_a_file_that_cannot_be_read(tmp_path: Path, capsys: Capture) -> None:
    assert main(["why", str(tmp_path / "none.json")]) == 3
    assert "cannot be read" in capsys.readouterr().err
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    assert main(["why", str(tmp_path / "bytes.json")]) == 3
    assert "not UTF-8" in capsys.readouterr().err
