"""The bill of materials: what it lists, what it says it does not know, and that it can be read back."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import pytest

from accord.api.policy_bom import bom_of_model
from accord.base.errors import CatalogError
from accord.catalog.load import load_catalog
from accord.policy.evidence import read_evidence
from accord.report.to_json import to_bytes

CATALOG = load_catalog()
# Keys of a component that bom-1.6.schema.json knows, those that are used here.
KNOWN = {
    "type", "bom-ref", "name", "version", "publisher", "description", "licenses", "externalReferences", "modelCard",
    "properties",
}  # fmt: skip


def bom(model: str, system: str | None = None, engine: str | None = None, day: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_bytes(bom_of_model(model, system, engine, CATALOG, day).bom))
    return found


def unknown(part: dict[str, Any]) -> list[str]:
    return [one["value"] for one in part["properties"] if one["name"] == "accord:unknown"]


@pytest.mark.parametrize("model", CATALOG.ids("models"))
def test_every_model_has_a_bill_that_is_read_back(model: str) -> None:
    document = bom(model, "huawei-cloudmatrix-384", "mindie")
    (found,) = read_evidence("bom.json", json.dumps(document).encode())
    assert (found.kind, found.model, found.date) == ("bom", model, None)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    refs = [part["bom-ref"] for part in document["components"]]
    assert len(set(refs)) == len(refs) == 4
    assert document["compositions"] == [{"aggregate": "incomplete", "assemblies": refs}]
    named = {ref for one in document["dependencies"] for ref in (one["ref"], *one.get("dependsOn", ()))}
    assert named == set(refs)
    for part in document["components"]:
        assert set(part) <= KNOWN
        assert ("modelCard" in part) == (part["type"] == "machine-learning-model")
        assert unknown(part)


def test_what_is_unknown_is_said() -> None:
    (model,) = bom("claude")["components"]
    assert unknown(model)[0] == "training datasets"
    assert "architecture" in unknown(model)
    assert "modelArchitecture" not in model["modelCard"]["modelParameters"]


def test_a_licence_by_its_identifier_or_its_name() -> None:
    free = next(one for one in map(CATALOG.licence, CATALOG.ids("licences")) if one.spdx == "MIT")
    (part,) = bom(free.models[0])["components"]
    assert part["licenses"] == [{"license": {"id": "MIT"}}]
    (part,) = bom("llama-3.1-8b")["components"]
    assert "Llama 3.1" in part["licenses"][0]["license"]["name"]
    covered = {model for id in CATALOG.ids("licences") for model in CATALOG.licence(id).models}
    for model in set(CATALOG.ids("models")) - covered:
        (part,) = bom(model)["components"]
        assert "licenses" not in part
        assert "licence" in unknown(part)


def test_a_chip_in_place_of_a_system() -> None:
    document = bom("llama-3.1-8b", "nvidia-h200-sxm")
    assert [part["type"] for part in document["components"]] == ["machine-learning-model", "device"]
    assert document["dependencies"] == [{"ref": "model:llama-3.1-8b", "dependsOn": ["chip:nvidia-h200-sxm"]}]


def test_the_serial_number_follows_from_the_content() -> None:
    one = bom("llama-3.1-8b")
    assert re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one["serialNumber"]
    )
    assert bom("llama-3.1-8b") == one
    dated = bom("llama-3.1-8b", day=datetime.date(2026, 11, 25))
    assert dated["metadata"]["timestamp"] == "2026-11-25T00:00:00Z"
    assert dated["serialNumber"] != one["serialNumber"]


def test_names_that_are_not_in_the_catalog() -> None:
    with pytest.raises(CatalogError, match="model 'lama' is not in the catalog"):
        bom("lama")
    with pytest.raises(CatalogError, match="no engine is called 'vlm'"):
        bom("llama-3.1-8b", engine="vlm")
    with pytest.raises(CatalogError, match="system 'h200' is not in the catalog"):
        bom("llama-3.1-8b", system="h200")


def test_links_are_the_models_own_and_its_licences_text() -> None:
    (model,) = bom("glm-4.5")["components"]
    links = {one["url"]: one["type"] for one in model["externalReferences"]}
    text = CATALOG.licence("mit").sources["TEXT"].url
    own = {one.url for one in CATALOG.model("glm-4.5").sources.values() if one.url is not None}
    assert links == {text: "license"} | dict.fromkeys(own, "documentation")
    (model,) = bom("llama-4-scout")["components"]
    cited = CATALOG.licence("llama-4").sources
    assert [one["url"] for one in model["externalReferences"] if one["type"] == "license"] == [
        cited["TEXT"].url, cited["POLICY"].url,
    ]  # fmt: skip
