"""A test that two parties run alike: what is run, on which data, what is reported, how near results must be."""

from __future__ import annotations

from typing import Literal

import msgspec

from accord.base.errors import CatalogError
from accord.catalog.value import Date, Sources

Risk = Literal["hallucination", "bias", "privacy", "cyber", "cbrn", "loss_of_control", "open_weight_misuse"]


class Quantity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure that is reported.

    absolute, relative: two parties agree where their figures differ by no more than either; least_samples: behind it
    least, most: what the figure can be, in ``unit``; None for no upper end
    """

    name: str
    unit: str
    absolute: float | None = None
    relative: float | None = None
    least_samples: int | None = None
    least: float = 0.0
    most: float | None = None

    def __post_init__(self) -> None:
        """Refuse a range without anything in it, and tolerances below 0. Raises CatalogError."""
        if self.most is not None and self.most <= self.least:
            raise CatalogError(f"{self.name}: most is {self.most:g}, not above least, {self.least:g}")
        if any(one is not None and one < 0.0 for one in (self.absolute, self.relative)):
            raise CatalogError(f"{self.name}: a tolerance is below 0")


class Conformance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One test definition.

    kind: what is tested; format: of the result file; protocol: steps in order
    fixed: settings both must use; ``same`` stands for any value, but the same in both
    data_sha256: hash [hex] of the data that both run on, None where the definition carries its own items
    items: inputs, where the definition carries them; risks: of the taxonomy it speaks to; valid_days: life of a result
    """

    id: str
    title: str
    kind: Literal["performance", "safety"]
    format: Literal["mlperf", "inspect", "moonshot"]
    version: str
    date: Date
    protocol: tuple[str, ...]
    fixed: dict[str, str] = {}
    quantities: tuple[Quantity, ...]
    items: tuple[str, ...] = ()
    data_sha256: str | None = None
    risks: tuple[Risk, ...] = ()
    valid_days: int
    note: str | None = None
    sources: Sources
