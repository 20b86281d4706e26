"""``accord attest``: keys, signing, verifying, and what is refused."""

from __future__ import annotations

import base64
import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.attested import (
    AGAIN,
    COMPARE,
    VERIFY,
    Said,
    here,
    said,
    signed,
)

from accord.cli.verbs import attest as verb

__all__ = ["here", "said"]  # fixtures


def test_keygen_makes_a_pair_once(tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out, _ = said("attest", "keygen")
    assert re.search(r"key id +[0-9a-f]{64}", out)
    assert stat.S_IMODE(Path("accord.key").stat().st_mode) == 0o600
    before = Path("accord.key").read_bytes()
    _, err = said("attest", "keygen", code=2)
    assert err == "error: accord.key: is there already; keys are never overwritten\nhint: take another name\n"
    assert Path("accord.key").read_bytes() == before
    out, _ = said("attest", "keygen", "--out", "b", "--json")
    body = json.loads(out)
    assert body["schema"] == "accord.attest.keygen/1"
    assert (body["result"]["private"], body["result"]["public"]) == ("b.key", "b.pub")
    _, err = said("attest", "keygen", "--out", "none/b", code=2)
    assert "none/b.key: cannot be written: No such file or directory" in err


def test_a_file_is_signed_verified_and_made_again(here: Path, said: Said) -> None:
    out, _ = said(*COMPARE, "--json")
    Path("r.json").write_text(out)
    out, err = said("attest", "sign", "r.json", "--key", "a.key")
    assert err == ""
    Path("x.dsse").write_text(out)
    out, _ = said(*AGAIN, "--result", "r.json")
    assert "signed by a.pub" in out
    assert "the same bytes" in out
    assert re.search(r"Recomputed\nresult +the same\ninputs +the same", out)
    Path("r.json").write_text(json.dumps(json.loads(Path("r.json").read_text())))
    assert "the same answer in other bytes" in said(*VERIFY, "--result", "r.json")[0]
    changed = json.loads(Path("r.json").read_text())
    changed["result"]["level"] = 0.8
    Path("r.json").write_text(json.dumps(changed))
    _, err = said(*VERIFY, "--result", "r.json", code=1)
    assert err.startswith("error: r.json: is not the answer that was signed: result differs (signed ")
    assert err.count("\n") == 1


# What is refused


def flip(name: str) -> None:
    data = json.loads(Path("x.dsse").read_text())
    raw = bytearray(base64.b64decode(data[name] if name == "payload" else data["signatures"][0]["sig"]))
    raw[-5] ^= 1
    text = base64.b64encode(raw).decode()
    data = (
        {**data, name: text} if name == "payload" else {**data, "signatures": [{**data["signatures"][0], "sig": text}]}
    )
    Path("x.dsse").write_text(json.dumps(data))


@pytest.mark.parametrize("name", ["payload", "sig"])
def test_a_change_is_one_clear_line(name: str, here: Path, said: Said) -> None:
    signed(said, *COMPARE)
    flip(name)
    out, err = said(*VERIFY, code=1)
    assert out == ""
    assert re.fullmatch(
        r"error: x\.dsse: the signature of key [0-9a-f]{16} does not fit: the content or the signature was changed\n",
        err,
    )


def test_another_key_and_no_key(here: Path, said: Said) -> None:
    signed(said, *COMPARE)
    _, err = said("attest", "verify", "x.dsse", "--key", "b.pub", code=1)
    assert re.match(r"error: x\.dsse: signed by '[0-9a-f]{16}', and by none of the keys that are believed\nhint: ", err)
    _, err = said("attest", "verify", "x.dsse", code=2)
    assert err.startswith("error: nobody is believed\nhint: give --key")
    said("attest", "verify", "x.dsse", "--key", "b.pub", "--key", "a.pub")
    _, err = said("attest", "verify", "x.dsse", "--key", "a.key", code=3)
    assert "a.key: is a private key" in err


def test_a_trust_file(here: Path, said: Said) -> None:
    signed(said, *COMPARE)
    id = json.loads(Path("x.dsse").read_text())["signatures"][0]["keyid"]
    Path("trust.json").write_text(json.dumps({id: {"name": "Party A", "pem": Path("a.pub").read_text()}}))
    out, _ = said("attest", "verify", "x.dsse", "--trust", "trust.json")
    assert "signed by Party A" in out
    Path("trust.json").write_text("{")
    assert "trust.json: is not JSON" in said("attest", "verify", "x.dsse", "--trust", "trust.json", code=3)[1]


@pytest.mark.parametrize(("data", "message"), [
    (b"", "is not JSON, or cut short"), (b"\xff", "is not UTF-8"), (b"{}", "is no signed envelope"),
    (b" " * ((16 << 20) + 1), "is larger than 16 MiB"), (b"[" * 5000, "is nested deeper than 64"),
])  # fmt: skip
def test_files_that_are_none(data: bytes, message: str, here: Path, said: Said) -> None:
    Path("x.dsse").write_bytes(data)
    out, err = said(*VERIFY, code=3)
    assert (out, err.count("error: ")) == ("", 1)
    assert f"x.dsse: {message}" in err


def test_files_that_are_missing_or_cut(here: Path, said: Said) -> None:
    assert "x.dsse: cannot be read: No such file" in said(*VERIFY, code=3)[1]
    signed(said, *COMPARE)
    Path("x.dsse").write_bytes(Path("x.dsse").read_bytes()[:500])
    assert "cut short" in said(*VERIFY, code=3)[1]
    Path("r.json").write_text("{}")
    assert "r.json: is no answer of a verb" in said("attest", "sign", "r.json", "--key", "a.key", code=3)[1]


def test_a_private_key_that_others_may_read(here: Path, said: Said) -> None:
    Path("a.key").chmod(0o644)
    _, err = said("attest", "sign", "--key", "a.key", "--run", "--", *COMPARE, code=3)
    assert err.splitlines()[0] == "error: a.key: others may read or write this private key (mode 0644)"
    assert "hint: chmod 600 a.key" in err


def test_words_that_contradict(here: Path, said: Said) -> None:
    for words in (("attest", "sign", "--key", "a.key"), ("attest", "sign", "a", "b", "--key", "a.key")):
        assert "one RESULT.json is signed" in said(*words, code=2)[1]
    _, err = said("attest", "sign", "r.json", "--key", "a.key", "--result", "x", code=2)
    assert "one RESULT.json is signed" in err
    assert "--anyway says nothing without --recompute" in said(*VERIFY, "--anyway", code=2)[1]
    assert "--file says nothing without --recompute" in said(*VERIFY, "--file", "a=b", code=2)[1]


@pytest.mark.parametrize("words", [
    ("keygen",), ("sign", "r.json", "--key", "a.key"), ("verify", "x.dsse", "--key", "a.pub"),
], ids=lambda words: words[0])  # fmt: skip
def test_without_cryptography_the_extra_is_named(
    words: tuple[str, ...], said: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "accord.store.keys", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    _, err = said("attest", *words, code=2)
    assert err == "error: attest needs cryptography\nhint: pip install 'accord[sign]'\n"
    assert not list(tmp_path.iterdir())


def test_another_missing_module_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise ModuleNotFoundError(name="numpy")

    monkeypatch.setattr(verb, "import_module", broken)
    with pytest.raises(ModuleNotFoundError):
        verb._need()


# What is loaded


def test_only_keys_load_cryptography() -> None:
    package = Path(verb.__file__).parents[2]
    users = [file.relative_to(package).as_posix() for file in package.rglob("*.py")
             if re.search(r"^\s*(?:import|from) cryptography\b", file.read_text(encoding="utf-8"), re.M)]  # fmt: skip
    assert users == ["store/keys.py"]


@pytest.mark.parametrize("words", [["--help"], ["attest", "--help"], ["attest", "verify", "--help"],
                                   ["catalog", "list"]], ids=" ".join)  # fmt: skip
def test_other_verbs_and_help_do_without_it(words: list[str]) -> None:
    code = ("import sys; from accord.cli.main import main; main(sys.argv[1:]);"
            "print([name for name in ('cryptography', 'accord.store.keys') if name in sys.modules], file=sys.stderr)"
            )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["[]"]
