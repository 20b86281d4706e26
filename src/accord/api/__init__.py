"""The public verbs, one function each, named as on the command line.

Each takes plain values and records and returns a record; printing is for the edges. A name is loaded when it is first
used, so that a verb pays for itself alone. A search is :func:`accord.api.plan.plan`, a launch file
:func:`accord.api.launch.export`: their modules bear the names.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accord.api.answers import Answer
    from accord.api.audit import AuditAnswer, audit_answer
    from accord.api.demonstration import Demo, demo
    from accord.api.law import Law
    from accord.api.lookup import CatalogLookup
    from accord.api.policy_ask import Question
    from accord.api.policy_check import CheckAnswer, CheckAsk, check_answer
    from accord.api.policy_classify import Told, classify_answer
    from accord.api.policy_facts import Subject, subject_of
    from accord.api.public import censored, compare, estimate, estimate_answer, validate
    from accord.api.records import calibration_chain, efficiency_of, engine_id, machine_of, model_spec
    from accord.api.simulate import SimulateRequest, Simulation, simulate_deployment
    from accord.api.train import TrainAnswer, train_answer
    from accord.api.train_request import FailureAsk, TrainAsk
    from accord.api.workloads import profile_workload
    from accord.catalog.load import Catalog, load_catalog
    from accord.economics.scenario import Scenario
    from accord.inference.request import EstimateRequest, PoolRequest
    from accord.planner.plan import Plan
    from accord.planner.problem import Limit, Limits, Problem, Space
    from accord.report.comparison import Comparison
    from accord.serving.slo import Slo
    from accord.training.request import TrainRequest

_MODULES = {
    "accord.api.answers": ("Answer",),
    "accord.api.audit": ("AuditAnswer", "audit_answer"),
    "accord.api.demonstration": ("Demo", "demo"),
    "accord.api.law": ("Law",),
    "accord.api.lookup": ("CatalogLookup",),
    "accord.api.policy_ask": ("Question",),
    "accord.api.policy_check": ("CheckAnswer", "CheckAsk", "check_answer"),
    "accord.api.policy_classify": ("Told", "classify_answer"),
    "accord.api.policy_facts": ("Subject", "subject_of"),
    "accord.api.public": ("censored", "compare", "estimate", "estimate_answer", "validate"),
    "accord.api.records": ("calibration_chain", "efficiency_of", "engine_id", "machine_of", "model_spec"),
    "accord.api.simulate": ("SimulateRequest", "Simulation", "simulate_deployment"),
    "accord.api.train": ("TrainAnswer", "train_answer"),
    "accord.api.train_request": ("FailureAsk", "TrainAsk"),
    "accord.api.workloads": ("profile_workload",),
    "accord.catalog.load": ("Catalog", "load_catalog"),
    "accord.economics.scenario": ("Scenario",),
    "accord.inference.request": ("EstimateRequest", "PoolRequest"),
    "accord.planner.plan": ("Plan",),
    "accord.planner.problem": ("Limit", "Limits", "Problem", "Space"),
    "accord.report.comparison": ("Comparison",),
    "accord.serving.slo": ("Slo",),
    "accord.training.request": ("TrainRequest",),
}
_FOUND_IN = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Answer",
    "AuditAnswer",
    "Catalog",
    "CatalogLookup",
    "CheckAnswer",
    "CheckAsk",
    "Comparison",
    "Demo",
    "EstimateRequest",
    "FailureAsk",
    "Law",
    "Limit",
    "Limits",
    "Plan",
    "PoolRequest",
    "Problem",
    "Question",
    "Scenario",
    "SimulateRequest",
    "Simulation",
    "Slo",
    "Space",
    "Subject",
    "Told",
    "TrainAnswer",
    "TrainAsk",
    "TrainRequest",
    "audit_answer",
    "calibration_chain",
    "censored",
    "check_answer",
    "classify_answer",
    "compare",
    "demo",
    "efficiency_of",
    "engine_id",
    "estimate",
    "estimate_answer",
    "load_catalog",
    "machine_of",
    "model_spec",
    "profile_workload",
    "simulate_deployment",
    "subject_of",
    "train_answer",
    "validate",
]


def __getattr__(name: str) -> object:
    """Load a public name at its first use."""
    if name not in _FOUND_IN:
        raise AttributeError(f"module 'accord.api' has no attribute {name!r}; it has {', '.join(__all__)}")
    value: object = getattr(importlib.import_module(_FOUND_IN[name]), name)
    return value
