from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.catalog.load import load_catalog
from accord.cli.main import main
from accord.report.comparison import comparison_result
from accord.report.tables import to_text
from accord.report.to_json import to_bytes

Capture = pytest.CaptureFixture[str]
CATALOG = load_catalog()
IDS = CATALOG.ids("systems")
PAIR = ("huawei-cloudmatrix-384", "nvidia-gb200-nvl72")
FOUR = (*PAIR, "google-ironwood-pod", "nvidia-hgx-h200-8")
FIELDS = {"name", "unit", "a", "b", "ratio", "low", "high", "verdict", "sources"}


def answer(capsys: Capture, *words: str) -> dict[str, Any]:
    assert main(["compare", *words, "--json"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    envelope = json.loads(shown.out)
    assert isinstance(envelope, dict)
    return envelope


def checked(ids: tuple[str, ...]) -> dict[str, Any]:
    """The answer, with what must hold for any systems."""
    found = comparison_result(CATALOG, ids)
    result = json.loads(to_bytes(found.result))
    known = {source["id"] for source in found.sources}
    for row in result["dimensions"]:
        assert set(row) >= FIELDS
        assert set(row["sources"]) <= known
        if row["ratio"] is None:
            assert row["a"] is None or row["b"] is None
            assert row["low"] is None and row["high"] is None
            assert row["verdict"] == "cannot tell" or " no " in row["verdict"]
        else:
            assert row["low"] <= row["ratio"] <= row["high"]
            assert row["ratio"] == pytest.approx(row["a"] / row["b"])
            assert row["sources"]
    unknown = [row for row in result["dimensions"] if row["verdict"] == "cannot tell"]
    assert bool(unknown) <= any("cannot be told" in line for line in found.warnings)
    for table in found.tables:
        assert max(map(len, to_text(table).splitlines())) <= 110
    assert isinstance(result, dict)
    return result


def test_the_envelope(capsys: Capture) -> None:
    envelope = answer(capsys, *PAIR)
    assert envelope["schema"] == "accord.compare/1"
    assert envelope["result"]["systems"] == list(PAIR)
    assert "pairs" not in envelope["result"]
    assert "384 x huawei-ascend-910c" in envelope["result"]["described"][0]
    notes = {note["of"]: note["text"] for note in envelope["result"]["notes"]}
    assert "the only one that measures" in notes["A dense BF16"]
    assert "break-even" in notes
    assert all(source["title"] and source["date"] for source in envelope["sources"])


def test_golden(capsys: Capture, golden: Callable[[str, str], None]) -> None:
    assert main(["compare", *PAIR]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert max(map(len, shown.out.splitlines())) <= 100
    golden("compare.txt", shown.out)
    golden("compare.json", to_bytes(answer(capsys, *PAIR)["result"]).decode())


def test_golden_of_four(capsys: Capture, golden: Callable[[str, str], None]) -> None:
    assert main(["compare", *FOUR]) == 0
    shown = capsys.readouterr()
    assert max(map(len, shown.out.splitlines())) <= 100
    golden("compare-four.txt", shown.out)
    assert "google-ironwood-pod: no source at hand states the INT8 rate" in shown.err


def test_more_than_two(capsys: Capture) -> None:
    result = answer_with_warnings(capsys, *FOUR)["result"]
    pairs = result["pairs"]
    assert [(pair["a"], pair["b"]) for pair in pairs] == [(FOUR[0], other) for other in FOUR[1:]]
    power = next(row for row in result["dimensions"] if row["name"] == "power")
    assert list(power["values"]) == list(FOUR)
    assert power["values"][PAIR[0]] == power["a"]
    alone = checked(PAIR)["dimensions"]
    assert pairs[0]["dimensions"] == alone


def answer_with_warnings(capsys: Capture, *words: str) -> dict[str, Any]:
    assert main(["compare", *words, "--json"]) == 0
    envelope = json.loads(capsys.readouterr().out)
    assert envelope["warnings"]
    assert isinstance(envelope, dict)
    return envelope


def test_a_site_gives_what_it_can(capsys: Capture) -> None:
    envelope = answer_with_warnings(capsys, "xai-colossus-phase1", "nvidia-gb200-nvl72")
    rows = {row["name"]: row for row in envelope["result"]["dimensions"]}
    assert rows["power"]["ratio"] and rows["price"]["ratio"] and rows["chips"]["ratio"]
    assert (rows["bf16_dense"]["a"], rows["bf16_dense"]["verdict"]) == (None, "cannot tell")
    assert any("xai-colossus-phase1" in line and "dense BF16" in line for line in envelope["warnings"])


def test_power_that_nobody_states_is_marked(capsys: Capture) -> None:
    envelope = answer_with_warnings(capsys, "nvidia-hgx-h200-8", "nvidia-hgx-h100-8")
    power = next(row for row in envelope["result"]["dimensions"] if row["name"] == "power")
    assert power["basis"]["a"] == "derived"
    assert power["bands"]["a"][1] > 1.5 * power["bands"]["a"][0]
    assert any("built from boards" in line for line in envelope["warnings"])


def test_a_system_against_itself() -> None:
    for row in checked((PAIR[0], PAIR[0]))["dimensions"]:
        assert row["ratio"] in (1.0, None)
        assert row["verdict"].startswith("A and B have ")


def test_a_narrower_level_narrows_the_bands(capsys: Capture) -> None:
    wide, narrow = (answer(capsys, *PAIR, "--level", level)["result"]["dimensions"] for level in ("0.9", "0.3"))
    for one, other in zip(wide, narrow, strict=True):
        if one["ratio"] is not None:
            assert one["low"] <= other["low"] and other["high"] <= one["high"]


SAMPLE = IDS[::6]


@pytest.mark.parametrize(("a", "b"), list(itertools.product(SAMPLE, SAMPLE)))
def test_every_pair_of_a_sample(a: str, b: str) -> None:
    checked((a, b))


@given(st.lists(st.sampled_from(IDS), min_size=2, max_size=4, unique=True))
def test_any_systems(ids: list[str]) -> None:
    checked(tuple(ids))


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([PAIR[0]], 2, "1 system to compare"),
        ([*FOUR, PAIR[0]], 2, "5 systems to compare"),
        ([], 2, "Missing argument"),
        ([PAIR[0], "nvidia-gb200-nvl27"], 3, "did you mean 'nvidia-gb200-nvl72'"),
        ([*PAIR, "--level", "90"], 2, "is no share between"),
    ],
)
def test_malformed_commands(words: list[str], code: int, message: str, capsys: Capture) -> None:
    assert main(["compare", *words]) == code
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.out == ""


def test_the_function_says_the_same() -> None:
    with pytest.raises(UsageError, match="two to 4"):
        comparison_result(CATALOG, [PAIR[0]])
