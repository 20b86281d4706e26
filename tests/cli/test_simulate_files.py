"""What ``accord simulate`` writes and keeps: whole files, the same bytes for the same seed, a run that can be shown."""

from __future__ import annotations

import csv
import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest
from tests.cli.simulated import BASE, LOAD, MACHINE, Capture, envelope, value
from tests.traces import trace

from accord.cli.main import main
from accord.report.outputs import EXPORTS, PICTURES

STATED = "1750000000"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path / "home"))


def written(folder: Path, *words: str) -> dict[str, bytes]:
    assert main(["simulate", *BASE, *LOAD, *words, "--out", str(folder)]) == 0
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("pyarrow")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", STATED)
    words = ("--export", ",".join(EXPORTS.names()), "--plot", "all", "--label", "mine", "--ttft", "1s")
    first = written(tmp_path / "a", *words)
    second = written(tmp_path / "b", *words)
    assert first == second
    names = [table[name].file for table in (EXPORTS, PICTURES) for name in table.names()]
    assert sorted(first) == sorted([*names, "summary.json"])
    assert all(first.values())
    assert first["requests.csv"] != written(tmp_path / "c", "--seed", "1")["requests.csv"]


def test_files_are_marked_as_simulated_and_agree(tmp_path: Path, capsys: Capture) -> None:
    files = written(tmp_path / "out")
    capsys.readouterr()
    body = envelope(capsys, *BASE, *LOAD)
    assert sorted(files) == [
        "profile_export.jsonl", "profile_export_aiperf.json", "requests.csv", "summary.json", "vllm_bench.json",
    ]  # fmt: skip
    bench, summary = json.loads(files["vllm_bench.json"]), json.loads(files["summary.json"])
    assert bench["simulated"] and bench["complete"] and summary["simulated"] and summary["complete"]
    assert bench["mean_ttft_ms"] == pytest.approx(1e3 * value(body, "ttft_mean_s"))
    assert summary["metrics"] == {name: one["value"] for name, one in body["result"]["metrics"].items()}
    rows = list(csv.DictReader(files["requests.csv"].decode().splitlines()))
    assert [int(row["request"]) for row in rows] == list(range(20))
    assert math.fsum(float(row["ttft_s"]) for row in rows) / 20 == pytest.approx(value(body, "ttft_mean_s"))
    assert len(files["profile_export.jsonl"].splitlines()) == 20


def test_requests_that_never_came_are_not_in_files(tmp_path: Path) -> None:
    rows = written(tmp_path / "out", "--duration", "1s")["requests.csv"].decode().splitlines()
    assert 1 < len(rows) < 21
    assert all(float(row["arrival_s"]) <= 1.0 for row in csv.DictReader(rows))


def test_a_run_is_kept_and_shown(capsys: Capture) -> None:
    assert main(["simulate", *MACHINE, "--no-bounds", *LOAD, "--label", "mine"]) == 0
    said = capsys.readouterr().err
    assert "is kept: accord runs show " in said
    name = said.rpartition(" ")[2].strip()
    assert main(["runs", "show", name, "--json"]) == 0
    run = json.loads(capsys.readouterr().out)["result"]
    assert run["label"] == "mine"
    assert run["complete"] is True
    assert run["metrics"]["completed"] == 20.0
    assert main([*run["inputs"]["command"][1:], "--no-keep", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["result"]["metrics"]
    assert run["metrics"] == {metric: one["value"] for metric, one in again.items()}


def test_no_run_is_kept_unasked(tmp_path: Path) -> None:
    assert main(["simulate", *BASE, *LOAD]) == 0
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("text", ["soon", "1e400", "99999999999999999999"])
def test_a_time_that_is_none(text: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    assert main(["simulate", *BASE, *LOAD]) == 2
    assert capsys.readouterr().err.startswith(f"error: SOURCE_DATE_EPOCH: '{text}' is no time\n")


def _azure(count: int) -> str:
    rows = [f"2023-11-16 18:17:{at // 10:02d}.{at % 10}000000,{200 + at},{5 + at}" for at in range(count)]
    return "\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]) + "\n"


def test_a_trace_gzipped_repeated_cut_and_at_another_rate(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "trace.csv.gz"
    file.write_bytes(gzip.compress(_azure(30).encode()))

    def run(*words: str) -> dict[str, Any]:
        return envelope(capsys, *BASE, "--chips", "4", "--trace", str(file), *words)

    whole = run()
    assert whole["inputs"]["workload"]["format"] == "azure"
    assert len(whole["inputs"]["workload"]["sha256"]) == 64
    assert value(whole, "requests") == 30.0
    assert value(whole, "offered_request_per_s") == pytest.approx(10.0)
    longer = run("--requests", "70")
    assert value(longer, "requests") == 70.0
    said = "the trace has 30 requests: it is repeated to make the 70 that --requests asks for"
    assert said in longer["warnings"]
    assert not any("is repeated" in one for one in (*whole["warnings"], *run("--requests", "30")["warnings"]))
    assert value(run("--rate", "20"), "offered_request_per_s") == pytest.approx(20.0)
    part = run("--duration", "1s")
    assert value(part, "requests") == 10.0
    assert value(part, "not_arrived") == 0.0
    assert value(run("--concurrency", "1"), "in_flight_mean") <= 1.0
    assert value(run("--rate", "5", "--arrivals", "constant"), "offered_request_per_s") == pytest.approx(5.0)


@pytest.mark.parametrize(
    "name", ["azure_llm_2023_conv.csv", "mooncake_conversation_trace.jsonl", "vidur_arxiv_summarization_lengths.csv"]
)
def test_a_real_trace(name: str, capsys: Capture) -> None:
    body = envelope(capsys, *BASE, "--chips", "8", "--trace", str(trace(name)), "--requests", "50")
    assert value(body, "completed") == 50.0
