"""What `accord train` says to questions that cannot be answered: message, hint and exit code, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.trained import SMALL, train

USAGE, DATA, NO = 2, 3, 1
WIDE = ("--wan", "100GB/s", "--rtt", "30ms")
MISTAKES: tuple[tuple[tuple[str, ...], int, str], ...] = (
    ((), USAGE, "--model is missing"),
    (("--model", "llama-3.1-70b"), USAGE, "--system is missing"),
    (("--model", "llama-3.1-7b", *SMALL[2:]), DATA, "did you mean"),
    ((*SMALL[:2], "--system", "nvidia-hgx-h101-8"), DATA, "did you mean 'nvidia-hgx-h100-8'"),
    (("--model", "gpt-4o", *SMALL[2:]), NO, "the architecture is unpublished"),
    (("--model", "/nowhere/config.json", *SMALL[2:]), DATA, "cannot be read"),
    ((*SMALL[:-1], "0"), USAGE, "'0' is not above 0"),
    ((*SMALL[:-1], "-3"), USAGE, "'-3' is not above 0"),
    ((*SMALL[:-1], "nan"), USAGE, "not a finite number"),
    ((*SMALL[:-1], "inf"), USAGE, "not a finite number"),
    ((*SMALL[:-1], "3GB"), USAGE, "this is a count"),
    ((*SMALL[:-1], "many"), USAGE, "a number"),
    ((*SMALL, "--flop", "1e25"), USAGE, "give one of them"),
    ((*SMALL, "--chips", "0"), USAGE, "'0' is not above 0"),
    ((*SMALL, "--chips", "1.5"), USAGE, "no whole number"),
    ((*SMALL, "--chips", "100000000"), USAGE, "at most 10,000,000"),
    ((*SMALL, "--tp", "7"), USAGE, "use tp 8"),
    ((*SMALL, "--tp", "8", "--pp", "4", "--dp", "4"), USAGE, "is 128 ranks, not"),
    ((*SMALL, "--tp", "8", "--pp", "3"), USAGE, "do not divide 256"),
    ((*SMALL, "--pp", "200"), USAGE, "80 layers"),
    ((*SMALL, "--ep", "8"), USAGE, "no routed experts"),
    (("--model", "deepseek-v3", *SMALL[2:], "--ep", "7"), USAGE, "256 experts"),
    ((*SMALL, "--zero", "5"), USAGE, "--zero"),
    ((*SMALL, "--precision", "int4"), USAGE, "'bf16'"),
    ((*SMALL, "--schedule", "1f1c"), USAGE, "'1f1b'"),
    ((*SMALL, "--schedule", "dualpipe", "--pp", "5", "--chips", "40"), USAGE, "even number of stages"),
    ((*SMALL, "--schedule", "1f1b", "--vp", "2", "--pp", "8"), USAGE, "vp 2 was asked of 1f1b"),
    ((*SMALL, "--global-batch", "1000"), USAGE, "less than a sequence"),
    ((*SMALL, "--global-batch", "6000", "--seq", "4096"), USAGE, "no whole number of sequences"),
    ((*SMALL[:-1], "300b"), USAGE, "this is a count"),
    ((*SMALL, "--dp", "256", "--global-batch", "4096"), USAGE, "1 sequence does not divide over dp 256"),
    ((*SMALL, "--global-batch-seqs", "64"), USAGE, "add --seq"),
    ((*SMALL, "--seq", "4096", "--global-batch-seqs", "64", "--global-batch", "1M"), USAGE, "keep one of both flags"),
    ((*SMALL, "--dp", "8", "--seq", "4096", "--global-batch", "1Mi", "--micro-batch", "99"), USAGE, "micro-batch 99"),
    ((*SMALL, "--sites", "3", *WIDE), USAGE, "does not divide over 3 sites"),
    ((*SMALL, "--sites", "2"), USAGE, "--wan is missing"),
    ((*SMALL, "--sites", "2", "--wan", "1GB/s"), USAGE, "--rtt is missing"),
    ((*SMALL, "--local-steps", "5"), USAGE, "there is one site"),
    ((*SMALL, "--sites", "2", "--wan", "100Gb/s", "--rtt", "1ms"), USAGE, "a bit rate"),
    ((*SMALL, "--runs", "10"), USAGE, "add --failures"),
    ((*SMALL, "--stage", "contined:1e12"), USAGE, "did you mean 'continued'"),
    ((*SMALL, "--stage", "rl"), USAGE, "says no tokens"),
    ((*SMALL, "--price", "-2"), USAGE, "below 0"),
    ((*SMALL, "--price", "2 USD/kWh"), USAGE, "no amount of money for each h"),
    ((*SMALL, "--tp", "8", "--cp", "1", "--pp", "5", "--dp", "6"), USAGE, "use pp 4 and dp 8"),
    ((*SMALL, "--tp", "5", "--cp", "3", "--pp", "5", "--dp", "6"), USAGE, "hint: use tp"),
    ((*SMALL, "--seq", "8192", "--global-batch-seqs", "1001", "--dp", "32"), USAGE, "(992 sequences)"),
    ((*SMALL, "--seq", "8192", "--global-batch-seqs", "1", "--dp", "32"), USAGE, "1 sequence does not divide"),
    ((*SMALL[:2], "--system", "nvidia-hgx-h100-8", "--chips", "4096", "--seq", "8192", "--global-batch-seqs", "3"),
     USAGE, "3 sequences of 8,192 tokens do not deal out"),
    ((*SMALL[:2], "--system", "h100"), DATA, "did you mean aws-p5-h100-8 or"),
    ((*SMALL, "--start", "1900-01-01"), USAGE, "give a day from 1990 to 2100"),
    ((*SMALL, "--place", "cn-gansu-qingyan"), DATA, "did you mean 'cn-gansu-qingyang'"),
    ((*SMALL, "--place", "cn-gansu-qingyang"), 0, ""),
    ((*SMALL, "--lora-rank", "100000"), USAGE, "above the hidden size of llama-3.1-70b, 8,192"),
    ((*SMALL, "--place", "Narnia"), USAGE, "two letters"),
    ((*SMALL, "--place", "XX"), DATA, "knows no country 'XX'"),
    ((*SMALL, "--tariff", "0.1"), 0, ""),
    ((*SMALL, "--pue", "0.9"), USAGE, "--pue"),
    ((*SMALL, "--start", "2026-13-01"), USAGE, "is no day"),
    ((*SMALL, "--level", "2"), USAGE, "no share"),
    ((*SMALL, "--spares", "-1"), USAGE, "is not 0 or more"),
    ((*SMALL, "--scenario", "/nowhere.toml"), DATA, "cannot be read"),
    ((*SMALL, "--draw-schedule", "picture.png"), USAGE, "no SVG file"),
    ((*SMALL, "--draw-schedule", "picture.svg", "--pp", "1"), USAGE, "one pipeline rank"),
    ((*SMALL, "--timeline", "--pp", "1"), USAGE, "one pipeline rank"),
    ((*SMALL[:2], "--system", "nvidia-hgx-h100-8", "--chips", "2"), NO, "GB a device"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "said"), MISTAKES, ids=lambda one: " ".join(one[-4:]) if isinstance(one, tuple) else ""
)
def test_a_mistake_has_its_message(words: tuple[str, ...], code: int, said: str) -> None:
    done = train(*words)
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    assert said in done.err
    if code:
        assert done.out == ""
        assert "hint: " in done.err or "cannot be read" in done.err


def test_a_million_chips_are_answered() -> None:
    done = train(*SMALL[:4], "--chips", "1000000", "--tokens", "1e12", "--json")
    assert done.code == 0
    assert any("does not get on" in line for line in done.body["warnings"])
    result = done.body["result"]
    assert not {"days", "chip_hours", "cost_usd", "energy_kwh", "interruptions"} & set(result["metrics"])
    assert result["run"] is result["cost"] is None
    assert result["metrics"]["effective_training_time"]["value"] < 0.01
    assert "times that, as no layout deals out less" in done.body["result"]["assumed"]["global_batch"]


def test_upper_ends_that_are_out_of_reach_are_left_open() -> None:
    words = (*SMALL[:4], "--chips", "300000", "--tokens", "1e12", "--start", "2026-12-01")
    done = train(*words, "--json")
    metrics = done.body["result"]["metrics"]
    for name in ("days", "chip_hours", "cost_usd", "energy_kwh"):
        assert metrics[name]["low"] < metrics[name]["value"] < 1e12
        assert metrics[name]["high"] is None
    assert done.body["result"]["dates"]["end_high"] == "open"
    assert " and more" in train(*words).out
    assert " and later" in train(*words).out


def test_a_run_that_ends_before_anything_happens_is_not_said_to_hardly_get_on() -> None:
    done = train(*SMALL[:-1], "1", "--json")
    assert not any("gets on" in line for line in done.body["warnings"])
    assert any("shorter than one step" in line for line in done.body["warnings"])


def test_a_model_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,'
        ' "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 32000}'
    )
    done = train("--model", str(tmp_path / "config.json"), *SMALL[2:], "--json")
    assert done.code == 0
    assert done.body["result"]["flop"]["total_flop"] > 1e22
