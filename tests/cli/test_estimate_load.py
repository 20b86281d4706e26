"""The load of a served deployment on the command line."""

from __future__ import annotations

import json

import pytest

from accord.cli.main import main

WORDS = ["--model", "qwen3-8b", "--system", "nvidia-hgx-h100-8", "--chips", "8", "--isl", "500", "--osl", "200"]
Capture = pytest.CaptureFixture[str]


def test_rates_give_a_table_and_percentiles(capsys: Capture) -> None:
    assert main(["estimate", *WORDS, "--request-rate", "1,10,1000000"]) == 0
    shown = capsys.readouterr().out
    assert "request rate" in shown
    assert main(["estimate", *WORDS, "--request-rate", "10", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)["result"]["metrics"]
    assert metrics["output_token_per_s_total"]["value"] == pytest.approx(2000.0)
    times = [metrics[f"ttft_{name}"]["value"] for name in ("p50_s", "p90_s", "p99_s")]
    assert times == sorted(times)
    assert metrics["ttft_p99_s"]["unit"] == "s"
    assert metrics["load"]["value"] < 1.0


def test_a_closed_loop_gives_percentiles_too(capsys: Capture) -> None:
    assert main(["estimate", *WORDS, "--concurrency", "64", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)["result"]["metrics"]
    assert metrics["ttft_p50_s"]["value"] <= metrics["ttft_p99_s"]["value"]
    assert "load" not in metrics


@pytest.mark.parametrize(("words", "said"), [
    (["--request-rate", "5", "--concurrency", "8"], ["two loads at once", "--request-rate", "hint: give"]),
    (["--request-rate", "0"], ["0 is not a number above 0", "--request-rate", "hint: give"]),
    (["--request-rate", "-1"], ["below 0"]),
    (["--request-rate", "5", "--phase", "decode"], ["in phase 'decode'", "--phase serve"]),
])  # fmt: skip
def test_loads_that_make_no_sense(words: list[str], said: list[str], capsys: Capture) -> None:
    assert main(["estimate", *WORDS, *words]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert all(part in shown.err for part in said), shown.err
