"""The public verbs, one function each, named as on the command line.

Each takes plain values and records and returns a record; printing is for the edges. A name is loaded when it is first
used, so that a verb pays for itself alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accord.api.answers import Answer
    from accord.api.demonstration import Demo, demo
    from accord.api.lookup import CatalogLookup
    from accord.api.public import censored, compare, estimate, estimate_answer, validate
    from accord.api.records import calibration_chain, efficiency_of, engine_id, machine_of, model_spec
    from accord.inference.request import EstimateRequest
    from accord.report.comparison import Comparison

_MODULES = {
    "accord.api.answers": ("Answer",),
    "accord.api.demonstration": ("Demo", "demo"),
    "accord.api.lookup": ("CatalogLookup",),
    "accord.api.public": ("censored", "compare", "estimate", "estimate_answer", "validate"),
    "accord.api.records": ("calibration_chain", "efficiency_of", "engine_id", "machine_of", "model_spec"),
    "accord.inference.request": ("EstimateRequest",),
    "accord.report.comparison": ("Comparison",),
}
_FOUND_IN = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Answer",
    "CatalogLookup",
    "Comparison",
    "Demo",
    "EstimateRequest",
    "calibration_chain",
    "censored",
    "compare",
    "demo",
    "efficiency_of",
    "engine_id",
    "estimate",
    "estimate_answer",
    "machine_of",
    "model_spec",
    "validate",
]


def __getattr__(name: str) -> object:
    """Load a public name at its first use."""
    if name not in _FOUND_IN:
        raise AttributeError(f"module 'accord.api' has no attribute {name!r}; it has {', '.join(__all__)}")
    value: object = getattr(importlib.import_module(_FOUND_IN[name]), name)
    return value
