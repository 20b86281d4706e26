"""The parts of ``accord plan`` that are no search: the matrix, a fleet, and the picture of what a cost depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from accord.api.matrix import Fleet, Matrix, fleet, matrix
from accord.api.plan_law import law_sources
from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.cli.output import emit, say
from accord.cli.outputs import plan_picture
from accord.cli.plan_law import asked_law, unasked
from accord.cli.plan_words import joined
from accord.economics.scenario import Scenario
from accord.planner.lawful import UNCHECKED, Lawful
from accord.report.plan_law import law_dict, law_tables
from accord.report.to_json import envelope
from accord.report.tornado import Cause
from accord.store.files import write

COST = "the cost of a million output tokens"
USUAL_TPOT_S = 0.05


def show_matrix(
    verb: str, catalog: Catalog, flags: Mapping[str, Any], scenario: Scenario, paths: Sequence[Path],
    passed: Sequence[str], *, as_json: bool,
) -> int:  # fmt: skip
    """``--matrix``: every open model on every chip; ``--fleet N``: what N chips could train or serve.

    passed: warnings that come before those of the answer
    """
    if flags["matrix"] and flags["fleet"] is not None:
        raise UsageError("--matrix and --fleet at once: two questions", hint="give one of them")
    tpot = [seconds for share, seconds in flags["tpot"] if share is None]
    point = flags["isl"] or 4096.0, flags["osl"] or 1024.0, tpot[0] if tpot else USUAL_TPOT_S
    engines = flags["engines"] or (None,)
    if len(engines) > 1:
        raise UsageError("several engines", where="--engine", hint="name one, or leave it out for all that is known")
    systems = _ids(flags["systems"])
    found: Matrix | Fleet
    law = UNCHECKED
    if flags["matrix"]:
        law = asked_law(catalog, flags, systems or catalog.ids("chips"))
        found = matrix(
            catalog, _ids(flags["model"]), systems, isl=point[0], osl=point[1], tpot_s=point[2], engine=engines[0],
            level=flags["level"], scenario=scenario, day=flags["date"], law=law,
        )  # fmt: skip
    else:
        if not flags["model"] or systems is None or len(systems) != 1:
            raise UsageError("a fleet needs one --model and one --system", where="--fleet", hint="name them")
        found = fleet(
            catalog, flags["fleet"], systems[0], flags["model"], scenario=scenario, mfu=_mfu(flags["mfu"]), point=point,
            engine=engines[0], level=flags["level"],
        )  # fmt: skip
    asked = msgspec.to_builtins(msgspec.structs.replace(scenario, plan={}))
    body = envelope(
        verb, inputs={**found.inputs, "scenario": asked, "catalog": [str(path) for path in paths]},
        result=_with_law(found, law), sources=[*found.sources, *law_sources(catalog, law.systems)],
        warnings=[*catalog.notes, *passed, *unasked(flags, catalog), *joined(found.warnings)],
        catalog_digest=catalog.digest,
    )  # fmt: skip
    none = isinstance(found, Matrix) and not found.cells
    emit(body, *(() if none else found.tables), *law_tables(law), as_json=as_json)
    return 1 if none else 0


def _with_law(found: Matrix | Fleet, law: Lawful) -> dict[str, object]:
    """The result; a matrix with what the law stops and says."""
    if isinstance(found, Fleet):
        return found.result
    return {**found.result, "rejected": dict(sorted(law.rejected().items())), "law": law_dict(law)}


def _mfu(values: tuple[float, ...] | None) -> tuple[float, float, float] | None:
    """Low end, value and high end of a utilisation in training; None for what the catalog assumes."""
    if values is None:
        return None
    low, value, high = values * 3 if len(values) == 1 else values if len(values) == 3 else (0.0, 0.0, 0.0)
    if not 0.0 < low <= value <= high <= 1.0:
        raise UsageError(
            "no utilisation", where="--mfu", hint="give one share such as 0.4, or low, value and high: 0.3,0.4,0.43"
        )
    return low, value, high


def _ids(text: str | None) -> tuple[str, ...] | None:
    """Ids between commas; None for all."""
    if not text or text.strip() == "all":
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip())


def cause_dict(one: Cause) -> dict[str, object]:
    """A cause for JSON: the cost at both ends of its band [USD/Mtok], and the ends in words."""
    return {
        "name": one.name, "at_low": one.at_low, "at_high": one.at_high, "base": one.base, "low": one.low,
        "high": one.high,
    }  # fmt: skip


def tornado(file: Path) -> Callable[[Sequence[Cause]], None]:
    """What draws the picture; SVG or PNG by the name of the file. Raises UsageError where drawing is not installed."""
    draw, form = plan_picture("tornado"), file.suffix.lower().removeprefix(".")

    def write_picture(causes: Sequence[Cause]) -> None:
        if not causes:
            raise UsageError("the plan has no cost to draw", where="--tornado", hint="give prices in a --scenario")
        write(file, [draw(causes, COST, "USD/Mtok", form)])
        say(f"wrote {file}")

    return write_picture
