"""The fit of training: what it learns from rows, what it may not look at, and the entry it writes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.training.rig import catalog

from accord.calibration.training_beliefs import BELIEFS
from accord.calibration.training_entries import KINDS, entry_of, ties
from accord.calibration.training_fit import (
    MOST_ROWS,
    NAMES,
    SPREAD,
    TrainingFit,
    World,
    in_order,
    misses_of,
    prior,
    solve,
    weights_of,
    without,
)  # fmt: skip
from accord.validation.training_rows import TrainingRow, read_training

HEADER = (
    "id,source_id,kind,confidence,model,arch,chip,system,chips,seq_len,global_batch_tokens,micro_batch_sequences,"
    "precision,recompute,tp,pp,vp,dp,ep,cp,zero_stage,phase,metric,value,unit,notes"
)
SHAPES = (
    ("llama-3.1-8b", "nvidia-h100-sxm", "nvidia-hgx-h100-8", 8, 8192, 1, 1, 8),
    ("llama-3.1-8b", "nvidia-a100-sxm-80", "nvidia-hgx-a100-8", 8, 4096, 2, 1, 4),
    ("llama-3.1-70b", "nvidia-h100-sxm", "nvidia-hgx-h100-8", 64, 8192, 8, 2, 4),
    ("llama-3.1-70b", "nvidia-a100-sxm-80", "nvidia-hgx-a100-8", 64, 4096, 8, 4, 2),
)


@cache
def rows() -> tuple[TrainingRow, ...]:
    """Steps that nobody measured, of two sources."""
    lines = [HEADER]
    for at, (model, chip, system, chips, seq, tp, pp, dp) in enumerate(SHAPES):
        lines.append(
            f"r{at},s{at % 2},measured,high,{model},dense,{chip},{system},{chips},{seq},{seq * dp * 8},1,bf16,full,"
            f"{tp},{pp},1,{dp},1,1,1,step,step_s,10,s,mlp=gated"
        )
    return read_training("\n".join(lines) + "\n", "made.csv")


def measured(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[TrainingRow, ...]:
    """The same rows with other values."""
    return tuple(
        replace(row, numbers={**row.numbers, "value": float(value)}) for row, value in zip(rows(), values, strict=True)
    )


@cache
def fitted() -> TrainingFit:
    """A fit to values of the model with products that are a quarter slower than believed."""
    logs = np.log([belief.value for belief in BELIEFS.values()])
    truth = logs.copy()
    for name in ("train.flop_per_joule", "train.flop_per_joule.nvidia-hopper", "train.flop_per_joule.nvidia-ampere"):
        truth[NAMES.index(name)] += np.log(0.75)
    kept, found = misses_of(World(catalog()), rows(), truth[:, None])
    assert kept == rows()
    return solve(catalog(), measured(10.0 * np.exp(found[:, 0])))


def test_the_number_of_parameters_is_stated_and_small() -> None:
    assert len(NAMES) == 32
    assert all(belief.value <= belief.most and belief.log_sd > 0.0 for belief in BELIEFS.values())
    assert all(belief.parent is None or belief.parent in BELIEFS for belief in BELIEFS.values())


def test_a_fit_moves_towards_what_made_its_rows() -> None:
    fit = fitted()
    assert np.median(np.abs(fit.misses)) < 0.05
    moved = fit.numbers()["train.flop_per_joule.nvidia-hopper"] / BELIEFS["train.flop_per_joule.nvidia-hopper"].value
    assert moved < 0.95


def test_names_and_order_of_rows_change_no_bit() -> None:
    one = fitted()
    renamed = tuple(
        replace(row, id=f"x{9 - at}", text={**row.text, "id": f"x{9 - at}", "source_id": {"s0": "b", "s1": "a"}[
            row.text["source_id"]]})
        for at, row in enumerate(reversed(one.rows))
    )  # fmt: skip
    other = solve(catalog(), renamed)
    assert np.array_equal(one.logs, other.logs)
    assert np.array_equal(one.covariance, other.covariance)


def test_rows_of_one_source_weigh_no_more_than_ten() -> None:
    many = tuple(replace(rows()[0], id=f"m{at}") for at in range(40))
    weights = weights_of(many, np.zeros(40), robust=True)
    assert np.sum(weights) == pytest.approx(MOST_ROWS / SPREAD**2)


def test_far_misses_pull_less() -> None:
    near, far = weights_of(rows()[:2], np.asarray([0.5 * SPREAD, 5.0 * SPREAD]), robust=True)
    assert far == pytest.approx(near / 5.0)


def test_beliefs_follow_their_parents() -> None:
    matrix, mean, deviation = prior()
    at, parent = NAMES.index("train.flop_per_joule.nvidia-blackwell"), NAMES.index("train.flop_per_joule.nvidia-hopper")
    assert matrix[at, at] == 1.0
    assert matrix[at, parent] == -1.0
    assert mean[at] == pytest.approx(0.0)
    assert deviation[at] == BELIEFS[NAMES[at]].log_sd


def test_leaving_all_rows_out_returns_to_the_beliefs() -> None:
    logs = without(fitted(), np.ones(len(fitted().rows), dtype=np.bool_))
    for name, found in zip(NAMES, np.exp(logs), strict=True):
        assert found == pytest.approx(BELIEFS[name].value, rel=1e-6)


def test_the_entry_can_be_read_and_drawn_from() -> None:
    fit = fitted()
    entry = entry_of(fit, dict.fromkeys(KINDS, 0.2), "2026-11-25")
    assert set(NAMES) <= set(entry.parameters)
    assert all(entry.parameters[name].basis in ("derived", "assumed") for name in NAMES)
    assert entry.fits["train.flop_per_joule.nvidia-hopper"].chips == ("nvidia-h100-sxm",)
    assert entry.fits["train.benchmark_s"].n == 0
    names = tuple(sorted({*ties(fit), *(name for row in ties(fit).values() for name in row)}))
    if names:
        assert np.linalg.eigvalsh(np.asarray(entry.correlation(names)))[0] > 0.0


def test_rows_are_put_in_an_order_of_their_content() -> None:
    assert in_order(rows()) == in_order(tuple(reversed(rows())))
