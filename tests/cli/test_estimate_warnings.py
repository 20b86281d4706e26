"""What `accord estimate` warns of."""

from __future__ import annotations

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
