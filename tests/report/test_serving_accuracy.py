"""The page on simulated serving, of evidence made by hand."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

from tests.report.scores import scored

from accord.report.serving_accuracy import SHOWN, Evidence, Replayed, Stage, missed, page

MET = {metric: (1.0, 1.05) for metric in SHOWN}
RUN = Replayed("run", "model on chip", MET, {"running": 0.05, "kv_share": 0.1}, "run.svg")


def stage(e2e: float, ttft: float, about: str = "a stage") -> Stage:
    rows = {"e2e_mean_s": scored(error=math.log1p(e2e)), "ttft_p50_s": scored(error=math.log1p(ttft))}
    return Stage(about, rows)


def evidence(**changes: object) -> Evidence:
    plain = Evidence([RUN], [stage(0.5, 9.0)], [stage(0.1, 0.2)], [stage(0.5, 9.0)], [], [], {}, {})
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_a_run_meets_its_aims_by_share_or_by_seconds() -> None:
    assert missed(RUN) == []
    late = replace(RUN, metrics={**MET, "e2e_mean_s": (1.0, 1.2), "ttft_mean_s": (0.1, 0.5), "ttft_p90_s": (9.0, 11.0)})
    assert missed(late) == ["e2e_mean_s", "ttft_p90_s"]
    text = page(evidence(runs=[late]))
    assert "Missed: e2e mean, ttft p90." in text and "All aims are met." not in text


def test_curves_and_pictures_are_named() -> None:
    text = page(evidence())
    assert "All aims are met. Curves are off by running 5%, cache 10%" in text
    assert "(run.svg)" in text
    assert "(run.svg)" not in page(evidence(runs=[replace(RUN, picture=None)]))


def test_stages_say_what_is_met_and_missed() -> None:
    text = page(evidence())
    assert "| median error of mean E2E | 50% | within 15 % | missed |" in text
    assert "| largest factor between both | 10.00 | 2 at most | missed |" in text
    assert "| median error of TTFT p50 | 20% | within 25 % | met |" in text


def test_a_row_both_ways() -> None:
    formula, simulated = {"r1": scored(error=0.5)}, {"r1": scored(error=-0.1)}
    text = page(evidence(formula=formula, simulated=simulated))
    assert "| paper | tpot | 1 | 65 % | 65 % | 11 % | 11 % |" in text


def test_what_is_not_at_hand_is_said() -> None:
    text = page(evidence(runs=[], plain=[], known=[]))
    assert "The files of the measured runs were not at hand." in text
    assert "The table of measured stages was not at hand." in text


DOCS = Path(__file__).parents[2] / "docs"
MOST_BYTES = 60_000


def test_pictures_of_the_committed_page_are_there_and_small() -> None:
    names = re.findall(r"\]\((serving_[^)]+\.svg)\)", (DOCS / "serving_accuracy.md").read_text(encoding="utf-8"))
    assert len(names) == len(set(names)) == 4
    assert {file.name for file in DOCS.glob("serving_*.svg")} == set(names)
    assert all((DOCS / name).stat().st_size < MOST_BYTES for name in names)
