"""The READMEs' table of a trace is that of docs/traffic.json, and its commands are those that made it.

The trace is not in the repository, so the figures are not computed again: they are out of date once the constants they
were computed with are not the packaged ones.
"""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest
from tests import traces
from tests.docs.console import ROOT


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_traffic", ROOT / "docs" / "make_traffic.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_table_is_the_kept_one(script: ModuleType, name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert script.with_table(text, script.PAGES[name]) == text, "run 'python docs/make_traffic.py --tables'"


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_commands_are_shown(script: ModuleType, name: str) -> None:
    shown = re.sub(r"\s*\\\n\s*", " ", (ROOT / name).read_text(encoding="utf-8"))
    for command in script.SHOWN:
        assert command in shown


def test_the_figures_rest_on_the_packaged_constants(script: ModuleType) -> None:
    traces.trace(script.TRACE)  # without it nobody can mend the table
    assert not script.is_stale(), "run 'python docs/make_traffic.py' (minutes)"
