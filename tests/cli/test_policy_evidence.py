"""`accord policy evidence` and `accord policy bom`: envelopes, tables, exit codes, files that are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.planned import BASE

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
EXAMPLES = Path(__file__).parents[2] / "examples" / "conformance"
SAFETY = str(EXAMPLES / "safety-party-a.json")
DATED = ("--date", "2026-11-25")


def answer(capsys: Capture, *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["policy", *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def refused(capsys: Capture, *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["policy", *words])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    return code, shown.err


def test_the_envelope(capsys: Capture) -> None:
    body = answer(capsys, "evidence", SAFETY, *DATED)
    assert body["schema"] == "accord.policy.evidence/1"
    assert body["inputs"] == {"files": [SAFETY], "date": "2026-11-25", "catalog": []}
    assert body["result"]["files"][0]["risks"] == []
    assert len(body["result"]["models"][0]["risks"]) == 7
    assert all(one["locator"] for one in body["sources"])


def test_tables(capsys: Capture) -> None:
    assert main(["policy", "evidence", SAFETY, str(EXAMPLES / "performance-party-a.json"), *DATED]) == 0
    out = capsys.readouterr().out
    assert "What the files show" in out
    assert "Risks on 2026-11-25: hf/example-model-7b" in out
    assert "not covered" in out
    assert "Covered says that the risk was tested" in out


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is no result file of a known format"),
        ("{", "is not JSON"),
        ('{"status": "success", "status": "success"}', "twice"),
        ('{"version": NaN}', "NaN"),
        ("[" * 1000, "nested deeper than 64"),
        ('{"status": "success", "eval": {"task": "t"}}', "version is missing"),
    ],
)
def test_files_that_are_wrong(text: str, what: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "log.json"
    file.write_text(text)
    code, said = refused(capsys, "evidence", str(file), *DATED)
    assert code == 3
    assert what in said
    assert str(file) in said


def test_files_that_cannot_be_read(tmp_path: Path, capsys: Capture) -> None:
    code, said = refused(capsys, "evidence", str(tmp_path / "none.json"))
    assert (code, "cannot be read" in said) == (3, True)
    assert refused(capsys, "evidence", str(tmp_path))[0] == 3
    large = tmp_path / "large.json"
    with large.open("wb") as opened:
        opened.truncate(40_000_000)
    code, said = refused(capsys, "evidence", str(large))
    assert code == 3
    assert "above the limit of 16,000,000" in said


def test_mistakes(capsys: Capture) -> None:
    assert refused(capsys, "evidence")[0] == 2
    assert refused(capsys, "evidence", SAFETY, "--date", "soon")[0] == 2


def test_a_bill_that_is_evidence(tmp_path: Path, capsys: Capture) -> None:
    words = ("bom", "--model", "deepseek-v3", "--system", "huawei-cloudmatrix-384", "--engine", "mindie")
    assert main(["policy", *words]) == 0
    printed = capsys.readouterr().out
    file = tmp_path / "bom.json"
    assert main(["policy", *words, "--out", str(file)]) == 0
    assert file.read_text() == printed
    assert "Unknown of deepseek-v3: training datasets." in capsys.readouterr().out
    body = answer(capsys, *words)
    assert body["schema"] == "accord.policy.bom/1"
    assert body["result"]["bom"] == json.loads(printed)
    told = answer(capsys, "evidence", str(file), *DATED)["result"]["files"][0]
    assert (told["kind"], told["model"]) == ("bom", "deepseek-v3")
    assert told["told"] == (
        "bill of deepseek-v3: 4 components, licence DeepSeek License Agreement, Version 1.0, datasets not stated"
    )


def test_the_bill_of_a_plan(tmp_path: Path, capsys: Capture) -> None:
    assert main(["plan", *BASE, "--json"]) == 0
    file = tmp_path / "plan.json"
    file.write_text(capsys.readouterr().out)
    document = answer(capsys, "bom", str(file), *DATED)["result"]["bom"]
    types = [part["type"] for part in document["components"]]
    assert types == ["machine-learning-model", "platform", "device", "framework"]
    metrics = document["components"][0]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert any(one["type"].startswith("output_token_per_s_total") for one in metrics)
    assert all(float(one["value"]) > 0.0 for one in metrics)
    assert document["metadata"]["timestamp"] == "2026-11-25T00:00:00Z"
    assert {"name": "accord:chips", "value": "8"} in document["components"][1]["properties"]


def test_mistakes_of_bills(tmp_path: Path, capsys: Capture) -> None:
    assert refused(capsys, "bom")[0] == 2
    assert refused(capsys, "bom", SAFETY, "--model", "deepseek-v3")[0] == 2
    assert refused(capsys, "bom", SAFETY, "--system", "huawei-cloudmatrix-384")[0] == 2
    code, said = refused(capsys, "bom", SAFETY)
    assert (code, "is no answer of a verb" in said) == (3, True)
    code, said = refused(capsys, "bom", "--model", "deepseek-v33")
    assert code == 3
    assert "did you mean 'deepseek-v3'" in said
    code, said = refused(capsys, "bom", "--model", "deepseek-v3", "--out", str(tmp_path / "none" / "bom.json"))
    assert (code, "cannot be written" in said) == (2, True)
