"""A model: its published shape, sizes and where they are from."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from accord.base.errors import CatalogError
from accord.catalog.value import Date, Sources, Value, fact_units


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model.

    status: open (weights can be had) or closed; released: day of release
    config: the facts of its Hugging Face config.json under their names there; None where the shape is unpublished
    config_quality: how the config was obtained, in words
    published: sizes its makers state, among them total_params and active_params [1]
    """

    id: str
    name: str
    vendor: str
    status: Literal["open", "closed"]
    released: Date | None = None
    config: dict[str, object] | None = None
    config_quality: str | None = None
    published: Annotated[dict[str, Value], fact_units({"total_params": "1", "active_params": "1"})] = {}
    note: str | None = None
    sources: Sources

    def __post_init__(self) -> None:
        """Refuse a model without a shape that does not say so. Raises CatalogError."""
        if self.config is None and not self.note:
            raise CatalogError("config is empty and no note says what is unpublished", hint="add 'note:'")
