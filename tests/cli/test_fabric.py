"""`accord fabric`: collectives, transfers and pictures, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
CLOUDMATRIX = ("huawei-cloudmatrix-384", "--collective", "all-to-all", "--ranks", "256", "--size", "1MB")


def answer(capsys: Capture, *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["fabric", *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_the_envelope_of_an_all_to_all(capsys: Capture) -> None:
    body = answer(capsys, *CLOUDMATRIX)
    assert body["schema"] == "accord.fabric/1"
    assert body["inputs"]["ranks"] == [256]
    assert body["inputs"]["size_bytes"] == [1e6]
    result = body["result"]
    for name, unit in (("time_s", "s"), ("busbw_byte_per_s", "B/s"), ("algbw_byte_per_s", "B/s")):
        metric = result["metrics"][name]
        assert metric["unit"] == unit
        assert 0.0 < metric["low"] < metric["value"] < metric["high"]
    time = result["metrics"]["time_s"]["value"]
    assert result["metrics"]["algbw_byte_per_s"]["value"] == pytest.approx(1e6 / time)
    assert result["metrics"]["busbw_byte_per_s"]["value"] == pytest.approx(1e6 / time * 255 / 256)
    assert sum(result["parts"].values()) == pytest.approx(time)
    assert [tier["plane"] for tier in result["tiers"]] == ["UB", "UB", "RDMA"]
    assert sum(tier["bytes"] for tier in result["tiers"]) == pytest.approx(1e6 * 255 / 256, rel=1e-3)
    assert result["tiers"][2]["bytes"] == 0.0
    assert result["bottleneck"]["tier"] == "UB L2, supernode"
    assert result["algorithm"] == "direct"
    assert "points" not in result
    assert any(source["id"].startswith("collectives/") for source in body["sources"])


def test_transfer_by_transfer_gives_the_term_for_bytes(capsys: Capture) -> None:
    for words in (CLOUDMATRIX, ("nvidia-hgx-h100-8", "--collective", "all_to_all", "--ranks", "64", "--size", "1GB")):
        flows = answer(capsys, *words)["result"]["flows"]
        assert flows["ratio"] == pytest.approx(1.0, rel=0.1)
        assert flows["least_s"] <= flows["fair_s"] * (1.0 + 1e-9)


def test_too_many_transfers_are_left_out_and_said(capsys: Capture) -> None:
    words = ("nvidia-hgx-h100-8", "--collective", "all-to-all", "--ranks", "2048", "--size", "64MB")
    assert "4,192,256 transfers" in answer(capsys, *words)["result"]["flows"]["left_out"]


def test_lists_give_points(capsys: Capture) -> None:
    words = ("nvidia-hgx-h100-8", "--collective", "all-reduce", "--ranks", "8,64", "--size", "1MB,64MB,1GB")
    result = answer(capsys, *words)["result"]
    asked = [(point["inputs"]["ranks"], point["inputs"]["size_bytes"]) for point in result["points"]]
    assert asked == [(8, 1e6), (8, 64e6), (8, 1e9), (64, 1e6), (64, 64e6), (64, 1e9)]
    times = [point["metrics"]["time_s"]["value"] for point in result["points"]]
    assert times[:3] == sorted(times[:3])
    assert all(far > near for near, far in zip(times[:3], times[3:], strict=True))
    assert result["metrics"] == result["points"][0]["metrics"]


def test_algorithms_are_chosen_slower_or_refused(capsys: Capture) -> None:
    base = ("nvidia-hgx-h100-8", "--collective", "all-reduce", "--size", "64MB")
    told = {one["name"]: one for one in answer(capsys, *base, "--ranks", "8")["result"]["algorithms"]}
    assert set(told) == {"ring", "tree", "hierarchical", "direct", "nvls"}
    assert [one["chosen"] for one in told.values()].count(True) == 1
    assert "one domain" in told["tree"]["refused"]
    assert "one port" in told["direct"]["refused"]
    best = min(one["time_s"] for one in told.values() if one["refused"] is None)
    chosen = next(one for one in told.values() if one["chosen"])
    assert chosen["time_s"] == pytest.approx(best)
    ring = answer(capsys, *base, "--ranks", "8", "--algorithm", "ring")["result"]
    assert ring["algorithm"] == "ring"
    assert ring["metrics"]["time_s"]["value"] == pytest.approx(told["ring"]["time_s"])
    sums = answer(capsys, "nvidia-hgx-a100-8", *base[1:], "--ranks", "8")["result"]["algorithms"]
    assert "switches that sum" in next(one["refused"] for one in sums if one["name"] == "nvls")


@pytest.mark.parametrize(
    "name", ["all-reduce", "all-gather", "reduce-scatter", "all-to-all", "broadcast", "ep-dispatch", "ep_combine"]
)
def test_every_collective_on_every_kind_of_wiring(name: str, capsys: Capture) -> None:
    for system in ("huawei-cloudmatrix-384", "nvidia-gb200-nvl72", "amd-mi300x-8", "google-tpu-v5e-pod"):
        result = answer(capsys, system, "--collective", name, "--ranks", "8", "--size", "8MB")["result"]
        assert 0.0 < result["metrics"]["time_s"]["value"] < 1.0
        assert sum(result["parts"].values()) == pytest.approx(result["metrics"]["time_s"]["value"])


def test_a_p2p_reaches_as_far_as_its_stride(capsys: Capture) -> None:
    base = ("nvidia-hgx-h100-8", "--collective", "p2p", "--size", "1GB")
    near = answer(capsys, *base)["result"]
    far = answer(capsys, *base, "--stride", "8")["result"]
    assert near["tiers"][1]["bytes"] == 0.0
    assert far["tiers"][1]["bytes"] == 1e9
    assert far["metrics"]["time_s"]["value"] > near["metrics"]["time_s"]["value"]


def test_a_wider_level_has_a_wider_interval(capsys: Capture) -> None:
    narrow, wide = (
        answer(capsys, *CLOUDMATRIX, "--level", level)["result"]["metrics"]["time_s"] for level in ("0.5", "0.95")
    )
    assert wide["low"] < narrow["low"] < narrow["high"] < wide["high"]


def test_several_systems_are_joined_by_their_scale_out(capsys: Capture) -> None:
    body = answer(capsys, "nvidia-gb200-nvl72", "--collective", "all-reduce", "--ranks", "288", "--size", "1GB")
    assert body["result"]["tiers"][1]["bytes"] > 0.0
    assert any("4.0 times nvidia-gb200-nvl72" in line for line in body["warnings"])


def test_a_network_that_nobody_states_is_assumed_and_said(capsys: Capture) -> None:
    base = ("amd-mi300x-8", "--collective", "all-reduce", "--size", "1GB", "--ranks")
    body = answer(capsys, *base, "16")
    assert [line for line in body["warnings"] if "50 GB/s a chip is assumed" in line]
    assert not [line for line in body["warnings"] if "joined by its scale-out" in line]
    network = body["result"]["tiers"][-1]
    assert (network["name"], network["plane"]) == ("network", "network")
    assert network["bytes"] > 0.0
    assert any("fat tree" in line for line in body["result"]["assumed"])
    assert any(source["id"].startswith("training/") for source in body["sources"])
    near = answer(capsys, *base, "8")
    assert not [line for line in near["warnings"] if "assumed" in line and "network" in line]
    assert len(near["result"]["tiers"]) == 1
    width = [found["high"] / found["low"] for found in (one["result"]["metrics"]["time_s"] for one in (near, body))]
    assert width[1] > width[0]  # the assumed rate is uncertain too
    sent = answer(capsys, "amd-mi300x-8", "--transfers", "0->8:1GB")["result"]
    assert 0.5 * 50e9 < sent["transfers"][0]["bytes_per_s"] < 50e9


@pytest.mark.parametrize("name", ["ep-dispatch", "ep-combine"])
@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_an_exchange_of_experts_passes_no_more_than_its_links(name: str, ranks: int, capsys: Capture) -> None:
    """Fewer ranks than copies: every rank gets each token once, so bytes on the wire are below those of all copies."""
    words = ("nvidia-hgx-h100-8", "--collective", name, "--ranks", str(ranks), "--size", "64MB")
    result = answer(capsys, *words)["result"]
    time, sent = result["metrics"]["time_s"]["value"], sum(tier["bytes"] for tier in result["tiers"])
    assert sent == pytest.approx(64e6 * ranks / 8 * (ranks - 1) / ranks)
    assert result["metrics"]["busbw_byte_per_s"]["value"] == pytest.approx(sent / time)
    assert result["metrics"]["busbw_byte_per_s"]["value"] < 450e9
    assert result["metrics"]["algbw_byte_per_s"]["value"] == pytest.approx(64e6 / time)
    assert "all copies" in result["algbw_counts"]
    assert all(tier["seconds"] <= time for tier in result["tiers"])
    assert main(["fabric", *words]) == 0
    assert "all copies of a rank's tokens" in capsys.readouterr().out


def test_why_no_library_goes_tier_by_tier(capsys: Capture) -> None:
    base = ("nvidia-hgx-h100-8", "--collective", "all-reduce", "--size", "64MB", "--ranks")
    for ranks, why in (("8", "one domain"), ("64", "NCCL, RCCL")):
        told = {one["name"]: one for one in answer(capsys, *base, ranks)["result"]["algorithms"]}
        assert why in told["hierarchical"]["refused"]


@pytest.mark.parametrize(
    "words",
    [
        ("nvidia-gb200-nvl72",),
        ("huawei-cloudmatrix-384",),
        CLOUDMATRIX,
        ("nvidia-hgx-h100-8", "--collective", "all-reduce", "--ranks", "64", "--size", "1MB"),
        ("amd-mi300x-8", "--collective", "all-reduce", "--ranks", "16", "--size", "1MB,1GB"),
        ("amd-mi300x-8", "--collective", "all-reduce", "--ranks", "16", "--size", "1MB"),
        ("nvidia-hgx-h100-8", "--collective", "ep-dispatch", "--ranks", "2", "--size", "1MB"),
        ("nvidia-hgx-h100-8", "--transfers", "0->8:1GB,1->8:1GB"),
    ],
)
def test_tables_are_no_wider_than_a_screen(words: tuple[str, ...], capsys: Capture) -> None:
    capsys.readouterr()
    assert main(["fabric", *words]) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 100


def test_a_look_at_a_fabric(capsys: Capture) -> None:
    result = answer(capsys, "huawei-cloudmatrix-384")["result"]
    first, second, _ = result["tiers"]
    assert (first["devices"], second["devices"]) == (16, 768)
    assert second["bisection_bytes_per_s"] == pytest.approx(192 * 392e9)
    assert first["latency_s"] == pytest.approx(1.2e-6)
    assert {point["inputs"]["collective"] for point in result["points"]} >= {"all_reduce", "p2p", "broadcast"}
    assert any("fat tree" in line for line in result["assumed"])


def test_tables_are_printed(capsys: Capture) -> None:
    assert main(["fabric", *CLOUDMATRIX]) == 0
    shown = capsys.readouterr().out
    for expected in (
        "time  ",
        "bus bandwidth",
        "bottleneck",
        "load by tier",
        "UB L2, supernode",
        "refused: ",
        "65,280",
    ):
        assert expected in shown
    assert main(["fabric", "google-tpu-v5e-pod", "--size", "1MB"]) == 0
    assert "torus" in capsys.readouterr().out


def test_transfers_share_what_they_pass(capsys: Capture) -> None:
    result = answer(capsys, "nvidia-hgx-h100-8", "--transfers", "0->2:1GB, 1->2:2GB,3->4:1GB")["result"]
    first, second, third = result["transfers"]
    assert first["end_s"] == pytest.approx(2 * third["end_s"], rel=1e-3)
    assert second["end_s"] == pytest.approx(3 * third["end_s"], rel=1e-3)
    assert "to device 2" in first["bottleneck"]
    assert result["metrics"]["time_s"]["value"] == pytest.approx(second["end_s"])
    assert result["links"][0]["share_of_capacity"] == pytest.approx(1.0, rel=1e-3)
    assert result["tiers"][0]["link_bytes"] == pytest.approx(8e9)


def test_transfers_from_a_file(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "transfers.csv"
    file.write_text("source,target,size_bytes,start_s\n0,1,1e9,0\n0,1,1e9,1\n2,3,5e8,\n", encoding="utf-8")
    result = answer(capsys, "nvidia-hgx-h100-8", "--transfers", str(file))["result"]
    assert [one["start_s"] for one in result["transfers"]] == [0.0, 1.0, 0.0]
    assert result["transfers"][1]["time_s"] == pytest.approx(result["transfers"][0]["time_s"])
    assert main(["fabric", "nvidia-hgx-h100-8", "--transfers", str(file)]) == 0
    assert "busiest links" in capsys.readouterr().out


def test_a_picture_is_written(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "fabric.svg"
    body = answer(capsys, *CLOUDMATRIX, "--draw", str(file))
    assert body["result"]["picture"] == str(file)
    words = " ".join(text.text or "" for text in ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text"))
    assert "256 ranks, 1 MB, direct" in words
    assert "in use" in words


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["amd-mi300x-9"], 3, "did you mean 'amd-mi300x-8'"),
        (["nope"], 3, "no system or chip is called 'nope'"),
        (["deepseek-v3"], 3, "no system or chip is called 'deepseek-v3'"),
        (["amd-mi300x-8", "--topk", "4"], 2, "--topk without --collective"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "1MB", "--topk", "8"], 2, "--topk with all-reduce"),
        (["amd-mi300x-8", "--algorithm", "ring"], 2, "--algorithm without --collective"),
        (["amd-mi300x-8", "--transfers", "0->1:1GB", "--stride", "2"], 2, "not for both"),
        (["amd-mi300x-8", "--transfers", "0->1:1GB", "--topk", "2"], 2, "not for both"),
        (["nvidia-hgx-h100-8", "--collective", "all-gather", "--size", "1MB", "--algorithm", "nvls"], 2, "all-gather"),
        (["amd-mi300x-8", "--collective", "all-tall", "--size", "1MB"], 2, "did you mean 'all-to-all'"),
        (["amd-mi300x-8", "--collective", "all-reduce"], 2, "no size is given"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "0B"], 2, "not above 0 B"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "-1MB"], 2, "not above 0 B"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "1Mb"], 2, "a size in bits"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "7"], 2, "without a unit"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "1MB,"], 2, "nothing between two commas"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "1MB", "--ranks", "0"], 2, "2 ranks or more"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "1MB", "--ranks", "1"], 2, "2 ranks or more"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "1MB", "--ranks", "-4"], 2, "2 ranks or more"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "1MB", "--ranks", "2.5"], 2, "whole numbers"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "1MB", "--stride", "0"], 2, "a stride of 0"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "1MB", "--algorithm", "rign"], 2, "'ring'"),
        (["amd-mi300x-8", "--collective", "all-reduce", "--size", "1MB", "--algorithm", "nvls"], 2, "nvls was asked"),
        (["amd-mi300x-8", "--collective", "all-to-all", "--size", "1MB", "--algorithm", "ring"], 2, "use auto"),
        (["amd-mi300x-8", "--collective", "p2p", "--size", "1MB", "--ranks", "4"], 2, "--stride says"),
        (["amd-mi300x-8", "--collective", "ep-dispatch", "--size", "1MB", "--topk", "0"], 2, "0 copies"),
        (
            ["amd-mi300x-8", "--collective", "ep-dispatch", "--size", "1MB", "--stride", "2", "--ranks", "4"],
            2,
            "stride",
        ),
        (["amd-mi300x-8", "--transfers", "0-1"], 2, "neither a transfer nor a file"),
        (["amd-mi300x-8", "--transfers", "0->1"], 2, "is no transfer"),
        (["amd-mi300x-8", "--transfers", "0->1:0B"], 2, "sends nothing"),
        (["amd-mi300x-8", "--transfers", "0->1:1Gb"], 2, "a size in bits"),
        (["amd-mi300x-8", "--transfers", "2->2:1GB"], 2, "sends to itself"),
        (["amd-mi300x-8", "--transfers", "0->1:1GB", "--ranks", "4"], 2, "not for both"),
        (["amd-mi300x-8", "--draw", "picture.png"], 2, "no SVG file"),
        (["amd-mi300x-1", "--collective", "all-reduce", "--size", "1MB"], 1, "no link between devices"),
        (["amd-mi300x-1", "--collective", "all-reduce", "--size", "1MB", "--ranks", "16"], 1, "no link between"),
        (["nvidia-h100-sxm-1"], 1, "is one device"),
    ],
)
def test_mistakes(words: list[str], code: int, message: str, capsys: Capture) -> None:
    assert main(["fabric", *words]) == code
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err
    assert not shown.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,target\n0,1\n", "no column 'size_bytes'"),
        ("source,target,size_bytes\n", "no rows"),
        ("source,target,size_bytes\n0,x,1e9\n", "target is 'x', no number"),
        ("source,target,size_bytes\n0,1.5,1e9\n", "no device number"),
        ("source,target,size_bytes\n0,-1,1e9\n", "no device number"),
        ("source,target,size_bytes\n0,1,0\n", "above 0"),
        ("source,target,size_bytes\n0,1\n", "size_bytes is ''"),
        ("source,target,size_bytes,start_s\n0,1,5,-1\n", "0 or more"),
        ("", "no column 'source'"),
    ],
)
def test_bad_files_of_transfers(text: str, message: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "transfers.csv"
    file.write_text(text, encoding="utf-8")
    assert main(["fabric", "amd-mi300x-8", "--transfers", str(file)]) == 3
    assert message in capsys.readouterr().err
