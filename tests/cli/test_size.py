"""``accord size``: the fewest chips for a load, of each system and of all."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.planned import BASE, FEW, H200, MACHINE, WORK, Capture, envelope, plans, trace

from accord.cli.main import main

TWO = ("--model", "llama-3.1-8b", "--system", f"{H200},nvidia-hgx-h100-8", *WORK, *FEW)


def test_the_smallest_comes_first(capsys: Capture) -> None:
    body = envelope(capsys, *TWO, "--goodput", "600", "--tpot", "30ms", verb="size")
    found = plans(body)
    assert body["inputs"]["problem"]["objectives"] == ["chips"]
    assert [one.chips for one in found] == sorted(one.chips for one in found)
    assert all(one.checks[-1].name == "goodput" and one.checks[-1].chance >= 0.9 for one in found)
    each = plans({"result": {"plans": body["result"]["by_system"]}})
    assert {one.holdings[0].system for one in each} == {H200, "nvidia-hgx-h100-8"}
    assert min(one.chips for one in each) == found[0].chips


def test_no_smaller_number_would_do(capsys: Capture) -> None:
    words = (*BASE, "--goodput", "400", "--tpot", "30ms")
    chips = plans(envelope(capsys, *words, verb="size"))[0].chips
    assert chips > 8
    assert main(["size", *words, "--chips", f"{chips - 8}"]) == 1
    capsys.readouterr()
    assert plans(envelope(capsys, *words, "--chips", f"{chips}", verb="size"))[0].chips == chips


def test_more_load_needs_no_fewer(capsys: Capture) -> None:
    sizes = [
        plans(envelope(capsys, *BASE, "--goodput", rate, verb="size"))[0].chips for rate in ("1", "100", "300", "900")
    ]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_the_rate_of_a_trace(capsys: Capture, tmp_path: Path) -> None:
    body = envelope(capsys, *MACHINE, *FEW, "--trace", trace(tmp_path), "--simulate", "1", verb="size")
    assert body["inputs"]["problem"]["limits"]["request_per_s"] == pytest.approx(1.0)
    assert plans(body)[0].simulated is not None


def test_a_chip_on_its_own(capsys: Capture) -> None:
    assert main(["size", "--model", "llama-3.1-8b", "--system", "nvidia-h200-sxm", "--goodput", "5"]) == 2
    said = capsys.readouterr().err
    assert "error: --system: 'nvidia-h200-sxm' is a chip, not a system\nhint: systems of it: " in said
    assert "nvidia-hgx-h200-8" in said and "--matrix' takes chips" in said


def test_the_tables(capsys: Capture) -> None:
    assert main(["size", *TWO, "--goodput", "600", "--tpot", "30ms"]) == 0
    shown = capsys.readouterr().out
    assert "\nbest     chips\n" in shown and "\nBest of each system\n" in shown
    assert "limits   tpot at most 30 ms; goodput at least 600 req/s\n" in shown


@pytest.mark.slow
def test_a_large_model_on_every_system(capsys: Capture) -> None:
    body = envelope(capsys, "--model", "kimi-k2-instruct", "--system", "all", "--goodput", "50", "--batch", "16,64",
                    "--engine", "vllm,vllm-ascend", "--mode", "aggregated", verb="size")  # fmt: skip
    by_system = plans({"result": {"plans": body["result"]["by_system"]}})
    assert len(by_system) > 15
    assert [one.chips for one in by_system] == sorted(one.chips for one in by_system)
    assert any("is not published" in text for text in body["result"]["refused"])
