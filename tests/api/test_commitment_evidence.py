"""Files of others behind commitments: of the plan's model, of the day or before it, and covering something."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from accord.api.commitment_evidence import band
from accord.api.policy_commitments import CommitAsk, commitments_answer
from accord.catalog.load import load_catalog

CATALOG = load_catalog()
DAY = datetime.date(2026, 6, 1)


def plan(**parts: Any) -> bytes:
    best = {
        "holdings": [{"system": "a", "chips": 30}, {"system": "b", "chips": 10}], "pools": [],
        "metrics": {
            "chips": {"value": 40.0}, "power_w": {"value": 80.0, "low": 40.0, "high": 100.0},
            "output_token_per_s_total": {"value": 40.0, "low": 20.0, "high": 80.0},
        },
    }  # fmt: skip
    result = {"plans": [{**best, **parts.pop("plan", {})}], "terms": [], **parts}
    return json.dumps(
        {"schema": "accord.plan/1", "inputs": {"problem": {"model": "deepseek-v3"}}, "result": result}
    ).encode()


def evidence(*files: object, day: datetime.date = DAY, **parts: Any) -> tuple[dict[str, Any], set[str]]:
    """Findings by name, and names of evidence that stand behind a provision."""
    named = tuple((f"f{at}.json", json.dumps(one).encode()) for at, one in enumerate(files))
    answer: Any = commitments_answer(CommitAsk(day=day, files=named), plan(**parts), "p.json", CATALOG).result
    return answer["evidence"], {name for one in answer["provisions"] for name in one["shown"]}


def safety(model: str = "deepseek-v3", task: str = "wmdp_cyber", day: str = "2026-05-01") -> dict[str, Any]:
    return {
        "version": 2, "status": "success", "eval": {"created": day, "task": task, "model": model},
        "results": {"completed_samples": 9, "scores": [{"name": "s", "metrics": {"a": {"value": 1.0}}}]},
    }  # fmt: skip


def speed(model: str | None = "deepseek-v3", day: str | None = "2026-05-01") -> dict[str, Any]:
    return {
        "result_validity": "VALID", "model": model, "date": day, "result_query_count": 9,
        "result_completed_tokens_per_second": 1.0,
    }  # fmt: skip


def bill(model: str = "deepseek-v3", day: str | None = "2026-05-01") -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "components": [{"type": "machine-learning-model", "name": model}],
        "metadata": {} if day is None else {"timestamp": day},
    }  # fmt: skip


KINDS: dict[str, Any] = {"safety_tests": safety, "performance_tests": speed, "bill_of_materials": bill}


@pytest.mark.parametrize("name", KINDS)
def test_files_of_the_model_by_the_day_are_shown(name: str) -> None:
    found, _ = evidence(KINDS[name]("deepseek-ai/DeepSeek-V3"))
    assert found[name]["shown"]
    assert found[name]["from"] == "f0.json"


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("model", ["other/model", "deepseek-v3.1", "deepseek-v3-tuned"])
def test_files_of_other_models_show_nothing(name: str, model: str) -> None:
    found, shown = evidence(KINDS[name](model))
    assert not found[name]["shown"]
    assert f"f0.json is of {model}, not of deepseek-v3" in found[name]["why"]
    assert name not in shown
    assert "result files" not in json.dumps(found["standards"])


@pytest.mark.parametrize("name", KINDS)
def test_files_of_a_later_day_show_nothing(name: str) -> None:
    found, shown = evidence(KINDS[name](day="2026-06-02"))
    assert f"f0.json is of 2026-06-02, after {DAY}" in found[name]["why"]
    assert name not in shown
    assert evidence(KINDS[name](day="2026-06-01"))[0][name]["shown"]


def test_files_without_a_model_or_a_day_show_nothing() -> None:
    assert "f0.json names no model" in evidence(speed(model=None))[0]["performance_tests"]["why"]
    assert "f0.json says no day" in evidence(speed(day=None))[0]["performance_tests"]["why"]
    assert "f0.json says no day" in evidence(bill(day=None))[0]["bill_of_materials"]["why"]


def test_a_test_that_speaks_to_no_risk_is_no_safety_test() -> None:
    found, shown = evidence(safety(task="gsm8k"))
    assert found["safety_tests"]["why"].startswith("no risk is covered: not covered: bias, cbrn")
    assert "safety_tests" not in shown


def test_one_file_that_fits_does_not_carry_the_others() -> None:
    others = [safety(f"other-{at}") for at in range(5)]
    found, shown = evidence(safety(), *others, safety(task="bbq", model="deepseek-v3.1"))
    text = found["safety_tests"]["text"]
    assert text.startswith("covered: cyber; not covered: bias, ")
    assert "tested: deepseek-v3; passed over: f1.json is of other-0, not of deepseek-v3; " in text
    assert text.endswith("; 3 more are passed over")
    assert found["safety_tests"]["from"] == "f0.json"
    assert "safety_tests" in shown


def grid(system: str, *told: float) -> dict[str, Any]:
    return {"system": system, "kgco2_per_kwh": dict(zip(("value", "low", "high"), told, strict=True))}


def test_the_grids_of_all_systems_count() -> None:
    found, _ = evidence(terms=[grid("b", 0.8, 0.7, 0.9), grid("a", 0.4, 0.3, 0.5), grid("c", 9.0, 9.0, 9.0)])
    kwh = 2.0 * 1e6 / 3.6e6
    assert found["emissions"]["value"] == pytest.approx(kwh * (0.75 * 0.4 + 0.25 * 0.8))
    assert found["emissions"]["low"] == pytest.approx(40.0 / 80.0 / 3.6 * 0.3)
    assert found["emissions"]["high"] == pytest.approx(100.0 / 20.0 / 3.6 * 0.9)
    without, _ = evidence(terms=[grid("a", 0.4, 0.3, 0.5)])
    assert not without["emissions"]["shown"], "the grid of b is not known"


def test_a_rate_that_may_be_none_gives_no_energy() -> None:
    metrics = {"power_w": {"value": 80.0}, "output_token_per_s_total": {"value": 40.0, "low": 0.0, "high": 80.0}}
    found, _ = evidence(plan={"metrics": metrics})
    assert found["energy_per_token"]["why"] == "the plan states no power, or no rate of tokens above 0"


def test_bands() -> None:
    assert band({"value": 2.0, "low": 1.0, "high": 3.0}) == (2.0, 1.0, 3.0)
    assert band({"value": 2.0, "low": -1.0, "high": 1.0}) == (2.0, 2.0, 2.0)
    assert band({"value": 0.0, "low": 0.0, "high": 1.0}) is band({}) is None
