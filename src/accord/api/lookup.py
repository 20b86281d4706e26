"""Records and answers for scoring, each built once."""

from __future__ import annotations

import math

from accord.api.records import efficiency_of, is_engine, machine_of, model_spec
from accord.catalog.load import Catalog
from accord.hardware.derate import Efficiency
from accord.inference.estimate import estimate as estimate_records
from accord.inference.request import EstimateRequest
from accord.inference.result import Estimate
from accord.models.hf_config import from_config
from accord.models.spec import ModelSpec
from accord.uncertainty.residual import kind_of
from accord.validation.machines import MachineFacts


def residual_log_sd(efficiency: Efficiency, metric: str, phase: str) -> float:
    """Standard deviation of ln(predicted / measured) beyond parameters and facts; more for families nobody measured."""
    own = efficiency.scalar(f"residual.{kind_of(metric, phase)}")
    known = len(efficiency.chain) > 1
    return own if known else math.hypot(own, efficiency.scalar("residual.unmeasured"))


class CatalogLookup:
    """Records and answers for scoring, each built once."""

    def __init__(self, catalog: Catalog) -> None:
        """Look things up in ``catalog``."""
        self._catalog = catalog
        self._models: dict[str, ModelSpec | None] = {}
        self._machines: dict[tuple[str, str, str | None, str | None], MachineFacts] = {}
        self._answers: dict[EstimateRequest, Estimate] = {}

    def chip(self, id: str) -> str | None:
        """The id when the catalog has the chip, else None."""
        return id if id in self._catalog.ids("chips") else None

    def model(self, id: str) -> ModelSpec | None:
        """The model, None where the catalog has no architecture for it."""
        if id not in self._models:
            known = id in self._catalog.ids("models")
            config = self._catalog.model(id).config if known else None
            self._models[id] = from_config(config, id) if config is not None else None
        return self._models[id]

    def facts(self, system: str | None, chip: str, engine: str | None, version: str | None = None) -> MachineFacts:
        """The machine of a row; a chip alone stands for itself."""
        name = system if system in self._catalog.ids("systems") else chip
        key = (system or "", name, engine, version)
        if key not in self._machines:
            machine = machine_of(self._catalog, name)
            known = engine if engine is not None and is_engine(self._catalog, engine) else None
            efficiency = efficiency_of(self._catalog, machine.chip, known, version)
            assumed = (
                *(("system",) if name != system else ()),
                *(("engine",) if engine is not None and known is None else ()),
            )
            self._machines[key] = MachineFacts(machine, efficiency, self._paths(name), assumed)
        return self._machines[key]

    def _paths(self, name: str) -> dict[str, tuple[float, float]]:
        if name not in self._catalog.ids("systems"):
            return {}
        planes = self._catalog.system(name).fabric.planes
        return {
            key: (path.bandwidth.si, path.latency.si if path.latency is not None else 0.0)
            for plane in planes
            for key, path in plane.paths.items()
        }

    def estimate(self, request: EstimateRequest) -> Estimate:
        """The public estimate, each question answered once."""
        if request not in self._answers:
            self._answers[request] = self._estimate(request)
        return self._answers[request]

    def _estimate(self, request: EstimateRequest) -> Estimate:
        facts = self.facts(request.system, request.system, request.engine, request.engine_version)
        spec = self.model(request.model) or model_spec(self._catalog, request.model)
        return estimate_records(spec, facts.machine, facts.efficiency, request, self._catalog.defaults())

    def number(self, section: str, name: str) -> float:
        """A default in SI."""
        return self._catalog.defaults()[section][name].si

    def residual(self, chip: str, metric: str, phase: str) -> float:
        """Standard deviation of ln(predicted / measured) beyond parameters and facts."""
        return residual_log_sd(self.facts(None, chip, None).efficiency, metric, phase)
