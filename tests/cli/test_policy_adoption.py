"""``accord policy adoption`` and ``commitments`` on the command line: envelopes, tables, pictures, mistakes."""

from __future__ import annotations

import datetime
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
PLAN = {
    "schema": "accord.plan/1",
    "inputs": {"problem": {"model": "deepseek-v3"}},
    "result": {"plans": [{
        "pools": [{"engine": "sglang", "weights": "fp8"}], "holdings": [],
        "metrics": {"chips": {"value": 64.0}, "energy_j_per_output_token": {"value": 2.0, "low": 1.0, "high": 4.0}},
    }]},
}  # fmt: skip


def out(capsys: Capture, *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["policy", *words]) == code
    return capsys.readouterr().out


def body(capsys: Capture, *words: str) -> dict[str, Any]:
    found = json.loads(out(capsys, *words, "--json"))
    assert isinstance(found, dict)
    return found


def refused(capsys: Capture, *words: str, code: int = 2) -> str:
    capsys.readouterr()
    assert main(["policy", *words]) == code
    return capsys.readouterr().err


@pytest.fixture
def plan(tmp_path: Path) -> str:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(PLAN))
    return str(file)


def test_the_envelope_of_adoption(capsys: Capture) -> None:
    found = body(capsys, "adoption", "--date", "2026-11-01")
    assert found["schema"] == "accord.policy.adoption/1"
    assert found["inputs"] == {"date": "2026-11-01", "instruments": [], "who": [], "catalog": []}
    assert set(found["result"]) == {
        "date", "instruments", "not_yet_made", "members", "overlaps", "blocs", "who", "answers",
    }  # fmt: skip
    assert set(found["result"]["instruments"][0]) >= {
        "id", "title", "form", "date", "binding", "state", "counts", "tallies", "provisions",
    }  # fmt: skip
    assert set(found["result"]["members"][0]) >= {
        "who", "kind", "instrument", "answer", "role", "start", "source", "sure",
    }  # fmt: skip
    assert len(found["result"]["instruments"]) >= 26
    assert found["sources"]


def test_tables_show_three_answers_and_what_is_in_common(capsys: Capture) -> None:
    told = out(capsys, "adoption", "--date", "2026-11-01", "--instrument", "waico,pax-silica", "--who", "KZ,SG,TO")
    assert "Governance instruments as of 2026-11-01" in told
    assert "J joined, x not joined" in told
    lines = [line.split() for line in told.splitlines()]
    assert ["KZ", "J", "J"] in lines
    assert ["SG", "x", "J"] in lines
    assert ["TO", ".", "."] in lines
    assert any("waico (CN)" in line and "KZ" in line for line in told.splitlines())
    assert "TO as of 2026-11-01" in told


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--who", "CN,US,TW,Huawei"),
        ("--systems",),
        ("--system", "huawei-cloudmatrix-384"),
        ("--instrument", "waico"),
    ],
)
def test_screens_are_no_wider_than_100_columns(capsys: Capture, words: tuple[str, ...]) -> None:
    told = out(capsys, "adoption", "--date", "2026-11-01", *words)
    assert max(len(line) for line in told.splitlines() if "://" not in line) <= 100  # an address stays whole
    if not words:
        assert "47 adherents, the EU among them" in told  # told in full


def test_a_matrix_too_wide_is_told_in_parts(capsys: Capture) -> None:
    told = out(capsys, "adoption", "--date", "2026-11-01", "--who", "Technology Innovation Institute")
    told += out(
        capsys, "adoption", "--date", "2026-11-01", "--who", "International Fund for Agricultural Development,US"
    )
    assert max(map(len, told.splitlines())) <= 100


def test_who_only_took_part_has_a_sign_and_a_reason(capsys: Capture) -> None:
    told = out(capsys, "adoption", "--date", "2026-11-01", "--instrument", "waico,pax-silica", "--who", "TW")
    assert ["TW", "p"] in [line.split() for line in told.splitlines()]
    assert "no word on joining" in " ".join(told.split())


def test_an_instrument_alone_is_listed(capsys: Capture) -> None:
    told = out(capsys, "adoption", "--date", "2026-11-01", "--instrument", "pax-silica")
    lines = [line.split() for line in told.splitlines()]
    assert ["KZ", "joined", "signatory", "2026-06-26", "seen", "-", "GP,", "pax_silica:"] in lines
    assert any(line[:5] == ["CA", "not", "recorded", "observer", "2025-12-12"] for line in lines)
    assert any(line[:5] == ["NL", "joined", "signatory", "by", "2026-09-22"] for line in lines)
    for part in ("Status of pax-silica", "Provisions of pax-silica", "Sources of pax-silica", "https://www.wam.ae/"):
        assert part in told
    several = out(capsys, "adoption", "--date", "2026-11-01", "--instrument", "waico,pax-silica", "--who", "KZ")
    assert "Members of waico" not in several and "Provisions of waico" in several


