"""What makes the files of a simulated run, loaded one at a time."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from accord.base.errors import UsageError
from accord.report.outputs import EXPORTS, PICTURES, PLAN_PICTURES, Exporter, Output, Picture

PACKAGES = ("matplotlib", "pyarrow")  # what the extras of the tables bring


def exporter(name: str) -> Exporter:
    """The maker of a file of :data:`EXPORTS`. Raises UsageError for an unknown name or an extra that is missing."""
    return cast(Exporter, _made(EXPORTS[name], name))


def picture(name: str) -> Picture:
    """The maker of a picture of :data:`PICTURES`. Raises UsageError as :func:`exporter`."""
    return cast(Picture, _made(PICTURES[name], name))


def plan_picture(name: str) -> Callable[..., bytes]:
    """The maker of a picture of :data:`PLAN_PICTURES`. Raises UsageError as :func:`picture`."""
    return cast("Callable[..., bytes]", _made(PLAN_PICTURES[name], name))


def _made(output: Output, name: str) -> object:
    try:
        return getattr(import_module(output.module), output.function)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in PACKAGES:
            raise
        raise UsageError(f"'{name}' needs {missing}", hint=f"pip install 'accord[{output.extra}]'") from None
