"""Build hook of the wheel and the sdist: both carry the page, built by Node and npm from ``frontend/``.

``ACCORD_PAGE`` says what to do where it cannot be built:

    (nothing)   refuse an sdist; a wheel goes without, as where there is no Node or no registry, and says so
    require     refuse
    skip        build neither page nor anything by npm, and carry none

An editable installation never builds it: ``python3 do.py page`` does. An sdist carries the built page, so that
installing from it needs no Node.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODES = ("", "require", "skip")
STATIC = "src/accord/web/static"


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Put the built page into what is built."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page where its sources have changed, and name it as an artifact.

        Args:
            version: ``standard`` or ``editable`` for a wheel.
            build_data: what hatchling collects; ``artifacts`` are files that go along though git ignores them.

        Raises:
            RuntimeError: where the page cannot be built and must not be left out.
        """
        mode = os.environ.get("ACCORD_PAGE", "")
        if mode not in MODES:
            raise RuntimeError(f"ACCORD_PAGE is {mode!r}; give require, skip or nothing")
        if version == "editable" or mode == "skip":
            return
        make_page = _make_page(Path(self.root))
        if not make_page.fresh():
            try:
                make_page.build()
            except make_page.PageError as error:
                if mode == "" and self.target_name == "wheel":
                    self.app.display_warning(f"this wheel goes without the page of 'accord web': {error}")
                    return
                hint = "hint: set ACCORD_PAGE=skip to go without the page; the rest of Accord needs no Node"
                raise RuntimeError(f"the page of 'accord web' was not built: {error}\n{hint}") from error
        build_data["artifacts"].append(f"/{STATIC}/")
        if self.target_name == "wheel":  # what the page was built from is of use where it may be built again
            build_data["artifacts"].append(f"!/{STATIC}/.stamp")


def _make_page(root: Path) -> ModuleType:
    """The module ``frontend/make_page.py``, which the path of a build does not lead to."""
    spec = importlib.util.spec_from_file_location("make_page", root / "frontend" / "make_page.py")
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{root / 'frontend' / 'make_page.py'} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
