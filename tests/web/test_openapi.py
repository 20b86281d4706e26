"""The API against its own document: names, and whatever schemathesis makes of it, without one fault."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.web.running import Server

from accord.web.app import create_app
from accord.web.document import OF_ALL, OF_BODIES
from accord.web.settings import Settings
from accord.web.verbs import REFUSED, VERBS

LEAST_CASES = 1000
PER_OPERATION = 16  # of each kind, valid and not
FEW = 4  # of those that take seconds
SECONDS = ("/demo", "/audit", "/policy/zones", "/policy/adoption")
KNOWN: dict[str, Any] = {
    "model": "qwen3-32b", "system": "nvidia-hgx-h100-8", "id": "nvidia-h20", "date": "2025-05-01", "from": "US",
    "to": "CN", "isl": 1000, "osl": 100, "systems": ["nvidia-hgx-h100-8", "nvidia-gb200-nvl72"], "claim": "capex-209bn",
    "kind": "chips", "a": "nvidia-h20", "b": "nvidia-h100-sxm", "chips": 8, "tokens": "1e12", "phase": "decode",
}  # fmt: skip
FORBIDDEN = re.compile(
    r"(^|_)(path|paths|url|uri|address|addr|ray|key|keys|executor|workers|catalog|store|out|plot|draw|folder|dir|"
    r"checkpoint|token|command|words|args)$"
)
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return create_app(Settings(store=tmp_path_factory.mktemp("store") / "runs.sqlite")).openapi()


def requests(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in document["components"]["schemas"].items() if name.endswith("Request")}


def test_each_served_verb_has_an_address_and_no_other_has(document: dict[str, Any]) -> None:
    for verb in VERBS:
        assert set(document["paths"][f"/api/v1{verb.address}"]) == {"post"}
    for name in REFUSED:
        assert f"/api/v1/{name.replace(' ', '/')}" not in document["paths"]


def test_no_field_names_a_path_an_address_a_key_or_an_executor(document: dict[str, Any]) -> None:
    assert len(requests(document)) == len(VERBS)
    for name, one in requests(document).items():
        found = [field for field in one["properties"] if FORBIDDEN.search(field)]
        assert found == [], name
        assert one["additionalProperties"] is False


def test_texts_and_lists_are_bounded(document: dict[str, Any]) -> None:
    def check(place: str, schema: dict[str, Any]) -> None:
        for option in schema.get("anyOf", [schema]):
            if option.get("type") == "string" and "enum" not in option:
                assert "maxLength" in option or "pattern" in option, place
            if option.get("type") == "array":
                assert option["maxItems"] <= 64, place
                check(place, option["items"])

    for name, one in requests(document).items():
        for field, schema in one["properties"].items():
            check(f"{name}.{field}", schema)


def test_every_address_documents_the_errors_that_it_may_answer(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found = operation["responses"]
            assert set(found) >= set(OF_ALL), path
            assert (set(found) >= set(OF_BODIES)) == (method == "post"), path
            assert ("409" in found) == ("{id}" in path or path.endswith("board")), path
            assert "Retry-After" in found["429"]["headers"]
            assert "WWW-Authenticate" in found["401"]["headers"]


def test_the_result_of_a_job_is_an_envelope(document: dict[str, Any]) -> None:
    result = document["paths"]["/api/v1/jobs/{id}/result"]["get"]["responses"]["200"]
    assert result["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Envelope"}


def test_everything_a_reference_names_is_there(document: dict[str, Any]) -> None:
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert names <= set(document["components"]["schemas"])


@pytest.mark.slow
def test_nothing_that_the_document_allows_or_forbids_makes_the_server_fail(server: Server) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/api/v1/openapi.json")
    seen: Counter[int] = Counter()
    better = st.dictionaries(st.sampled_from(sorted(KNOWN)), st.just(None), max_size=6)
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE][: 1 + (operation.method == "post")]
        for mode in modes:
            strategy = operation.as_strategy(generation_mode=mode)

            most = FEW if operation.path.endswith(SECONDS) else PER_OPERATION

            @settings(
                max_examples=most, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=strategy, known=better)
            def ask(case: Any, known: dict[str, None]) -> None:
                if isinstance(case.body, dict) and case.operation.path.startswith("/api/v1"):
                    fields = case.operation.definition.raw  # only fields that the verb has
                    named = json.dumps(fields)
                    case.body.update({name: KNOWN[name] for name in known if name in _fields(schema, named)})
                response = case.call(timeout=60)
                seen[response.status_code] += 1
                case.validate_response(response, checks=CHECKS)

            ask()
    assert seen.total() >= LEAST_CASES
    assert seen[200] >= 100
    assert not [status for status in seen if status >= 500], seen


def _fields(schema: Any, named: str) -> frozenset[str]:
    """Fields of the request that an operation refers to."""
    found = re.search(r"#/components/schemas/(\w+Request)", named)
    if found is None:
        return frozenset()
    return frozenset(schema.raw_schema["components"]["schemas"][found[1]]["properties"])
