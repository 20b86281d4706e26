"""`accord policy conformance`: lists, items, templates, two parties that agree, disagree, cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from accord.catalog.load import load_catalog
from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
EXAMPLES = Path(__file__).parents[2] / "examples" / "conformance"
DATED = ("--date", "2026-11-25")
DEFINITIONS = {"performance": "performance-serving-1", "safety": "safety-refusal-1"}


def example(kind: str, party: str) -> str:
    return str(EXAMPLES / f"{kind}-party-{party}.json")


def answer(capsys: Capture, *words: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["policy", "conformance", *words, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def refused(capsys: Capture, *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["policy", "conformance", *words])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    return code, shown.err


def test_the_shipped_definitions(capsys: Capture) -> None:
    body = answer(capsys)
    assert body["schema"] == "accord.policy.conformance/1"
    assert [one["id"] for one in body["result"]["definitions"]] == sorted(DEFINITIONS.values())
    assert body["sources"]
    assert main(["policy", "conformance"]) == 0
    assert "How to run one" in capsys.readouterr().out


@pytest.mark.parametrize(("kind", "id"), DEFINITIONS.items())
def test_how_to_run_one(kind: str, id: str, capsys: Capture) -> None:
    told = answer(capsys, id)["result"]["definition"]
    assert told["kind"] == kind
    assert main(["policy", "conformance", id]) == 0
    out = capsys.readouterr().out
    assert told["sha256"] in out
    assert told["data_sha256"] in out
    assert "How to run it" in out
    assert main(["policy", "conformance", id, "--template"]) == 0
    empty = json.loads(capsys.readouterr().out)
    stated = empty["accord_definition"] if kind == "performance" else empty["eval"]["metadata"]["accord_definition"]
    assert stated == {"id": id, "version": told["version"], "sha256": told["sha256"]}
    assert main(["policy", "conformance", id, "--items"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == {"performance": 550, "safety": 24}[kind]
    assert all(json.loads(line) for line in lines[:3])


@pytest.mark.parametrize(("kind", "id"), DEFINITIONS.items())
def test_two_parties_that_agree(kind: str, id: str, capsys: Capture) -> None:
    body = answer(capsys, id, example(kind, "a"), example(kind, "b"), *DATED)
    assert body["result"]["verdict"] == "agree"
    assert body["inputs"]["files"] == [example(kind, "a"), example(kind, "b")]


@pytest.mark.parametrize(("kind", "id"), DEFINITIONS.items())
def test_two_parties_that_disagree(kind: str, id: str, capsys: Capture) -> None:
    body = answer(capsys, id, example(kind, "a"), example(kind, "c"), *DATED, code=1)
    assert body["result"]["verdict"] == "disagree"
    apart = [one for one in body["result"]["quantities"] if not one["agrees"]]
    assert apart
    assert main(["policy", "conformance", id, example(kind, "a"), example(kind, "c"), *DATED]) == 1
    out = capsys.readouterr().out
    assert "DISAGREE" in out
    assert all(f"{one['name']} differs by" in out for one in apart)


def test_two_files_that_cannot_be_compared(capsys: Capture) -> None:
    body = answer(capsys, "safety-refusal-1", example("safety", "a"), example("performance", "a"), *DATED, code=1)
    assert body["result"]["verdict"] == "not comparable"
    assert "follows 'performance-serving-1', not 'safety-refusal-1'" in " ".join(body["result"]["reasons"])
    late = ("safety-refusal-1", example("safety", "a"), example("safety", "b"), "--date", "2028-01-01")
    assert main(["policy", "conformance", *late]) == 1
    out = capsys.readouterr().out
    assert "NOT COMPARABLE" in out
    assert "expired on 2028-01-01" in out


def test_a_definition_that_was_changed_is_another(tmp_path: Path, capsys: Capture) -> None:
    text = load_catalog().path("conformance", "safety-refusal-1").read_text()
    folder = tmp_path / "conformance"
    folder.mkdir()
    (folder / "safety-refusal-1.yaml").write_text(text.replace("absolute: 0.1,", "absolute: 0.5,"))
    files = (example("safety", "a"), example("safety", "b"))
    body = answer(capsys, "safety-refusal-1", *files, *DATED, "--catalog", str(tmp_path), code=1)
    assert all("follows a definition with hash" in reason for reason in body["result"]["reasons"])


def test_mistakes(tmp_path: Path, capsys: Capture) -> None:
    safety = ("safety-refusal-1", example("safety", "a"))
    assert refused(capsys, *safety)[0] == 2
    assert refused(capsys, *safety, example("safety", "b"), example("safety", "c"))[0] == 2
    assert refused(capsys, "--items")[0] == 2
    assert refused(capsys, "safety-refusal-1", "--items", "--template")[0] == 2
    code, said = refused(capsys, "safety-refusal")
    assert (code, "did you mean 'safety-refusal-1'" in said) == (3, True)
    code, said = refused(capsys, *safety, str(tmp_path / "none.json"))
    assert (code, "cannot be read" in said) == (3, True)


def test_a_signed_result(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("cryptography")
    keys, told, sealed = tmp_path / "a", tmp_path / "told.json", tmp_path / "told.dsse.json"
    assert main(["attest", "keygen", "--out", str(keys)]) == 0
    capsys.readouterr()
    assert main(["policy", "evidence", example("safety", "a"), "--json"]) == 0
    told.write_text(capsys.readouterr().out)
    assert main(["attest", "sign", str(told), "--embed", "--key", f"{keys}.key", "--out", str(sealed)]) == 0
    pair = ("safety-refusal-1", str(sealed), example("safety", "b"), *DATED)
    code, said = refused(capsys, *pair)
    assert (code, "nobody is believed" in said) == (3, True)
    body = answer(capsys, *pair, "--key", f"{keys}.pub")
    assert body["result"]["verdict"] == "agree"
    assert [len(one["signed_by"]) for one in body["result"]["results"]] == [1, 0]

    theirs, both = tmp_path / "theirs.json", tmp_path / "theirs.dsse.json"
    assert main(["policy", "evidence", example("safety", "b"), "--json"]) == 0
    theirs.write_text(capsys.readouterr().out)
    assert main(["attest", "sign", str(theirs), "--embed", "--key", f"{keys}.key", "--out", str(both)]) == 0
    body = answer(capsys, "safety-refusal-1", str(sealed), str(both), *DATED, "--key", f"{keys}.pub", code=1)
    assert body["result"]["reasons"] == ["both are signed by one key alone: one party, not two"]

    other = tmp_path / "b"
    assert main(["attest", "keygen", "--out", str(other)]) == 0
    assert refused(capsys, *pair, "--key", f"{other}.pub")[0] == 1
    envelope = json.loads(sealed.read_text())
    envelope["payload"] = envelope["payload"][:-8] + "AAAAAAA="
    sealed.write_text(json.dumps(envelope))
    assert refused(capsys, *pair, "--key", f"{keys}.pub")[0] in (1, 3)
