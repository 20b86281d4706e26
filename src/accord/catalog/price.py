"""A price, tariff or other figure of cost."""

from __future__ import annotations

from typing import Literal

import msgspec

from accord.catalog.value import Fact, Sources


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One offer, tariff or observation.

    kind: what it is the price of, or ``assumption`` for what a scenario takes for granted
    place: where it holds; chip, system: ids of what is priced
    facts: the figures by name, each with its own unit (USD/h, CNY/kWh, ...)
    """

    id: str
    kind: Literal["rent", "tariff", "pue", "capex", "tco", "procurement", "exchange", "assumption"]
    place: str | None = None
    chip: str | None = None
    system: str | None = None
    facts: dict[str, Fact]
    sources: Sources
