from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from accord.catalog.load import KINDS, load_catalog
from accord.cli.main import main

Capture = pytest.CaptureFixture[str]

CHIP = """\
id: example-chip-1
name: Example Chip 1
vendor: example
family: other
devices_per_chip: {value: 1, basis: published, source: S1}
board_power: {value: 600 W, basis: assumed, source: S1}
sources:
  S1: {title: A datasheet, publisher: Example, date: 2025-01}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A user's folder with one chip."""
    folder = tmp_path / "chips"
    folder.mkdir()
    (folder / "example-chip-1.yaml").write_text(CHIP)
    return tmp_path


def answer(capsys: Capture, *words: str, code: int = 0) -> dict[str, object]:
    """Run ``accord catalog WORDS --json`` and return its envelope."""
    assert main(["catalog", *words, "--json"]) == code
    envelope = json.loads(capsys.readouterr().out)
    assert re.fullmatch(r"[0-9a-f]{64}", envelope["catalog"])
    assert envelope["schema"] == f"accord.catalog.{words[0]}/1"
    assert isinstance(envelope, dict)
    return envelope


def test_list_without_kind_counts_every_kind(capsys: Capture) -> None:
    result = answer(capsys, "list")["result"]
    assert result == {"kinds": {kind: list(load_catalog().ids(kind)) for kind in KINDS}}
    assert main(["catalog", "list"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n{kind} " in shown for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_listed(kind: str, capsys: Capture) -> None:
    result = answer(capsys, "list", kind)["result"]
    assert isinstance(result, dict)
    assert [entry["id"] for entry in result["entries"]] == list(load_catalog().ids(kind))
    assert main(["catalog", "list", kind]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(result["entries"]) + 4


@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_can_be_shown(kind: str, capsys: Capture) -> None:
    for id in load_catalog().ids(kind):
        assert main(["catalog", "show", f"{kind}/{id}"]) == 0
        assert capsys.readouterr().out.startswith(f"{kind}/{id}\n")


def test_show_names_the_sources_of_its_values(mine: Path, capsys: Capture) -> None:
    envelope = answer(capsys, "show", "example-chip-1", "--catalog", str(mine))
    result, sources = envelope["result"], envelope["sources"]
    assert isinstance(result, dict)
    assert isinstance(sources, list)
    power = result["values"]["board_power"]
    assert (power["value"], power["unit"], power["basis"]) == (600.0, "W", "assumed")
    assert power["source"] in [source["id"] for source in sources]


def test_show_of_an_unknown_id(capsys: Capture) -> None:
    assert main(["catalog", "show", "huawei-ascend-910x"]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(
        "error: 'huawei-ascend-910x' is not in the catalog\nhint: did you mean 'huawei-ascend-910"
    )


def test_the_packaged_catalog_is_in_order(capsys: Capture) -> None:
    result = answer(capsys, "check")["result"]
    assert isinstance(result, dict)
    assert result["ok"] is True
    assert result["problems"] == []


def test_check_finds_what_is_wrong_in_a_users_file(mine: Path, capsys: Capture) -> None:
    file = mine / "chips" / "example-chip-1.yaml"
    file.write_text(CHIP.replace("600 W", "600 GB"))
    assert main(["catalog", "check", "--catalog", str(mine)]) == 3
    shown = capsys.readouterr()
    assert f"error: {file}:6: " in shown.err
    assert "1 problem, see the errors" in shown.out


def test_diff_of_two_entries(mine: Path, capsys: Capture) -> None:
    envelope = answer(capsys, "diff", "example-chip-1", "huawei-ascend-910c", "--catalog", str(mine))
    result = envelope["result"]
    assert isinstance(result, dict)
    assert (result["a"], result["b"]) == ("chips/example-chip-1", "chips/huawei-ascend-910c")
    power = next(field for field in result["fields"] if field["key"] == "board_power")
    assert power["ratio"] == pytest.approx(power["b"]["value"] / 600.0)


def test_diff_of_a_built_in_entry_and_mine(mine: Path, capsys: Capture) -> None:
    packaged = load_catalog().path("chips", "huawei-ascend-910c").read_text()
    (mine / "chips" / "huawei-ascend-910c.yaml").write_text(packaged.replace("name: Huawei Ascend 910C", "name: Mine"))
    assert main(["catalog", "diff", "huawei-ascend-910c", "--catalog", str(mine)]) == 0
    shown = capsys.readouterr()
    assert "fields that differ (1 of " in shown.out
    assert re.search(r"^name +Huawei Ascend 910C +Mine +-$", shown.out, re.MULTILINE)
    assert "huawei-ascend-910c.yaml replaces" in shown.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["diff", "huawei-ascend-910c"], "is compared with nothing"),
        (["diff", "huawei-ascend-910c", "deepseek-v3"], "is of the chips"),
        (["list", "chps"], "did you mean 'chips'"),
        (["list", "--catalog", "/no/such/folder"], "does not exist"),
        (["show"], "Missing argument"),
    ],
)
def test_malformed_commands(words: list[str], message: str, capsys: Capture) -> None:
    assert main(["catalog", *words]) == 2
    assert message in capsys.readouterr().err
