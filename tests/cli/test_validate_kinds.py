"""``accord validate`` on tables of collectives and of failures, and what each kind of table can leave out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.validation.training import table

from accord.cli.main import main
from accord.cli.validated import LEFT_OUT
from accord.validation.tables import KINDS

Capture = pytest.CaptureFixture[str]
FABRIC = (
    "id,source_id,kind,confidence,chip,system,scope,ranks,nodes,collective,algorithm,library,size_bytes,metric,value,unit,"
    "notes\n"
    "a,s,measured,high,nvidia-h100-sxm,nvidia-hgx-h100-8,intra-node,8,1,all_reduce,default,nccl,67108864,time_s,4e-4,s,\n"
    "b,t,measured,high,nvidia-h100-sxm,nvidia-hgx-h100-8,intra-node,4,1,all_gather,default,nccl,67108864,time_s,2e-4,s,\n"
    "c,t,vendor-claim,high,nvidia-h100-sxm,nvidia-hgx-h100-8,intra-node,8,1,all_to_all,default,nccl,1e6,time_s,1e-4,s,\n"
)
FAILURES = (
    "id,source_id,kind,confidence,chip,system,chips,duration_days,component,metric,value,unit,location,notes\n"
    "a,s,measured,high,nvidia-h100-sxm,nvidia-hgx-h100-8,1024,30,all,mttf_h,20,h,,\n"
    "b,s,measured,high,nvidia-h100-sxm,nvidia-hgx-h100-8,1024,30,gpu,share,0.3,1,,\n"
)


def write(folder: Path, text: str) -> str:
    file = folder / "t.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def result_of(folder: Path, text: str, capsys: Capture) -> dict[str, Any]:
    assert main(["validate", write(folder, text), "--json"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)["result"]
    return result


def test_collectives(tmp_path: Path, capsys: Capture) -> None:
    result = result_of(tmp_path, FABRIC, capsys)
    assert result["kind"] == "fabric"
    assert [row["id"] for row in result["rows"]] == ["a", "b"]
    assert [row["id"] for row in result["shown"]] == ["c"]
    (system,) = result["systems"]
    assert system["system"] == "nvidia-hgx-h100-8" and system["rows"] == 2
    assert main(["validate", write(tmp_path, FABRIC)]) == 0
    assert "\nBy system\n" in capsys.readouterr().out


def test_failures(tmp_path: Path, capsys: Capture) -> None:
    result = result_of(tmp_path, FAILURES, capsys)
    assert result["kind"] == "failures"
    rows = {row["id"]: row for row in result["rows"]}
    assert rows["a"]["predicted"] > 0.0 and rows["b"]["skipped"] == "input"


@pytest.mark.parametrize(("text", "left", "hint"), [
    (FABRIC, "model", "use --cv source or --cv chip"), (FAILURES, "chip", "use --cv source"),
    (FAILURES, "model", "use --cv source"),
])  # fmt: skip
def test_what_no_fit_leaves_out(text: str, left: str, hint: str, tmp_path: Path, capsys: Capture) -> None:
    assert main(["validate", write(tmp_path, text), "--cv", left]) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize("text", [FABRIC, FAILURES, table({})])
def test_facts_are_for_inference(text: str, tmp_path: Path, capsys: Capture) -> None:
    facts = tmp_path / "facts.csv"
    facts.write_text("source_id\n", encoding="utf-8")
    assert main(["validate", write(tmp_path, text), "--facts", str(facts)]) == 2
    assert "--facts" in capsys.readouterr().err


@pytest.mark.parametrize("text", [FABRIC.replace("4e-4", "soon"), FAILURES.replace(",20,", ",often,")])
def test_bad_cells_name_file_and_line(text: str, tmp_path: Path, capsys: Capture) -> None:
    assert main(["validate", write(tmp_path, text)]) == 3
    assert "t.csv:2" in capsys.readouterr().err


def test_every_kind_can_be_cross_validated_by_source() -> None:
    assert set(LEFT_OUT) == set(KINDS) and all("source" in able for able in LEFT_OUT.values())
