"""Plans for a program: what a plan, its terms and a relaxed limit are in JSON."""

from __future__ import annotations

from typing import Protocol

import msgspec

from accord.planner.plan import Plan
from accord.planner.terms import Terms
from accord.uncertainty.figure import Figure


def plan_dict(plan: Plan) -> dict[str, object]:
    """A plan as JSON holds it."""
    made = msgspec.to_builtins(plan)
    assert isinstance(made, dict)
    return made


class Relaxation(Protocol):
    """A limit that was let go; see :class:`accord.api.relaxation.Relaxed`."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def asked(self) -> float: ...  # noqa: D102
    @property
    def needed(self) -> float: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def factor(self) -> float: ...  # noqa: D102
    @property
    def plan(self) -> Plan: ...  # noqa: D102


def relaxed_dict(one: Relaxation) -> dict[str, object]:
    """One relaxation for JSON."""
    return {
        "limit": one.name, "asked": one.asked, "needed": one.needed, "unit": one.unit, "factor": one.factor,
        "plan": plan_dict(one.plan),
    }  # fmt: skip


def without_dict(system: str, reason: str) -> dict[str, str]:
    """A system that has no plan, for JSON."""
    return {"system": system, "reason": reason}


def terms_dict(terms: Terms) -> dict[str, object]:
    """What a chip of a system draws and costs, for JSON."""
    names = ("power_w", "capex_usd", "racks", "usd_per_hour", "kgco2_per_kwh", "pue")
    found: dict[str, object] = {name: _figure(getattr(terms, name)) for name in names}
    return {
        "system": terms.system, "chip": terms.chip, "chips": terms.chips, "whole": terms.whole, "load": terms.load,
        **found, "parts_usd_per_hour": {name: _figure(one) for name, one in terms.parts.items()},
        "said": list(terms.said), "assumed": list(terms.assumed),
    }  # fmt: skip


def _figure(one: Figure | None) -> dict[str, object] | None:
    if one is None:
        return None
    low, high = one.band()
    return {
        "value": one.value, "unit": one.unit, "low": min(low, one.value), "high": max(high, one.value),
        "basis": one.basis, "sources": list(one.sources),
    }  # fmt: skip
