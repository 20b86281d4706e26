"""A small table of training runs, and answers that stand for an estimate."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from tests import rig

from accord.base.array import Array, array
from accord.base.errors import AccordError
from accord.models.params import count
from accord.models.spec import ModelSpec
from accord.training.flop import train_flop_per_token
from accord.training.request import TrainRequest

CELLS: Mapping[str, object] = {
    "id": "a", "source_id": "s", "kind": "measured", "confidence": "high", "model": "", "arch": "dense", "layers": 24,
    "hidden": 2048, "heads": 16, "kv_heads": 16, "head_dim": 128, "ffn": 8192, "vocab": 51200, "experts": "",
    "active_experts": "", "moe_ffn": "", "shared_experts": "", "params_total": "", "params_active": "",
    "seq_len": 2048, "global_batch_tokens": 65536, "micro_batch_sequences": "", "tokens_total": "",
    "precision": "bf16", "recompute": "", "causal_counted": "", "chip": "nvidia-h100-sxm",
    "system": "nvidia-hgx-h100-8", "chips": 8, "tp": "", "pp": "", "vp": "", "dp": "", "ep": "", "cp": "",
    "zero_stage": "", "phase": "pretrain", "metric": "step_s", "value": 1, "unit": "s", "notes": "mlp=plain",
}  # fmt: skip
HEAD = tuple(CELLS)


def table(*rows: Mapping[str, object]) -> str:
    """A table whose rows are :data:`CELLS` with changes."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEAD, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**CELLS, **row})
    return out.getvalue()


@dataclass(frozen=True)
class Answer:
    """An estimate."""

    metrics: Mapping[str, Array]
    assumed: tuple[str, ...] = ("recompute",)


@dataclass
class Fake:
    """A lookup whose chips reach two fifths of their peak by causal model FLOP, varied by ``factors``.

    asked: every question, in order
    """

    factors: Array = field(default_factory=lambda: array(1.0))
    error: AccordError | None = None
    asked: list[tuple[TrainRequest, ModelSpec]] = field(default_factory=list)
    spread: float = 0.1

    def chip(self, id: str) -> str | None:
        """One chip."""
        return id if id == "nvidia-h100-sxm" else None

    def system(self, id: str) -> str | None:
        """One system."""
        return id if id == "nvidia-hgx-h100-8" else None

    def model(self, id: str) -> ModelSpec | None:
        """Open models of the catalog."""
        return rig.spec_of(id) if id in rig.open_models() else None

    def latent(self) -> tuple[ModelSpec, ...]:
        """One model with latent attention."""
        return (rig.spec_of("deepseek-v3"),)

    def formats(self, chip: str) -> Collection[str]:
        """16 and 8 bits."""
        return ("bf16", "fp8")

    def peak(self, chip: str, format: str) -> float | None:
        """Twice as much in 8 bits."""
        return {"bf16": 1e15, "fp8": 2e15}.get(format)

    def residual(self, chip: str, metric: str) -> float:
        """The same for all."""
        return self.spread

    def train(self, request: TrainRequest, spec: ModelSpec) -> Answer:
        """Rates and times that hang together."""
        self.asked.append((request, spec))
        if self.error is not None:
            raise self.error
        seq, chips = float(request.seq or 1), float(request.chips or 1)
        flop = train_flop_per_token(spec, seq)
        rate = 0.4e15 / flop / chips**0.01 * self.factors
        batch, tokens = request.global_batch or np.nan, request.tokens or np.nan
        active = count(spec).active
        return Answer({
            "tokens_per_s_per_chip": rate, "tokens_per_s_total": rate * chips, "step_s": batch / (rate * chips),
            "time_to_train_s": tokens / (rate * chips), "chip_hours": tokens / rate / 3600.0,
            "e2e_tokens_per_s_per_chip": 0.9 * rate, "model_flop_per_s_per_chip": rate * flop,
            "hardware_flop_per_s_per_chip": rate * (flop + 2.0 * active),
        })  # fmt: skip
