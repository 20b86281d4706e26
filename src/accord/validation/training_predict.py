"""From a training estimate to the metric of a row, in the convention of the row.

Throughput and times are the estimate's own. FLOP rates and shares of a peak are the estimate's tokens per second times
the FLOP of a token as the row counts them:

- ``causal_counted`` true counts half of the attention square, false all of it. Where a row is silent all of it counts,
  as in the two formulas that such figures usually come from: Narayanan et al., arXiv 2104.04473 (2021-04-09), section
  5.1 and appendix, and Chowdhery et al., "PaLM", arXiv 2204.02311 (2022-04-05), appendix B.
- An ``hfu`` and a hardware FLOP rate count what is computed again: what the row says is recomputed, else what the
  estimate recomputes.
- The peak is the ``peak_flop_per_s`` of the notes, else the chip's of the format that the unit names; a
  ``vendor_peak`` is that of the row's own format.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import AccordError
from accord.models.spec import ModelSpec
from accord.training.flop import Convention, Number, convention_flop_per_token, lora_flop_per_token
from accord.training.request import TrainRequest
from accord.validation.predict import Prediction
from accord.validation.score import reason_of
from accord.validation.training_rows import Question, TrainingRow, question_of

SKIPS = (
    "no_shape", "unknown_chip", "unknown_model", "bound_violation", "seq_len", "global_batch_tokens", "tokens_total",
)  # fmt: skip
"""Why a row has no prediction: the reasons of measured tables, and the columns that cannot be completed."""
DIRECT = (
    "step_s", "tokens_per_s_per_chip", "tokens_per_s_total", "e2e_tokens_per_s_per_chip", "time_to_train_s",
    "chip_hours",
)  # fmt: skip
WHOLE_RUN = ("time_to_train_s", "chip_hours", "e2e_tokens_per_s_per_chip")
_RATES = ("model_flop_per_s_per_chip", "hardware_flop_per_s_per_chip")
_SHARES = ("mfu", "hfu")
_HARDWARE = ("hfu", "hardware_flop_per_s_per_chip")
Run = tuple[str, ...]


class Answered(Protocol):
    """An estimate of a training run: metrics of shape ``(D,)`` by name, and what it filled by default."""

    @property
    def metrics(self) -> Mapping[str, Array]:
        """Values in SI by name; ``chip_hours`` in hours."""

    @property
    def assumed(self) -> tuple[str, ...]:
        """Fields filled by default."""


class TrainLookup(Protocol):
    """Ids to records, and requests to answers."""

    def chip(self, id: str) -> str | None:
        """The id when the catalog has the chip, else None."""

    def system(self, id: str) -> str | None:
        """The id when the catalog has the system, else None."""

    def model(self, id: str) -> ModelSpec | None:
        """The model, None where the catalog has no architecture for it."""

    def latent(self) -> tuple[ModelSpec, ...]:
        """Catalog models with latent attention."""

    def formats(self, chip: str) -> Collection[str]:
        """Formats whose matrix products a chip does."""

    def peak(self, chip: str, format: str) -> float | None:
        """Dense peak of a chip in a format [FLOP/s], None where it has none."""

    def train(self, request: TrainRequest, spec: ModelSpec) -> Answered:
        """The public estimate. Raises AccordError where there is none."""

    def residual(self, chip: str, metric: str) -> float:
        """Standard deviation of ln(predicted / measured) beyond parameters and facts."""


def asked(row: TrainingRow, lookup: TrainLookup) -> Question:
    """The question of a row."""
    return question_of(row, lookup.model, lookup.latent(), lookup.formats)


def run_of(row: TrainingRow) -> Run:
    """What rows of one scaling table share: model, dimensions, hardware and format."""
    names = ("model", "chip", "system", "precision", "phase")
    shape = ("layers", "hidden", "seq_len", "tp", "params_total")
    words = (*(row.text.get(name, "") for name in names), row.flags.get("model", ""), row.flags.get("software", ""))
    return (*words, *(f"{row.numbers.get(name, 0.0):g}" for name in shape))


def smallest_runs(rows: Iterable[TrainingRow]) -> Mapping[Run, TrainingRow]:
    """The row with the fewest chips of each scaling table."""
    found: dict[Run, TrainingRow] = {}
    for row in rows:
        if row.text["metric"] == "scaling_efficiency" and "chips" in row.numbers:
            known = found.get(run_of(row))
            if known is None or row.numbers["chips"] < known.numbers["chips"]:
                found[run_of(row)] = row
    return found


def predicted(row: TrainingRow, lookup: TrainLookup, smallest: Mapping[Run, TrainingRow]) -> Prediction:
    """The prediction, or the reason of :data:`SKIPS` why there is none."""
    try:
        return predict_training(row, lookup, smallest)
    except AccordError as error:
        return Prediction(None, reason_of(error))


def predict_training(
    row: TrainingRow, lookup: TrainLookup, smallest: Mapping[Run, TrainingRow] | None = None
) -> Prediction:
    """Prediction for ``row``. Raises AccordError where the row asks for something impossible.

    smallest: the smallest run of each scaling table, see :func:`smallest_runs`
    """
    chip, system = row.text["chip"], row.text.get("system")
    if lookup.chip(chip) is None:
        return Prediction(None, "unknown_chip")
    question = asked(row, lookup)
    if question.skipped is not None or question.spec is None:
        return Prediction(None, question.skipped or "unknown_model", question.assumed)
    if system is None or lookup.system(system) is None:
        if (question.request.chips or 2) > 1:
            return Prediction(None, "unknown_chip")  # nobody says how the chips are joined
        question = _on(question, chip)
    done = lookup.train(question.request, _spec(question))
    assumed = tuple(dict.fromkeys((*question.assumed, *done.assumed)))
    if row.text["metric"] == "scaling_efficiency":
        value = _scaled(row, done, lookup, smallest or {})
    else:
        value = metric_of(row, question, done, lookup)
    return Prediction(value, None if value is not None else "no_shape", assumed)


def _spec(question: Question) -> ModelSpec:
    assert question.spec is not None, "a question without a model is skipped"
    return question.spec


def _on(question: Question, system: str) -> Question:
    fields = {name: getattr(question.request, name) for name in question.request.__struct_fields__}
    request = TrainRequest(**{**fields, "system": system})
    return Question(request, question.spec, (*question.assumed, "system"), question.notes, question.skipped)


def metric_of(row: TrainingRow, question: Question, done: Answered, lookup: TrainLookup) -> Array | None:
    """The metric of a row from an estimate, in the row's convention, ``(D,)``; None where there is none."""
    metric = row.text["metric"]
    if metric in DIRECT:
        return done.metrics.get(metric)
    if metric not in (*_RATES, *_SHARES) or "tokens_per_s_per_chip" not in done.metrics:
        return None
    rate = done.metrics["tokens_per_s_per_chip"] * flop_per_token(row, question)
    if metric in _HARDWARE and "recompute" not in row.text:
        rate = rate * _again(done)
    if metric in _RATES:
        return rate
    peak = peak_of(row, question, lookup)
    return None if peak is None else rate / peak


