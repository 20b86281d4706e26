"""``accord audit``: tables, JSON, picture, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from accord.catalog.load import DATA, Catalog
from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
CLAIM, OTHER = "cloudmatrix-beats-nvl72", "china-chips-2026"
FILE = """
id: mine
statement: A CloudMatrix 384 draws less than a GB200 NVL72.
said_by: nobody
date: 2025-07-28
source: S
locator: page 1
topic: hardware
parts:
  - name: power
    unit: kW
    terms:
      ours: {verb: compare, take: power.a, with: {a: huawei-cloudmatrix-384, b: nvidia-gb200-nvl72}}
      theirs: {verb: compare, take: power.b, with: {a: huawei-cloudmatrix-384, b: nvidia-gb200-nvl72}}
    value: ours
    test: {op: "%s", against: theirs}
sources: {S: {title: A page, publisher: A paper, date: 2025}}
"""


def run(capsys: Capture, *words: str) -> tuple[int, str, str]:
    code = main(["audit", *words])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two claims instead of all: tests/api/test_audit.py asks for all."""
    ids = Catalog.ids
    monkeypatch.setattr(Catalog, "ids", lambda self, kind: (OTHER, CLAIM) if kind == "claims" else ids(self, kind))


@pytest.mark.usefixtures("few")
def test_all_claims_in_a_table(capsys: Capture) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert "Claims, recomputed" in out and OTHER in out and "holds if" in out


@pytest.mark.usefixtures("few")
def test_all_claims(capsys: Capture, tmp_path: Path) -> None:
    plot = tmp_path / "claims.svg"
    code, out, err = run(capsys, "--json", "--plot", str(plot))
    assert (code, err) == (0, "")
    body: dict[str, Any] = json.loads(out)
    assert body["schema"] == "accord.audit/1"
    assert body["inputs"] == {"claim": None, "file": None, "level": 0.9, "explain": False, "catalog": []}
    assert body["result"]["picture"] == str(plot)
    assert plot.read_bytes().startswith(b"<svg")
    found = {one["id"]: one for one in body["result"]["claims"]}
    part = found[CLAIM]["parts"][0]
    assert set(found[CLAIM]) >= {
        "id", "statement", "said_by", "date", "verdict", "margin", "probability", "condition", "parts", "calculation",
        "sources",
    }  # fmt: skip
    assert set(part) >= {
        "name",
        "aside",
        "verdict",
        "probability",
        "margin",
        "value",
        "against",
        "test",
        "terms",
        "needs",
    }
    assert set(part["value"]) == {"value", "low", "high", "unit"}


def test_one_claim_unfolded(capsys: Capture) -> None:
    code, out, _ = run(capsys, CLAIM)
    assert code == 0
    for words in (
        "holds if",
        "ours / theirs = 288.8 PFLOP/s / 180 PFLOP/s = 1.604",
        "accord compare",
        "Sources",
        "not FP4",
    ):
        assert words in out
    assert "--explain lists them" in out
    explained = run(capsys, CLAIM, "--explain")[1]
    assert len(explained) > len(out) and "--explain lists them" not in explained


def test_the_level_widens_intervals(capsys: Capture) -> None:
    def span(level: str) -> float:
        body = json.loads(run(capsys, "kimi-k2-cheaper", "--json", "--level", level)[1])
        value = body["result"]["claims"][0]["parts"][0]["value"]
        return float(value["high"] - value["low"])

    assert span("0.99") > span("0.5") > 0.0


@pytest.mark.parametrize(("op", "code"), [("<", 1), (">", 0)])
def test_a_claim_that_fails_is_exit_1(capsys: Capture, tmp_path: Path, op: str, code: int) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(FILE % op, encoding="utf-8")
    found, out, _ = run(capsys, str(file))
    assert found == code
    assert "559 kW" in out and "145 kW" in out


def test_claims_of_another_catalog(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "mine.yaml").write_text(FILE % "<", encoding="utf-8")
    assert run(capsys, "mine", "--catalog", str(tmp_path))[0] == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("cloudmatrix-beats-nvl27",), 3, f"did you mean '{CLAIM}'?"),
        (("nothing.yaml",), 3, "nothing.yaml: the file cannot be read"),
        (("--plot", "a.png"), 2, "'a.png' is no SVG file"),
        (("--level", "2"), 2, "no share"),
    ],
)
def test_mistakes(capsys: Capture, words: tuple[str, ...], code: int, message: str) -> None:
    found, out, err = run(capsys, *words)
    assert (found, out) == (code, "")
    assert message in err and "Traceback" not in err


def test_a_bad_file_says_where(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text((FILE % ">").replace("value: ours", "value: ourz"), encoding="utf-8")
    code, _, err = run(capsys, str(file))
    assert code == 3
    assert f"{file}:15: parts[0].value is 'ourz'" in err
    assert "did you mean 'ours'?" in err


def test_lines_fit_a_hundred_columns(capsys: Capture) -> None:
    """Only an address may stick out, so that it can be copied."""
    _, out, _ = run(capsys, CLAIM, "--explain")
    assert [line for line in out.splitlines() if len(line) > 100 and "://" not in line] == []
    assert "bf16_dense.a" in out and "CM384-PAPER" in out


@pytest.mark.usefixtures("few")
def test_among_all_one_may_fail(capsys: Capture, tmp_path: Path) -> None:
    """Only a claim that was asked for decides the exit code."""
    text = (DATA / "systems" / "huawei-cloudmatrix-384.yaml").read_text("utf-8")
    (tmp_path / "systems").mkdir()
    path = tmp_path / "systems" / "huawei-cloudmatrix-384.yaml"
    path.write_text(text.replace("chips: {value: 384,", "chips: {value: 96,"), "utf-8")
    code, out, _ = run(capsys, "--catalog", str(tmp_path))
    assert code == 0 and "2 fails." in out
    assert run(capsys, CLAIM, "--catalog", str(tmp_path))[0] == 1
