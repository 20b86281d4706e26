"""Scored rows made by hand."""

from __future__ import annotations

import math

from accord.validation.score import Scored


def scored(id: str = "r1", error: float = 0.1, width: float = 0.2, **facts: object) -> Scored:
    """A row predicted exp(error) times what was measured, with an interval of exp(+-width)."""
    measured = float(str(facts.pop("measured", 0.02)))
    predicted = measured * math.exp(error)
    fields: dict[str, object] = {
        "id": id,
        "source_id": "paper",
        "metric": "tpot_s",
        "measured": measured,
        "predicted": predicted,
        "low": predicted * math.exp(-width),
        "high": predicted * math.exp(width),
        "log_ratio": error,
        "inside": abs(error) <= width,
        "assumed": (),
        "skipped": None,
        "complete": True,
        "chip": "chip-a",
        "model": "model-a",
        **facts,
    }
    return Scored(**fields)  # type: ignore[arg-type]


def skipped(id: str, reason: str) -> Scored:
    """A row without a prediction."""
    nothing = dict.fromkeys(("predicted", "low", "high", "log_ratio", "inside"))
    return scored(id, **nothing, skipped=reason, complete=False)  # type: ignore[arg-type]
