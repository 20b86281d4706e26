"""The JSON envelope that every verb answers with, and its bytes.

``{"schema": "accord.<verb>/1", "accord": version, "catalog": sha256, "inputs": {...},
"result": {...}, "sources": [...], "warnings": [...]}``. Numbers are SI; a value that is not a
finite number is refused, because JSON cannot carry it and a reader would take null for "unknown".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

import msgspec

from accord._version import VERSION
from accord.base.source import Basis, Source

SCHEMA_VERSION = 1


def envelope(
    verb: str,
    *,
    inputs: Mapping[str, object],
    result: Mapping[str, object],
    sources: Sequence[Mapping[str, object]] = (),
    warnings: Sequence[str] = (),
    catalog_digest: str,
) -> dict[str, object]:
    """Wrap a verb's result.

    verb: name on the command line; a sub-verb is joined by a dot (``catalog.show``)
    inputs: everything the answer depends on, defaults included; result: what was found
    sources: as made by :func:`source_entry`, repeated entries are dropped
    catalog_digest: sha256 of the catalogue's files [hex]
    Returns the dict in the documented order of keys.
    """
    return {
        "schema": f"accord.{verb}/{SCHEMA_VERSION}",
        "accord": VERSION,
        "catalog": catalog_digest,
        "inputs": dict(inputs),
        "result": dict(result),
        "sources": _distinct(sources),
        "warnings": list(dict.fromkeys(warnings)),
    }


def metric(
    value: float, unit: str, low: float | None = None, high: float | None = None, basis: Basis = "derived"
) -> dict[str, object]:
    """One metric of ``result.metrics``.

    value: in ``unit``, which is SI; low, high: bounds of the interval, None where it is not known.
    """
    return {"value": value, "unit": unit, "low": low, "high": high, "basis": basis}


def source_entry(key: str, source: Source) -> dict[str, object]:
    """One entry of ``sources``: the source's fields under the key by which the result names it."""
    return {"id": key, **msgspec.structs.asdict(source)}


def to_bytes(document: object, *, indent: int = 2) -> bytes:
    """Encode records, dicts, numpy scalars and arrays as JSON with a final newline.

    indent: spaces a level, 0 for one line.
    Raises ValueError, naming the place, where a number is NaN or infinite.
    """
    plain = msgspec.to_builtins(document, enc_hook=_builtin, str_keys=True)
    bad = _first_not_finite(plain, "$")
    if bad is not None:
        raise ValueError(f"{bad} is not a finite number; leave it out or give its reason instead")
    raw = msgspec.json.encode(plain)
    return (msgspec.json.format(raw, indent=indent) if indent else raw) + b"\n"


def _builtin(value: object) -> object:
    """A plain value for what msgspec does not know: numpy by its own conversion, paths as text."""
    convert = getattr(value, "tolist", None)  # numpy scalars and arrays, without loading numpy here
    if callable(convert):
        return convert()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _first_not_finite(value: object, place: str) -> str | None:
    """Where the first NaN or infinity stands, as a JSON path, or None."""
    if isinstance(value, float):
        return None if math.isfinite(value) else place
    if isinstance(value, dict):
        return _first((_first_not_finite(item, f"{place}.{key}") for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return _first((_first_not_finite(item, f"{place}[{index}]") for index, item in enumerate(value)))
    return None


def _first(found: Iterable[str | None]) -> str | None:
    return next((place for place in found if place is not None), None)


def _distinct(sources: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    kept: list[dict[str, object]] = []
    for source in sources:
        entry = dict(source)
        if entry not in kept:
            kept.append(entry)
    return kept