def flop_per_token(row: TrainingRow, question: Question) -> Number:
    """FLOP of training on one token as the row counts them [FLOP/token].

    Hardware FLOP of a row that says what is recomputed include it.
    """
    spec, request = _spec(question), question.request
    causal = row.text.get("causal_counted") == "true"
    seq = float(request.seq or 1)
    if request.lora_rank is not None:
        return lora_flop_per_token(spec, seq, request.lora_rank, causal)
    again = request.recompute if row.text["metric"] in _HARDWARE else None
    return convention_flop_per_token(spec, seq, Convention(causal=causal, recompute=again or "none"))


def _again(done: Answered) -> Array:
    """Hardware over model FLOP of an estimate [1], ``(D,)``."""
    hardware, model = (done.metrics.get(name) for name in reversed(_RATES))
    return array(1.0) if hardware is None or model is None else hardware / model


def peak_of(row: TrainingRow, question: Question, lookup: TrainLookup) -> float | None:
    """The dense peak that a share of a peak is of [FLOP/s]; None where nobody states it."""
    if "peak_flop_per_s" in row.flags:
        return float(row.flags["peak_flop_per_s"])
    named = row.text.get("unit", "").removesuffix("_peak")
    return lookup.peak(row.text["chip"], (question.request.precision or "bf16") if named in ("", "vendor") else named)


def _scaled(row: TrainingRow, done: Answered, lookup: TrainLookup, smallest: Mapping[Run, TrainingRow]) -> Array | None:
    """Throughput per chip over that of the smallest run of the table [1], ``(D,)``."""
    base = smallest.get(run_of(row), row)
    above = done.metrics.get("tokens_per_s_per_chip")
    if above is None:
        return None
    if base is row:
        return np.ones_like(above)
    question = asked(base, lookup)
    return above / lookup.train(question.request, _spec(question)).metrics["tokens_per_s_per_chip"]
