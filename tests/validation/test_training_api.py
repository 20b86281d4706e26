"""Measured training runs beside the public estimate."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import replace

import pytest
from tests import rig
from tests.validation.training import HEAD, Fake, table

from accord.api.train_validate import CatalogTrainLookup, lookups, validate_training, validated_runs
from accord.base.errors import AccordError, DoesNotFit
from accord.training.request import TrainRequest
from accord.validation.score import Scored

SEVERAL = table(
    {"id": "a", "source_id": "one"}, {"id": "b", "metric": "mfu", "unit": "bf16_peak", "value": 0.4, "chips": 16},
    {"id": "c", "metric": "tokens_per_s_per_chip", "tp": 2, "pp": 1, "dp": 4, "cp": 1, "recompute": "full"},
    {"id": "d", "metric": "chip_hours", "tokens_total": 1e12, "chips": 256, "global_batch_tokens": "",
     "params_total": 1.3e9}, {"id": "e", "phase": "finetune-lora"}, {"id": "f", "kind": "vendor-claim"},
)  # fmt: skip


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(SEVERAL)))


def scored(changed: list[dict[str, str]]) -> dict[str, Scored]:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEAD, lineterminator="\n")
    writer.writeheader()
    writer.writerows(changed)
    return {row.id: row for row in validate_training(out.getvalue(), "t.csv", rig.catalog())}


FIRST = scored(rows())


def test_every_row_has_a_prediction_and_an_interval() -> None:
    assert set(FIRST) == {"a", "b", "c", "d", "e"}
    for row in FIRST.values():
        assert row.skipped is None and row.low is not None and row.predicted is not None and row.high is not None
        assert 0.0 < row.low <= row.predicted <= row.high
    assert {"global_batch", "tp"} <= set(FIRST["d"].assumed) and "tp" not in FIRST["c"].assumed
    assert "lora_rank" in FIRST["e"].assumed
    assert FIRST["a"].complete and not FIRST["b"].complete


def test_renamed_sources_and_shuffled_rows_leave_predictions_bit_identical() -> None:
    rng = random.Random(3)
    changed = [{**row, "source_id": f"x{at}", "source": "y"} for at, row in enumerate(rows())]
    found = scored([{name: row[name] for name in HEAD} for row in rng.sample(changed, len(changed))])
    assert {id: replace(row, source_id="") for id, row in found.items()} == {
        id: replace(row, source_id="") for id, row in FIRST.items()
    }


def test_shuffled_values_change_no_prediction() -> None:
    values = [row["value"] for row in rows()]
    found = scored([{**row, "value": value} for row, value in zip(rows(), reversed(values), strict=True)])
    for id, row in found.items():
        assert (row.predicted, row.low, row.high) == (FIRST[id].predicted, FIRST[id].low, FIRST[id].high)


def test_claims_are_shown_apart() -> None:
    runs = validated_runs(SEVERAL, "t.csv", rig.catalog())
    assert {row.id for row in runs.scored} == set(FIRST) and [row.id for row in runs.shown] == ["f"]


def test_a_higher_level_is_no_narrower() -> None:
    low, high = (validate_training(SEVERAL, "t.csv", rig.catalog(), level)[0] for level in (0.5, 0.99))
    assert (high.high or 0.0) / (high.low or 1.0) >= (low.high or 0.0) / (low.low or 1.0)


def test_what_the_lookup_knows() -> None:
    plain, _ = lookups(rig.catalog())
    assert plain.chip("nvidia-h100-sxm") and not plain.chip("none")
    assert plain.system("nvidia-hgx-h100-8") and not plain.system("none")
    assert plain.model("llama-3.1-8b") is not None and plain.model("none") is None
    assert {"deepseek-v3"} <= {spec.id for spec in plain.latent()}
    assert "fp8" in plain.formats("nvidia-h100-sxm") and "fp8" not in plain.formats("nvidia-a100-sxm-80")
    assert plain.peak("nvidia-h100-sxm", "bf16") == pytest.approx(989.4e12, rel=1e-3)
    assert plain.peak("huawei-ascend-910c", "bf16") == pytest.approx(
        2 * float(rig.machine_of("huawei-cloudmatrix-384").device.peak_flop_per_s["bf16"])
    ), "a package of two devices"
    assert plain.peak("nvidia-a100-sxm-80", "fp8") is None
    assert plain.residual("nvidia-h100-sxm", "step_s") >= 0.0


def test_each_question_is_answered_once_and_so_is_each_refusal() -> None:
    fake = Fake()
    lookup = CatalogTrainLookup(rig.catalog(), fake.train)
    request, spec = TrainRequest(model="m", system="s"), rig.model()
    assert lookup.train(request, spec) is lookup.train(request, spec) and len(fake.asked) == 1
    refusing = Fake(error=DoesNotFit("too large"))
    lookup = CatalogTrainLookup(rig.catalog(), refusing.train)
    for _ in range(2):
        with pytest.raises(AccordError, match="too large"):
            lookup.train(request, spec)
    assert len(refusing.asked) == 1
