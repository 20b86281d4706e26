"""Where a fact is from, and how sure that makes us."""

from __future__ import annotations

from typing import Literal

import msgspec

Basis = Literal["measured", "published", "derived", "estimate", "assumed"]
"""measured; published (by the vendor); derived (calculated); estimate (third party, news); assumed."""

BASES: tuple[Basis, ...] = ("measured", "published", "derived", "estimate", "assumed")


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that was read.

    title, publisher: as printed
    date: ISO date of the edition read, or its prefix (``2025``, ``2025-06``)
    locator: page, table, figure or section within it
    url: where it can be read; licence: under which terms its data may be passed on
    """

    title: str
    publisher: str
    date: str
    locator: str | None = None
    url: str | None = None
    licence: str | None = None
