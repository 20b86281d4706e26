"""``accord attest verify --recompute``: what can be asked again, and how it is compared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.cli.attested import (
    AGAIN,
    CLASSIFY,
    COMPARE,
    ESTIMATE,
    MIGRATE,
    PLAN,
    SIZE,
    SLOW,
    TRAIN,
    VERIFY,
    Said,
    forged,
    here,
    named,
    said,
    signed,
)

from accord.cli import attest_command
from accord.cli.attest_inputs import command_of
from accord.report.attestation import (
    Command,
)

__all__ = ["here", "said"]  # fixtures


@pytest.mark.parametrize("words", [
    COMPARE, CLASSIFY, ("policy", "party", "Huawai", "--date", "2025-05-01"), ("catalog", "show", "nvidia-h20"),
    ("policy", "check", "--open-weights", "--training-flop", "3e24", "--jurisdictions", "eu", "--date", "2025-09-01"),
    ("policy", "adoption", "--who", "KZ,SG", "--date", "2025-09-01"), (*PLAN, "nvidia-hgx-h100-8"),
    ("fabric", "nvidia-hgx-h100-8", "--transfers", "0->8:1GB,1->8:1GB"),
    ("fabric", "nvidia-hgx-h100-8", "--collective", "all-reduce", "--ranks", "8", "--size", "1MB"),
    ("audit", "cloudmatrix-beats-nvl72"), (*ESTIMATE, "--model", "llama-3.1-8b"), pytest.param(MIGRATE, marks=SLOW),
    pytest.param(SIZE, marks=SLOW), pytest.param(TRAIN, marks=SLOW),
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
    pytest.param(("demo", "--date", "2025-05-01"), marks=SLOW),
], ids=named)  # fmt: skip
def test_inputs_that_say_the_whole_command(words: tuple[str, ...], here: Path, said: Said) -> None:
    Path("r.json").write_text(said(*words, "--json")[0])
    said("attest", "sign", "r.json", "--key", "a.key", "--out", "x.dsse", "--embed")
    assert re.search(r"result +the same\ninputs +the same", said(*AGAIN)[0])


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
    assert command_of("demo", {"buyer": "MY", "day": "2025-05-01", "level": 0.9}) == Command(
        verb=("demo",), arguments={"--to": "MY", "--date": "2025-05-01", "--level": "0.9"}
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


def test_inputs_that_the_command_does_not_give_are_a_no(here: Path, said: Said) -> None:
    report = signed(said, *COMPARE)
    forged(report, inputs="00" * 32)
    out, _ = said(*AGAIN, code=1)
    assert re.search(r"result +the same\ninputs +another", out)
    assert json.loads(said(*AGAIN, "--json", code=1)[0])["result"]["holds"] is False


def test_an_interrupted_run_is_no_answer(here: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    signed(said, *COMPARE)
    monkeypatch.setattr(attest_command, "answer", lambda _: (130, b"{}"))
    said("attest", "sign", "--key", "a.key", "--out", "y.dsse", "--run", "--", *COMPARE, code=130)
    assert not Path("y.dsse").exists()
    assert "does not answer here (exit code 130)" in said(*AGAIN, code=1)[1]


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
