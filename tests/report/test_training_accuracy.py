"""The page on training, collectives and failures, from rows made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.report.scores import scored, skipped

from accord.report import accuracy
from accord.report.accuracy import NOT_RUN
from accord.report.training_accuracy import PAGE, TITLE, page, section
from accord.report.training_scores import (
    ANEW,
    IN_SAMPLE,
    Aim,
    Evidence,
    Fitted,
    Scaling,
    Scores,
    Verdict,
    by_id,
    over_systems,
    speeds,
    verdicts,
    worst_system,
)
from accord.validation.score import Scored

STEPS = (
    scored("t1", 0.1, metric="step_s", measured=1.0),
    scored("t2", -0.05, metric="step_s", measured=2.0, chip="chip-b", complete=False),
)
RUNS = (
    scored("t3", 0.4, metric="chip_hours", source_id="blog"),
    scored("t4", 0.0, metric="tokens_per_s_per_chip", source_id="logs", measured=100.0, model=""),
    scored("t5", -0.2, metric="tokens_per_s_per_chip", source_id="logs", measured=90.0),
    skipped("t6", "seq_len"),
)
TRAINING = (*STEPS, *RUNS)
FABRIC = tuple(scored(f"f{at}", 0.01 * at, metric="time_s", source_id="ring") for at in range(20))
FEW = (scored("g1", 0.3, metric="time_s", source_id="ring"),)
FAILURES = (scored("x1", 0.5, metric="mttf_h", source_id="fleet", width=1.0), skipped("x2", "input"))


def moved(rows: tuple[Scored, ...], by: float) -> tuple[Scored, ...]:
    """The rows as another fit predicts them."""
    found = (
        scored(
            row.id, (row.log_ratio or 0.0) + by, metric=row.metric, measured=row.measured, source_id=row.source_id,
            chip=row.chip, model=row.model, complete=row.complete,
        )
        for row in rows
        if row.skipped is None
    )  # fmt: skip
    return tuple(found)


def evidence(**changes: object) -> Evidence:
    systems = {row.id: "pod" for row in TRAINING} | {row.id: "big" for row in FABRIC} | {row.id: "small" for row in FEW}
    whole = Evidence(
        training=Scores(TRAINING, {"source": moved(TRAINING, 0.1), ANEW: moved(STEPS, 0.2)}),
        collectives=Scores((*FABRIC, *FEW), {"system": moved((*FABRIC, *FEW), 0.1)}),
        failures=Scores(FAILURES, {}),
        systems=systems,
        about={"t1": "a model, 8 chips", "g1": "small, all_reduce"},
        titles={"paper": "A paper", "blog": "A blog", "ring": "A ring", "fleet": "A fleet", "unused": "Nothing"},
        timed_alone=frozenset(("t1", "t2")),
        peers={"t1": ("Other 1.0", 1.2), "t2": ("Other 1.0", 1.9)},
        scaling=(Scaling("logs", "a model", ("t4", "t5"), (8, 512)),),
        shown=(scored("s1", 0.2, metric="latency_s"),),
        unscored={"training": {"derived, not measured": 3}},
        fitted={"training": Fitted(3, 1, 50)},
        step_aims={"paper": Aim(0.01, 0.5, "waves are not modelled")},
        scaling_aims={"logs": Aim(0.2, 0.05, "")},
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def lines(text: str, start: str) -> list[list[str]]:
    """Cells of the lines of tables that begin with ``start``."""
    return [[cell.strip() for cell in one.split("|")[1:-1]] for one in text.splitlines() if one.startswith(start)]


def test_the_section_has_three_tables_and_leads_to_the_page() -> None:
    text = section(evidence())
    assert text.startswith(TITLE) and f"]({PAGE})" in text
    assert "5 rows of 3 sources (training), 21 rows of 1 sources (collectives), 1 rows of 1 sources (failures)" in text
    assert [one[0] for one in lines(text, "| rows scored |")] == ["rows scored"] * 2
    assert lines(text, "| rows scored |")[0] == ["rows scored", "5", "5", NOT_RUN, NOT_RUN]
    assert lines(text, "| figures scored |")[0] == ["figures scored", "1", NOT_RUN]


def test_whole_runs_are_no_speeds() -> None:
    assert {row.id for row in speeds(TRAINING)} == {"t1", "t2", "t4", "t5", "t6"}
    text = section(evidence())
    assert lines(text, "| macro error, whole runs ")[0][1:3] == ["49.2", "64.9"]
    assert lines(text, "| macro error, speeds ")[0][1] == "9.1", "the medians 0.075 and 0.1, averaged"


def test_complete_and_completed_rows_stand_apart() -> None:
    text = page(evidence())
    assert lines(text, "| rows scored, complete ")[0][1] == "4"
    assert lines(text, "| macro error, completed rows ")[0][1] == "5.1"


def test_systems_with_few_rows_are_in_no_mean_but_one_by_one() -> None:
    rows = (*FABRIC, *FEW)
    found = evidence().systems
    assert over_systems(found)(rows) == pytest.approx(worst_system(found)(rows)) == pytest.approx(9.966, abs=1e-3)
    text = page(evidence())
    one = lines(text, "| g1 |")[0]
    assert one[1] == "small, all_reduce" and one[5] == "+35.0%" and one[9] == "+49.2%"
    assert not lines(text, "| f1 |")
    assert lines(text, "| s1 |")[0][5] == "+22.1%"


def test_steps_timed_alone_stand_beside_another_simulator() -> None:
    text = page(evidence())
    first = lines(text, "| t1 |")[0]
    assert first == [
        "t1", "a model, 8 chips", "1.000", "1.105", "+10.5%", "yes", "+22.1%", "+35.0%", "no", "+20.0%",
    ]  # fmt: skip
    mean = lines(text, "|  | mean error |")[0]
    assert mean[4] == "7.7%" and mean[7] == "25.6%" and mean[-1] == "12.5%"
    assert "What Other 1.0 itself predicted" in text
    assert "other simulator: error" not in page(evidence(peers={}))


def test_scaling_is_a_loss_of_the_rate_per_chip() -> None:
    one = evidence().scaling[0]
    assert one.measured(by_id(TRAINING)) == pytest.approx(0.1)
    assert one.loss(by_id(TRAINING)) == pytest.approx(1 - 0.9 * 0.8187307530779818)
    assert one.loss({}) is None
    assert lines(page(evidence()), "| a model |")[0][2:5] == ["8 to 512", "10.0%", "26.3%"]


def test_aims_are_met_missed_or_unknown() -> None:
    found = {one.what: one for one in verdicts(evidence())}
    assert found["training: the 2 steps of `paper`, mean error, in sample"].met is False
    assert found["training: the 2 steps of `paper`, mean error, source left out, fitted anew"].met is True
    assert found["training: loss from 8 to 512 chips of `logs`, predicted less measured, in sample"].met is True
    assert found["training: measured rows skipped"].value == pytest.approx(1 / 6)
    assert found["training: fitted numbers over rows fitted to"].value == pytest.approx(4 / 50)
    assert found["failures: rows inside, source left out"].met is None
    text = page(evidence())
    assert "in sample: waves are not modelled." in text and "left out, fitted anew: waves" not in text
    assert lines(text, "| failures: rows inside, source left out ")[0][1:] == [NOT_RUN, "80% to 97%", "-"]
    assert Verdict("a", 0.1, 0.0, 0.1).met is True


def test_without_a_first_fit_the_page_says_so() -> None:
    bare = evidence(fitted={}, training=Scores(TRAINING, {}), collectives=Scores(FABRIC, {}), scaling=())
    text = page(bare)
    assert "not known before a first fit" in text
    assert lines(text, "| macro error, all ")[0][2:] == [NOT_RUN] * 3
    assert lines(text, "| paper |")[0][-2:] == [NOT_RUN, NOT_RUN]


def test_groups_reasons_and_titles() -> None:
    text = page(evidence())
    assert lines(text, "| chip-b ")[0][1] == "1"
    assert lines(text, "| derived, not measured ")[0][1] == "3"
    assert "- `blog`: A blog" in text and "Nothing" not in text
    assert lines(text, "| t6 |") == []
    assert IN_SAMPLE in text


def test_the_page_on_inference_ends_with_the_section() -> None:
    bare = accuracy.Evidence((), (), {}, "f" * 64, {})
    assert TITLE not in accuracy.page(bare) and accuracy.TRAINING_NOTE not in accuracy.page(bare)
    text = accuracy.page(replace(bare, training=section(evidence())))
    assert text.index(accuracy.TRAINING_NOTE) < text.index("## In short") < text.index(TITLE)
    assert text.rstrip().splitlines()[-1].startswith("Regenerated with")
