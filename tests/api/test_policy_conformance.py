"""Conformance as an answer: plain files, answers of policy evidence, signed envelopes."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from accord.api.conformance_definition import SCHEMA, Opened, definition_in
from accord.api.policy_conformance import TOLD, compared, described, listed
from accord.api.policy_evidence import evidence_answer
from accord.base.errors import DataError, UsageError
from accord.catalog.load import load_catalog
from accord.policy.conformance import definition_sha256

EXAMPLES = Path(__file__).parents[2] / "examples" / "conformance"
CATALOG = load_catalog()
SAFETY = CATALOG.conformance("safety-refusal-1")
DAY = datetime.date(2026, 11, 25)
A, B, C = (((EXAMPLES / f"safety-party-{party}.json").read_bytes()) for party in "abc")
SEALED = b'{"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": []}'


def told(data: bytes) -> bytes:
    """What ``policy evidence --json`` prints of a file, as far as it is read here."""
    answer = evidence_answer([("a.json", data)], DAY, CATALOG)
    return json.dumps({"schema": TOLD, "result": answer.result}).encode()


def test_definitions() -> None:
    answer = listed(CATALOG)
    definitions = answer.result["definitions"]
    assert isinstance(definitions, list)
    assert [one["id"] for one in definitions] == list(CATALOG.ids("conformance"))
    assert all(len(one["sha256"]) == len(one["data_sha256"]) == 64 for one in definitions)
    assert answer.verdict is None
    assert answer.sources
    one = described(SAFETY)
    assert one.result["definition"] == definitions[1]
    assert [table.title for table in one.tables][1:] == ["How to run it", "Settings", "What is reported"]


def test_two_files() -> None:
    answer = compared(SAFETY, (("a.json", A), ("c.json", C)), DAY)
    assert answer.verdict == answer.result["verdict"] == "disagree"
    quantities = answer.result["quantities"]
    assert isinstance(quantities, list)
    assert [one["name"] for one in quantities if not one["agrees"]] == ["match/decline", "match/all"]
    assert quantities[0]["difference"] == pytest.approx(-0.25)
    text = "\n".join(" ".join(row) for table in answer.tables for row in table.rows)
    assert "match/decline differs by -0.250 (27.3 %), more than 0.1" in text


def test_not_comparable_says_why_in_the_answer() -> None:
    answer = compared(SAFETY, (("a.json", A), ("a2.json", A)), DAY)
    assert answer.verdict == "not comparable"
    assert answer.result["reasons"] == ["both are the same file: one run, not two"]
    assert answer.result["quantities"] == []


def test_what_policy_evidence_printed_stands_for_the_file() -> None:
    assert compared(SAFETY, (("a.json", told(A)), ("b.json", B)), DAY).verdict == "agree"
    assert compared(SAFETY, (("a.json", told(A)), ("c.json", told(C))), DAY).verdict == "disagree"
    again = compared(SAFETY, (("a.json", told(A)), ("b.json", A)), DAY)
    assert again.result["reasons"] == ["both are the same file: one run, not two"]
    with pytest.raises(DataError, match="is an answer of 'accord.plan/1'"):
        compared(SAFETY, (("a.json", b'{"schema": "accord.plan/1", "result": {}}'), ("b.json", B)), DAY)


def test_signed_results() -> None:
    answer = json.loads(told(A))

    def opener(data: bytes, name: str) -> Opened:
        assert data == SEALED
        return Opened(answer["schema"], answer["result"], ("party A",), ("a1",))

    found = compared(SAFETY, (("a.dsse.json", SEALED), ("b.json", B)), DAY, opener)
    assert found.verdict == "agree"
    results = found.result["results"]
    assert isinstance(results, list)
    assert [one["signed_by"] for one in results] == [["party A"], []]
    assert "signed by party A" in found.tables[0].rows[2][1]


def test_one_party_cannot_sign_both() -> None:
    def opener(by: dict[str, tuple[str, ...]]) -> Any:
        def opened(data: bytes, name: str) -> Opened:
            answer = json.loads(told(A if name == "a.json" else B))
            return Opened(answer["schema"], answer["result"], by[name], by[name])

        return opened

    files = (("a.json", SEALED), ("b.json", SEALED))
    one = compared(SAFETY, files, DAY, opener({"a.json": ("x",), "b.json": ("x",)}))
    assert one.result["reasons"] == ["both are signed by one key alone: one party, not two"]
    assert one.verdict == "not comparable"
    assert compared(SAFETY, files, DAY, opener({"a.json": ("x",), "b.json": ("y",)})).verdict == "agree"
    witness = opener({"a.json": ("x", "w"), "b.json": ("y", "w")})
    assert compared(SAFETY, files, DAY, witness).verdict == "agree", "a witness may sign both"


def test_one_run_written_in_two_ways_is_one_run() -> None:
    again = json.dumps(json.loads(A, parse_int=float), indent=7, sort_keys=True).replace('": 2.0', '": 2').encode()
    want = ["both hold the same, written in two ways: one run, not two"]
    assert compared(SAFETY, (("a.json", A), ("b.json", again)), DAY).result["reasons"] == want
    assert compared(SAFETY, (("a.json", told(A)), ("b.json", told(again))), DAY).result["reasons"] == want


def test_signed_results_that_cannot_be_read() -> None:
    files = (("a.dsse.json", SEALED), ("b.json", B))
    with pytest.raises(UsageError, match="is a signed envelope, and nobody is believed"):
        compared(SAFETY, files, DAY)
    with pytest.raises(DataError, match="signs a hash alone"):
        compared(SAFETY, files, DAY, lambda data, name: Opened(TOLD, None, ("A",), ("a1",)))
    with pytest.raises(DataError, match="is an answer of 'accord.plan/1'"):
        compared(SAFETY, files, DAY, lambda data, name: Opened("accord.plan/1", {}, ("A",), ("a1",)))


def test_files_with_other_than_one_result() -> None:
    rows = [{"Model": "m", "Scenario": "Offline", "Performance_Result": 1.0, "Performance_Units": "Tokens/s"}] * 2
    with pytest.raises(DataError, match="holds 2 results"):
        compared(SAFETY, (("a.json", json.dumps(rows).encode()), ("b.json", B)), DAY)
    nothing = json.dumps({"schema": TOLD, "result": {"files": []}}).encode()
    with pytest.raises(DataError, match="holds 0 results"):
        compared(SAFETY, (("a.json", nothing), ("b.json", B)), DAY)


# A definition from a file


def printed(definition: dict[str, Any] | None = None, schema: str = SCHEMA) -> bytes:
    """What ``policy conformance ID --json`` prints of the safety test, or of a definition that was changed."""
    told = described(SAFETY).result["definition"] if definition is None else definition
    return json.dumps({"schema": schema, "result": {"definition": told}}).encode()


def changed(**fields: Any) -> dict[str, Any]:
    told = described(SAFETY).result["definition"]
    assert isinstance(told, dict)
    return {**json.loads(json.dumps(told)), **fields}


@pytest.mark.parametrize("id", CATALOG.ids("conformance"))
def test_a_definition_that_was_printed_is_the_same_again(id: str) -> None:
    shipped = CATALOG.conformance(id)
    told = json.dumps({"schema": SCHEMA, "result": described(shipped).result}).encode()
    again, origin = definition_in(told, "def.json", None)
    assert msgspec.structs.replace(again, sources=shipped.sources) == shipped
    assert (origin.file, origin.signed_by) == ("def.json", ())
    assert definition_sha256(again) == definition_sha256(shipped)


def test_a_signed_definition_says_who_signed_it() -> None:
    value = json.loads(printed())["result"]
    found, origin = definition_in(SEALED, "def.dsse.json", lambda data, name: Opened(SCHEMA, value, ("C",), ("c1",)))
    answer = compared(found, (("a.json", A), ("b.json", B)), DAY, None, origin)
    assert answer.verdict == "agree"
    assert answer.inputs["definition"] == "def.dsse.json"
    assert answer.result["definition_from"] == {"file": "def.dsse.json", "signed_by": ["C"]}
    assert answer.tables[0].rows[1] == ("definition from", "def.dsse.json, signed by C")
    assert described(found, origin).tables[0].rows[1] == ("definition from", "def.dsse.json, signed by C")
    assert "definition_from" not in described(SAFETY).result


def test_results_must_state_the_hash_of_the_definition_in_the_file() -> None:
    quantities = [{**one, "absolute": 0.5} for one in changed()["quantities"]]
    wider = tuple(msgspec.structs.replace(one, absolute=0.5) for one in SAFETY.quantities)
    other = msgspec.structs.replace(SAFETY, quantities=wider)
    file = printed(changed(quantities=quantities, sha256=definition_sha256(other)))
    found, origin = definition_in(file, "def.json", None)
    answer = compared(found, (("a.json", A), ("b.json", B)), DAY, None, origin)
    assert answer.verdict == "not comparable"
    reasons = answer.result["reasons"]
    assert isinstance(reasons, list)
    assert all("follows a definition with hash" in reason for reason in reasons)


@pytest.mark.parametrize(("file", "message"), [
    (b"{}", "is no test definition"), (b"[]", "is no test definition|not an object"), (b"x", "is not JSON"),
    (printed(schema="accord.plan/1"), "is an answer of 'accord.plan/1'"),
    (json.dumps({"schema": SCHEMA, "result": {}}).encode(), "holds no one definition"),
    (printed(changed(valid_days=900)), "states sha256 .*, and what it says has"),
    (printed(changed(sha256=None)), "states sha256 nowhere"), (printed(changed(items=["yes: x"])), "states sha256"),
    (printed(changed(data_sha256="00")), "states data_sha256 00, and"), (printed(changed(more=1)), "unknown field"),
    (printed(changed(title="a\x1b[2J")), r"holds a control character \(U\+001B\)"),
    (printed(changed(fixed={"a\x9b": "x"})), r"holds a control character \(U\+009B\)"),
    (printed(changed(quantities=[{"name": "a", "unit": "", "absolute": -1.0}])), "a: a tolerance is below 0"),
    (printed(changed(protocol="x")), "is no test definition: Expected `array`"),
])  # fmt: skip
def test_files_that_hold_no_definition(file: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        definition_in(file, "def.json", None)
    assert "def.json" in str(raised.value)


def test_envelopes_without_a_definition() -> None:
    with pytest.raises(UsageError, match="nobody is believed"):
        definition_in(SEALED, "def.json", None)
    with pytest.raises(DataError, match="signs a hash alone, without the definition"):
        definition_in(SEALED, "def.json", lambda data, name: Opened(SCHEMA, None, ("C",), ("c1",)))
    with pytest.raises(DataError, match="is an answer of 'accord.policy.evidence/1'"):
        definition_in(SEALED, "def.json", lambda data, name: Opened(TOLD, {}, ("C",), ("c1",)))
