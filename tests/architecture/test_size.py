"""A function fits a screen, a module has one concept, and an import says what it takes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.architecture.conftest import Module

MODULE_LINES = 400
FUNCTION_LINES = 60


def test_modules_have_one_concept(modules: tuple[Module, ...]) -> None:
    counts = {module.path: len(module.text.splitlines()) for module in modules}
    long = [f"{path}: {count} lines" for path, count in counts.items() if count > MODULE_LINES]
    assert not long, f"longer than {MODULE_LINES} lines: {'; '.join(long)}"


def test_functions_fit_a_screen(modules: tuple[Module, ...]) -> None:
    long = [
        f"{module.path}:{node.lineno}: {node.name} has {length} lines"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


def test_no_import_takes_everything(modules: tuple[Module, ...]) -> None:
    found = [
        f"{module.path}:{node.lineno}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and any(name.name == "*" for name in node.names)
    ]
    assert not found, f"import * in {', '.join(found)}"


def test_no_module_is_a_drawer(modules: tuple[Module, ...]) -> None:
    drawers = ("utils.py", "util.py", "common.py", "helpers.py", "misc.py")
    found = [module.path for module in modules if module.path.endswith(drawers)]
    assert not found, f"name the concept instead: {', '.join(found)}"
