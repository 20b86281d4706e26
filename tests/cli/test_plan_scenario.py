"""``--scenario`` of ``accord plan``: ``[plan]`` is flags, typed ones win, mistakes have a line, and it is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from tests.cli.planned import BASE, H200, MACHINE, Capture, envelope, plans, refused, trace

from accord.cli.main import main
from accord.cli.plan_flags import PLAN_KEYS
from accord.cli.verbs import plan as plan_verb
from accord.cli.verbs import size as size_verb

QUESTION = f"""\
[place]
country = "DE"

[money]
mode = "own"

[system.{H200}]
price = "250000 USD"
power = "10 kW"

[plan]
model = "llama-3.1-8b"
system = "{H200}"
isl = 1000
osl = 100
engine = ["vllm"]
weights = "bf16"
batch = [8, 32]
ttft = ["1s", "p99:2s"]
chips = 8
"""


def written(folder: Path, text: str, name: str = "plan.toml") -> str:
    file = folder / name
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize("verb", [plan_verb.command, size_verb.command], ids=["plan", "size"])
def test_every_key_is_a_flag(verb: click.Command) -> None:
    flags = {flag.removeprefix("--").replace("-", "_") for one in verb.params for flag in one.opts}
    assert [key for key in PLAN_KEYS if key not in flags] == []
    assert len(set(PLAN_KEYS)) == len(PLAN_KEYS)


def test_a_file_asks_the_whole_question(tmp_path: Path, capsys: Capture) -> None:
    body = envelope(capsys, "--scenario", written(tmp_path, QUESTION))
    typed = envelope(capsys, *BASE, "--ttft", "1s", "--ttft", "p99:2s", "--chips", "8", "--to", "DE")
    assert body["inputs"]["problem"] == typed["inputs"]["problem"]
    assert [one.id for one in plans(body)] == [one.id for one in plans(typed)]
    assert body["result"]["terms"][0]["capex_usd"]["value"] == pytest.approx(250e3 / 8.0, rel=0.2)  # and its network
    assert typed["result"]["terms"][0]["capex_usd"]["value"] > 40e3  # as it is sold


def test_flags_win(tmp_path: Path, capsys: Capture) -> None:
    file = written(tmp_path, QUESTION)
    body = envelope(capsys, "--scenario", file, "--chips", "4", "--ttft", "500ms", "--engine", "sglang")
    problem = body["inputs"]["problem"]
    assert problem["limits"]["chips"] == 4 and problem["space"]["engines"] == ["sglang"]
    assert [(one["limit_s"], one["quantile"]) for one in problem["limits"]["latencies"]] == [(0.5, None)]
    assert envelope(capsys, "--scenario", file, "--to", "FR")["inputs"]["scenario"]["country"] == "DE"


def test_what_is_printed_asks_the_same(tmp_path: Path, capsys: Capture) -> None:
    file = written(tmp_path, QUESTION + f'trace = "{trace(tmp_path)}"\nlaw = false\n')
    words = ("--scenario", file, "--tpot", "p90:30ms", "--top", "3", "--exclude-origin", "CN", "--mode", "aggregated",
             "--reuse", "0,0.5", "--no-intervals", "--simulate", "1", "--seed", "2")  # fmt: skip
    assert main(["plan", *words, "--print-config"]) == 0
    printed = capsys.readouterr().out
    copy = written(tmp_path, printed, "copy.toml")
    assert main(["plan", "--scenario", copy, "--print-config"]) == 0
    assert capsys.readouterr().out == printed
    answers = []
    for question in (words, ("--scenario", copy)):
        assert main(["plan", *question, "--json"]) == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]


def test_every_key_is_printed_and_read(tmp_path: Path, capsys: Capture) -> None:
    values: dict[str, Any] = {
        "model": "llama-3.1-8b", "system": f"{H200},nvidia-hgx-h100-8", "chips": "8", "isl": "10", "osl": "10",
        "trace": trace(tmp_path), "format": "azure", "rate": "2", "ttft": "p90:1s", "tpot": "1s", "e2el": "mean:9s",
        "goodput": "1", "budget_usd": "1e9", "usd_per_hour": "1e6", "power_kw": "1e4", "racks": "99",
        "exclude_origin": "CN,RU", "exclude_scope": "any", "from": "US", "to": "DE", "date": "2026-03-01",
        "law": "licensable", "exporter": "nvidia", "consignee": "huawei", "hq": "FR",
        "set": "state_funded=no",
        "confidence": "0.8", "max_load": "0.7", "mode": "disaggregated", "engine": "vllm,sglang",
        "engine_version": "0.9", "weights": "fp8", "kv": "fp8", "tp": "1,2", "pp": "1", "dp": "1", "cp": "1", "ep": "1",
        "batch": "8", "max_num_batched_tokens": "4096", "microbatches": "1", "mtp_tokens": "0,1", "mtp_accept": "0.5",
        "reuse": "0.25,0.5", "objective": "cost,tpot", "top": "4", "simulate": "1", "requests": "50", "pace": "plan",
        "seed": "3", "level": "0.8",
    }  # fmt: skip
    assert set(PLAN_KEYS) - set(values) == {"workload", "mixed", "intervals"}
    words = [part for key, value in values.items() for part in (f"--{key.replace('_', '-')}", value)]
    assert main(["plan", *words, "--mixed", "--print-config"]) == 0
    printed = capsys.readouterr().out
    keys = [line.partition(" = ")[0] for line in printed.partition("[plan]\n")[2].splitlines()]
    assert keys == [key for key in PLAN_KEYS if key in {*values, "mixed"}]
    copy = written(tmp_path, printed)
    for verb in ("plan", "size"):
        assert main([verb, "--scenario", copy, "--print-config"]) == 0
        assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        ("chips = 0", 3, "FILE:3: plan.chips: 0 is not in the range x>=1\n"),
        ('ttft = "5"', 3, "FILE:3: plan.ttft: value is '5', a number without a unit"),
        ("ttft = [1, 2]", 3, "FILE:3: plan.ttft: value is '1', a number without a unit"),
        ('trace = "x"\nworkload = "chat"', 3, "FILE:4: plan.workload: --trace and --workload at once: two loads\n"),
        ("isl = 0.2", 3, "FILE:3: plan.isl: 0.2 tokens\n"),
        ('objective = ["cost", "cost"]', 3, "FILE:3: plan.objective: 2 objectives\n"),
        ("confidence = 0.99\nintervals = false", 3, "FILE:3: plan.confidence: a confidence without intervals\n"),
        ('engine = "foo"', 3, "FILE:3: plan.engine: no engine is called 'foo'\n"),
        ("simulate = 2", 3, "FILE:3: plan.simulate: a simulation without a load\n"),
        ('exclude_origin = ["US"]', 1, "--exclude-origin: no system is left; "),
        ('exclude_origin = "XX"', 3, "FILE:3: plan.exclude_origin: the catalog knows no country 'XX'\n"),
        ("reuse = 1.0", 3, "FILE:3: plan.reuse: a share of 1\n"),
        ('exclude_scope = "any"', 3, "FILE:3: plan.exclude_scope: nothing is excluded\n"),
        ('ttft = ["1s", "2s"]', 3, "FILE:3: plan.ttft: 'ttft' has two limits\n"),
        ("mixed = 3", 3, "FILE:3: plan.mixed: '3' is not a valid boolean"),
        ("kv = []", 3, "FILE:3: plan.kv: '' has nothing between two commas or at an end\n"),
        ("chips = 8\nchips = 9", 3, "FILE:4: plan.chips is given twice\nhint: it is first given on line 3; keep one\n"),
        ('chip = "8"', 3, "FILE:3: 'chip' is no key of [plan]\nhint: did you mean 'chips'?\n"),
        ("power-kw = 3", 3, "FILE:3: 'power-kw' is no key of [plan]\nhint: write 'power_kw'\n"),
        ('law = "loose"', 3, "FILE:3: plan.law: 'loose' is not one of 'strict', 'licensable', 'off'\n"),
        ("law = true", 3, "FILE:3: plan.law: --from and --to and --date are missing: the law cannot be checked\n"),
        ('hq = "Germany"', 3, "FILE:3: plan.hq: 'GERMANY' is no country\n"),
        ('executor = "ray"', 3, "FILE:3: 'executor' is no key of [plan]\n"),
    ],
)
def test_mistakes_have_file_line_and_hint(lines: str, code: int, message: str, tmp_path: Path, capsys: Capture) -> None:
    file = written(tmp_path, f"# a comment\n[plan]\n{lines}\n")
    found, said = refused(capsys, *MACHINE, "--scenario", file)
    assert found == code and said.replace(file, "FILE").startswith(f"error: {message}")
    assert "\nhint: " in said


def test_what_is_typed_is_not_blamed_on_the_file(tmp_path: Path, capsys: Capture) -> None:
    file = written(tmp_path, "[plan]\nisl = 100\n")
    assert refused(capsys, *MACHINE, "--scenario", file, "--isl", "0.5") == (
        2, "error: --isl: 0.5 tokens\nhint: give 1 or more\n"
    )  # fmt: skip
    assert refused(capsys, *MACHINE, "--scenario", file, "--objective", "cost,cost")[0] == 2


def test_the_example(capsys: Capture) -> None:
    file = Path(__file__).parents[2] / "examples" / "plan.toml"
    found = envelope(capsys, *MACHINE, "--isl", "1000", "--osl", "100", "--batch", "8", "--scenario", str(file))
    assert found["inputs"]["problem"]["limits"]["latencies"][0]["limit_s"] == 2.0
    assert found["inputs"]["scenario"]["country"] == "CN"
