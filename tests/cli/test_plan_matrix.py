"""``accord plan --matrix``, ``--fleet`` and ``--tornado``: from flags to what is printed and drawn."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.cli.planned import BASE, H200, MACHINE, Capture, envelope, plans, refused

from accord.cli.main import main

CM = "huawei-cloudmatrix-384"
SMALL = ("--matrix", "--model", "llama-3.1-8b,deepseek-v3", "--system", f"{H200},{CM}")


def test_a_matrix_of_what_is_named(capsys: Capture) -> None:
    body = envelope(capsys, *SMALL)
    cells = body["result"]["cells"]
    assert {(one["model"], one["system"]) for one in cells} == {
        (model, system) for model in ("llama-3.1-8b", "deepseek-v3") for system in (H200, CM)
    }
    counts = body["result"]["counts"]
    assert counts["cells"] == len(cells) == 4
    assert body["sources"]


def test_the_point_of_a_matrix(capsys: Capture, tmp_path: Path) -> None:
    usual = envelope(capsys, *SMALL)
    assert usual["inputs"]["scenario"]["country"] is None
    for words in (("--isl", "30000"), ("--osl", "20000"), ("--tpot", "5ms"), ("--engine", "vllm"), ("--level", "0.5"),
                  ("--date", "2023-01-01"), ("--to", "DE")):  # fmt: skip
        body = envelope(capsys, *SMALL, *words)
        assert (body["inputs"], body["result"]) != (usual["inputs"], usual["result"]), words
    scenario = tmp_path / "plan.toml"
    scenario.write_text(f'[system.{H200}]\nusd_per_chip_hour = "9 USD/h"\n')
    assert envelope(capsys, *SMALL, "--scenario", str(scenario))["result"] != usual["result"]


def test_a_matrix_on_paper(capsys: Capture) -> None:
    assert main(["plan", *SMALL]) == 0
    shown = capsys.readouterr().out
    assert "llama-3.1-8b" in shown and "\nCounts\n" in shown
    assert max(map(len, shown.splitlines())) <= 120


def test_a_fleet(capsys: Capture) -> None:
    body = envelope(capsys, "--fleet", "1000", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8")
    more = envelope(capsys, "--fleet", "2000", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8")
    assert body["result"] != more["result"] and body["sources"]
    assert main(["plan", "--fleet", "1000", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("1,000 chips of nvidia-h100-sxm")
    assert max(map(len, shown.splitlines())) <= 120


@pytest.mark.parametrize(("form", "beginning"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_picture_of_what_the_cost_depends_on(
    form: str, beginning: bytes, tmp_path: Path, capsys: Capture
) -> None:  # fmt: skip
    pytest.importorskip("matplotlib")
    file = tmp_path / f"cost.{form}"
    body = envelope(capsys, *BASE, "--tornado", str(file))
    assert file.read_bytes().startswith(beginning)
    causes = body["result"]["cost_causes"]
    assert causes and all(json.dumps(one) for one in causes)
    base = plans(body)[0].metrics["usd_per_million_output_tokens"].value
    assert causes[0]["base"] == pytest.approx(base, rel=0.05)
    again = tmp_path / f"again.{form}"
    envelope(capsys, *BASE, "--tornado", str(again))
    assert again.read_bytes() == file.read_bytes()


def test_no_picture_without_a_cost(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("matplotlib")
    words = (
        "--model",
        "llama-3.1-8b",
        "--system",
        CM,
        "--isl",
        "1000",
        "--osl",
        "100",
        "--batch",
        "8",
        "--engine",
        "mindie",
    )
    file = tmp_path / "cost.svg"
    code, said = refused(capsys, *words, "--tornado", str(file))
    assert code == 2 and said.startswith("error: --tornado: the plan has no cost to draw\nhint: give prices in a")
    assert not file.exists()


def test_a_picture_that_cannot_be_drawn_is_said_before_the_search(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("matplotlib", "matplotlib.axes", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.startswith("accord.report.plots")]:
        monkeypatch.delitem(sys.modules, name)
    code, said = refused(capsys, *MACHINE, "--tornado", str(tmp_path / "cost.svg"))
    assert code == 2 and "needs matplotlib" in said and "pip install" in said


@pytest.mark.slow
def test_the_whole_matrix(capsys: Capture) -> None:
    body = envelope(capsys, "--matrix")
    counts = body["result"]["counts"]
    assert counts["cells"] == len(body["result"]["cells"]) > 1000
    vendors = (
        "huawei",
        "biren",
        "enflame",
        "metax",
        "iluvatar",
        "moore",
        "cambricon",
        "hygon",
        "nvidia",
        "amd",
        "google",
    )
    chips = {one["chip"] for one in body["result"]["cells"]}
    for vendor in vendors:
        assert any(chip.startswith(vendor) for chip in chips), vendor
    assert main(["plan", "--matrix"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 120


def test_a_fleet_joins_its_systems_and_takes_a_utilisation(capsys: Capture) -> None:
    words = ("--model", "llama-3.1-405b", "--system", "nvidia-hgx-h100-8")  # takes two of these systems
    usual = envelope(capsys, "--fleet", "1024", *words)["result"]["metrics"]
    told = envelope(capsys, "--fleet", "1024", *words, "--mfu", "0.2,0.25,0.3")["result"]["metrics"]
    assert usual["instances"]["value"] == 64.0
    assert told["train_flop_per_year"]["value"] < usual["train_flop_per_year"]["value"]
    ratio = told["train_flop_per_year"]["low"] / told["train_flop_per_year"]["value"]
    assert ratio == pytest.approx(0.8)


@pytest.mark.parametrize("values", ["0.5,0.4", "0.5,0.4,0.6", "0", "1.2"])
def test_a_utilisation_that_is_none(values: str, capsys: Capture) -> None:
    words = ["plan", "--fleet", "8", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--mfu", values]
    assert main(words) == 2
    assert "--mfu: no utilisation" in capsys.readouterr().err


def test_a_utilisation_without_a_fleet(capsys: Capture) -> None:
    assert main(["plan", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--mfu", "0.4"]) == 2
    assert "add --fleet" in capsys.readouterr().err
