"""``--mtbf catalog`` of a simulation and ``--failures`` of an estimate."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.cli.simulated import BASE, LOAD, Capture, envelope

from accord.cli.main import main

PAIR = (
    "--model",
    "llama-3.1-8b",
    "--no-keep",
    "--no-bounds",
    "--prefill",
    "instances=2,devices=1",
    "--decode",
    "devices=8,tp=8",
)
LOADED = ("--model", "llama-3.1-8b", "--concurrency", "64", "--isl", "100", "--osl", "10", "--chips", "8")


def estimated(capsys: Capture, *words: str) -> dict[str, Any]:
    assert main(["estimate", *words, "--json"]) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_simulation_says_what_it_takes(capsys: Capture) -> None:
    body = envelope(capsys, *PAIR, "--system", "nvidia-hgx-h100-8", *LOAD, "--mtbf", "catalog")
    failures = body["inputs"]["failures"]
    assert (failures["from"], failures["spare"]) == ("catalog", True)
    small, large = (failures["pools"][name] for name in ("prefill", "decode"))
    assert small["mtbf_s"]["value"] > large["mtbf_s"]["value"] > large["mtbf_s"]["low"] > 0.0
    ids = {one["id"] for one in body["sources"]}
    assert {small["mtbf_source"], small["repair_source"]} <= ids
    assert "repair_s" not in body["inputs"]
    assert any("without failures" in said for said in body["warnings"])


def test_it_is_in_the_text_with_a_warning_for_chips_nobody_counted(capsys: Capture) -> None:
    words = (
        "simulate",
        *PAIR,
        "--system",
        "huawei-cloudmatrix-384",
        *LOAD,
        "--mtbf",
        "catalog",
        "--no-spare",
        "--repair",
        "2h",
    )
    assert main(list(words)) == 0
    found = capsys.readouterr()
    assert "Failures of an instance, from the catalog" in found.out
    assert "nodes wait for their repair" in found.out
    assert "reliability/generic:FIT, stated" in found.out
    assert "no source counts interruptions of huawei-ascend-910c or another chip of huawei" in found.err


def test_stated_times_are_as_they_were(capsys: Capture) -> None:
    body = envelope(capsys, *BASE, *LOAD, "--mtbf", "30d")
    assert (body["inputs"]["mtbf_s"], body["inputs"]["repair_s"]) == (30 * 86400.0, 600.0)
    assert "failures" not in body["inputs"]
    assert not any(one["id"].startswith("reliability/") for one in body["sources"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--no-spare",), "--no-spare: no spare nodes for failures that are stated"),
        (("--mtbf", "1d", "--no-spare"), "hint: give --mtbf catalog"),
        (("--mtbf", "catalogue"), "Invalid value for '--mtbf'"),
    ],
)
def test_mistakes(words: tuple[str, ...], said: str, capsys: Capture) -> None:
    assert main(["simulate", *BASE, *LOAD, *words]) == 2
    assert said in capsys.readouterr().err


def test_an_estimate_counts_instances_that_are_up(capsys: Capture) -> None:
    plain = estimated(capsys, *LOADED, "--system", "nvidia-hgx-h100-8")
    body = estimated(capsys, *LOADED, "--system", "nvidia-hgx-h100-8", "--failures")
    up = body["result"].pop("availability")["serve"]
    assert body["result"] == plain["result"]
    assert body["inputs"].pop("failures") is True
    assert body["inputs"] == plain["inputs"]
    assert (up["instances"], up["chips"], up["target"]) == (8, 1.0, 0.999)
    assert up["all_up"]["value"] < up["instance"]["value"] < up["with_nodes"]["value"]
    assert {"reliability/generic:FIT", "reliability/generic:OPT"} <= {one["id"] for one in body["sources"]}
    assert body["warnings"] == plain["warnings"]


def test_an_estimate_shows_them_by_pool(capsys: Capture) -> None:
    words = ("--model", "deepseek-r1", "--system", "huawei-cloudmatrix-384", "--concurrency", "400",
             "--prefill", "instances=6,devices=32,ep=32", "--decode", "devices=64,ep=64")  # fmt: skip
    assert main(["estimate", *words, "--failures"]) == 0
    found = capsys.readouterr()
    assert "Instances that are up, prefill: 6 instances of 16 chips" in found.out
    assert "Instances that are up, decode: 1 instance of 32 chips" in found.out
    assert "spare instances for all, 99.9 % of it" in found.out
    assert "no source counts interruptions" in found.err
