"""A serving or training engine: what its software costs on top of the hardware, and what it can do."""

from __future__ import annotations

import msgspec

from accord.catalog.value import Fact, Sources


class Engine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One engine.

    base: id of the engine whose software it drives or extends
    aliases: other names it goes by in published tables
    vendors: whose chips it runs on, empty where it is not bound to some
    parameters: by name, each with its own unit; features: what it can do, by name
    """

    id: str
    name: str
    base: str | None = None
    aliases: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    parameters: dict[str, Fact] = {}
    features: dict[str, bool] = {}
    sources: Sources
