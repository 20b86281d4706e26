"""`accord policy zones`: stretches of class rules, their zones, and the class of every chip."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]


def answer(capsys: Capture, *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["policy", *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def cell(stretch: dict[str, Any], x: float, y: float) -> str:
    """Class of the zone that holds a point."""
    at, row = (sum(edge <= value for edge in stretch[key]) for key, value in (("xs", x), ("ys", y)))
    return str(stretch["zone"][row][at])


def test_stretches_follow_one_another(capsys: Capture) -> None:
    body = answer(capsys, "zones")
    assert body["schema"] == "accord.policy.zones/1"
    result = body["result"]
    stretches = result["stretches"]
    assert [one["until"] for one in stretches[:-1]] == [one["from"] for one in stretches[1:]]
    assert stretches[0]["from"] is None
    assert stretches[-1]["until"] is None
    assert {"2022-10-07", "2022-10-21", "2023-11-17", "2025-05-13"} <= {one["from"] for one in stretches}
    for one in stretches:
        assert len(one["classes"]) == len(result["chips"])
        assert len(one["zone"]) == len(one["ys"]) + 1
        assert all(len(row) == len(one["xs"]) + 1 for row in one["zone"])
        assert one["xs"] == sorted(one["xs"])
        assert one["ys"] == sorted(one["ys"])
        assert {*one["rules"], *one["pending"]} <= set(result["rules"])
    known = {source["id"] for source in body["sources"]}
    assert {cite["source"] for one in result["rules"].values() for cite in one["cites"]} <= known
    assert "Not legal advice" in result["disclaimer"]


def test_the_plane_of_2022_has_bandwidth_and_that_of_2023_density(capsys: Capture) -> None:
    first = answer(capsys, "zones", "--date", "2023-01-01")["result"]["stretches"][0]
    assert (first["y"], first["xs"], first["ys"]) == ("io_bandwidth", [4800.0], [600e9])
    assert first["zone"] == [["none", "none"], ["none", "3A090"]]
    later = answer(capsys, "zones", "--date", "2024-01-01")["result"]["stretches"][0]
    assert (later["y"], later["xs"], later["ys"]) == ("performance_density", [1600.0, 2400.0, 4800.0], [1.6, 3.2, 5.92])
    assert cell(later, 5000.0, 0.1) == "3A090.a"
    assert cell(later, 2000.0, 7.0) == "3A090.a"
    assert cell(later, 3000.0, 2.0) == "3A090.b"
    assert cell(later, 2368.0, 2.9) == "none"
    consumer = answer(capsys, "zones", "--date", "2024-01-01", "--not-datacenter")["result"]["stretches"][0]
    assert cell(consumer, 3000.0, 2.0) == "none"


@pytest.mark.parametrize("day", ["2022-12-01", "2023-10-20", "2024-06-01", "2025-06-01", "2026-06-01"])
def test_classes_are_those_of_classify(capsys: Capture, day: str) -> None:
    result = answer(capsys, "zones", "--date", day)["result"]
    found = dict(zip((one["id"] for one in result["chips"]), result["stretches"][0]["classes"], strict=True))
    for id in ("nvidia-h20", "nvidia-h100-sxm", "huawei-ascend-910c", "amd-mi308x", "nvidia-rtx-4090", "amd-mi210"):
        asked = answer(capsys, "classify", id, "--from", "US", "--to", "CN", "--date", day)["result"]
        assert found[id] == asked["eccn"], id


def test_chips_have_intervals_over_their_sources(capsys: Capture) -> None:
    chips = {one["id"]: one for one in answer(capsys, "zones", "--date", "2025-01-01")["result"]["chips"]}
    for one in chips.values():
        for name in ("tpp", "performance_density", "io_bandwidth"):
            assert one[name] is None or one[name]["low"] <= one[name]["value"] <= one[name]["high"]
    assert chips["nvidia-h20"]["tpp"]["value"] == 2368.0
    assert chips["nvidia-h20"]["datacenter_marketed"] == "yes"


def test_tables_and_refusals(capsys: Capture) -> None:
    assert main(["policy", "zones"]) == 0
    shown = capsys.readouterr().out
    assert all(words in shown for words in ("2023-11-17", "600 GB/s", "5.92", "Not legal advice"))
    assert main(["policy", "zones", "--date", "2025-05-01"]) == 0
    assert "nvidia-h20" in capsys.readouterr().out
    assert main(["policy", "zones", "--designer", "Chn"]) == 2
    assert main(["policy", "zones", "--date", "yesterday"]) == 2