def test_before_any_instrument_a_line_says_so(capsys: Capture) -> None:
    told = out(capsys, "adoption", "--date", "2000-01-01", "--instrument", "waico")
    assert "None of the instruments was made by 2000-01-01: waico is of 2025-07-26." in told


def test_without_a_day_it_is_today(capsys: Capture) -> None:
    before = datetime.datetime.now(tz=datetime.UTC).date()
    day = datetime.date.fromisoformat(body(capsys, "adoption", "--instrument", "waico")["inputs"]["date"])
    assert before <= day <= datetime.datetime.now(tz=datetime.UTC).date()


def test_a_picture_is_written(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "adoption.svg"
    found = body(capsys, "adoption", "--date", "2026-11-01", "--plot", str(file))
    assert found["result"]["picture"] == str(file)
    assert file.read_bytes().startswith(b"<svg ")


def test_systems(capsys: Capture) -> None:
    found = body(capsys, "adoption", "--systems", "--date", "2026-11-01")
    assert {one["outside_makers_country"] for one in found["result"]["systems"]} >= {"yes", "unknown"}
    told = out(capsys, "adoption", "--system", "huawei-cloudmatrix-384", "--date", "2026-11-01")
    assert "in which country they stand is not told: cm384-siliconflow, cm384-total-2026-09" in " ".join(told.split())
    assert "Wuhu" in told
    told = out(capsys, "adoption", "--system", "nvidia-gb200-nvl72", "--date", "2026-11-01")
    assert "Of its chip, system not told" in told
    assert "MY since 2025-10" in told


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--plot", "x.png"), 2, "is no .svg file"),
        (("--systems", "--who", "KZ"), 2, "error: --who: does not belong to --systems"),
        (("--date", "tomorrow"), 2, "is no day"),
        (("--who", "Atlantis"), 2, "is no country"),
        (("--instrument", "waicoo"), 3, "did you mean 'waico'?"),
        (("--system", "cloudmatrix"), 3, "is not in the catalog"),
    ],
)
def test_mistakes_of_adoption(capsys: Capture, words: tuple[str, ...], code: int, message: str) -> None:
    assert message in refused(capsys, "adoption", *words, code=code)


def test_the_envelope_of_commitments(capsys: Capture, plan: str) -> None:
    found = body(capsys, "commitments", plan, "--date", "2026-11-01", "--offered", "8")
    assert found["schema"] == "accord.policy.commitments/1"
    assert (found["inputs"]["file"], found["inputs"]["offered"]) == (plan, 8.0)
    assert set(found["result"]) == {"date", "subject", "themes", "evidence", "provisions", "counts", "remark"}
    assert found["result"]["evidence"]["shared_compute"]["value"] == 0.125
    listed = {source["id"] for source in found["sources"]}
    assert all(one["source"] in listed for one in found["result"]["provisions"])


def test_tables_of_commitments(capsys: Capture, plan: str) -> None:
    told = out(capsys, "commitments", plan, "--date", "2026-11-01")
    assert "energy of an output token, at the meter: 2 J/tok (1 J/tok to 4" in told
    assert "Evidence that is lacking" in told
    assert "gaigap-2025 (voluntary)" in told
    assert "Nothing is scored" in told


def test_a_plan_from_stdin(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(PLAN).encode())))
    assert body(capsys, "commitments", "-", "--date", "2026-11-01")["inputs"]["file"] == "-"


def test_mistakes_of_commitments(capsys: Capture, plan: str, tmp_path: Path) -> None:
    assert "cannot be read" in refused(capsys, "commitments", str(tmp_path / "none.json"), code=3)
    assert "cannot be read" in refused(capsys, "commitments", plan, "--evidence", str(tmp_path / "none.json"), code=3)
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate((16 << 20) + 1)
    assert "above the limit" in refused(capsys, "commitments", plan, "--evidence", str(large), code=3)
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    assert "is not JSON" in refused(capsys, "commitments", str(bad), code=3)
    assert "99 chips are offered" in refused(capsys, "commitments", plan, "--offered", "99")
    assert "--offered" in refused(capsys, "commitments", plan, "--offered", "0")
