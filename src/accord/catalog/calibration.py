"""Fitted parameters of the cost model: values, how sure, on what, and a parent to fall back on."""

from __future__ import annotations

import math
from itertools import pairwise
from operator import mul
from typing import ClassVar

import msgspec

from accord.base.errors import CatalogError
from accord.catalog.chip import Family
from accord.catalog.value import Date, Signed, Sources

COMPUTING = ("gemm", "grouped", "fused", "attention_prefill", "attention_decode", "mla_decode", "linear")
NEEDED = (
    "launch_s", "launch_eager_s", "vector.memory",
    *(f"{family}.{part}" for family in COMPUTING for part in ("compute", "memory")),
)  # fmt: skip


class Fit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sure a parameter is.

    log_sd: standard deviation of its logarithm [1]; n: measurements behind it, 0 for a judgement
    chips: whose measurements they are
    """

    log_sd: float
    n: int = 0
    chips: tuple[str, ...] = ()


class Curve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Measured over modelled time of an operator family, by shape class.

    rows, width: knots of the two axes, as binary logarithms; log: natural logarithm of the ratio at each
    pair of knots, one list a knot of ``rows``; n: measurements behind it
    """

    rows: tuple[float, ...]
    width: tuple[float, ...]
    log: tuple[tuple[float, ...], ...]
    n: int

    def __post_init__(self) -> None:
        """Refuse knots out of order and a table of another shape. Raises CatalogError."""
        for name, knots in (("rows", self.rows), ("width", self.width)):
            if len(knots) < 2 or any(a >= b for a, b in pairwise(knots)):
                raise CatalogError(f"{name} is not a list of two or more rising numbers")
        if len(self.log) != len(self.rows) or any(len(line) != len(self.width) for line in self.log):
            raise CatalogError(f"log is not a table of {len(self.rows)} by {len(self.width)} numbers")


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One set of parameters.

    parent: id of the set that answers for what this one leaves out
    families, chips: chip families and single chips it serves; fitted: day of the fit
    parameters: by name, they may be negative; fits: how sure they are, exact where left out
    correlations: of the logarithms of two parameters, stated here or inherited; they take the place of the
        parent's; curves: by operator family and format
    """

    id: str
    parent: str | None = None
    families: tuple[Family, ...] = ()
    chips: tuple[str, ...] = ()
    fitted: Date | None = None
    parameters: dict[str, Signed] = {}
    fits: dict[str, Fit] = {}
    correlations: dict[str, dict[str, float]] = {}
    curves: dict[str, Curve] = {}
    sources: Sources

    needed: ClassVar[tuple[str, ...]] = NEEDED

    def __post_init__(self) -> None:
        """Refuse a set that cannot be drawn from, or a topmost one with gaps. Raises CatalogError."""
        missing = [name for name in self.needed if name not in self.parameters] if self.parent is None else []
        if missing:
            raise CatalogError(
                f"parameters has no '{missing[0]}'",
                hint=f"a set without a parent states every one: {', '.join(self.needed)}",
            )
        for name, fit in self.fits.items():
            if name not in self.parameters:
                raise CatalogError(f"fits.{name} is about no parameter of this set")
            if not (math.isfinite(fit.log_sd) and fit.log_sd > 0.0):
                raise CatalogError(f"fits.{name}.log_sd is {fit.log_sd:g}; a standard deviation is above 0")
            if fit.n < 0:
                raise CatalogError(f"fits.{name}.n is {fit.n}; a count is 0 or more")
            if self.parameters[name].si <= 0.0:
                raise CatalogError(f"fits.{name} is about a parameter that is not above 0, so it has no logarithm")
        self._check_correlations()

    def _check_correlations(self) -> None:
        for first, row in self.correlations.items():
            for second, value in row.items():
                key = f"correlations.{first}"
                if first == second:
                    raise CatalogError(f"{key} names '{second}'; a correlation is of two parameters")
                if not -1.0 < value < 1.0:
                    raise CatalogError(f"{key} is {value:g} with '{second}'; a correlation lies between -1 and 1")
        names = {*self.correlations, *(name for row in self.correlations.values() for name in row)}
        if names and not _has_variance(self.correlation(tuple(sorted(names)))):
            raise CatalogError("correlations is no correlation matrix: some mix of the parameters has no variance")

    def correlation(self, names: tuple[str, ...]) -> list[list[float]]:
        """Correlation matrix of the logarithms of ``names``, in their order."""
        place = {name: index for index, name in enumerate(names)}
        matrix = [[float(a == b) for b in range(len(names))] for a in range(len(names))]
        for first, row in self.correlations.items():
            for second, value in row.items():
                if first in place and second in place:
                    matrix[place[first]][place[second]] = matrix[place[second]][place[first]] = value
        return matrix


class Constants(Calibration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fitted parameters that join those of a calibration: of collectives, of training."""

    needed: ClassVar[tuple[str, ...]] = ()


def _has_variance(matrix: list[list[float]]) -> bool:
    """Whether every mix of the parameters has a variance above 0: the matrix has a root (Cholesky)."""
    root: list[list[float]] = []
    for i, line in enumerate(matrix):
        row: list[float] = []
        for j in range(i):
            row.append((line[j] - sum(map(mul, row, root[j]))) / root[j][j])
        left = line[i] - sum(map(mul, row, row))
        if left <= 1e-9:
            return False
        root.append([*row, math.sqrt(left)])
    return True
