"""Files that policy verbs read and write: never more than the limit into memory, whole or not at all onto the disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
ENDLESS = Path("/dev/zero")
PLAN = {"schema": "accord.plan/1", "inputs": {"problem": {"model": "deepseek-v3"}}, "result": {"plans": []}}


def refused(capsys: Capture, *words: str, code: int) -> str:
    capsys.readouterr()
    assert main(["policy", *words]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    return shown.err


@pytest.mark.skipif(not ENDLESS.exists(), reason="no file without an end")
def test_a_file_without_an_end_is_refused(tmp_path: Path, capsys: Capture) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(PLAN))
    said = refused(capsys, "commitments", str(plan), "--evidence", str(ENDLESS), code=3)
    assert "/dev/zero: is above the limit of 16,000,000 bytes" in said
    assert "/dev/zero: is larger than 64 MiB" in refused(capsys, "commitments", str(ENDLESS), code=3)


def test_a_folder_is_no_file(tmp_path: Path, capsys: Capture) -> None:
    assert "cannot be read" in refused(capsys, "commitments", str(tmp_path), code=3)


def test_a_bill_is_written_whole_or_not_at_all(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "bom.json"
    out.write_text("old")
    assert main(["policy", "bom", "--model", "deepseek-v3", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["bomFormat"] == "CycloneDX"
    assert [file.name for file in tmp_path.iterdir()] == ["bom.json"]
    nowhere = str(tmp_path / "none" / "bom.json")
    assert "cannot be written" in refused(capsys, "bom", "--model", "deepseek-v3", "--out", nowhere, code=2)
