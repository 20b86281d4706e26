"""The catalog entry of training: fitted parameters with how sure they are, and residuals from rows left out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from accord.base.source import Source
from accord.calibration.training_beliefs import BELIEFS, STATED, Belief
from accord.calibration.training_fit import NAMES, TrainingFit
from accord.catalog.calibration import Constants, Fit
from accord.catalog.value import Value

GENERIC = "generic"
ROWS, RULE = "ROWS", "RULE"
SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        ROWS: Source(
            title="Published measurements of training steps and runs",
            publisher="several, cited row by row",
            date="2026-11",
            locator="see docs/accuracy.md",
        ),
        RULE: Source(title="Judgement where nothing was measured", publisher="Accord", date="2026-11"),
    }
)
FELT = 1e-3  # slope of a row's logarithm from which it tells of a parameter
LEAST_SD = 0.02
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "residual.train_step": "standard deviation of ln(predicted / measured) of speeds, beyond parameters",
        "residual.train_run": "the same of whole runs",
    }
)


def entry_of(fit: TrainingFit, residuals: Mapping[str, float], fitted: str) -> Constants:
    """The generic entry. residuals: by :data:`KINDS`; fitted: day of the fit."""
    deviations = np.sqrt(np.diag(fit.covariance))
    parameters: dict[str, Value] = {}
    fits: dict[str, Fit] = {}
    for at, name in enumerate(NAMES):
        felt = np.abs(fit.slopes[:, at]) > FELT
        told = sorted({row.text["chip"] for row, feels in zip(fit.rows, felt, strict=True) if feels})
        belief = BELIEFS[name]
        basis, source = ("derived", ROWS) if told else ("assumed", RULE)
        parameters[name] = _value(belief, float(np.exp(fit.logs[at])), basis, source)
        fits[name] = Fit(log_sd=round(max(float(deviations[at]), LEAST_SD), 3), n=int(felt.sum()), chips=tuple(told))
    for name, belief in STATED.items():
        parameters[name] = _value(belief, belief.value, "assumed", RULE)
        if belief.log_sd:
            fits[name] = Fit(log_sd=belief.log_sd)
    for name, note in KINDS.items():
        number = round(residuals[name], 3)
        parameters[name] = Value(number=number, unit="1", basis="derived", source=ROWS, note=note)
    return Constants(
        id=GENERIC, fitted=fitted, parameters=dict(sorted(parameters.items())), fits=dict(sorted(fits.items())),
        correlations=ties(fit), sources=dict(SOURCES),
    )  # fmt: skip


def _value(belief: Belief, number: float, basis: str, source: str) -> Value:
    return Value(number=float(f"{number:.4g}"), unit=belief.unit, basis=basis, source=source, note=belief.note)  # type: ignore[arg-type]


def ties(fit: TrainingFit, least: float = 0.4) -> dict[str, dict[str, float]]:
    """Correlations of ``least`` and more between parameters, shrunk until they are those of a matrix."""
    deviations = np.sqrt(np.diag(fit.covariance))
    matrix = fit.covariance / np.outer(deviations, deviations)
    kept = np.where(np.abs(matrix) >= least, matrix, 0.0)
    np.fill_diagonal(kept, 0.0)
    lowest = float(np.linalg.eigvalsh(kept)[0])
    kept *= min(1.0, 0.95 / max(-lowest, 1e-9))
    found: dict[str, dict[str, float]] = {}
    for at, name in enumerate(NAMES):
        row = {NAMES[to]: round(float(kept[at, to]), 2) for to in range(at + 1, len(NAMES)) if kept[at, to]}
        if row:
            found[name] = row
    return found
