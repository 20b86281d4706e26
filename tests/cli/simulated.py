"""What tests of ``accord simulate`` share: a small deployment, and a call that gives what was printed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
MACHINE = ("--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8")
BASE = (*MACHINE, "--no-keep", "--no-bounds")
LAWS = ("--isl", "100", "--osl", "10", "--requests", "20")
LOAD = (*LAWS, "--rate", "10")


def envelope(capsys: Capture, *words: str, code: int = 0) -> dict[str, Any]:
    """The JSON answer of a run."""
    assert main(["simulate", *words, "--json"]) == code, capsys.readouterr().err
    body = json.loads(capsys.readouterr().out, parse_constant=_no_number)
    assert isinstance(body, dict)
    assert list(body) == ["schema", "accord", "catalog", "inputs", "result", "sources", "warnings"]
    assert body["schema"] == "accord.simulate/1"
    assert len(set(body["warnings"])) == len(body["warnings"])
    return body


def _no_number(text: str) -> float:
    raise AssertionError(f"{text} in an answer")


def value(body: dict[str, Any], name: str) -> float:
    """One metric."""
    return float(body["result"]["metrics"][name]["value"])
