"""From hardware to economics and law, functions take values and return values.

No file, clock, environment, process-wide random state, printing or logging: dates, seeds and
sources are arguments. What imports alone can show is in .importlinter.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.architecture.conftest import Module

PURE_ROOMS = (
    "uncertainty",
    "hardware",
    "models",
    "workloads",
    "fabric",
    "ops",
    "parallel",
    "step",
    "power",
    "reliability",
    "inference",
    "serving",
    "training",
    "economics",
    "policy",
    "claims",
)
READERS = ("workloads/trace.py",)  # files are read in catalog, here, and at the edges

IMPURE_MODULES = {"glob", "io", "logging", "os", "pathlib", "random", "secrets", "shutil", "sys", "tempfile", "time"}
IMPURE_NAMES = {"breakpoint", "eval", "exec", "input", "open", "print"}
IMPURE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "now", "today", "utcnow", "getenv", "environ"}
NUMPY_FILES = {"fromfile", "genfromtxt", "load", "loadtxt", "memmap", "save", "savetxt", "savez"}
NUMPY_RANDOM = {"Generator", "PCG64", "Philox", "SeedSequence", "default_rng"}  # streams that are passed in


def impurities(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines at which a module touches the world, with what it touches."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] in IMPURE_MODULES:
                    yield node.lineno, f"imports {name.name}"
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in IMPURE_MODULES:
            yield node.lineno, f"imports from {node.module}"
        elif isinstance(node, ast.Global):
            yield node.lineno, "keeps state in a global"
        elif isinstance(node, ast.Name) and node.id in IMPURE_NAMES:
            yield node.lineno, f"uses {node.id}"
        elif isinstance(node, ast.Attribute):
            yield from _attribute(node)
        elif isinstance(node, ast.Call) and not node.args and not node.keywords and _name(node.func) == "default_rng":
            yield node.lineno, "draws a random stream without a seed"


def _attribute(node: ast.Attribute) -> Iterator[tuple[int, str]]:
    if node.attr in IMPURE_METHODS:
        yield node.lineno, f"uses .{node.attr}"
    owner = node.value
    if isinstance(owner, ast.Name) and owner.id in ("np", "numpy") and node.attr in NUMPY_FILES:
        yield node.lineno, f"reads or writes a file with numpy.{node.attr}"
    if isinstance(owner, ast.Attribute) and owner.attr == "random" and node.attr not in NUMPY_RANDOM:
        yield node.lineno, f"draws from numpy's global stream with random.{node.attr}"


def _name(node: ast.expr) -> str:
    """Last part of what is called, "" where it has no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_pure_rooms_touch_nothing(modules: tuple[Module, ...]) -> None:
    found = [
        f"{module.path}:{line}: {what}"
        for module in modules
        if module.room in PURE_ROOMS and module.path not in READERS
        for line, what in impurities(module.tree)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from pathlib import Path",
        "import time as clock",
        "x = open('a')",
        "print(1)",
        "d = date.today()",
        "np.random.rand(3)",
        "np.random.seed(1)",
        "rng = np.random.default_rng()",
        "np.load('a.npy')",
        "def f():\n    global x",
    ],
)
def test_the_check_sees(source: str) -> None:
    assert list(impurities(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "rng = np.random.default_rng(seed)",
        "import numpy as np\ny = np.exp(x)",
        "from datetime import date\ndef f(on: date) -> int:\n    return on.year",
        "stream = rng.normal(0.0, 1.0)",
    ],
)
def test_the_check_allows(source: str) -> None:
    assert not list(impurities(ast.parse(source)))
