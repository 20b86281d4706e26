"""What ``accord validate`` scores: a table of each kind, by the packaged fit or by fits without a row's group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from accord import api
from accord.api.fabric_validate import fabric_by_system, shown_fabric, validate_fabric
from accord.api.reliability import validate_failures
from accord.api.train_validate import validated_runs
from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.validation.fabric_rows import read_fabric
from accord.validation.fabric_score import SystemErrors
from accord.validation.rows import read_rows
from accord.validation.score import Scored
from accord.validation.tables import Kind
from accord.validation.training_rows import read_training

By = Literal["source", "chip", "model"]
EXTRA = ("scipy", "pyarrow", "aiconfigurator_core")
LEFT_OUT: Mapping[Kind, tuple[By, ...]] = {
    "inference": ("source", "chip", "model"),
    "training": ("source", "chip", "model"),
    "fabric": ("source", "chip"),
    "failures": ("source",),
}
"""What can be left out of a fit, by the kind of table."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A measured table and how to score it. facts: a second table and its name, None without one."""

    content: str
    name: str
    catalog: Catalog
    level: float
    cross: By | None
    facts: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Found:
    """Scored rows, and beside them what is in no total.

    cut: runs cut by a client's timeout; shown: derived figures and claims; systems: errors by system, of collectives
    """

    scored: tuple[Scored, ...]
    cut: tuple[Scored, ...] = ()
    shown: tuple[Scored, ...] = ()
    systems: tuple[SystemErrors, ...] = ()


def validated(kind: Kind, asked: Asked) -> Found:
    """Score a table by its kind. Raises UsageError for flags that its kind has no use for, TableError for bad rows."""
    if kind != "inference" and asked.facts is not None:
        raise UsageError(f"a table of {kind} takes no facts: they fill cells of inference tables", where="--facts")
    if asked.cross is not None and asked.cross not in LEFT_OUT[kind]:
        able = " or ".join(f"--cv {name}" for name in LEFT_OUT[kind])
        raise UsageError(f"no fit leaves out a {asked.cross} of a table of {kind}", where="--cv", hint=f"use {able}")
    return _SCORERS[kind](asked)


def _inference(asked: Asked) -> Found:
    if asked.cross is not None:
        return Found(_inference_without(asked, asked.cross))
    more, named = asked.facts or ("", "facts")
    scored = api.validate(
        asked.content, asked.name, catalog=asked.catalog, level=asked.level, facts=more, facts_name=named
    )
    cut = api.censored(
        asked.content, asked.name, catalog=asked.catalog, level=asked.level, facts=more, facts_name=named
    )
    return Found(scored, cut)


def _inference_without(asked: Asked, cross: By) -> tuple[Scored, ...]:
    """Rows scored by fits without their group. Raises UsageError where the extra is missing."""
    try:
        from accord.calibration import whole
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    rows = read_rows(asked.content, asked.name)
    done = whole.calibrate(asked.catalog, rows, judged=False)
    return whole.scored_without(done, asked.catalog, rows, cross, asked.level)


def _missing(error: ModuleNotFoundError) -> UsageError | ModuleNotFoundError:
    """What to say of a package that is not installed; the error itself where it is one of ours."""
    if (error.name or "").partition(".")[0] not in EXTRA:
        return error
    return UsageError(f"--cv needs {error.name}", hint="pip install 'accord[calibrate]'")


def _training(asked: Asked) -> Found:
    if asked.cross is not None:
        from accord.calibration.training_crossval import scored_without

        rows = read_training(asked.content, asked.name)
        return Found(scored_without(asked.catalog, rows, asked.cross, asked.level))
    runs = validated_runs(asked.content, asked.name, asked.catalog, asked.level)
    return Found(runs.scored, shown=runs.shown)


def _fabric(asked: Asked) -> Found:
    content, name = asked.content, asked.name
    shown: tuple[Scored, ...] = ()
    if asked.cross is None:
        scored = validate_fabric(content, name, asked.catalog, asked.level)
        shown = shown_fabric(content, name, asked.catalog, asked.level)
    else:
        from accord.calibration.fabric_crossval import scored_without

        by: Literal["source", "chip"] = "source" if asked.cross == "source" else "chip"
        scored = scored_without(asked.catalog, read_fabric(content, name), by, asked.level)
    return Found(scored, shown=shown, systems=fabric_by_system(content, name, scored))


def _failures(asked: Asked) -> Found:
    without: Literal["source"] | None = "source" if asked.cross == "source" else None
    return Found(validate_failures(asked.content, asked.name, asked.catalog, asked.level, without))


_SCORERS: Mapping[Kind, Callable[[Asked], Found]] = {
    "inference": _inference,
    "training": _training,
    "fabric": _fabric,
    "failures": _failures,
}
