"""Answers for many sets of parameters at once: what a fit and an interval need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from accord.api.lookup import CatalogLookup
from accord.api.records import model_spec
from accord.catalog.load import Catalog
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.inference.complete import Assumed
from accord.inference.estimate import estimate_parts, joined, run
from accord.inference.job import Job
from accord.inference.request import EstimateRequest
from accord.inference.result import Estimate
from accord.inference.spread import draws, fixed
from accord.models.spec import ModelSpec
from accord.validation.machines import MachineFacts

DRAWS = 512  # more than twice the parameters and facts of any chip
Vary = Callable[[Machine, Efficiency], tuple[Machine, Efficiency]]


class Chosen:
    """What is chosen with the unvaried parameters, kept so that many sets of parameters can share it."""

    def __init__(self, catalog: Catalog) -> None:
        """Choose with the parameters of ``catalog``."""
        self.catalog = catalog
        self.lookup = CatalogLookup(catalog)
        self._parts: dict[EstimateRequest, tuple[EstimateRequest, Estimate, tuple[Mapping[str, float], ...]]] = {}

    def part(self, request: EstimateRequest) -> tuple[EstimateRequest, Estimate, tuple[Mapping[str, float], ...]]:
        """The request with its choices stated, the estimate at the mean, and its points. Raises what it raises."""
        if request not in self._parts:
            facts = self.lookup.facts(request.system, request.system, request.engine, request.engine_version)
            spec = self.lookup.model(request.model) or model_spec(self.catalog, request.model)
            parts = estimate_parts(spec, facts.machine, facts.efficiency, request, self.catalog.defaults())
            joined([part for _, part in parts])  # refuses what does not fit
            one, part = parts[0]
            asked, points = fixed(one, part)
            self._parts[request] = (asked, part, points)
        return self._parts[request]


def posterior(catalog: Catalog, chosen: Chosen | None = None) -> DrawnLookup:
    """Answers with parameters drawn from their posterior and disputed facts from their claims."""

    def vary(machine: Machine, efficiency: Efficiency) -> tuple[Machine, Efficiency]:
        sample = draws(machine, efficiency, None, DRAWS)
        return sample.machine, sample.efficiency

    return DrawnLookup(catalog, vary, DRAWS, chosen)


class DrawnLookup:
    """A lookup whose machines and parameters are varied ``count`` times; answers have shape ``(count,)``.

    What is chosen for a deployment (layout, formats, largest batch) is chosen with the unvaried parameters.
    """

    def __init__(self, catalog: Catalog, vary: Vary, count: int, chosen: Chosen | None = None) -> None:
        """Vary what ``catalog`` holds; ``vary`` gives arrays of ``count`` numbers."""
        self._catalog = catalog
        self._chosen = chosen or Chosen(catalog)
        self._base = self._chosen.lookup
        self._vary = vary
        self._count = count
        self._varied: dict[int, MachineFacts] = {}
        self._answers: dict[EstimateRequest, Estimate] = {}

    def chip(self, id: str) -> str | None:
        """The id when the catalog has the chip, else None."""
        return self._base.chip(id)

    def model(self, id: str) -> ModelSpec | None:
        """The model, None where the catalog has no architecture for it."""
        return self._base.model(id)

    def number(self, section: str, name: str) -> float:
        """A default in SI."""
        return self._base.number(section, name)

    def residual(self, chip: str, metric: str, phase: str) -> float:
        """As unvaried."""
        return self._base.residual(chip, metric, phase)

    def facts(self, system: str | None, chip: str, engine: str | None, version: str | None = None) -> MachineFacts:
        """The varied machine of a row."""
        plain = self._base.facts(system, chip, engine, version)
        if id(plain) not in self._varied:
            machine, efficiency = self._vary(plain.machine, plain.efficiency)
            self._varied[id(plain)] = replace(plain, machine=machine, efficiency=efficiency)
        return self._varied[id(plain)]

    def estimate(self, request: EstimateRequest) -> Estimate:
        """The public estimate with varied parameters, each question answered once."""
        if request not in self._answers:
            self._answers[request] = self._estimate(request)
        return self._answers[request]

    def _estimate(self, request: EstimateRequest) -> Estimate:
        varied = self.facts(request.system, request.system, request.engine, request.engine_version)
        asked, part, points = self._chosen.part(request)
        repeated: tuple[Mapping[str, float], ...] = tuple(point for point in points for _ in range(self._count))
        setting = replace(part.setting, machine=varied.machine, efficiency=varied.efficiency)
        done = run(Job(asked, setting, self._catalog.defaults(), Assumed(), repeated))
        return replace(done, assumed=part.assumed)
