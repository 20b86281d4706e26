"""The public surface is what ``accord.__all__`` says, and no more."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import accord

VERBS = [name for name in accord.__all__ if not name.startswith("_")]


@pytest.mark.parametrize("name", VERBS)
def test_every_public_verb_is_a_documented_function(name: str) -> None:
    function = getattr(accord, name)
    assert inspect.isfunction(function)
    assert inspect.getdoc(function)


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="it has .*estimate"):
        _ = accord.no_such_verb


def test_dir_is_the_public_surface() -> None:
    assert dir(accord) == sorted(accord.__all__)


def test_importing_the_package_is_cheap() -> None:
    code = "import accord, sys; print('numpy' in sys.modules, 'accord.api' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
