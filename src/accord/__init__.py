"""Accord plans, simulates and governs AI compute.

The public verbs of :mod:`accord.api` are re-exported here, one function each, named as on the
command line. They are loaded when first used, so that ``import accord`` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from accord._version import VERSION as __version__

if TYPE_CHECKING:
    from accord.api import compare, demo, estimate, validate

__all__ = ["__version__", "compare", "demo", "estimate", "validate"]


def __getattr__(name: str) -> object:
    """Load a public verb from :mod:`accord.api` at its first use."""
    if name not in __all__:
        raise AttributeError(f"module 'accord' has no attribute {name!r}; it has {', '.join(__all__)}")
    from accord import api  # noqa: PLC0415  the point of this function

    value: object = getattr(api, name)
    return value


def __dir__() -> list[str]:
    """Only the public names."""
    return sorted(__all__)
