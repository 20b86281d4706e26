"""Answers that are signed and held against what is here."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from accord._version import VERSION
from accord.api import attest as api
from accord.api.attest import Run, attest, code_digest, compare_document, drifts, recomputed, rules_digest, verify
from accord.base.errors import DataError, Refusal
from accord.catalog.load import Catalog, load_catalog
from accord.report.attest_view import MOST_DIFFERENCES, Recomputed, Verified, verified_dict, verified_tables
from accord.report.attestation import (
    Command,
    FileRef,
    Report,
    Statement,
    digest,
    read_envelope,
    read_statement,
    sign,
    statement_bytes,
)
from accord.report.tables import to_text
from accord.store.keys import PrivateKey, PublicKey, make_keys, read_private_key, read_public_key

RESULT = {"metrics": {"tpot_s": 0.04}, "rows": [{"a": 1}, {"a": 2}]}
COMMAND = Command(verb=("compare",), arguments={"systems": ("a", "b")})


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[PrivateKey, PublicKey]:
    pair = make_keys(tmp_path_factory.mktemp("keys") / "k")
    return read_private_key(pair.private), read_public_key(pair.public)


def document(of: Catalog, /, **fields: object) -> bytes:
    return json.dumps({
        "schema": "accord.compare/1", "accord": VERSION, "catalog": of.digest, "inputs": {"systems": ["a", "b"]},
        "result": RESULT, "sources": [], "warnings": [], **fields,
    }).encode()  # fmt: skip


def checked(data: bytes, keys: tuple[PrivateKey, PublicKey], catalog: Catalog, **more: Any) -> Verified:
    return verify(attest(data, "r.json", [keys[0]], catalog, **more), "f", [keys[1]])


def test_everything_an_answer_rests_on_is_hashed(catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    data = document(catalog)
    files = (FileRef(name="t.csv", sha256="00" * 32),)
    found = checked(data, keys, catalog, run=Run(COMMAND, files, 1), embed=True).statement
    report = found.report
    assert found.subjects == {"result": digest(RESULT), "r.json": sha256(data).hexdigest()}
    assert (report.schema, report.catalog, report.rules) == (
        "accord.compare/1", catalog.digest, rules_digest(catalog),
    )  # fmt: skip
    assert (report.result, report.inputs) == (digest(RESULT), digest({"systems": ["a", "b"]}))
    assert (report.code.version, report.code.sha256, report.code.ran) == (VERSION, code_digest(), True)
    assert (report.command, report.files, report.exit_code) == (COMMAND, files, 1)
    assert msgspec.to_builtins(report.value) == RESULT
    assert not drifts(report, catalog)


def test_of_a_file_only_what_it_says_is_signed(catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    found = checked(document(catalog, catalog="00" * 32, accord="0.0.9"), keys, catalog).statement.report
    assert (found.rules, found.command, found.exit_code, found.value) == (None, None, None, None)
    assert (found.code.version, found.code.ran) == ("0.0.9", False)
    assert [one.what for one in drifts(found, catalog)] == ["catalog", "version"]


def test_a_file_called_result_is_another_subject(catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    data = document(catalog)
    found = verify(attest(data, "result", [keys[0]], catalog), "f", [keys[1]])
    assert set(found.statement.subjects) == {"result", "file result"}
    bare = verify(attest(data, "result", [keys[0]], catalog, beside=False), "f", [keys[1]])
    assert set(bare.statement.subjects) == {"result"}


def test_paths_of_written_files_are_not_hashed(catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    result = {**RESULT, "picture": "/a/b.svg"}
    plain = checked(document(catalog, schema="accord.fabric/1"), keys, catalog).statement.report
    drawn = checked(document(catalog, schema="accord.fabric/1", result=result), keys, catalog).statement.report
    assert plain.result == drawn.result
    assert (plain.excluded, drawn.excluded) == ((), ("picture",))
    other = checked(document(catalog, result=result), keys, catalog).statement.report
    assert other.result != plain.result  # of a verb that draws nothing it is part of the answer


def test_words_as_they_were_typed_are_not_hashed(catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    spelled = [{"seed": 0, "command": ["accord", "simulate", *words]} for words in (["--seed", "0"], ["--seed=0"])]
    for schema, hashes in (("accord.simulate/1", 1), ("accord.compare/1", 2)):
        data = [document(catalog, schema=schema, inputs=inputs) for inputs in spelled]
        assert len({checked(one, keys, catalog).statement.report.inputs for one in data}) == hashes


def test_what_is_excluded_is_not_for_the_file_to_say(catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    envelope = read_envelope(attest(document(catalog), "r.json", [keys[0]], catalog), "f")
    said = read_statement(envelope.payload, "f")
    for fields in ({"excluded": ("metrics",)}, {"schema": "accord/compare"}):
        report = msgspec.structs.replace(said.report, **fields)
        data = sign(statement_bytes(Statement(said.subjects, report)), [keys[0]])
        with pytest.raises(DataError, match="leaves members of the result of"):
            verify(data, "f", [keys[1]])


@pytest.mark.parametrize("fields", [
    {"schema": "vllm/1"}, {"schema": None}, {"schema": "accord.a/b/1"}, {"inputs": []}, {"result": 1}, {"catalog": "x"},
    {"catalog": 1}, {"accord": None}, {"accord": "1\n"},
], ids=str)  # fmt: skip
def test_only_answers_are_signed(
    fields: dict[str, object], catalog: Catalog, keys: tuple[PrivateKey, PublicKey]
) -> None:
    with pytest.raises(DataError, match="is no answer of a verb"):
        attest(document(catalog, **fields), "r.json", [keys[0]], catalog)


def test_what_would_not_be_read_is_not_signed(catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    with pytest.raises(DataError, match="is no answer"):
        attest(b"[]", "r.json", [keys[0]], catalog)
    deep: object = 1
    for _ in range(62):
        deep = [deep]
    data = document(catalog, result={"deep": deep})
    with pytest.raises(DataError, match="deeper than 64"):
        attest(data, "r.json", [keys[0]], catalog, embed=True)
    assert attest(data, "r.json", [keys[0]], catalog)
    with pytest.raises(DataError, match="larger than 16 MiB"):
        attest(document(catalog, result={"long": "x" * (16 << 20)}), "r.json", [keys[0]], catalog)
    data = document(catalog, result={"long": "x" * (15 << 20)})
    with pytest.raises(DataError, match="its envelope would be larger than 16 MiB"):
        attest(data, "r.json", [keys[0]], catalog, embed=True)


def test_the_answers_file_is_held_against_the_statement(catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    data = document(catalog)
    found = checked(data, keys, catalog, embed=True).statement
    assert compare_document(found, data, "r.json") == "the same bytes"
    assert compare_document(found, b" " + data, "r.json") == "the same answer in other bytes"
    for fields, message in (
        ({"schema": "accord.plan/1"}, "schema differs"), ({"accord": "9"}, "version differs"),
        ({"catalog": "00" * 32}, "catalog differs"), ({"inputs": {}}, "inputs differs"),
        ({"result": {**RESULT, "rows": []}}, r"result differs at \$\.rows\[0\], \$\.rows\[1\] .signed"),
    ):  # fmt: skip
        with pytest.raises(Refusal, match=message):
            compare_document(found, document(catalog, **fields), "r.json")
    bare = checked(data, keys, catalog).statement
    with pytest.raises(Refusal, match=r"result differs \(signed"):
        compare_document(bare, document(catalog, result={}), "r.json")


@pytest.mark.parametrize(("fields", "message"), [
    ({"schema": "accord.plan/1"}, "schema differs"), ({"inputs": "11" * 32}, "inputs differs"),
    ({"result": "11" * 32}, "result differs"),
], ids=str)  # fmt: skip
def test_bytes_that_were_signed_must_say_what_was_signed(
    fields: dict[str, str], message: str, catalog: Catalog, keys: tuple[PrivateKey, PublicKey]
) -> None:
    data = document(catalog)
    found = checked(data, keys, catalog).statement
    report = msgspec.structs.replace(found.report, **fields)
    told = Statement({**found.subjects, "result": report.result}, report)
    read = verify(sign(statement_bytes(told), [keys[0]]), "f", [keys[1]]).statement
    assert sha256(data).hexdigest() in read.subjects.values()
    with pytest.raises(Refusal, match=message):
        compare_document(read, data, "r.json")


def test_an_answer_to_another_question_does_not_hold(catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    base = checked(document(catalog), keys, catalog, run=Run(COMMAND, (), 0))
    again = recomputed(base.statement.report, document(catalog, inputs={"systems": ["a", "c"]}), 0)
    assert (again.same, again.inputs_same, again.holds) == (True, False, False)
    assert [one.path for one in again.differences] == ["inputs, sha256"]
    found = Verified(base.statement, base.signed, "", again)
    assert not found.holds
    assert verified_dict(found)["holds"] is False
    text = "\n".join(map(to_text, verified_tables(found)))
    assert re.search(r"result +the same\ninputs +another", text)
    assert "inputs, sha256" in text


def test_another_catalog_other_rules_other_code_are_named(
    catalog: Catalog, keys: tuple[PrivateKey, PublicKey], tmp_path: Path
) -> None:
    report = checked(document(catalog), keys, catalog).statement.report
    folder = tmp_path / "prices"
    folder.mkdir()
    source = next(iter(catalog.ids("prices")))
    (folder / "own.yaml").write_text(
        catalog.path("prices", source).read_text().replace(f"id: {source}", "id: own"), encoding="utf-8"
    )
    found = drifts(report, load_catalog((tmp_path,)))
    assert [one.what for one in found] == ["catalog"]
    assert (found[0].signed, len(found[0].here)) == (catalog.digest[:16], 16)
    code = msgspec.structs.replace(report.code, version="0.0.1", sha256="11" * 32)
    old = msgspec.structs.replace(report, code=code, rules="22" * 32)
    assert [one.what for one in drifts(old, catalog)] == ["rules", "version", "code"]


def test_rules_are_hashed_as_the_law_prints_them(catalog: Catalog) -> None:
    from accord.api.law import Law
    from accord.api.policy_ask import Question
    from accord.api.policy_classify import classify_answer

    question = Question(id="nvidia-h20", given={}, what_if={}, seller="US", buyer="CN")
    told = classify_answer(question, api._ANY_DAY, Law(catalog), explain=False, through_time=False, picture=False)
    assert told.result["digest"] == rules_digest(catalog)


def test_the_code_is_hashed_with_its_names(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    first = code_digest(tmp_path)
    other = tmp_path / "b"
    other.mkdir()
    (other / "a.py").write_text("1")
    (other / "note.txt").write_text("2")
    assert code_digest(other) == first
    (other / "a.py").rename(other / "c.py")
    api.code_digest.cache_clear()
    assert code_digest(other) != first
    api.code_digest.cache_clear()


def report_of(catalog: Catalog, keys: tuple[PrivateKey, PublicKey], *, embed: bool, code: int | None = 0) -> Report:
    return checked(document(catalog), keys, catalog, run=Run(COMMAND, (), code), embed=embed).statement.report


@pytest.mark.parametrize("embed", [True, False])
def test_an_answer_made_again(embed: bool, catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    report = report_of(catalog, keys, embed=embed)
    same = recomputed(report, document(catalog), 0)
    assert same == Recomputed((), True, True, True, ())
    moved = recomputed(report, document(catalog, result={**RESULT, "more": 1}, inputs={}), 0)
    assert (moved.same, moved.inputs_same) == (False, False)
    inputs = ("inputs, sha256", f'"{report.inputs}"', f'"{digest({})}"')
    assert [(one.path, one.signed, one.here) for one in moved.differences] == [
        inputs, *([("$.more", None, "1")] if embed else []),
    ]  # fmt: skip
    no = recomputed(report, document(catalog), 1)
    assert not no.same
    assert [(one.path, one.signed, one.here) for one in no.differences] == [("exit code", "0", "1")]
    other = recomputed(report, document(catalog, schema="accord.plan/1"), 0)
    assert (other.same, other.differences[0].path) == (False, "schema")
    many = recomputed(report, document(catalog, result={str(number): number for number in range(99)}), 0)
    assert len(many.differences) == (MOST_DIFFERENCES if embed else 0)


def test_an_exit_code_that_was_not_recorded_is_not_compared(
    catalog: Catalog, keys: tuple[PrivateKey, PublicKey]
) -> None:
    assert recomputed(report_of(catalog, keys, embed=False, code=None), document(catalog), 1).same


def test_what_a_reader_sees(catalog: Catalog, keys: tuple[PrivateKey, PublicKey]) -> None:
    files = (FileRef(name="t.csv", sha256="00" * 32),)
    result = {"picture": "x" * 80, **RESULT}
    data = document(catalog, catalog="00" * 32, schema="accord.train/1", result=result)
    base = checked(data, keys, catalog, run=Run(COMMAND, files, 0), embed=True)
    report = base.statement.report
    moved = recomputed(report, document(catalog, result={"long": "x" * 99}), 0, drifts(report, catalog))
    texts = []
    for one in (
        base, Verified(base.statement, (*base.signed, *base.signed), "the same bytes", moved),
        Verified(base.statement, base.signed, "", Recomputed(drifts(report, catalog), False)),
    ):  # fmt: skip
        texts.append("\n".join(map(to_text, verified_tables(one))))
        assert one.holds is (one is base)
        told = verified_dict(one)
        assert json.loads(json.dumps(told))["report"]["embedded"] is True
    assert "not hashed" in texts[0]
    assert "picture" in texts[0]
    assert "file t.csv" in texts[0]
    assert "not recorded" in texts[0]
    assert "Recomputed" not in texts[0]
    assert "catalog differs" in texts[1]
    assert "..." in texts[1]
    assert "another" in texts[1]
    assert "Not recomputed" in texts[2]
