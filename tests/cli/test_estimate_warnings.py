"""What `accord estimate` warns of."""

from __future__ import annotations

import json

import pytest

from accord.cli.main import main


@pytest.mark.parametrize(
    ("words", "warning"),
    [
        (["--system", "huawei-ascend-910b", "--engine", "tensorrt-llm"], "not known to run on chips of huawei"),
        (["--system", "huawei-ascend-910b", "--weights", "fp4"], "no fp4 unit: weights are widened to bf16"),
        (["--system", "nvidia-hgx-h100-8", "--tp", "2", "--chips", "5"], "1 of the devices given stay idle"),
        (["--system", "metax-c500-oam"], "no constant was measured on metax-c500-oam"),
    ],
)
def test_warning(words: list[str], warning: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--model", "qwen3-8b", *words]) == 0
    shown = capsys.readouterr()
    assert warning in shown.err
    assert "layout: serve" in shown.out


def test_a_stated_layout_and_the_defaults_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model", "qwen3-8b", "--system", "nvidia-hgx-h100-8", "--tp", "2", "--chips", "8", "--isl", "100"]
    assert main(["estimate", *words]) == 0
    shown = capsys.readouterr().out
    assert "layout: serve 4 x (tp 2)" in shown
    assert "osl 1,024" in shown
    assert "isl" not in shown.split("filled by default")[1]


def tpot(system: str, capsys: pytest.CaptureFixture[str]) -> tuple[float, list[str]]:
    """How wide the interval of an iteration is, and what is warned of."""
    words = ["--model", "llama-3.1-8b", "--system", system, "--phase", "decode", "--devices", "1", "--isl", "1024"]
    assert main(["estimate", *words, "--batch-per-device", "8", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    band = body["result"]["metrics"]["tpot_s"]
    return band["high"] / band["low"], body["warnings"]


@pytest.mark.parametrize("system", ["biren-br100", "metax-c500-oam"])
def test_a_chip_that_nobody_measured_has_a_wider_band_and_says_why(
    system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known, quiet = tpot("nvidia-hgx-h100-8", capsys)
    wide, said = tpot(system, capsys)
    assert wide >= 1.2 * known
    assert any("hence the wide interval" in line and f"no constant was measured on {system}" in line for line in said)
    assert not any("wide interval" in line for line in quiet)
