"""Achieved over peak: the physical parameters of a chip family and of an engine.

Each number lives in a calibration or engine entry of the catalog with basis and source. A family
without an entry of its own inherits its parent's; a parameter with a format suffix
(``gemm.compute.fp8``) overrides the plain one (``gemm.compute``), and so does an engine's default
that its documentation makes depend on the chip (``max_num_seqs.nvidia-hopper``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.base.errors import CatalogError
from accord.catalog.calibration import Calibration
from accord.catalog.engine import Engine


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Parameters of one chip family joined with those of one engine.

    chain: ids of the calibration entries read, nearest first
    """

    chain: tuple[str, ...]
    engine: str
    numbers: Mapping[str, float]
    features: Mapping[str, bool]
    family: str = ""

    def get(self, name: str, fmt: str | None = None) -> float:
        """A parameter in SI; the value of its own for a format (or chip) or for the chip family goes first.

        Raises CatalogError when nobody states it.
        """
        for suffix in (fmt, self.family):
            if suffix and f"{name}.{suffix}" in self.numbers:
                return self.numbers[f"{name}.{suffix}"]
        try:
            return self.numbers[name]
        except KeyError:
            where = " < ".join((*self.chain, self.engine))
            raise CatalogError(f"no calibration entry of {where} states '{name}'") from None

    def has(self, feature: str) -> bool:
        """Whether the engine has a feature; unknown features are absent."""
        return self.features.get(feature, False)


def join(chain: Sequence[Calibration], engine: Engine, family: str = "") -> Efficiency:
    """Calibration entries nearest first, and an engine, as one set of parameters for a chip family."""
    numbers: dict[str, float] = {}
    for entry in reversed(chain):
        numbers.update({name: value.si for name, value in entry.parameters.items()})
    numbers.update({f"engine.{name}": value.si for name, value in engine.parameters.items()})
    return Efficiency(tuple(entry.id for entry in chain), engine.id, numbers, dict(engine.features), family)
