"""Commands that are signed: files by their hashes, and what is not run from a file."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from tests.cli.attested import (
    AGAIN,
    COMPARE,
    CONFIG,
    ESTIMATE,
    PLAN,
    SIMULATE,
    TRACE,
    Said,
    forged,
    here,
    said,
    signed,
)

from accord.base.errors import DataError, Refusal, UsageError
from accord.cli import attest_command
from accord.cli.attest_command import VERBS, recorded, staged, words_of
from accord.report.attestation import (
    Command,
    FileRef,
)

__all__ = ["here", "said"]  # fixtures

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


@pytest.mark.parametrize("flags", [("--scenario", "--trace"), ("--trace", "--scenario")], ids=str)
def test_a_file_under_two_flags_is_checked_as_both(flags: tuple[str, ...], here: Path) -> None:
    Path("s.toml").write_text('[plan]\nmodel = "/etc/m.json"\n')
    asked = recorded(["plan", *(word for flag in flags for word in (flag, "s.toml"))])
    assert asked.command.arguments == dict.fromkeys(flags, {"file": "s.toml"})
    with pytest.raises(DataError, match="names a file itself \\(model\\)"), staged(asked.command, asked.files):
        pass


def test_a_folder_under_two_flags_is_no_folder_of_entries(here: Path) -> None:
    (here / "e").mkdir()
    asked = recorded(["plan", "--catalog", "e", "--scenario", "e"])
    with pytest.raises(DataError, match="cannot be read"), staged(asked.command, asked.files):
        pass


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
    (("policy", "bom"), "'policy bom' is not run"), (("fabric", "a", "--draw", "f.svg"), "--draw writes a file"),
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


@pytest.mark.parametrize(("asked", "arguments", "message"), [
    ("policy check", {"subject": "abcdef12"}, "a kept run is of this machine"),
    *((f"policy {verb}", {}, "without a day") for verb in ("party", "adoption", "evidence", "conformance")),
    ("policy commitments", {"file": {"file": "p.json"}}, "without a day"),
], ids=str)  # fmt: skip
def test_what_is_not_signed_is_not_run_from_a_file(asked: str, arguments: dict[str, Any], message: str) -> None:
    command = Command(verb=tuple(asked.split()), arguments=arguments)
    with pytest.raises(Refusal, match=f"the file asks for what is not run from a file: {message}"):
        words_of(command)


def test_what_a_file_may_not_ask_for_is_one_line(here: Path, said: Said) -> None:
    report = signed(said, *COMPARE)
    for verb, arguments, what, hint in (
        ("plan", {"--executor": "ray"}, "'--executor'", "--executor runs elsewhere; ask the signer for an answer"),
        ("audit", {"--plot": "x.svg"}, "'--plot'", "--plot writes a file; ask the signer for an answer without it"),
        ("audit", {"--plugin": "x"}, "'--plugin'", "only flags that ask a question"),
        ("runs", {}, "the verb 'runs'", "verbs that are run: compare, "),
    ):
        forged(report, command=Command(verb=(verb,), arguments=arguments))
        _, err = said(*AGAIN, code=1)
        assert err.startswith(f"error: the file asks for {what}, which is not run from a file\nhint: {hint}")


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
