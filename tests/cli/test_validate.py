"""``accord validate``: the envelope, the tables and the picture."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
TABLE = str(Path(__file__).parents[2] / "examples" / "measured.csv")


def test_json_has_figures_of_every_group(capsys: Capture) -> None:
    assert main(["validate", TABLE, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    summary = result["summary"]
    groups = ("by_source", "by_metric", "by_chip", "by_model")
    assert {*groups, "macro_abs_log_error", "coverage_90", "complete", "all"} <= set(summary)
    for group in groups:
        assert sum(one["rows"] for one in summary[group].values()) == summary["scored"]
        assert all(
            {"coverage_90", "median_high_over_low", "mean_abs_log_error"} <= set(one) for one in summary[group].values()
        )
    for part in (summary, summary["complete"], summary["all"]):
        assert (
            part["macro_coverage_90"]["low"] <= part["macro_coverage_90"]["value"] <= part["macro_coverage_90"]["high"]
        )
        assert part["interval_score"] > 0.0
        assert part["constant_band"]["half_width_log"] > 0.0


def test_tables_by_chip_and_model(capsys: Capture) -> None:
    assert main(["validate", TABLE]) == 0
    shown = capsys.readouterr().out
    assert all(f"\nBy {group}\n" in shown for group in ("source", "metric", "chip", "model"))
    assert "\nIntervals\n" in shown


@pytest.mark.parametrize("ending", ["svg", "png", "SVG"])
def test_a_picture_is_written(ending: str, tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / f"out.{ending}"
    assert main(["validate", TABLE, "--plot", str(file)]) == 0
    assert file.stat().st_size > 1000
    assert "Predicted against measured" in capsys.readouterr().out


def test_a_picture_of_another_form_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert main(["validate", TABLE, "--plot", str(tmp_path / "out.pdf")]) == 2
    assert "hint: write 'out.svg'" in capsys.readouterr().err


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "accord.report.plots.predicted", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["validate", TABLE, "--plot", str(tmp_path / "out.svg")]) == 2
    assert "hint: pip install 'accord[plot]'" in capsys.readouterr().err


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("matplotlib")
    assert main(["validate", TABLE, "--plot", str(tmp_path / "no" / "out.svg")]) == 74
    assert "out.svg" in capsys.readouterr().err


RUNS = (
    "id,source_id,kind,confidence,phase,model,chip,system,devices,tp,weights,engine,isl,osl,request_rate,num_requests,"
    "max_num_seqs,metric,value,notes\n"
    "a,s,measured,high,serve,llama-3.1-8b,nvidia-h100-sxm,nvidia-hgx-h100-8,1,1,bf16,vllm,500,50,4,100,8,e2e_mean_s,1,\n"
    "b,s,measured,low,serve,llama-3.1-8b,nvidia-h100-sxm,nvidia-hgx-h100-8,1,1,bf16,vllm,500,50,9,100,1,e2e_mean_s,1,"
    '"right-censored: past a 5 s client timeout"\n'
)


def test_runs_are_simulated_and_cut_ones_shown_apart(tmp_path: Path, capsys: Capture) -> None:
    table, facts = tmp_path / "runs.csv", tmp_path / "facts.csv"
    table.write_text(RUNS, encoding="utf-8")
    facts.write_text("source_id,distinct_prompts\ns,10\n", encoding="utf-8")
    assert main(["validate", str(table), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)["result"]
    assert [(row["id"], row["simulated"]) for row in plain["rows"]] == [("a", True)]
    assert [row["id"] for row in plain["censored"]] == ["b"]
    assert main(["validate", str(table), "--facts", str(facts), "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["inputs"]["facts"] == str(facts)
    assert known["result"]["rows"][0]["predicted"] < plain["rows"][0]["predicted"]
    assert main(["validate", str(table)]) == 0
    assert "Cut by a timeout, over the requests that finished: in no total" in capsys.readouterr().out


def test_broken_facts_exit_3_with_their_line(tmp_path: Path, capsys: Capture) -> None:
    facts = tmp_path / "facts.csv"
    facts.write_text("isl\n1\n", encoding="utf-8")
    assert main(["validate", TABLE, "--facts", str(facts)]) == 3
    assert f"{facts}:1: column source_id missing" in capsys.readouterr().err
