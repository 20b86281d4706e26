"""What tests of ``accord plan`` and ``accord size`` share: a small question, and a call that gives what was printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from accord.cli.main import main
from accord.planner.plan import Plan

Capture = pytest.CaptureFixture[str]
H200 = "nvidia-hgx-h200-8"
MACHINE = ("--model", "llama-3.1-8b", "--system", H200)
WORK = ("--isl", "1000", "--osl", "100")
FEW = ("--engine", "vllm", "--weights", "bf16", "--batch", "8,32")
BASE = (*MACHINE, *WORK, *FEW)
TRACE = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
    f"2023-11-16 18:17:{second:02}.0000000,{900 + 10 * second},{80 + second}\n" for second in range(40)
)


def envelope(capsys: Capture, *words: str, verb: str = "plan", code: int = 0) -> dict[str, Any]:
    """The JSON answer of a verb, whose form is checked."""
    assert main([verb, *words, "--json"]) == code, capsys.readouterr().err
    text = capsys.readouterr().out
    body = json.loads(text, parse_constant=_no_number)
    assert isinstance(body, dict)
    assert list(body) == ["schema", "accord", "catalog", "inputs", "result", "sources", "warnings"]
    assert body["schema"] == f"accord.{verb}/1"
    assert len(set(body["warnings"])) == len(body["warnings"])
    return body


def _no_number(text: str) -> float:
    raise AssertionError(f"{text} in an answer")


def plans(body: dict[str, Any]) -> list[Plan]:
    """The plans of an answer, best first."""
    return msgspec.convert(body["result"]["plans"], list[Plan])


def refused(capsys: Capture, *words: str, verb: str = "plan") -> tuple[int, str]:
    """Exit code and message of a call that prints nothing."""
    code = main([verb, *words])
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err, shown.err
    if code != 1:
        assert shown.out == ""
    return code, "".join(line for line in shown.err.splitlines(True) if not line.startswith("warning: "))


def named_sources(value: object, path: str = "$") -> Iterator[tuple[str, str]]:
    """Every name of a source in an answer, and where it stands."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "sources":
                yield from ((name, path) for name in item)
            else:
                yield from named_sources(item, f"{path}.{key}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from named_sources(item, f"{path}[{at}]")


def trace(folder: Path) -> str:
    """A trace of forty requests, one a second."""
    file = folder / "trace.csv"
    file.write_text(TRACE)
    return str(file)
