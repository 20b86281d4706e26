"""What the site takes from the program: ``<!-- generated: NAME -->`` on a page becomes what the code itself says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import generated_catalog
import generated_commands
import generated_http
import generated_metrics
import words

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]


def benchmarks() -> str:
    """The page on benchmarks, its links as seen from ``docs/reference``."""
    text = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    return re.sub(r"\[([^\]]+)\]\(peers/[^)]*\)", r"\1", text.replace("](../docs/", "](../"))


PARTS: Mapping[str, Callable[[], str]] = {
    "commands": generated_commands.commands,
    "kinds": generated_catalog.kinds,
    "values": generated_catalog.values,
    "addresses": generated_http.addresses,
    "metrics": generated_metrics.metrics,
    "units": generated_metrics.units,
    "exit-codes": generated_commands.exit_codes,
    "benchmarks": benchmarks,
}
_MARK = re.compile(r"^<!-- generated: ([a-z-]+) -->$", re.MULTILINE)
_ROLE = re.compile(r":(?:py:)?(?:func|mod|class|data|meth|attr|exc):`[~!]?([^`]+)`")
_DOCUMENTED = re.compile(r"accord\.api\.\w+|accord\.api\.(plan\.plan|launch\.export)|accord\.base\.errors")
_OUTSIDE = re.compile(
    r"\[([^\]]+)\]\((?:\.\./)+((?:src|bench|examples|tests|README|ARCHITECTURE|STYLE|CONTRIBUTING)[^)]*)\)"
)


def setup(app: Sphinx) -> dict[str, object]:
    """Register with Sphinx."""
    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", docstring)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Fill the marks of a page, and name files outside the site in place of linking to them."""
    text = _MARK.sub(lambda mark: PARTS[mark[1]](), source[0])
    source[0] = _OUTSIDE.sub(
        lambda link: f"`{link[2]}`" if link[1].strip("`") in link[2] else f"{link[1]} (`{link[2]}`)", text
    )


def docstring(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Turn lines such as ``isl, osl: prompt and answer`` into a list; what the site does not document is not linked."""
    found = words.listed(lines) if what != "module" else []  # a module's own text is the page's business
    lines[:] = [
        _ROLE.sub(lambda role: role[0] if _DOCUMENTED.fullmatch(role[1]) else f"``{role[1]}``", one) for one in found
    ]
