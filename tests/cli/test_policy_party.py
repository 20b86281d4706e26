"""`accord policy party`: envelope, exit codes and days."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]


def answer(capsys: Capture, *words: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["policy", "party", *words, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_the_envelope(capsys: Capture) -> None:
    body = answer(capsys, "Huawei", "--date", "2025-05-01")
    assert body["schema"] == "accord.policy.party/1"
    assert body["inputs"] == {"name": "Huawei", "date": "2025-05-01", "catalog": []}
    assert body["result"]["status"] == "listed"
    assert body["sources"]


def test_a_party_that_the_catalog_has_not_answers_no(capsys: Capture) -> None:
    body = answer(capsys, "Huawai", "--date", "2025-05-01", code=1)
    assert body["result"]["status"] == "not screened"
    assert body["result"]["closest"] == ["huawei"]
    assert main(["policy", "party", "Huawai", "--date", "2025-05-01"]) == 1
    assert "did you mean" in capsys.readouterr().out


def test_tables_end_with_what_was_not_checked(capsys: Capture) -> None:
    assert main(["policy", "party", "nexperia", "--date", "2025-10-10"]) == 0
    out = capsys.readouterr().out
    assert "Wingtech" in out
    assert "Not checked: " in out
    assert out.endswith("decides.\n")
    assert "as of 2025-10-10" in out


def test_without_a_day_it_is_today(capsys: Capture) -> None:
    before = datetime.datetime.now(tz=datetime.UTC).date()
    day = datetime.date.fromisoformat(answer(capsys, "cambricon")["inputs"]["date"])
    assert before <= day <= datetime.datetime.now(tz=datetime.UTC).date()


def test_a_day_that_is_none(capsys: Capture) -> None:
    assert main(["policy", "party", "huawei", "--date", "yesterday"]) == 2
    assert "is no day" in capsys.readouterr().err
