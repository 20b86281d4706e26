"""What fails, how often, and how long it takes to go on: observations, and constants fitted to them."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from accord.base.errors import CatalogError
from accord.catalog.calibration import Fit
from accord.catalog.value import Count, Fact, Seconds, Sources

About = Literal["job", "node", "accelerator", "memory", "host", "network", "software", "maintenance", "planned"]


class Observation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Interruptions counted on so many chips over so long.

    about: ``job`` counts every unexpected one; ``node`` those of nodes, whose parts are ``accelerator`` (with its
        memory), ``memory`` (of the accelerator alone), ``host`` and unplanned ``maintenance``; ``network`` and
        ``software`` strike a job from outside its nodes; ``planned`` are not unexpected
    chip: catalog id, None where nobody says; note: what the source calls it
    mean: a mean rate, written as events of a unit of time; how many were counted is not known
    """

    about: About
    chip: str | None = None
    chips: Count
    lasts: Seconds
    events: Count
    mean: bool = False
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse an observation of nothing. Raises CatalogError."""
        for name in ("chips", "lasts", "events"):
            if not getattr(self, name).si > 0.0:
                raise CatalogError(f"{name} is not above 0", hint="leave the observation out")


class Reliability(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Observations of one kind of machine, and the constants that answer for it.

    observed: what was counted; constants: by name, all above 0; fits: how sure they are, exact where left out
    facts: what else sources state, not used in a calculation
    """

    id: str
    name: str
    observed: tuple[Observation, ...]
    constants: dict[str, Fact]
    fits: dict[str, Fit] = {}
    facts: dict[str, Fact] = {}
    sources: Sources

    def __post_init__(self) -> None:
        """Refuse constants without a logarithm and spreads about none. Raises CatalogError."""
        for name, value in self.constants.items():
            if value.number is None or not value.si > 0.0:
                raise CatalogError(f"constants.{name} is not a number above 0", hint="leave out what does not happen")
        for name, fit in self.fits.items():
            if name not in self.constants:
                raise CatalogError(f"fits.{name} is about no constant of this entry", hint="state the constant too")
            if not (math.isfinite(fit.log_sd) and fit.log_sd > 0.0):
                hint = "leave it out where the constant is exact"
                raise CatalogError(f"fits.{name}.log_sd is {fit.log_sd:g}; a standard deviation is above 0", hint=hint)
