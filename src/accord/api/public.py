"""Estimate, compare and validate as functions: records of the catalog joined with the cost model."""

from __future__ import annotations

from collections.abc import Sequence

from accord.api.answers import Answer, answer
from accord.api.drawn import Chosen, posterior
from accord.api.lookup import CatalogLookup
from accord.api.records import (
    efficiency_of,
    machine_of,
    model_spec,
)
from accord.api.scenarios import CatalogSimulator
from accord.catalog.load import Catalog, load_catalog
from accord.inference.estimate import estimate as estimate_records
from accord.inference.request import EstimateRequest
from accord.inference.result import Estimate
from accord.models.spec import ModelSpec
from accord.report.comparison import Comparison, comparison_result
from accord.validation.facts import with_facts
from accord.validation.rows import Row, read_rows
from accord.validation.score import Scored, score_censored, score_rows


def estimate(request: EstimateRequest, *, catalog: Catalog | None = None, spec: ModelSpec | None = None) -> Estimate:
    """Steady-state estimate of one deployment, or of every combination of the request's lists.

    spec: a model from outside the catalog; else ``request.model`` is looked up
    Raises the errors of :mod:`accord.base.errors`: unknown ids, what does not fit, what is unpublished.
    """
    catalog = catalog or load_catalog()
    spec = spec or model_spec(catalog, request.model)
    machine = machine_of(catalog, request.system)
    efficiency = efficiency_of(catalog, machine.chip, request.engine, request.engine_version)
    return estimate_records(spec, machine, efficiency, request, catalog.defaults())


def estimate_answer(
    requests: Sequence[EstimateRequest], *, catalog: Catalog | None = None, level: float = 0.9, explain: bool = False
) -> Answer:
    """Estimates of one deployment in one or more phases, with intervals at ``level``, sources and warnings."""
    return answer(requests, catalog or load_catalog(), level, explain)


def compare(ids: Sequence[str], *, catalog: Catalog | None = None, level: float = 0.9) -> Comparison:
    """Two to four systems side by side: totals, per chip, per watt, per dollar, with bands and verdicts."""
    return comparison_result(catalog or load_catalog(), ids, level=level)


def validate(
    content: str,
    name: str,
    *,
    catalog: Catalog | None = None,
    level: float = 0.9,
    facts: str = "",
    facts_name: str = "facts",
    simulated: bool = True,
) -> tuple[Scored, ...]:
    """Score a measured table (CSV text; ``name`` is for messages).

    facts, facts_name: a second table that fills cells its rows leave empty (:mod:`accord.validation.facts`)
    simulated: run the simulator where no steady state describes a row
    Raises TableError for a bad table.
    """
    catalog = catalog or load_catalog()
    chosen = Chosen(catalog)
    simulator = CatalogSimulator(catalog, chosen.lookup, level) if simulated else None
    return score_rows(
        _rows(content, name, facts, facts_name), chosen.lookup, posterior(catalog, chosen), level, simulator
    )


def censored(
    content: str, name: str, *, catalog: Catalog | None = None, level: float = 0.9, facts: str = "",
    facts_name: str = "facts",
) -> tuple[Scored, ...]:  # fmt: skip
    """Rows of runs cut by their users' patience, beside a simulation of those that finished; see :func:`validate`."""
    catalog = catalog or load_catalog()
    lookup = CatalogLookup(catalog)
    return score_censored(_rows(content, name, facts, facts_name), lookup, CatalogSimulator(catalog, lookup, level))


def _rows(content: str, name: str, facts: str, facts_name: str) -> tuple[Row, ...]:
    rows = read_rows(content, name)
    return with_facts(rows, facts, facts_name) if facts else rows
