"""Deployments as text: pools on the command line, files, sweeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from accord.base.errors import UsageError
from accord.base.registry import did_you_mean
from accord.catalog.yaml_text import Item, read_yaml
from accord.inference.check import RANKS
from accord.inference.job import LIST_FIELDS
from accord.inference.request import EstimateRequest, PoolRequest

MOST_POINTS = 100_000


def pool_text(text: str, flag: str) -> PoolRequest:
    """A pool written as ``instances=6,devices=32,ep=32``. Raises UsageError."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or name not in PoolRequest.__struct_fields__:
            known = ", ".join(PoolRequest.__struct_fields__)
            raise UsageError(f"'{part}' in {flag} is no part of a pool", hint=f"write NAME=NUMBER with {known}")
        if not value.strip().isdigit() or int(value) < 1:
            raise UsageError(f"{name} in {flag} is '{value}', not a whole number of 1 or more")
        found[name] = int(value)
    return PoolRequest(**found)


def sweep_text(text: str) -> tuple[str, tuple[float, ...]]:
    """A sweep written as ``FIELD=A:B:N``: N values evenly spaced from A to B. Raises UsageError."""
    name, equals, values = text.partition("=")
    name = name.strip().replace("-", "_")
    hint = "write FIELD=A:B:N, such as batch-per-device=4:64:16"
    if not equals or name not in LIST_FIELDS:
        raise UsageError(f"'{name}' cannot be swept", hint=did_you_mean(name, LIST_FIELDS) or hint)
    try:
        low, high, count = (float(part) for part in values.split(":"))
    except ValueError:
        raise UsageError(f"'{values}' is no sweep", hint=hint) from None
    if not 2 <= count <= MOST_POINTS or count % 1.0:
        raise UsageError(f"a sweep of {count:g} values", hint=f"N is a whole number from 2 to {MOST_POINTS:,}")
    step = (high - low) / (count - 1.0)
    whole = low % 1.0 == 0.0 and high % 1.0 == 0.0 and name in (*RANKS, "mtp_tokens", "microbatches")
    swept = [low + step * index for index in range(int(count))]
    if whole:
        swept = list(dict.fromkeys(float(round(value)) for value in swept))
    return name, tuple(int(value) if whole else value for value in swept)


def read_deployment(path: Path) -> dict[str, object]:
    """Fields of an estimate from a YAML file. Raises CatalogError with file and line, UsageError for bad fields."""
    root = read_yaml(path)
    if root.kind != "map":
        raise root.error("is not a mapping", hint="write fields such as 'model: deepseek-r1', one a line")
    fields: dict[str, object] = {}
    for key, item in root.entries.items():
        name = key.replace("-", "_")
        if name not in EstimateRequest.__struct_fields__:
            raise item.error("is no field of a deployment", hint=did_you_mean(name, EstimateRequest.__struct_fields__))
        fields[name] = _pool(item) if name in ("prefill", "decode") else _plain(item)
    return _checked(fields, str(path))


def _pool(item: Item) -> PoolRequest:
    if item.kind != "map":
        raise item.error("is not a mapping", hint="write 'instances: 6', 'devices: 32', 'ep: 32' below it")
    values: dict[str, object] = {}
    for key, part in item.entries.items():
        if key not in PoolRequest.__struct_fields__:
            raise part.error("is no part of a pool", hint=did_you_mean(key, PoolRequest.__struct_fields__))
        values[key] = _plain(part)
    try:
        return msgspec.convert(values, PoolRequest)
    except msgspec.ValidationError as error:
        raise item.error(f"does not describe a pool: {error}") from None


def _plain(item: Item) -> object:
    if item.kind == "list":
        return tuple(_plain(part) for part in item.items)
    if item.kind == "map":
        raise item.error("is a mapping where a value is wanted")
    if isinstance(item.scalar, float) and item.scalar.is_integer():
        return int(item.scalar)
    return item.scalar


def _checked(fields: Mapping[str, object], name: str) -> dict[str, object]:
    """The fields, once their types are those of a request."""
    plain = {key: value for key, value in fields.items() if not isinstance(value, PoolRequest)}
    probe = {"model": "", "system": "", "phase": "serve", **{k: v for k, v in plain.items() if k != "phase"}}
    try:
        msgspec.convert(probe, EstimateRequest, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"not a deployment: {error}", where=name) from None
    return dict(fields)
