"""Achieved over peak: the physical parameters of a chip and of an engine, and how sure they are.

Each number lives in a calibration or engine entry of the catalog with basis and source. An entry inherits
from its parent what it does not state. A parameter may be stated for a format, a chip family, a chip or an
engine by a suffix (``gemm.compute.fp8``, ``engine.iteration_s.vllm``); the more special one goes first. An
entry that states a plain parameter takes the place of every inherited one with a suffix, and one that states
the share of peak compute of an operator family does without inherited curves of that family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from accord.base.array import Array
from accord.base.errors import CatalogError
from accord.catalog.calibration import Calibration, Curve, Fit
from accord.catalog.engine import Engine

Number = float | Array
_SHARES = (".compute.", ".memory.", ".link.", ".share.")


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Parameters of one chip joined with those of one engine.

    chain: ids of the calibration entries read, nearest first
    numbers: by name, in SI; arrays of shape ``(S,)`` when drawn
    suffixes: what a parameter may be special to here, most special first
    fits, owners: how sure each fitted parameter is, and the entry that states it; curves: by family and format
    """

    chain: tuple[str, ...]
    engine: str
    numbers: Mapping[str, Number]
    features: Mapping[str, bool]
    suffixes: tuple[str, ...] = ()
    fits: Mapping[str, Fit] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    _found: dict[tuple[str, str | None], str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def name_of(self, name: str, fmt: str | None = None) -> str:
        """The most special name under which a parameter is stated. Raises CatalogError when nobody states it."""
        found = self._found.get((name, fmt))
        if found is not None:
            return found
        for suffix in self._special(fmt):
            if f"{name}{suffix}" in self.numbers:
                return self._found.setdefault((name, fmt), f"{name}{suffix}")
        where = " < ".join((*self.chain, self.engine))
        raise CatalogError(f"no calibration entry of {where} states '{name}'")

    def _special(self, fmt: str | None) -> tuple[str, ...]:
        """Endings of a name, most special first: format and place, format, place, none."""
        places = [f".{suffix}" for suffix in self.suffixes]
        own = [f".{fmt}{place}" for place in (*places, "")] if fmt else []
        return (*own, *places, "")

    def get(self, name: str, fmt: str | None = None) -> Number:
        """A parameter in SI, a number or drawn numbers of shape ``(S,)``. Raises CatalogError when nobody states it."""
        return self.numbers[self.name_of(name, fmt)]

    def fixed(self, family: str, fmt: str | None = None) -> Number:
        """Seconds one kernel of an operator family takes before any work: its own, else that of any kernel."""
        own = f"{family}.launch_s"
        return self.get(own if own in self.numbers else "launch_s", fmt)

    def scalar(self, name: str, fmt: str | None = None) -> float:
        """A parameter that is a fact of the engine or a count, never drawn."""
        return float(self.get(name, fmt))

    def curve(self, family: str, fmt: str) -> Curve | None:
        """The shape curve of an operator family, the format's own first."""
        for suffix in self._special(fmt):
            if f"{family}{suffix}" in self.curves:
                return self.curves[f"{family}{suffix}"]
        return None

    def has(self, feature: str) -> bool:
        """Whether the engine has a feature; unknown features are absent."""
        return self.features.get(feature, False)


def join(
    chain: Sequence[Calibration], engine: Engine, suffixes: Sequence[str] = (), version: str | None = None
) -> Efficiency:
    """Calibration entries nearest first, and an engine, as one set of parameters.

    suffixes: what a parameter may be special to: the chip's id, the engine's, the chip's family
    version: of the engine, see :meth:`accord.catalog.engine.Engine.has_in`
    """
    numbers: dict[str, Number] = {}
    fits: dict[str, Fit] = {}
    owners: dict[str, str] = {}
    correlations: dict[tuple[str, str], float] = {}
    curves: dict[str, Curve] = {}
    for entry in reversed(chain):
        for name in [name for name in numbers if any(own in entry.parameters for own in _plainer(name))]:
            del numbers[name]
            fits.pop(name, None)
        for name, value in entry.parameters.items():
            numbers[name], owners[name] = value.si, entry.id
            fits.pop(name, None)
        fits.update(entry.fits)
        if entry.correlations:
            correlations = {(a, b): r for a, row in entry.correlations.items() for b, r in row.items()}
        for name in [name for name in curves if f"{name.split('.')[0]}.compute" in entry.parameters]:
            del curves[name]
        curves.update(entry.curves)
    for name, value in engine.parameters.items():
        numbers[f"engine.{name}"], owners[f"engine.{name}"] = value.si, engine.id
    kept = {pair: r for pair, r in correlations.items() if all(name in fits for name in pair)}
    return Efficiency(
        tuple(entry.id for entry in chain), engine.id, numbers, engine.has_in(version), tuple(suffixes),
        fits, owners, kept, curves,
    )  # fmt: skip


def _plainer(name: str) -> list[str]:
    """The names that ``name`` is special of: all before one of its dots."""
    return [name[:at] for at, letter in enumerate(name) if letter == "."]


def draw(efficiency: Efficiency, normals: Mapping[str, Array]) -> Efficiency:
    """The same parameters as draws from their posterior.

    normals: standard normal numbers of shape ``(S,)`` by parameter, already correlated; parameters that are
    not among them keep their value. Shares of a peak stop at 1.
    """
    numbers = dict(efficiency.numbers)
    for name, normal in normals.items():
        drawn = efficiency.numbers[name] * np.exp(efficiency.fits[name].log_sd * normal)
        share = any(part in f".{name}." for part in _SHARES)
        numbers[name] = np.minimum(drawn, 1.0) if share else drawn
    return Efficiency(
        efficiency.chain, efficiency.engine, numbers, efficiency.features, efficiency.suffixes,
        efficiency.fits, efficiency.owners, efficiency.correlations, efficiency.curves,
    )  # fmt: skip
