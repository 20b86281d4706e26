"""What scoring needs from outside: records by id, as one Protocol that the public verbs fill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.inference.request import EstimateRequest
from accord.inference.result import Estimate
from accord.models.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """A machine, its efficiency, and its measured paths: name -> (bytes/s, seconds).

    assumed: ``system`` where the chip alone stands for an unknown one, ``engine`` where the parameters
    of any engine stand for those of an unknown one
    """

    machine: Machine
    efficiency: Efficiency
    paths: Mapping[str, tuple[float, float]]
    assumed: tuple[str, ...] = ()


class Lookup(Protocol):
    """Ids to records and requests to answers."""

    def chip(self, id: str) -> str | None:
        """The id when the catalog has the chip, else None."""

    def model(self, id: str) -> ModelSpec | None:
        """The model, None where the catalog has no architecture for it."""

    def facts(self, system: str | None, chip: str, engine: str | None, version: str | None = None) -> MachineFacts:
        """The machine of a row; a chip alone stands for itself."""

    def estimate(self, request: EstimateRequest) -> Estimate:
        """The public estimate."""

    def number(self, section: str, name: str) -> float:
        """A default in SI."""

    def residual(self, chip: str, metric: str, phase: str) -> float:
        """Standard deviation of ln(predicted / measured) beyond parameters and facts."""
