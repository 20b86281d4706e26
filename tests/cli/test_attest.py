"""``accord attest``: keys, signing, verifying, and asking again."""

from __future__ import annotations

import base64
import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from accord.base.errors import DataError, Refusal, UsageError
from accord.cli import attest_command
from accord.cli.attest_command import VERBS, recorded, staged, words_of
from accord.cli.attest_inputs import command_of
from accord.cli.main import main
from accord.cli.verbs import attest as verb
from accord.report.attestation import (
    Command,
    FileRef,
    Report,
    Statement,
    read_envelope,
    read_statement,
    sign,
    statement_bytes,
)
from accord.store.keys import make_keys, read_private_key

Capture = pytest.CaptureFixture[str]
Said = Callable[..., tuple[str, str]]
COMPARE = ("compare", "huawei-cloudmatrix-384", "nvidia-gb200-nvl72")
CLASSIFY = ("policy", "classify", "nvidia-h20", "--from", "US", "--to", "CN", "--date", "2025-05-01")
TRACE = "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,100,20\n0.5,200,10\n"
SIMULATE = ("simulate", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--chips", "1", "--trace")
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 1024, "num_hidden_layers": 4,
    "num_attention_heads": 8, "num_key_value_heads": 8, "intermediate_size": 4096, "vocab_size": 32000,
    "torch_dtype": "bfloat16",
}  # fmt: skip
ESTIMATE = ("estimate", "--system", "nvidia-hgx-h100-8", "--chips", "1", "--concurrency", "2", "--isl", "100", "--osl",
            "20")  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the keys a and b, which is the current one."""
    monkeypatch.chdir(tmp_path)
    make_keys(tmp_path / "a")
    make_keys(tmp_path / "b")
    return tmp_path


@pytest.fixture
def said(capsys: Capture) -> Said:
    """Run a command with the exit code it must have; gives what it printed."""

    def run(*words: object, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert main([str(word) for word in words]) == code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return out, err

    return run


def signed(said: Said, *words: str, out: str = "x.dsse", more: tuple[str, ...] = ()) -> Report:
    said("attest", "sign", "--key", "a.key", "--out", out, *more, "--run", "--", *words)
    return read_statement(read_envelope(Path(out).read_bytes(), out).payload, out).report


def forged(report: Report, **fields: Any) -> None:
    """Sign another report with key a, as a signer may who is believed but means ill."""
    report = msgspec.structs.replace(report, **fields)
    payload = statement_bytes(Statement({"result": report.result}, report))
    Path("x.dsse").write_bytes(sign(payload, [read_private_key(Path("a.key"))]))


VERIFY = ("attest", "verify", "x.dsse", "--key", "a.pub")
AGAIN = (*VERIFY, "--recompute")


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
    _, err = said("attest", "keygen", "--out", "none/b", code=74)
    assert "none/b.key: No such file or directory" in err


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


SLOW = pytest.mark.slow
PLAN = ("plan", "--model", "llama-3.1-8b", "--chips", "8", "--isl", "500", "--osl", "100", "--no-intervals", "--tpot",
        "p90:40ms", "--system")  # fmt: skip
SIZE = ("size", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--goodput", "5", "--tpot", "50ms", "--isl",
        "500", "--osl", "100", "--no-intervals")  # fmt: skip
TRAIN = ("train", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--chips", "64", "--tokens", "1T",
         "--auto")  # fmt: skip
MIGRATE = ("policy", "migrate", "nvidia-h20", "--from=US", "--to=CN", "--what-if", "3A090.a.tpp=6000")


def named(words: object) -> str:
    return " ".join(words[:3]) if isinstance(words, tuple) else ""


@pytest.mark.parametrize("words", [
    COMPARE, CLASSIFY, ("policy", "party", "Huawai", "--date", "2025-05-01"), ("catalog", "show", "nvidia-h20"),
    ("policy", "check", "--open-weights", "--training-flop", "3e24", "--jurisdictions", "eu", "--date", "2025-09-01"),
    ("policy", "adoption", "--who", "KZ,SG", "--date", "2025-09-01"), (*PLAN, "nvidia-hgx-h100-8"),
    ("fabric", "nvidia-hgx-h100-8", "--transfers", "0->8:1GB,1->8:1GB"),
    ("fabric", "nvidia-hgx-h100-8", "--collective", "all-reduce", "--ranks", "8", "--size", "1MB"),
    ("audit", "cloudmatrix-beats-nvl72"), (*ESTIMATE, "--model", "llama-3.1-8b"), pytest.param(MIGRATE, marks=SLOW),
    pytest.param(SIZE, marks=SLOW), pytest.param(TRAIN, marks=SLOW), pytest.param(("demo", "--to", "CN"), marks=SLOW),
], ids=named)  # fmt: skip
def test_every_verb_can_be_asked_again(words: tuple[str, ...], here: Path, said: Said) -> None:
    report = signed(said, *words, more=("--result", "r.json"))
    assert report.code.ran
    assert report.command is not None
    assert " ".join(words).startswith(" ".join(report.command.verb))
    out, _ = said(*AGAIN, "--result", "r.json", "--json")
    body = json.loads(out)
    assert body["schema"] == "accord.attest.verify/1"
    assert body["result"]["holds"] is True
    assert body["result"]["beside"] == "the same bytes"
    assert body["result"]["recomputed"] == {
        "drifts": [], "ran": True, "same": True, "inputs_same": True, "differences": [],
    }  # fmt: skip


@pytest.mark.parametrize("words", [
    (*CLASSIFY, "--history", "--set", "datacenter_marketed=yes"), ("catalog", "show", "chips/nvidia-h20"),
    ("policy", "party", "Huawei", "--date", "2025-05-01"), ("policy", "adoption", "--systems", "--date", "2025-09-01"),
    ("policy", "adoption", "--instrument", "waico", "--date", "2025-09-01"),
    (*PLAN, "nvidia-hgx-h100-8,nvidia-hgx-h200-8", "--tpot", "1s", "--mixed", "--from", "US", "--to", "DE", "--date",
     "2025-05-01", "--set", "state_funded=no", "--weights", "bf16,fp8"),
    ("simulate", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--chips", "1", "--isl", "100", "--osl",
     "20", "--rate", "2", "--duration", "10s", "--no-keep"),
    pytest.param(MIGRATE, marks=SLOW), pytest.param(("demo", "--date", "2025-05-01"), marks=SLOW),
], ids=named)  # fmt: skip
def test_inputs_that_say_the_whole_command(words: tuple[str, ...], here: Path, said: Said) -> None:
    Path("r.json").write_text(said(*words, "--json")[0])
    said("attest", "sign", "r.json", "--key", "a.key", "--out", "x.dsse", "--embed")
    assert "result  the same" in said(*AGAIN)[0]


def test_inputs_that_do_not_are_not_guessed_at(here: Path, said: Said) -> None:
    Path("r.json").write_text(said("fabric", "nvidia-hgx-h100-8", "--json")[0])
    said("attest", "sign", "r.json", "--key", "a.key", "--out", "x.dsse")
    _, err = said(*AGAIN, code=1)
    assert err.splitlines()[0].endswith("do not say the whole command, so it is not recomputed")
    assert "signed by" in said(*VERIFY)[0]
    usual: dict[str, Any] = {"systems": ["a", "b"], "level": 0.9, "catalog": []}
    assert command_of("compare", usual) == Command(
        verb=("compare",), arguments={"systems": ("a", "b"), "--level": "0.9"}
    )
    for name, inputs in (
        ("compare", {**usual, "catalog": ["own"]}), ("compare", {**usual, "plugin": "x"}), ("train", {}), ("plan", {}),
        ("plan", {"scenario": {}}), ("plan", {"scenario": {"plan": {"model": "m"}, "country": "DE"}}),
        ("plan", {"scenario": {"plan": {"model": "m"}, "pue": [1, 1, 1]}}), ("simulate", {"command": ["rm", "x"]}),
        ("simulate", {"command": ["accord", "simulate", 1]}), ("simulate", {}), ("audit", {"claim": None, "file": "x"}),
        ("simulate", {"command": ["accord", "simulate", "--trace", "t.csv"]}),
        ("simulate", {"command": ["accord", "simulate", "--out", "o"]}),
    ):  # fmt: skip
        assert command_of(name, inputs) is None, (name, inputs)


def test_an_answer_of_no_is_signed_too(here: Path, said: Said) -> None:
    report = signed(said, "policy", "party", "Huawai", "--date", "2025-05-01")
    assert report.exit_code == 1
    assert report.value is not None  # without --result the answer is in the statement
    said(*AGAIN)
    forged(report, exit_code=0)
    assert "exit code" in said(*AGAIN, code=1)[0]


@pytest.mark.parametrize(("words", "code"), [
    (("compare", "huawei-cloudmatrix-384", "nvidia-gb300-nvl720"), 3), (("compare",), 2),
    (("compare", "a", "--nonsense"), 2),
])  # fmt: skip
def test_a_verb_that_does_not_answer_is_not_signed(words: tuple[str, ...], code: int, here: Path, said: Said) -> None:
    _, err = said("attest", "sign", "--key", "a.key", "--out", "x.dsse", "--run", "--", *words, code=code)
    assert err.startswith("error: ")
    assert not Path("x.dsse").exists()


def test_another_catalog_is_not_recomputed_silently(here: Path, said: Said) -> None:
    report = signed(said, *COMPARE)
    assert report.value is not None
    rows = {**report.value, "level": 0.5}
    from accord.report.attestation import digest

    forged(report, catalog="00" * 32, rules="11" * 32, value=rows, result=digest(rows))
    out, _ = said(*AGAIN, code=1)
    assert re.search(r"Not recomputed\ncatalog differs +signed 0{16}, here [0-9a-f]{16}\nrules differs", out)
    assert "Recomputed" not in out
    body = json.loads(said(*AGAIN, "--json", code=1)[0])
    assert body["result"]["recomputed"]["ran"] is False
    out, _ = said(*AGAIN, "--anyway", code=1)
    assert re.search(r"\$\.level +0\.5 +0\.9", out)
    assert "catalog differs" in out


def test_other_code_or_another_version_is_named(here: Path, said: Said) -> None:
    report = signed(said, *COMPARE)
    forged(report, code=msgspec.structs.replace(report.code, version="0.0.1", sha256="00" * 32))
    out, _ = said(*AGAIN, code=1)
    assert re.search(r"version differs +signed 0\.0\.1, here ", out)
    assert "code differs" in out
    out, _ = said(*AGAIN, "--anyway")
    assert re.search(r"result +the same", out)


# Files


def test_files_are_signed_by_hash_and_given_again(here: Path, said: Said) -> None:
    folder = here / "some where"
    folder.mkdir()
    trace = folder / "my trace.csv"
    trace.write_text(TRACE)
    report = signed(said, *SIMULATE, str(trace))
    assert [one.name for one in report.files] == ["my_trace.csv"]
    assert str(folder) not in base64.b64decode(json.loads(Path("x.dsse").read_text())["payload"]).decode()
    _, err = said(*AGAIN, code=2)
    assert err.splitlines() == [
        "error: the file my_trace.csv is not at hand", "hint: give it with --file my_trace.csv=PATH",
    ]  # fmt: skip
    elsewhere = here / "moved.csv"
    elsewhere.write_text(TRACE)
    assert re.search(r"result +the same\ninputs +the same", said(*AGAIN, "--file", "my_trace.csv=moved.csv")[0])
    elsewhere.write_text(TRACE + "1.0,5,5\n")
    _, err = said(*AGAIN, "--file", "my_trace.csv=moved.csv", code=1)
    assert "moved.csv: is not the file that was signed as my_trace.csv (sha256" in err
    assert "cannot be read" in said(*AGAIN, "--file", "my_trace.csv=none.csv", code=3)[1]
    _, err = said(*AGAIN, "--file", "my_trace.csv=moved.csv", "--file", "other=x", code=2)
    assert "reads no file 'other'" in err
    assert "is no NAME=PATH" in said(*AGAIN, "--file", "my_trace.csv", code=2)[1]


def test_a_model_of_ones_own_and_entries_of_ones_own(here: Path, said: Said) -> None:
    model = here / "small"
    model.mkdir()
    (model / "config.json").write_text(json.dumps(CONFIG))
    prices = here / "own" / "prices"
    prices.mkdir(parents=True)
    from accord.catalog.load import load_catalog

    catalog = load_catalog()
    name = next(iter(catalog.ids("prices")))
    (prices / f"{name}.yaml").write_bytes(catalog.path("prices", name).read_bytes())
    words = (*ESTIMATE, "--catalog", "own", "--model")
    files = ("--file", "small.json=small/config.json", "--file", "own=own")
    for given in ("./small", "small/config.json"):
        report = signed(said, *words, given)
        assert {one.name: one.folder for one in report.files} == {"own": True, "small.json": False}
        assert re.search(r"result +the same\ninputs +the same", said(*AGAIN, *files)[0])
    (prices / "more.yaml").write_text("x: 1\n")
    _, err = said(*AGAIN, *files, code=1)
    assert "own: is not the file that was signed as own" in err


PARTIES = Path(__file__).parents[2] / "examples" / "conformance"


def test_two_parties_and_a_disagreement_can_be_had_again(here: Path, said: Said) -> None:
    from accord.catalog.load import load_catalog

    definition = next(id for id in load_catalog().ids("conformance") if "performance" in id)
    files = [PARTIES / f"performance-party-{letter}.json" for letter in "ac"]
    report = signed(said, "policy", "conformance", definition, *map(str, files), "--date", "2026-11-01")
    assert [one.name for one in report.files] == [file.name for file in files]
    given = [word for file in files for word in ("--file", f"{file.name}={file}")]
    assert re.search(r"result +the same\ninputs +the same", said(*AGAIN, *given)[0])


def test_commitments_of_a_plan_can_be_had_again(here: Path, said: Said) -> None:
    out, _ = said(*PLAN, "nvidia-hgx-h100-8", "--json")
    Path("plan.json").write_text(out)
    report = signed(said, "policy", "commitments", "plan.json", "--date", "2026-08-01", "--offered", "8")
    assert [one.name for one in report.files] == ["plan.json"]
    assert re.search(r"result +the same\ninputs +the same", said(*AGAIN, "--file", "plan.json=plan.json")[0])


def test_two_files_of_one_name_stay_apart(here: Path) -> None:
    for name in ("one", "two"):
        (here / name).mkdir()
        (here / name / "e").mkdir()
    asked = recorded(["compare", "a", "b", "--catalog", "one/e", "--catalog", "two/e", "--catalog", "one/e"])
    assert asked.command.arguments["--catalog"] == ({"file": "e"}, {"file": "e-2"}, {"file": "e"})
    assert asked.files == {"e": here / "one" / "e", "e-2": here / "two" / "e"}
    asked = recorded(["fabric", "s", "--transfers", "one/.-x.csv"])
    assert asked.command.arguments["--transfers"] == {"file": "x.csv"}


@pytest.mark.parametrize(("words", "name", "text"), [
    (("plan", "--scenario"), "s.toml", '[plan]\nmodel = "../c.json"\n'),
    (("plan", "--scenario"), "s.toml", '[plan]\nmodel = "m"\ntrace = "/tmp/t.csv"\n'),
    (("estimate", "--deployment"), "d.yaml", "{model: /etc/passwd}"),
    (("audit",), "c.yaml", "checks:\n- with: {model: a/b.json}\n"),
])  # fmt: skip
def test_a_file_that_names_files_is_not_signed(
    words: tuple[str, ...], name: str, text: str, here: Path, said: Said
) -> None:
    Path(name).write_text(text)
    _, err = said("attest", "sign", "--key", "a.key", "--run", "--", *words, f"./{name}", code=3)
    assert f"{name}: names a file itself (" in err


def test_a_file_that_the_verb_refuses_is_left_to_it(here: Path, said: Said) -> None:
    for words, name in ((("plan", "--scenario"), "s.toml"), (("estimate", "--deployment"), "d.yaml")):
        Path(name).write_text("[[[")
        _, err = said("attest", "sign", "--key", "a.key", "--run", "--", *words, name, code=3)
        assert name in err
        assert "names a file" not in err


def test_files_are_copied_within_limits(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "e").mkdir()
    for name in "ab":
        (here / "e" / f"{name}.yaml").write_text("x")
    asked = recorded(["compare", "a", "b", "--catalog", "e"])
    monkeypatch.setattr(attest_command, "MOST_FILES", 1)
    with pytest.raises(DataError, match="holds more than 1 entries"), staged(asked.command, asked.files):
        pass
    (here / "t.csv").write_text(TRACE)
    asked = recorded([*SIMULATE, "t.csv"])
    monkeypatch.setattr(attest_command, "MOST_BYTES", 10)
    with pytest.raises(DataError, match="is larger than 0 MiB"), staged(asked.command, asked.files):
        pass
    with (
        pytest.raises(DataError, match="contradict each other"),
        staged(asked.command, asked.files, [FileRef(name="other", sha256="")]),
    ):
        pass
    with pytest.raises(UsageError, match="reads no file 'x'"), staged(recorded(COMPARE).command, {"x": here}):
        pass


# What is not run


@pytest.mark.parametrize(("words", "message"), [
    ((), "no verb to run"), (("runs", "list"), "'runs' is not run to be signed"), (("attest", "keygen"), "is not run"),
    (("policy", "cases", "x.csv"), "'policy' is not run"), (("fabric", "a", "--draw", "f.svg"), "--draw writes a file"),
    (("plan", "--checkpoint", "c"), "--checkpoint writes a file"), (("plan", "--executor", "ray"), "--executor runs"),
    (("plan", "--ray-address", "ray://x"), "--ray-address runs elsewhere"), (("demo", "--help"), "--help is no answer"),
    (("simulate", "--store", "s"), "--store is of this machine"), (("simulate", "--out", "d"), "--out writes a file"),
    (("policy", "party", "Huawei"), "without a day"), (("policy", "adoption"), "without a day"),
    (("policy", "check", "-"), "stdin cannot be had again"),
    (("policy", "commitments", "-", "--date", "2026-01-01"), "stdin cannot"), (("policy", "evidence"), "without a day"),
    (("policy", "check", "abcdef12"), "is of this machine"),
    (("fabric", "a", "b"), "'b' is one word too many"),
])  # fmt: skip
def test_what_is_not_signed(words: tuple[str, ...], message: str, here: Path, said: Said) -> None:
    _, err = said("attest", "sign", "--key", "a.key", "--run", "--", *words, code=2)
    assert message in err
    assert "hint: " in err


@pytest.mark.parametrize(("asked", "arguments"), [
    ("runs delete", {"ids": ("a",)}), ("export", {}), ("attest keygen", {}), ("compare --help", {}),
    ("compare", {"--plugin": "x"}), ("compare", {"--json": True}), ("compare", {"--help": True}),
    ("compare", {"systems": "a"}), ("compare", {"systems": (7,)}), ("compare", {"--catalog": ("own",)}),
    ("plan", {"--executor": "ray"}), ("plan", {"--ray-address": "ray://evil"}), ("plan", {"--checkpoint": "/tmp/x"}),
    ("plan", {"--tornado": "x.svg"}), ("plan", {"--scenario": "/etc/passwd"}), ("plan", {"--mixed": "x"}),
    ("plan", {"--mixed": False}), ("plan", {"--isl": True}), ("plan", {"--isl": ("1",)}), ("plan", {"--ttft": "1s"}),
    ("plan", {"--model": "../../etc/x.json"}), ("plan", {"--model": "C:\\x"}), ("plan", {"--isl": {"file": "x"}}),
    ("plan", {"--trace": {"file": "../t.csv"}}), ("plan", {"--trace": {"file": "/etc/passwd"}}),
    ("plan", {"--trace": {"url": "http://x"}}), ("plan", {"--trace": {"file": ".."}}), ("plan", {"--trace": {}}),
    ("simulate", {"--keep": True}), ("policy check", {"subject": "-"}), ("policy check", {"--store": "x"}),
    ("fabric", {"--draw": "x.svg"}), ("fabric", {"--transfers": "/t.csv"}), ("audit", {"claim": "../c.yaml"}),
], ids=str)  # fmt: skip
def test_what_a_file_may_not_ask_for(asked: str, arguments: dict[str, Any]) -> None:
    command = Command(verb=tuple(asked.split()), arguments=arguments)
    with pytest.raises(Refusal, match="the file asks for .*, which is not run from a file"):
        words_of(command)


def test_what_a_file_may_not_ask_for_is_one_line(here: Path, said: Said) -> None:
    report = signed(said, *COMPARE)
    forged(report, command=Command(verb=("plan",), arguments={"--executor": "ray"}))
    _, err = said(*AGAIN, code=1)
    assert err.startswith("error: the file asks for '--executor', which is not run from a file\nhint: verbs that")


def test_values_that_look_like_flags_stay_values(here: Path, said: Said) -> None:
    words = words_of(Command(verb=("compare",), arguments={"systems": ("--help", "b"), "--level": "--json"}))
    assert words == ["compare", "--level=--json", "--json", "--", "--help", "b"]
    words = words_of(Command(verb=("simulate",), arguments={"--no-prefix-caching": True, "--seed": "3"}))
    assert words == ["simulate", "--no-prefix-caching", "--seed=3", "--no-keep", "--json", "--"]


def test_a_command_that_does_not_answer_here(here: Path, said: Said) -> None:
    report = signed(said, *COMPARE)
    forged(report, command=Command(verb=("compare",), arguments={"systems": ("none", "b")}))
    _, err = said(*AGAIN, code=1)
    assert "compare: the verb does not answer here (exit code 3)" in err
    assert Path.cwd() == here


@pytest.mark.parametrize("verb_words", VERBS, ids=" ".join)
def test_every_parameter_of_a_verb_is_known(verb_words: tuple[str, ...]) -> None:
    """A flag that names a file is an input of the list, or refused: a new one must be looked at."""
    found = attest_command._command(verb_words)
    for param in found.params:
        if isinstance(param.type, click.Path):
            assert param.name in attest_command.FILES or attest_command._refused(param) is not None


def test_a_verb_that_this_version_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attest_command, "VERBS", (("dream", "on"),))
    with pytest.raises(UsageError, match="has no verb 'dream on'"):
        recorded(["dream", "on"])


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
