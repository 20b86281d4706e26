"""Fitted parameters of the cost model, with a parent to fall back on."""

from __future__ import annotations

import msgspec

from accord.catalog.chip import Family
from accord.catalog.value import Signed, Sources


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One set of parameters.

    parent: id of the set that answers for what this one leaves out; families: chip families it serves
    parameters: by name, with band where it was fitted; they may be negative
    """

    id: str
    parent: str | None = None
    families: tuple[Family, ...] = ()
    parameters: dict[str, Signed] = {}
    sources: Sources
