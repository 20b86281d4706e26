"""JSON Schema made from the records."""

from __future__ import annotations

from typing import Any

import pytest

from accord.base.errors import CatalogError
from accord.catalog.load import KINDS, RECORDS
from accord.catalog.schema import json_schema


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_record_is_in_its_schema(kind: str) -> None:
    schema: dict[str, Any] = json_schema(kind)
    record = RECORDS[kind]
    own = schema["$defs"][record.__name__]
    assert set(own["properties"]) == set(record.__struct_fields__)
    assert own["additionalProperties"] is False
    assert schema["$ref"] == f"#/$defs/{record.__name__}"


def test_units_are_in_the_schema() -> None:
    chip: dict[str, Any] = json_schema("chips")["$defs"]  # type: ignore[assignment]
    assert chip["Memory"]["properties"]["capacity"]["x-units"] == ["B"]
    assert chip["Chip"]["properties"]["devices_per_chip"]["x-units"] == ["1"]
    assert chip["Chip"]["properties"]["peak"]["additionalProperties"]["x-units"] == ["FLOP/s", "OP/s"]
    assert "bf16" in chip["Chip"]["properties"]["peak"]["propertyNames"]["enum"]
    assert chip["Chip"]["properties"]["facts"]["properties"]["die_area"]["x-units"] == ["mm2"]
    assert "integer" in chip["Chip"]["properties"]["announced"]["type"]
    tier: dict[str, Any] = json_schema("systems")["$defs"]["Tier"]  # type: ignore[index]
    assert tier["properties"]["link_rate"]["x-units"] == ["b/s"]


def test_a_value_has_the_form_it_has_in_a_file() -> None:
    value: dict[str, Any] = json_schema("prices")["$defs"]["Value"]  # type: ignore[index]
    assert set(value["properties"]) >= {"value", "text", "basis", "source", "why", "alternatives"}
    assert value["required"] == ["basis", "source"]


def test_unknown_kind() -> None:
    with pytest.raises(CatalogError, match="'chip' is no kind of entry\nhint: did you mean 'chips'"):
        json_schema("chip")
