"""What ``accord simulate`` says to a mistake: what, where, and how to mend; nothing printed, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.simulated import BASE, LAWS, LOAD, MACHINE, Capture

from accord.cli.main import main

TWO = ("--prefill", "devices=1", "--decode", "devices=1")
R1 = ("--model", "deepseek-r1", "--system", "huawei-cloudmatrix-384")
CM = ("--model", "qwen3-8b", "--system", "huawei-cloudmatrix-384", "--no-keep", *LOAD)
NO_LIMIT = "error: --find-rate: a search for the highest rate without a limit\nhint: give --ttft, --tpot or --e2e\n"
MISTAKES: list[tuple[tuple[str, ...], str]] = [
    ((), "error: no load\nhint: give one of --trace FILE, --workload ID, or --isl and --osl\n"),
    ((*LOAD,), "error: --model is missing\nhint: name one: accord catalog list models\n"),
    ((*BASE, "--isl", "100", "--rate", "4"), "error: --osl is missing\n"),
    ((*BASE, *LAWS), "error: lengths without arrivals\nhint: give --rate (requests a second) or --concurrency\n"),
    ((*BASE, *LOAD, "--isl", "abc"), "error: --isl: 'abc' is no law\n"),
    ((*BASE, *LOAD, "--osl", "0"), "error: --osl: "),
    ((*BASE, *LOAD, "--rate", "nan"), "error: --rate: a rate of nan\nhint: requests a second, above 0\n"),
    ((*BASE, *LOAD, "--arrivals", "foo"), "error: --arrivals: 'foo' is no law of arrival\n"),
    ((*BASE, *LAWS, "--arrivals", "gamma"), "error: --arrivals: 'gamma' without a rate\nhint: give --rate"),
    ((*BASE, *LOAD, "--workload", "chat"), "error: --workload and --isl/--osl at once\n"),
    ((*BASE, "--workload", "chat"), "error: a profile without a load\nhint: give --rate"),
    ((*BASE, "--workload", "chat=x"), "error: 'chat=x' is no 'profile=requests a second'\n"),
    (
        (*BASE, "--workload", "chat=1", "--concurrency", "2"),
        "error: --concurrency: a closed loop of several profiles\n",
    ),
    ((*BASE, "--workload", "chat", "--rate", "1", "--arrivals", "gamma"), "error: --arrivals: a profile has arrivals"),
    ((*BASE, *LOAD, "--duration", "5"), "error: Invalid value for '--duration': value is '5', a number without a unit"),
    ((*BASE, *LOAD, "--duration", "0s"), "error: Invalid value for '--duration': '0s' is not above 0 s\n"),
    (
        (*BASE, *LAWS[:4], "--concurrency", "2", "--duration", "5s"),
        "error: --duration: a closed loop of no known length",
    ),
    ((*BASE, *LOAD, "--duration", "5s", "--warm-up", "5s"), "error: --warm-up: nothing is left after the warm-up\n"),
    ((*BASE, *LOAD, "--timeout", "-1s"), "error: Invalid value for '--timeout': '-1s' is not above 0 s\n"),
    ((*BASE, *LOAD, "--step-overhead", "-1s"), "error: Invalid value for '--step-overhead': '-1s' is below 0 s\n"),
    ((*BASE, *LOAD, "--mtbf", "0s"), "error: Invalid value for '--mtbf': '0s' is below 1 s\n"),
    ((*BASE, *LOAD, "--ttft", "0s"), "error: Invalid value for '--ttft': '0s' is not above 0 s\n"),
    ((*BASE, *LOAD, "--attain", "0"), "error: Invalid value for '--attain': "),
    ((*BASE, *LOAD, "--slo", "ttft=1"), "error: --slo: ttft is '1', a number without a unit"),
    ((*BASE, *LOAD, "--slo", "foo=1s"), "error: --slo: 'foo=1s' is no part of it\n"),
    ((*BASE, *LOAD, "--slo", "tenant=chat"), "error: --slo: no limit\nhint: give one of ttft, tpot, e2e and itl"),
    ((*BASE, *LOAD, "--slo", "ttft=0s"), "error: --slo: ttft_s of 'slo 1' is 0\n"),
    ((*BASE, *LOAD, "--slo", "ttft=1s,share=2"), "error: --slo: the share needed by 'slo 1' is 2\n"),
    (
        (*BASE, *LOAD, "--slo", "ttft=1s,tenant=me"),
        "error: 'me' is for tenant 'me', who sends no requests\nhint: tenants:",
    ),
    ((*BASE, *LAWS, "--find-rate"), NO_LIMIT),
    (
        (*BASE, *LOAD, "--find-rate", "--ttft", "1s"),
        "error: --find-rate and --rate at once: the rate is what is searched",
    ),
    (
        (*BASE, *LAWS, "--find-rate", "--ttft", "1s", "--concurrency", "2"),
        "error: --find-rate and --concurrency at once",
    ),
    ((*BASE, *LAWS, "--find-rate", "--ttft", "1s", "--arrivals", "at-once"), "error: --arrivals: --find-rate with"),
    (
        (*BASE, *LOAD, "--fail", "instance=0"),
        "error: --fail: a part is missing\nhint: write 'instance=0,at=60s,down=30s'",
    ),
    ((*BASE, *LOAD, "--fail", "instance=x,at=1s,down=1s"), "error: --fail: instance is 'x', not a number\n"),
    ((*BASE, *LOAD, "--fail", "instance=0.5,at=1s,down=1s"), "error: --fail: instance is 0.5, not a whole number\n"),
    ((*BASE, *LOAD, "--fail", "instance=0,at=-1s,down=1s"), "error: --fail: a time below 0 s\n"),
    ((*BASE, *LOAD, "--fail", "instance=1,at=1s,down=1s"), "error: --fail: there is no instance 1 to fail\n"),
    ((*BASE, *LOAD, "--autoscale", "max=0"), "error: --autoscale: limits that contradict one another\n"),
    ((*BASE, *LOAD, "--autoscale", "min=1"), "error: --autoscale: 'max' is missing\n"),
    ((*BASE, *LOAD, "--cache-plane", "UB"), "error: --cache-plane: the way to a pooled cache without one\n"),
    ((*CM, "--pooled-cache", "0B"), "error: Invalid value for '--pooled-cache': '0B' is not above 0 B\n"),
    ((*CM, "--pooled-cache", "1TB", "--cache-plane", "foo"), "error: --cache-plane: plane 'foo' does not reach"),
    ((*BASE, *LOAD, "--match-rates", "--chips", "4"), "error: --match-rates: rates are matched between two pools\n"),
    ((*BASE, *LOAD, *TWO, "--match-rates"), "error: --match-rates: rates are matched on a number of chips\n"),
    ((*BASE, *LOAD, *TWO, "--match-rates", "--chips", "1"), "error: --chips: one prefill instance and one decode"),
    ((*BASE, *LOAD, *TWO, "--chips", "1"), "error: --chips: the pools use 2 chips, more than the 1 given\n"),
    ((*BASE, *LOAD, "--prefill", "devices=1"), "error: one pool of two\nhint: give both --prefill and --decode"),
    ((*BASE, *LOAD, "--prefill", "system="), "error: --prefill: 'system' wants one id\n"),
    ((*BASE, *LOAD, "--tp", "2,4"), "error: --tp: a list where one value is wanted\nhint: simulate one at a time\n"),
    ((*BASE, *LOAD, "--chips", "1", "--tp", "2"), "error: tp x pp x dp is 2, more than the 1 devices in use\n"),
    ((*BASE, *LOAD, "--chips", "100000"), "error: --chips: 100,000 instances\nhint: up to 10,000"),
    ((*BASE, *LOAD, "--export", "csv"), "error: files without a folder\nhint: give --out DIR\n"),
    ((*BASE, *LOAD, "--usd-per-chip-hour", "-4"), "error: the price of pool 'serve' is -4\n"),
    (
        (*BASE, *LOAD, "--max-num-batched-tokens", "1", "--mtp-tokens", "3"),
        "error: pool serve has a budget of 1 tokens",
    ),
]


@pytest.mark.parametrize(("words", "message"), MISTAKES, ids=[" ".join(words[-4:]) for words, _ in MISTAKES])
def test_a_malformed_call(words: tuple[str, ...], message: str, tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "a" / "out"
    out = () if "--export" in words else ("--out", str(folder))
    assert main(["simulate", *words, *out]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(message)
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == []


TRACE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n"


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        (None, (), "error: TRACE: cannot be read: No such file or directory\n"),
        ("", (), "error: TRACE: is empty\nhint: give a file with at least one request\n"),
        ("words\n", (), "error: TRACE:1: is of no known trace format\n"),
        (TRACE + "x,1\n", (), "error: TRACE:3: does not have as many cells as the heading (2 instead of 3)\n"),
        (TRACE, ("--format", "mooncake"), "error: TRACE:1: is no JSON"),
    ],
)
def test_a_bad_trace(text: str | None, words: tuple[str, ...], message: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "trace.csv"
    if text is not None:
        file.write_text(text)
    assert main(["simulate", *BASE, "--trace", str(file), *words]) == 3
    shown = capsys.readouterr()
    assert shown.err.replace(str(file), "TRACE").startswith(message)
    assert shown.out == ""


def test_bad_lines_can_be_left_out(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(TRACE + "x,1\n" + TRACE.splitlines()[1] + "\n")
    assert main(["simulate", *BASE, "--trace", str(file)]) == 3
    assert "hint: mend the line, or leave bad ones out with --skip-bad\n" in capsys.readouterr().err
    assert main(["simulate", *BASE, "--trace", str(file), "--skip-bad"]) == 0
    assert "warning: 1 bad line of the trace is left out: 1 does not have" in capsys.readouterr().err


def test_lengths_without_times_need_arrivals(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "lengths.csv"
    file.write_text("num_prefill_tokens,num_decode_tokens\n" + "100,10\n" * 5)
    assert main(["simulate", *BASE, "--trace", str(file), "--rate", "3"]) == 2
    assert "hint: give them a law of arrival: --arrivals poisson\n" in capsys.readouterr().err
    assert main(["simulate", *BASE, "--trace", str(file), "--rate", "3", "--arrivals", "poisson"]) == 0
    assert "arrive at 0" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--model", "llama-9", "--system", "nvidia-hgx-h100-8"), 3, "error: model 'llama-9' is not in the catalog\n"),
        (("--model", "qwen3-8b", "--system", "nvidia-hgx-h1"), 3, "error: 'nvidia-hgx-h1' is not in the catalog\n"),
        ((*MACHINE, "--engine", "foo"), 3, "error: no engine is called 'foo'\n"),
        ((*MACHINE, "--workload", "chta", "--rate", "1"), 3, "error: workload 'chta' is not in the catalog\n"),
        ((*MACHINE, "--gpu-memory-utilization", "0.05"), 1, "error: llama-3.1-8b leaves no room for a cache"),
        ((*MACHINE, "--pooled-cache", "1TB"), 1, "error: nvidia-hgx-h100-8 has no pooled memory to keep context in\n"),
        ((*R1, "--prefill", "devices=2", "--decode", "devices=64,ep=64"), 1, "error: --prefill: deepseek-r1 in"),
    ],
)  # fmt: skip
def test_other_refusals(words: tuple[str, ...], code: int, message: str, tmp_path: Path, capsys: Capture) -> None:
    load = () if "--workload" in words else LOAD
    assert main(["simulate", "--no-keep", *words, *load, "--out", str(tmp_path / "out")]) == code
    shown = capsys.readouterr()
    assert shown.err.startswith(message)
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_cannot_be_used_is_said_before_the_run(tmp_path: Path, capsys: Capture) -> None:
    text = tmp_path / "text"
    text.write_text("no database " * 100)
    assert main(["simulate", *MACHINE, *LOAD, "--store", str(text), "--out", str(tmp_path / "out")]) == 3
    assert "is no database of runs" in capsys.readouterr().err
    assert main(["simulate", *MACHINE, *LOAD, "--store", str(text / "runs.sqlite")]) == 2
    assert "cannot be made" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [text]
