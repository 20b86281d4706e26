"""Executors by name. Each is loaded only when it is asked for, so that its library need not be there."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, cast

from accord.base.errors import UsageError
from accord.base.registry import Registry
from accord.planner.executor import Executor, Place


class Listed(NamedTuple):
    """One line of the table: module that has ``make(place)``, the package it needs, and the extra that brings it."""

    module: str
    package: str = ""
    extra: str = ""


EXECUTORS: Registry[Listed] = Registry(
    "executor",
    {
        "local": Listed("accord.planner.executors.local"),
        "processes": Listed("accord.planner.executors.processes"),
        "ray": Listed("accord.planner.executors.ray", package="ray", extra="ray"),
    },
)


def executor(name: str, place: Place | None = None) -> Executor:
    """The executor of a name, to work at a place.

    Raises UsageError for an unknown name, an extra that is missing, and a place that this executor knows nothing of.
    """
    listed, place = EXECUTORS[name], place or Place()
    if place.workers is not None and place.workers < 1:
        raise UsageError(f"{place.workers} workers do nothing", hint="give 1 or more")
    try:
        module = import_module(listed.module)
    except ModuleNotFoundError as error:
        if not listed.package or (error.name or "").partition(".")[0] != listed.package:
            raise
        what = f"executor '{name}' needs {listed.package}"
        raise UsageError(what, hint=f"pip install 'accord[{listed.extra}]'") from None
    return cast(Executor, module.make(place))


__all__ = ["EXECUTORS", "Executor", "Place", "executor"]
