"""Settings of the whole suite: property tests draw the same examples every time and have no deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("accord", deadline=None, derandomize=True, database=None)
settings.load_profile("accord")
