"""A source is a plain record; the bases are a closed list."""

from __future__ import annotations

import typing

import msgspec
import pytest

from accord.base.source import BASES, Basis, Source


def test_source_keeps_what_was_read() -> None:
    source = Source(title="Paper", publisher="Lab", date="2025-06")
    assert (source.locator, source.url, source.licence) == (None, None, None)


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"title": "a", "publisher": "b", "date": "2025", "page": 3}, Source)


def test_bases_are_the_type_s() -> None:
    assert typing.get_args(Basis) == BASES
