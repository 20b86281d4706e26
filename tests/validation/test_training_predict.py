"""From an estimate of a training run to the metric of a row, in the row's convention."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable

import pytest
from tests.validation.training import Fake, table

from accord.base.errors import DoesNotFit, MissingFact, UsageError
from accord.models.spec import ModelSpec
from accord.training.flop import Convention, convention_flop_per_token, lora_flop_per_token, train_flop_per_token
from accord.training.request import TrainRequest
from accord.validation.predict import Prediction
from accord.validation.training_predict import SKIPS, predict_training, predicted, smallest_runs
from accord.validation.training_rows import read_training


def made(**cells: object) -> Prediction:
    (row,) = read_training(table(cells), "t.csv")
    return predict_training(row, Fake())


def number(prediction: Prediction) -> float:
    assert prediction.value is not None, prediction.skipped
    (value,) = prediction.value
    return float(value)


def rate(**cells: object) -> float:
    return number(made(metric="tokens_per_s_per_chip", **cells))


def question(**cells: object) -> tuple[TrainRequest, ModelSpec]:
    lookup = Fake()
    (row,) = read_training(table(cells), "t.csv")
    predict_training(row, lookup)
    return lookup.asked[0]


def spec(**cells: object) -> ModelSpec:
    return question(**cells)[1]


def test_times_and_rates_are_the_estimates_own() -> None:
    per_chip = rate()
    assert number(made(metric="tokens_per_s_total")) == pytest.approx(8 * per_chip)
    assert number(made(metric="step_s")) == pytest.approx(65536 / (8 * per_chip))
    assert number(made(metric="e2e_tokens_per_s_per_chip")) == pytest.approx(0.9 * per_chip)
    assert number(made(metric="time_to_train_s", tokens_total=1e9)) == pytest.approx(1e9 / (8 * per_chip))
    assert number(made(metric="chip_hours", tokens_total=1e9)) == pytest.approx(1e9 / per_chip / 3600)
    assert made().assumed == ("recompute",)


@pytest.mark.parametrize(("counted", "causal"), [("true", True), ("false", False), ("", False)])
def test_the_square_is_counted_as_the_row_says(counted: str, causal: bool) -> None:
    flop = train_flop_per_token(spec(), 2048.0, causal=causal)
    found = number(made(metric="model_flop_per_s_per_chip", causal_counted=counted))
    assert found == pytest.approx(rate() * flop)
    share = number(made(metric="mfu", unit="bf16_peak", causal_counted=counted))
    assert share == pytest.approx(found / 1e15)


@pytest.mark.parametrize(("cells", "peak"), [
    ({"unit": "bf16_peak"}, 1e15), ({"unit": "fp8_peak"}, 2e15), ({"unit": "vendor_peak"}, 1e15),
    ({"unit": "vendor_peak", "precision": "fp8"}, 2e15), ({"unit": "bf16_peak", "precision": "fp8"}, 1e15),
    ({"unit": "bf16_peak", "notes": "mlp=plain; peak_flop_per_s=312e12"}, 312e12),
])  # fmt: skip
def test_shares_are_of_the_peak_that_the_unit_or_the_notes_name(cells: dict[str, object], peak: float) -> None:
    found = number(made(metric="model_flop_per_s_per_chip", **{**cells, "unit": "flop/s"}))
    assert number(made(metric="mfu", **cells)) == pytest.approx(found / peak)


def test_a_peak_that_nobody_states() -> None:
    assert made(metric="mfu", unit="fp4_peak").skipped == "no_shape"


@pytest.mark.parametrize("recompute", ["none", "selective", "full"])
def test_hardware_flop_count_what_the_row_says_is_computed_again(recompute: str) -> None:
    flop = convention_flop_per_token(spec(), 2048.0, Convention(causal=False, recompute=recompute))  # type: ignore[arg-type]
    cells: dict[str, object] = {"recompute": recompute, "causal_counted": "false"}
    assert number(made(metric="hardware_flop_per_s_per_chip", **cells)) == pytest.approx(rate() * flop)
    assert number(made(metric="hfu", unit="bf16_peak", **cells)) == pytest.approx(rate() * flop / 1e15)


def test_hardware_flop_of_a_silent_row_are_as_many_more_as_the_estimates() -> None:
    model, hardware = (number(made(metric=f"{kind}_flop_per_s_per_chip")) for kind in ("model", "hardware"))
    done = Fake().train(*question())
    ratio = done.metrics["hardware_flop_per_s_per_chip"] / done.metrics["model_flop_per_s_per_chip"]
    assert hardware / model == pytest.approx(float(ratio[0]))


def test_adapters_are_counted_as_adapters() -> None:
    cells: dict[str, object] = {"phase": "finetune-lora", "causal_counted": "true"}
    flop = lora_flop_per_token(spec(), 2048.0, 16, True)
    assert number(made(metric="model_flop_per_s_per_chip", **cells)) == pytest.approx(rate(**cells) * flop)


def test_scaling_is_told_from_the_smallest_run_of_the_table() -> None:
    cells = {"metric": "scaling_efficiency", "seq_len": "", "global_batch_tokens": ""}
    rows = read_training(table(*({**cells, "id": str(chips), "chips": chips} for chips in (64, 8, 1024))), "t.csv")
    smallest = smallest_runs(rows)
    large, base, largest = (predict_training(row, Fake(), smallest) for row in rows)
    assert number(base) == 1.0
    assert number(large) == pytest.approx(8**-0.01) and number(largest) == pytest.approx(128**-0.01)
    assert {"seq", "global_batch"} <= set(large.assumed)


@pytest.mark.parametrize(("cells", "reason"), [
    ({"chip": "no-such-chip"}, "unknown_chip"),
    ({"system": "no-such-system"}, "unknown_chip"),
    ({"layers": "", "hidden": "", "heads": ""}, "unknown_model"),
    ({"seq_len": ""}, "seq_len"),
    ({"global_batch_tokens": ""}, "global_batch_tokens"),
    ({"metric": "chip_hours"}, "tokens_total"),
    ({"metric": "samples_per_s"}, "no_shape"),
])  # fmt: skip
def test_rows_without_a_prediction(cells: dict[str, object], reason: str) -> None:
    found = made(**cells)
    assert (found.value, found.skipped) == (None, reason) and reason in SKIPS


def test_one_chip_needs_no_system() -> None:
    found = made(system="", chips=1)
    assert found.value is not None and "system" in found.assumed


@pytest.mark.parametrize(("error", "reason"), [
    (DoesNotFit("x"), "bound_violation"), (MissingFact("x"), "unknown_chip"), (UsageError("x"), "no_shape"),
])  # fmt: skip
def test_refusals_are_reasons(error: DoesNotFit, reason: str) -> None:
    (row,) = read_training(table({}), "t.csv")
    found = predicted(row, Fake(error=error), {})
    assert found.skipped == reason and reason in SKIPS


SEVERAL = table(
    {"id": "a", "source_id": "one", "metric": "step_s"}, {"id": "b", "metric": "mfu", "unit": "bf16_peak"},
    {"id": "c", "chips": 64, "metric": "tokens_per_s_total"}, {"id": "d", "metric": "chip_hours", "tokens_total": 1e12},
    {"id": "e", "metric": "scaling_efficiency", "chips": 8}, {"id": "f", "metric": "scaling_efficiency", "chips": 64},
)  # fmt: skip


def _predictions(text: str) -> dict[str, float]:
    rows = read_training(text, "t.csv")
    smallest, lookup = smallest_runs(rows), Fake()
    return {row.id: number(predicted(row, lookup, smallest)) for row in rows}


def _changed(change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> str:
    rows = change(list(csv.DictReader(io.StringIO(SEVERAL))))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_sources_order_and_values_change_no_prediction() -> None:
    first, rng = _predictions(SEVERAL), random.Random(7)
    renamed = _changed(lambda rows: [{**row, "source_id": f"x{rng.random()}"} for row in rows])
    assert _predictions(renamed) == first
    assert _predictions(_changed(lambda rows: rng.sample(rows, len(rows)))) == first
    assert _predictions(_changed(lambda rows: [{**row, "value": str(rng.random())} for row in rows])) == first
