"""Catalog entries of collectives: a generic one, and one for each family with rows.

The generic entry holds the pooled numbers, as unsure as families differ; a family's entry restates the numbers that
its rows moved, as sure as its rows made them.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from accord.base.array import Array
from accord.base.source import Source
from accord.calibration.fabric_fit import BELIEFS, FabricFit
from accord.calibration.priors import Judgement
from accord.catalog.calibration import Constants, Fit
from accord.catalog.value import Value
from accord.uncertainty.residual import quantile
from accord.validation.fabric_rows import FabricRow

GENERIC = "generic"
ROWS, NCCL, RULE, BOOK = "ROWS", "NCCL", "RULE", "MLENG-BOOK"
SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        ROWS: Source(
            title="Published measurements of collectives and links",
            publisher="several, cited row by row",
            date="2026-11",
            locator="see docs/accuracy.md",
        ),
        NCCL: Source(
            title="NCCL, src/graph/tuning.cc at 01afd20",
            publisher="NVIDIA",
            date="2020",
            locator="ncclTopoTuneModel: share of the ring's rate that a tree is given",
            url="https://github.com/NVIDIA/nccl/blob/01afd20a77b5804e0ecf1042509dd9d20ebf9e93/src/graph/tuning.cc",
        ),
        BOOK: Source(
            title="Machine Learning Engineering Open Book, network chapter",
            publisher="Stas Bekman, GitHub stas00/ml-engineering",
            date="2026-08",
            locator="network/README.md: all-reduce by number of GPUs, with and without sums in the switch",
            url="https://github.com/stas00/ml-engineering",
            licence="CC BY-SA 4.0",
        ),
        RULE: Source(title="Judgement where nothing was measured", publisher="Accord", date="2026-11"),
    }
)
STATED: Mapping[str, tuple[Judgement, str, str]] = MappingProxyType(
    {
        "collective.share.tree": (
            Judgement(0.9, "1", 0.1, "rate of a tree over that of a ring; later versions take 0.92"),
            NCCL,
            "published",
        ),
        "collective.share.measured": (
            Judgement(0.98, "1", 0.1, "rate of a ring over that of a copy between two devices, where one was measured"),
            RULE,
            "assumed",
        ),
        "collective.sum_ranks": (
            Judgement(4.0, "1", 0.0, "members of a domain above which a switch is asked to sum"),
            BOOK,
            "derived",
        ),
    }
)
OUTSIDE = "collective.step_s.scale-out"
OUTSIDE_SD = 0.5  # between networks, and between a single access and a step of a library
LEAST_RESIDUAL = 0.05
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "latency": "standard deviation of ln(predicted / measured) where latency decides",
        "rate": "standard deviation of ln(predicted / measured) where bytes decide",
        "scale-out": "added beyond the scale-up domain: that of predictions of systems left out of the fit",
    }
)


def entries_of(
    fit: FabricFit, rows: Sequence[FabricRow], residuals: Mapping[str, float], fitted: str
) -> dict[str, Constants]:
    """Entries by id. residuals: by :data:`KINDS`; fitted: day of the fit."""
    parameters = {name: _value(fit, name, "") for name in BELIEFS}
    fits = {name: fit.fits[name, ""] for name in BELIEFS}
    for name, (stated, source, basis) in STATED.items():
        parameters[name] = _stated(stated, source, basis)
        if stated.log_sd:
            fits[name] = Fit(log_sd=stated.log_sd)
    parameters[OUTSIDE], fits[OUTSIDE] = outside_step(rows)
    for kind, sd in residuals.items():
        note = KINDS[kind]
        parameters[f"residual.collective.{kind}"] = Value(
            number=round(max(sd, LEAST_RESIDUAL), 3), unit="1", basis="derived", source=ROWS, note=note
        )
    found = {GENERIC: _entry(GENERIC, None, parameters, fits, fitted)}
    for family in fit.families:
        own = [name for name in BELIEFS if fit.fits[name, family].n]
        found[family] = _entry(
            family, GENERIC, {name: _value(fit, name, family) for name in own},
            {name: fit.fits[name, family] for name in own}, fitted,
        )  # fmt: skip
    return found


def _entry(
    id: str, parent: str | None, parameters: Mapping[str, Value], fits: Mapping[str, Fit], fitted: str
) -> Constants:
    used = {value.source for value in parameters.values()}
    return Constants(
        id=id,
        parent=parent,
        families=() if parent is None else (id,),  # type: ignore[arg-type]
        fitted=fitted,
        parameters=dict(sorted(parameters.items())),
        fits=dict(sorted(fits.items())),
        sources={key: source for key, source in SOURCES.items() if key in used},
    )


def _value(fit: FabricFit, name: str, family: str) -> Value:
    belief = BELIEFS[name]
    pooled = "" if belief.by_family or not family else ", as of all families"
    return Value(
        number=fit.values[name, family], unit=belief.unit, basis="derived", source=ROWS, note=f"{belief.note}{pooled}"
    )


def _stated(stated: Judgement, source: str, basis: str) -> Value:
    return Value(number=stated.value, unit=stated.unit, basis=basis, source=source, note=stated.note)  # type: ignore[arg-type]


def outside_step(rows: Sequence[FabricRow]) -> tuple[Value, Fit]:
    """Seconds of a step between domains: the geometric mean of measured accesses over a network."""
    kept = [
        row
        for row in rows
        if row.sure
        and row.text["collective"] == "p2p"
        and row.text["metric"] == "latency_s"
        and row.text.get("scope") == "inter-node"
    ]
    if not kept:
        value = Value(number=4e-6, unit="s", basis="assumed", source=RULE, note="latency of a step between domains")
        return value, Fit(log_sd=OUTSIDE_SD)
    mean = statistics.geometric_mean(row.numbers["value"] for row in kept)
    note = "latency of a step between domains: that of small messages between two nodes"
    value = Value(number=mean, unit="s", basis="derived", source=ROWS, note=note)
    return value, Fit(log_sd=OUTSIDE_SD, n=len(kept), chips=tuple(sorted({row.text["chip"] for row in kept})))


def residuals_of(fit: FabricFit, latency_shares: Array, left_out: Array, level: float = 0.9) -> dict[str, float]:
    """Spreads by :data:`KINDS` that hold ``level`` of the errors.

    latency_shares: of each row's predicted time [1]; left_out: ln(predicted / measured) by fits without its system
    """
    small = latency_shares > 0.5
    wide = quantile(level)
    found = {
        kind: float(np.quantile(np.abs(fit.errors[rows]), level)) / wide if rows.any() else 0.2
        for kind, rows in (("latency", small), ("rate", ~small))
    }
    return {**found, "scale-out": float(np.quantile(np.abs(left_out), level)) / wide}
