"""What is left out together, and rows predicted by the fold that did not see them."""

from __future__ import annotations

import numpy as np
import pytest
from tests import rig
from tests.calibration.test_rows_stage import FREE, SD, read, table

from accord.calibration.crossval import Fold, folds, group_of, held_out, model_family
from accord.calibration.rows_stage import fitting_rows, pose, solve

ROWS = table(
    *({"batch_per_device": str(batch), "source_id": source, "chip": chip, "system": system, "value": value}
      for source, chip, system, value in (
          ("one", "nvidia-h100-sxm", "nvidia-hgx-h100-8", "0.011"),
          ("two", "nvidia-h200-sxm", "nvidia-h200-sxm", "0.03"),
          ("three", "nvidia-h100-sxm", "nvidia-hgx-h100-8", "0.014"))
      for batch in (2, 8))
)  # fmt: skip
FITTED = [record for record in ROWS if record["source_id"] != "two"]


@pytest.mark.parametrize(("model", "family"), [
    ("qwen3-32b", "qwen"), ("qwen2.5-72b", "qwen"), ("llama-3.1-70b", "llama"), ("deepseek-r1", "deepseek"),
    ("gpt-oss-120b", "gpt"), ("gemma3", "gemma"), ("1234", "1234"), ("", ""),
])  # fmt: skip
def test_families_of_models(model: str, family: str) -> None:
    assert model_family(model) == family


def test_what_a_row_is_left_out_with() -> None:
    (row,) = read(table({"source_id": "s1"}))
    assert [group_of(row, by) for by in ("source", "chip", "model")] == ["s1", "nvidia-h100-sxm", "llama"]


def test_a_fold_does_not_see_its_rows() -> None:
    """Values of a group change the folds of the others and not its own."""
    rows = fitting_rows(read(FITTED))
    problem, _ = pose(rig.catalog(), rows, FREE, SD)
    fit = solve(rig.catalog(), problem)
    groups = [group_of(row, "source") for row in problem.rows]
    plain = {fold.group: fold for fold in folds(rig.catalog(), problem, fit, groups)}
    assert sorted(plain) == ["one", "three"]
    shifted = problem.measured + np.array([0.3 if group == "one" else 0.0 for group in groups])
    changed = type(problem)(problem.rows, shifted, problem.weights, problem.shifts, problem.sd, problem.chosen)
    other = {fold.group: fold for fold in folds(rig.catalog(), changed, fit, groups)}
    assert other["one"].logs.tolist() == plain["one"].logs.tolist()
    assert other["three"].logs.tolist() != plain["three"].logs.tolist()


def test_every_row_to_score_is_answered_by_its_fold() -> None:
    rows = read(FITTED)
    problem, _ = pose(rig.catalog(), fitting_rows(rows), FREE, SD)
    still, moved = np.zeros(2), np.array([0.5, 0.0])
    found = (Fold("one", moved, np.diag([0.01, 0.0])), Fold("three", still, np.zeros((2, 2))))
    answers = held_out(lambda group: rig.catalog(), rows, problem, found, "source")
    assert set(answers) == {row.id for row in rows}
    by_batch = {(row.text["source_id"], row.numbers["batch_per_device"]): answers[row.id] for row in rows}
    for batch in (2.0, 8.0):
        assert by_batch["one", batch][0] > by_batch["three", batch][0], "a slower host"
        assert by_batch["three", batch][1] == 0.0 < by_batch["one", batch][1]


def test_a_group_that_taught_nothing_is_answered_by_what_was_believed() -> None:
    rows = read(FITTED)
    problem, _ = pose(rig.catalog(), fitting_rows(rows), FREE, SD)
    answers = held_out(lambda group: rig.catalog(), rows, problem, (), "source")
    assert all(np.isfinite(log) and sd > 0.05 for log, sd in answers.values())
