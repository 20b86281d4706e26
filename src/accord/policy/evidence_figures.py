"""Figures of result files that no run can have: shares above the whole, times and rates that are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from accord.policy.evidence_found import EvidenceKind

_SHARES = ("accuracy", "attack_success_rate", "avg_grade_value", "exact_match", "refusal_rate")
_SPREADS = ("stderr", "std", "var")
_RATES = ("request_per_s", "output_token_per_s_total", "offered_request_per_s")
_LATENCIES = ("ttft", "tpot", "e2el")  # first part of a name that ends in seconds
_FULL = 1.0
_PERCENT = 100.0
_FRACTIONS = ("inspect",)  # formats that write shares as parts of 1; others may write percent


def impossible(kind: EvidenceKind, format: str, metrics: Mapping[str, float]) -> str | None:
    """The first figure that cannot be, in words, None where all can; metrics: by name, SI units."""
    whole = _FULL if format in _FRACTIONS else _PERCENT
    return next(_wrong(kind, metrics, whole), None)


def _wrong(kind: EvidenceKind, metrics: Mapping[str, float], whole: float) -> Iterator[str]:
    for name, value in metrics.items():
        last = name.rpartition("/")[2].lower()
        share = last in _SHARES
        timed = kind == "performance" and _timed(last)
        if value < 0.0 and (share or timed or last in _SPREADS or (kind == "performance" and last.endswith("_s"))):
            yield f"{name} is {value:g}, below 0, the least it can be"
        elif share and value > whole:
            yield f"{name} is {value:g}, above {whole:g}, the most it can be"
        elif timed and value == 0.0:
            yield f"{name} is 0, and more than 0 is the least it can be"


def _timed(name: str) -> bool:
    """Whether a name is one of a time or rate that every run takes more than nothing of."""
    return name in _RATES or (name.endswith("_s") and name.partition("_")[0] in _LATENCIES)
