"""Measured training runs beside the public estimate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accord.api.lookup import CatalogLookup
from accord.api.records import machine_of, training_efficiency
from accord.base.errors import AccordError
from accord.catalog.load import Catalog, load_catalog
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.inference.spread import Draws, draws
from accord.models.spec import ModelSpec
from accord.training.estimate import TrainEstimate, estimate
from accord.training.estimate import drawn as drawn_estimate
from accord.training.request import TrainRequest
from accord.validation.score import Scored
from accord.validation.training_predict import WHOLE_RUN, Answered
from accord.validation.training_rows import read_training
from accord.validation.training_score import score_training, show_training

RESIDUALS: Mapping[bool, str] = {False: "residual.train_step", True: "residual.train_run"}
"""Which residual a metric follows, by whether it is of a whole run."""
DRAWS = 512  # more than twice the parameters and facts of any chip
EfficiencyOf = Callable[[Catalog, str], Efficiency]
Estimator = Callable[[TrainRequest, ModelSpec], Answered]


@dataclass(frozen=True, slots=True)
class ValidatedRuns:
    """Rows beside predictions. scored: measured; shown: derived figures and sellers' claims, in no total."""

    scored: tuple[Scored, ...]
    shown: tuple[Scored, ...]


def validated_runs(content: str, name: str, catalog: Catalog | None = None, level: float = 0.9) -> ValidatedRuns:
    """A table of training runs (CSV text; ``name`` is for messages) beside predictions, intervals at ``level``.

    Raises TableError for a bad table.
    """
    rows = read_training(content, name)
    plain, drawn = lookups(catalog or load_catalog())
    return ValidatedRuns(score_training(rows, plain, drawn, level), show_training(rows, plain, drawn, level))


def validate_training(
    content: str, name: str, catalog: Catalog | None = None, level: float = 0.9
) -> tuple[Scored, ...]:
    """The measured rows of a table of training runs beside predictions; see :func:`validated_runs`."""
    rows = read_training(content, name)
    plain, drawn = lookups(catalog or load_catalog())
    return score_training(rows, plain, drawn, level)


def lookups(catalog: Catalog, efficiency: EfficiencyOf = training_efficiency) -> tuple[CatalogTrainLookup, ...]:
    """Answers at the mean, and answers with parameters and disputed facts drawn.

    efficiency: parameters of a chip in training; a fit gives its own
    """
    machines = _Machines(catalog, efficiency)
    plain = CatalogTrainLookup(catalog, machines.estimate, efficiency)

    def drawn(request: TrainRequest, spec: ModelSpec) -> TrainEstimate:
        found = plain.train(request, spec)
        assert isinstance(found, TrainEstimate), "made by the estimator above"
        return machines.drawn(found)

    return plain, CatalogTrainLookup(catalog, drawn, efficiency)


class _Machines:
    """Machines and their parameters, at the mean and drawn, each built once."""

    def __init__(self, catalog: Catalog, efficiency: EfficiencyOf) -> None:
        self._catalog = catalog
        self._efficiency = efficiency
        self._plain: dict[str, tuple[Machine, Efficiency]] = {}
        self._drawn: dict[str, Draws] = {}

    def _of(self, system: str) -> tuple[Machine, Efficiency]:
        if system not in self._plain:
            machine = machine_of(self._catalog, system)
            self._plain[system] = (machine, self._efficiency(self._catalog, machine.chip))
        return self._plain[system]

    def estimate(self, request: TrainRequest, spec: ModelSpec) -> TrainEstimate:
        """The public estimate; a run that was measured did fit."""
        machine, efficiency = self._of(request.system)
        return estimate(spec, machine, efficiency, request, strict=False)

    def drawn(self, found: TrainEstimate) -> TrainEstimate:
        """The same layout with parameters and disputed facts drawn."""
        system = found.request.system
        if system not in self._drawn:
            self._drawn[system] = draws(*self._of(system), None, DRAWS)
        sample = self._drawn[system]
        return drawn_estimate(found, sample.machine, sample.efficiency, sample.count)


class CatalogTrainLookup:
    """Records and answers for scoring training runs, each built once."""

    def __init__(self, catalog: Catalog, estimate: Estimator, efficiency: EfficiencyOf = training_efficiency) -> None:
        """Look things up in ``catalog`` and ask ``estimate``. efficiency: parameters of a chip in training."""
        self._catalog = catalog
        self._efficiency = efficiency
        self._base = CatalogLookup(catalog)
        self._estimate = estimate
        self._latent: tuple[ModelSpec, ...] | None = None
        self._peaks: dict[str, Mapping[str, float]] = {}
        self._residuals: dict[tuple[str, bool], float] = {}
        self._answers: dict[tuple[TrainRequest, ModelSpec], Answered | AccordError] = {}

    def chip(self, id: str) -> str | None:
        """The id when the catalog has the chip, else None."""
        return self._base.chip(id)

    def system(self, id: str) -> str | None:
        """The id when the catalog has the system, else None."""
        return id if id in self._catalog.ids("systems") else None

    def model(self, id: str) -> ModelSpec | None:
        """The model, None where the catalog has no architecture for it."""
        return self._base.model(id)

    def latent(self) -> tuple[ModelSpec, ...]:
        """Catalog models with latent attention."""
        if self._latent is None:
            found = (self.model(id) for id in self._catalog.ids("models"))
            self._latent = tuple(spec for spec in found if spec and spec.layers[0].attention.kind == "mla")
        return self._latent

    def formats(self, chip: str) -> tuple[str, ...]:
        """Formats whose matrix products a chip does."""
        return tuple(self._peaks_of(chip))

    def peak(self, chip: str, format: str) -> float | None:
        """Dense peak of a chip in a format [FLOP/s], None where it has none."""
        return self._peaks_of(chip).get(format)

    def _peaks_of(self, chip: str) -> Mapping[str, float]:
        if chip not in self._peaks:
            machine = machine_of(self._catalog, chip)
            peaks = machine.device.peak_flop_per_s.items()
            self._peaks[chip] = {fmt: float(peak) * machine.devices_per_chip for fmt, peak in peaks}
        return self._peaks[chip]

    def train(self, request: TrainRequest, spec: ModelSpec) -> Answered:
        """The public estimate, each question answered once."""
        key = (request, spec)
        if key not in self._answers:
            try:
                self._answers[key] = self._estimate(request, spec)
            except AccordError as error:
                self._answers[key] = error
        found = self._answers[key]
        if isinstance(found, AccordError):
            raise found
        return found

    def residual(self, chip: str, metric: str) -> float:
        """Standard deviation of ln(predicted / measured) beyond parameters and facts."""
        key = (chip, metric in WHOLE_RUN)
        if key not in self._residuals:
            self._residuals[key] = self._efficiency(self._catalog, chip).scalar(RESIDUALS[key[1]])
        return self._residuals[key]
