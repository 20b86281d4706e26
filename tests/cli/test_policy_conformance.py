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
    assert "is a file of mlperf, and the definition asks for inspect" in " ".join(body["result"]["reasons"])
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
    assert (code, "nobody is believed" in said) == (2, True)
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


# A definition from a file


def signed_definition(folder: Path, capsys: Capture, id: str = "safety-refusal-1", *more: str) -> Path:
    """Keys ``author`` and ``other``, and the definition as its author signs it."""
    pytest.importorskip("cryptography")
    for name in ("author", "other"):
        assert main(["attest", "keygen", "--out", str(folder / name)]) == 0
    capsys.readouterr()
    assert main(["policy", "conformance", id, "--json"]) == 0
    (folder / "def.json").write_text(capsys.readouterr().out)
    sealed = folder / "def.dsse.json"
    words = ("--key", str(folder / "author.key"), "--out", str(sealed), *more)
    assert main(["attest", "sign", str(folder / "def.json"), *words]) == 0
    return sealed


@pytest.mark.parametrize(("kind", "id"), DEFINITIONS.items())
def test_two_parties_hold_results_against_a_signed_definition(
    kind: str, id: str, tmp_path: Path, capsys: Capture
) -> None:
    sealed = str(signed_definition(tmp_path, capsys, id, "--embed"))
    pair, author = (example(kind, "a"), example(kind, "b"), *DATED), ("--key", str(tmp_path / "author.pub"))
    body = answer(capsys, sealed, *pair, *author)
    assert body["result"]["verdict"] == "agree"
    assert body["result"]["definition_from"] == {"file": sealed, "signed_by": ["author.pub"]}
    assert body["result"]["definition"] == answer(capsys, id)["result"]["definition"]
    assert answer(capsys, sealed, example(kind, "a"), example(kind, "c"), *DATED, *author, code=1)
    assert answer(capsys, sealed, *author)["result"]["definition"]["id"] == id
    for flag in ("--items", "--template"):
        told = []
        for named in ((sealed, *author), (id,)):
            capsys.readouterr()
            assert main(["policy", "conformance", *named, flag]) == 0
            text = capsys.readouterr().out
            told.append(json.loads(text) if flag == "--template" else text)
        assert told[0] == told[1]
    plain = str(tmp_path / "def.json")
    assert answer(capsys, plain, *pair)["result"]["definition_from"] == {"file": plain, "signed_by": []}


def test_signed_definitions_that_are_not_believed(tmp_path: Path, capsys: Capture) -> None:
    sealed = signed_definition(tmp_path, capsys, "safety-refusal-1", "--embed")
    pair = (example("safety", "a"), example("safety", "b"), *DATED)
    code, said = refused(capsys, str(sealed), *pair)
    assert (code, "nobody is believed" in said, "hint: say who" in said) == (2, True, True)
    code, said = refused(capsys, str(sealed), *pair, "--key", str(tmp_path / "other.pub"))
    assert (code, "by none of the keys that are believed" in said) == (1, True)
    envelope = json.loads(sealed.read_text())
    envelope["payload"] = envelope["payload"][:-8] + "AAAAAAA="
    sealed.write_text(json.dumps(envelope))
    assert refused(capsys, str(sealed), *pair, "--key", str(tmp_path / "author.pub"))[0] == 1
    code, said = refused(capsys, str(tmp_path / "none.json"), *pair)
    assert (code, "cannot be read" in said) == (3, True)
    (tmp_path / "x").mkdir()
    bare = signed_definition(tmp_path / "x", capsys)
    code, said = refused(capsys, str(bare), *pair, "--key", str(tmp_path / "x" / "author.pub"))
    assert (code, "signs a hash alone" in said) == (3, True)


def test_a_definition_in_yaml(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "safety-refusal-1.yaml"
    text = load_catalog().path("conformance", "safety-refusal-1").read_text()
    file.write_text(text)
    files = (example("safety", "a"), example("safety", "b"), *DATED)
    body = answer(capsys, str(file), *files)
    assert body["result"]["verdict"] == "agree"
    assert body["result"]["definition_from"] == {"file": str(file), "signed_by": []}
    file.write_text(text.replace("absolute: 0.1,", "absolute: 0.5,"))
    body = answer(capsys, str(file), *files, code=1)
    assert all("follows a definition with hash" in reason for reason in body["result"]["reasons"])
    file.write_text("id: safety-refusal-1\n")
    code, said = refused(capsys, str(file), *files)
    assert (code, f"{file}:1" in said) == (3, True)


def test_a_comparison_with_a_signed_definition_can_be_signed_and_made_again(tmp_path: Path, capsys: Capture) -> None:
    sealed = signed_definition(tmp_path, capsys, "safety-refusal-1", "--embed")
    key, out = tmp_path / "author", tmp_path / "compared.dsse.json"
    read = (sealed, Path(example("safety", "a")), Path(example("safety", "b")), tmp_path / "author.pub")
    words = ("policy", "conformance", *map(str, read[:3]), *DATED, "--key", str(read[3]))
    assert main(["attest", "sign", "--key", f"{key}.key", "--out", str(out), "--run", "--", *words]) == 0
    again = ("attest", "verify", str(out), "--key", f"{key}.pub", "--recompute")
    assert main([*again, *(word for file in read for word in ("--file", f"{file.name}={file}"))]) == 0
    capsys.readouterr()
