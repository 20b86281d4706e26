"""`accord fabric` with a model: a deployment laid on a system, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
SYSTEM = "nvidia-gb200-nvl72"
LAID = (
    SYSTEM, "--model", "deepseek-r1", "--prefill", "instances=2,devices=8,ep=8", "--decode",
    "instances=1,devices=32,ep=32", "--isl", "4096", "--osl", "1024", "--batch-per-device", "32",
)  # fmt: skip


def answer(capsys: Capture, *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["fabric", *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_the_envelope_of_a_placement(capsys: Capture) -> None:
    body = answer(capsys, *LAID)
    assert body["schema"] == "accord.fabric/1"
    assert body["inputs"]["request"]["batch_per_device"] == 32.0
    result = body["result"]
    assert [(one["pool"], one["first"], one["first_node"]) for one in result["instances"]] == [
        ("prefill", 0, 0), ("prefill", 8, 2), ("decode", 16, 4),
    ]  # fmt: skip
    assert result["layout"]["nodes"] == 18
    assert [len(rank) for rank in result["pools"][1]["experts"]["ranks"]] == [9] * 32
    assert {tier["plane"] for tier in result["tiers"]} == {"NVLink", "RDMA"}
    assert any(source["id"].startswith("models/deepseek-r1") for source in body["sources"])


def test_a_look_has_nodes_and_links_without_load(capsys: Capture) -> None:
    result = answer(capsys, SYSTEM)["result"]
    assert result["layout"]["node_devices"] == 4
    assert all(link["busiest_share"]["value"] == 0.0 for link in result["links"])


def test_the_tables(capsys: Capture, golden: Any) -> None:
    assert main(["fabric", *LAID]) == 0
    golden("fabric-lay.txt", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--isl", "4096"), "--isl without --model"),
        (("--model", "deepseek-r1"), "a model without a pool"),
        (("--model", "deepseek-r1", "--decode", "devices=8,tp=8", "--size", "1MB"), "--size with --model"),
        (("--model", "deepseek-r1", "--decode", "devices=8,tp=8", "--isl", "1,2"), "--isl has 2 values"),
        (("--model", "deepseek-r1", "--decode", "devices=8,what=8"), "no part of a pool"),
        (("--model", "deepseek-r1", "--decode", "instances=9,devices=32,ep=32"), "288 devices"),
        (
            ("--model", "deepseek-r1", "--serve", "devices=8,ep=8", "--decode", "devices=8,ep=8"),
            "--decode with --serve",
        ),
        (("--model", "deepseek-r1", "--serve", "ep=8"), "--serve without devices"),
        (("--model", "deepseek-r9", "--decode", "devices=8,tp=8"), "deepseek-r9"),
    ],
)
def test_what_is_refused(capsys: Capture, words: tuple[str, ...], told: str) -> None:
    assert main(["fabric", SYSTEM, *words]) in (1, 2, 3)
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said


def test_a_config_by_path(capsys: Capture, tmp_path: Path) -> None:
    missing = tmp_path / "config.json"
    assert main(["fabric", SYSTEM, "--model", str(missing), "--decode", "devices=8,tp=8"]) in (1, 2, 3)
    assert "config.json" in capsys.readouterr().err


def test_one_pool_for_both(capsys: Capture) -> None:
    words = ("nvidia-hgx-h100-8", "--model", "llama-3.1-70b", "--serve", "instances=2,devices=4,tp=4", "--isl", "1024")
    result = answer(capsys, *words)["result"]
    assert [(one["pool"], one["first"], one["devices"]) for one in result["instances"]] == [
        ("serve", 0, 4), ("serve", 4, 4),
    ]  # fmt: skip
    assert [flow["name"] for flow in result["flows"]] == ["sums over ranks"]
