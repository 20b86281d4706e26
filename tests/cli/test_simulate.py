"""``accord simulate``: what it answers, and that it answers the same again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.simulated import BASE, LAWS, LOAD, MACHINE, Capture, envelope, value

from accord.cli.main import main

Golden = Callable[[str, str], None]
R1 = ("--model", "deepseek-r1", "--system", "huawei-cloudmatrix-384", "--no-keep", "--no-bounds")
POOLS = ("--prefill", "instances=2,devices=32,ep=32", "--decode", "instances=1,devices=32,ep=32")
SESSIONS = ("--workload", "chat", "--rate", "2", "--requests", "60")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("words", "instances", "chips"),
    [
        ((*BASE, *LOAD, "--chips", "8"), 8, 1.0),
        ((*BASE, *LOAD, "--chips", "8", "--tp", "2"), 4, 2.0),
        ((*BASE, *LOAD, "--chips", "4", "--pp", "2"), 2, 2.0),
        ((*BASE, *LOAD, "--chips", "4", "--cp", "2"), 2, 2.0),
        ((*BASE, *LAWS, "--concurrency", "4"), 1, 1.0),
        (
            (*R1, *LOAD, "--chips", "16", "--dp", "32", "--ep", "32", "--mtp-tokens", "1", "--mtp-accept", "0.7"),
            1,
            16.0,
        ),
    ],
)
def test_one_pool(words: tuple[str, ...], instances: int, chips: float, capsys: Capture) -> None:
    body = envelope(capsys, *words)
    (pool,) = body["result"]["deployment"]
    assert (pool["instances"], pool["chips_per_instance"]) == (instances, chips)
    assert value(body, "completed") == 20.0
    assert value(body, "output_token_per_s_total") == pytest.approx(200.0 / value(body, "window_s"))
    assert all(figure["unit"] and figure["basis"] == "derived" for figure in body["result"]["metrics"].values())
    assert body["sources"]


def test_two_pools_with_a_pooled_cache(capsys: Capture) -> None:
    words = (*R1, *POOLS, *SESSIONS, "--pooled-cache", "1TB", "--cache-plane", "vpc")
    body = envelope(capsys, *words)
    assert [pool["name"] for pool in body["result"]["deployment"]] == ["prefill", "decode"]
    assert value(body, "pooled_hit_ratio") > 0.0
    assert {"prefill_token_per_s_per_chip", "decode_token_per_s_per_chip"} <= body["result"]["metrics"].keys()
    assert set(body["result"]["pools"]) == {"prefill", "decode"}


def test_pools_on_systems_of_their_own(capsys: Capture) -> None:
    words = (
        "--model", "qwen3-8b", "--no-keep", "--no-bounds", *LOAD, "--decode", "system=huawei-cloudmatrix-384",
        "--prefill", "system=huawei-atlas-800-a2-node,instances=2,devices=2",
    )  # fmt: skip
    found = envelope(capsys, *words)["result"]["deployment"]
    assert [(pool["system"], pool["instances"]) for pool in found] == [
        ("huawei-atlas-800-a2-node", 2),
        ("huawei-cloudmatrix-384", 1),
    ]


def test_pools_of_a_file_on_another_system(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "pools.yaml"
    file.write_text(
        "model: qwen3-8b\nsystem: huawei-cloudmatrix-384\nbatch_per_device: 4\n"
        "prefill:\n  instances: 2\n  devices: 4\ndecode:\n  instances: 3\n  devices: 2\n"
    )
    words = (
        "--deployment",
        str(file),
        "--no-keep",
        "--no-bounds",
        *LOAD,
        "--decode",
        "system=huawei-atlas-800-a3-node",
    )
    body = envelope(capsys, *words)
    assert [(pool["instances"], pool["system"]) for pool in body["result"]["deployment"]] == [
        (2, "huawei-cloudmatrix-384"),
        (3, "huawei-atlas-800-a3-node"),
    ]
    assert f"not used of {file}, since the load is given by flags: batch_per_device" in body["warnings"]


def test_rates_are_matched(capsys: Capture) -> None:
    words = (*BASE, *LOAD, "--prefill", "devices=1", "--decode", "devices=2", "--match-rates", "--chips", "8")
    found = envelope(capsys, *words)["result"]["deployment"]
    assert sum(pool["instances"] * pool["chips_per_instance"] for pool in found) <= 8
    assert all(pool["instances"] >= 1 for pool in found)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("--fail", "instance=0,at=1s,down=1s"), "restarts"),
        (("--mtbf", "1s", "--repair", "1s", "--osl", "100", "--seed", "1"), "restarts"),
        (("--timeout", "100ms", "--osl", "50"), "cancelled"),
        (("--kv-blocks", "40", "--isl", "120", "--osl", "120", "--rate", "1000", "--no-prefix-caching"), "preemptions"),
        (("--kv-blocks", "3"), "failed"),
    ],
)
def test_what_befalls_requests(words: tuple[str, ...], name: str, capsys: Capture) -> None:
    body = envelope(capsys, *BASE, *LOAD, "--load-time", "0s", *words)
    assert value(body, name) > 0.0
    ended = ("completed", "failed", "cancelled", "unfinished")
    assert sum(value(body, one) for one in ended) == value(body, "requests") == 20.0


def test_scaling(capsys: Capture) -> None:
    words = (*BASE, *LOAD, "--rate", "5", "--osl", "200", "--max-num-seqs", "2", "--load-time", "0s")
    body = envelope(capsys, *words, "--autoscale", "min=1,max=4,up=2,down=0.1,every=500ms")
    assert value(body, "instances_mean") > 1.1
    assert value(body, "e2e_mean_s") < value(envelope(capsys, *words), "e2e_mean_s")


def test_replications_and_limits_of_tenants(capsys: Capture) -> None:
    words = (
        *BASE,
        "--workload",
        "chat=3,robot-control=5",
        "--requests",
        "40",
        "--slo",
        "ttft=1s,tenant=chat,name=mine",
    )
    body = envelope(capsys, *words, "--replications", "3", "--level", "0.8", "--seed", "7")
    assert body["result"]["seeds"] == [7, 8, 9]
    assert {one["name"]: one["tenant"] for one in body["result"]["slos"]} == {
        "mine": "chat",
        "chat": "chat",
        "robot-control": "robot-control",
    }
    assert set(body["result"]["by_tenant"]) == {"chat", "robot-control"}
    band = body["result"]["metrics"]["ttft_mean_s"]
    assert band["low"] < band["value"] < band["high"]


def test_both_ends_of_the_step_times_hold_the_value(capsys: Capture) -> None:
    metrics = envelope(capsys, *MACHINE, "--no-keep", *LOAD)["result"]["metrics"]
    for name, one in metrics.items():
        assert one["low"] <= one["value"] <= one["high"], name
    for name in ("ttft_mean_s", "tpot_s", "e2e_p99_s", "itl_mean_s"):
        assert metrics[name]["low"] < metrics[name]["value"] < metrics[name]["high"], name


def test_the_highest_rate(capsys: Capture) -> None:
    words = (*BASE, "--isl", "500", "--osl", "20", "--requests", "60", "--ttft", "200ms", "--find-rate")
    body = envelope(capsys, *words)
    found = body["result"]["saturation"]
    assert found["ending"] == "found"
    assert found["request_per_s"]["value"] < found["above_request_per_s"]
    for point in found["points"]:
        assert point["kept"] == (point["value"] >= 1.0)
    (slo,) = body["result"]["slos"]
    assert slo["attained"]
    assert any("such a rate need not last" in text for text in body["warnings"])


def test_sessions_reach_their_rate_late(capsys: Capture) -> None:
    body = envelope(capsys, *BASE, *SESSIONS)
    (text,) = (text for text in body["warnings"] if text.startswith("people come back for"))
    flags = text.partition("give ")[2].split()[:4]
    assert [flags[0], flags[2]] == ["--warm-up", "--duration"]
    body = envelope(capsys, *BASE, "--chips", "8", "--workload", "chat", "--rate", "2", *flags)
    assert not any(text.startswith("people come back") for text in body["warnings"])
    assert value(body, "offered_request_per_s") == pytest.approx(2.0, rel=0.1)


def test_every_profile(capsys: Capture) -> None:
    assert main(["catalog", "list", "workloads"]) == 0
    rows = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in itertools.dropwhile(lambda line: not line.startswith("---"), rows)][1:]
    names = [name for name in names if "-" in name or name in ("chat", "rag", "reasoning", "summarisation")]
    assert len(names) >= 10
    for name in names:
        body = envelope(capsys, *BASE, "--workload", name, "--rate", "0.5", "--requests", "5")
        assert value(body, "requests") == 5.0, name
        assert body["result"]["slos"][0]["tenant"] == name


def test_a_growing_queue_is_said(capsys: Capture) -> None:
    words = (*BASE, "--isl", "1000", "--osl", "50", "--requests", "300", "--rate")
    assert any("more and more requests" in text for text in envelope(capsys, *words, "200")["warnings"])
    assert not any("more and more requests" in text for text in envelope(capsys, *words, "2")["warnings"])


def test_inputs_give_the_same_run_again(capsys: Capture) -> None:
    words = (*BASE, *LOAD, "--router", "power-of-two", "--chips", "4", "--seed", "3", "--ttft", "1s", "--timeout", "9s")
    assert main(["simulate", *words, "--json"]) == 0
    first = capsys.readouterr().out
    body = envelope(capsys, *words)
    inputs = body["inputs"]
    assert inputs["command"] == ["accord", "simulate", *words]
    assert main([*inputs["command"][1:], "--json"]) == 0
    assert capsys.readouterr().out == first
    assert inputs["workload"] == {"isl": "100", "osl": "10", "rate": 10.0, "timeout": 9.0, "requests": 20}
    assert inputs["slos"] == [{"name": "slo", "ttft_s": 1.0, "needed": 0.9}]
    assert envelope(capsys, *words, "--seed", "4")["result"]["metrics"] != body["result"]["metrics"]


def test_golden(capsys: Capture, golden: Golden) -> None:
    assert main(["simulate", *MACHINE, "--no-keep", *LOAD, "--ttft", "50ms", "--tpot", "20ms"]) == 0
    golden("simulate.txt", capsys.readouterr().out)
    words = (*R1, *POOLS, "--isl", "2000", "--osl", "50", "--rate", "2", "--requests", "30", "--replications", "2")
    assert main(["simulate", *words]) == 0
    shown = capsys.readouterr()
    golden("simulate-pools.txt", shown.out)
    assert shown.err.startswith("warning: ")


def test_one_chip_is_one_chip(capsys: Capture) -> None:
    assert main(["simulate", *BASE, *LOAD]) == 0
    assert capsys.readouterr().out.startswith("llama-3.1-8b on 1 chip of nvidia-hgx-h100-8: ")
