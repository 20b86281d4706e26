"""What a simulation leaves on disk: files of a folder, and the store of runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from accord.api.runs import keep_run, run_store
from accord.api.simulate import Simulation
from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.cli.outputs import exporter, picture
from accord.cli.simulate_flags import USUAL_FILES
from accord.cli.simulate_load import Load
from accord.cli.watching import lasting
from accord.inference.request import EstimateRequest
from accord.report.outputs import EXPORTS, PICTURES, About, Drawn
from accord.report.to_json import to_bytes
from accord.serving.result import Outcome, Requests
from accord.serving.window import arrived
from accord.store.files import write
from accord.store.record import Record
from accord.workloads.reshape import head

MOST_SPANS = 200_000
WITH_SPANS = frozenset({"chrome-trace", "series"})  # files that show iterations
SUMMARY = "summary.json"
EPOCH = "SOURCE_DATE_EPOCH"


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is to be written, and when the run began."""

    folder: Path | None
    exports: tuple[str, ...]
    pictures: tuple[str, ...]
    label: str | None
    store: Path | None
    keep: bool
    began: datetime

    @classmethod
    def of(cls, flags: Mapping[str, Any]) -> Outputs:
        """The flags' outputs. Raises UsageError for files without a folder, and for an extra that is missing."""
        folder: Path | None = flags["out"]
        if folder is None and (flags["export"] or flags["plot"]):
            raise UsageError("files without a folder", hint="give --out DIR")
        pictures = tuple(PICTURES.names()) if flags["plot"] and "all" in flags["plot"] else flags["plot"] or ()
        for name in flags["export"] or ():
            exporter(name)
        for name in pictures:
            picture(name)
        return cls(
            folder, flags["export"] or USUAL_FILES, pictures, flags["label"], flags["store"], flags["keep"],
            _now(os.environ),
        )  # fmt: skip

    @contextmanager
    def places(self) -> Iterator[None]:
        """Make the folders that will be needed before the run; those that a failure leaves empty go away again.

        Raises UsageError for a folder that cannot be made, DataError for a store that is something else.
        """
        made: list[Path] = []
        try:
            if self.folder is not None:
                made += _made(self.folder, str(self.folder), "give --out another folder")
            if self.keep:
                store = run_store(self.store)
                made += _made(store.path.parent, str(store.path), "give --store another path, or --no-keep")
                store.list(limit=1)
            yield
        finally:
            for place in made:
                with suppress(OSError):
                    place.rmdir()

    @property
    def spans(self) -> int:
        """Iterations to keep for a time line."""
        return MOST_SPANS if self.folder is not None and not WITH_SPANS.isdisjoint(self.exports) else 0


def _now(environ: Mapping[str, str]) -> datetime:
    """The time of the run; that of SOURCE_DATE_EPOCH where it is set, so that files are the same byte for byte.

    As of https://reproducible-builds.org/specs/source-date-epoch/. Raises UsageError for what is no time.
    """
    text = environ.get(EPOCH)
    if not text:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"'{text}' is no time", where=EPOCH, hint="seconds since 1970, such as 1750000000") from None


def _made(folder: Path, where: str, hint: str) -> list[Path]:
    """Make a folder and those above it; returns the ones that were not there, the innermost first."""
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot be made: {error.strerror}", where=where, hint=hint) from None
    if not os.access(folder, os.W_OK):
        raise UsageError("cannot be written to", where=where, hint=hint)
    return new


def write_files(done: Simulation, outputs: Outputs, deployment: EstimateRequest, load: Load) -> list[str]:
    """Write what is asked for; returns the paths."""
    if outputs.folder is None:
        return []
    about = About(
        created=outputs.began.isoformat(), model=deployment.model, backend=done.built[0].engine, label=outputs.label,
        request_rate_per_s=load.rate_per_s, burstiness=load.burstiness,
    )  # fmt: skip
    metrics, outcome = done.summary.metrics, _trimmed(done.outcome)
    written: list[str] = []
    for name in outputs.exports:
        one = EXPORTS[name]
        path = outputs.folder / one.file
        write(path, exporter(name)(outcome, metrics, about))
        written.append(str(path))
    drawn = Drawn(slo=_limits(done))
    for name in outputs.pictures:
        one = PICTURES[name]
        path = outputs.folder / one.file
        write(path, [picture(name)(outcome, drawn, path.suffix.removeprefix("."))])
        written.append(str(path))
    path = outputs.folder / SUMMARY
    write(path, [to_bytes({"complete": done.combined.complete, "simulated": True, "metrics": dict(metrics)})])
    return [*written, str(path)]


def _trimmed(outcome: Outcome) -> Outcome:
    """Without the requests at the end that never came, since the run ended before."""
    came = np.flatnonzero(arrived(outcome))
    count = int(came[-1]) + 1 if len(came) else 0
    if count == len(outcome.workload):
        return outcome
    columns = {one.name: getattr(outcome.requests, one.name)[:count] for one in fields(outcome.requests)}
    return replace(outcome, workload=head(outcome.workload, count), requests=Requests(**columns))


def _limits(done: Simulation) -> dict[str, float]:
    """The strictest of each limit, as a line in the pictures."""
    found: dict[str, float] = {}
    for one in done.summary.slos:
        for name, limit in one.slo.limits().items():
            found[name] = min(limit, found.get(name, limit))
    return found


def keep(
    done: Simulation, body: Mapping[str, Any], outputs: Outputs, deployment: EstimateRequest, files: list[str],
    catalog: Catalog,
) -> str | None:  # fmt: skip
    """Remember the run; returns its id."""
    if not outputs.keep:
        return None
    record = Record(
        verb="simulate", created=outputs.began.isoformat(), inputs=body["inputs"], metrics=dict(done.summary.metrics),
        catalog=catalog.digest, model=deployment.model, system=deployment.system, label=outputs.label or "",
        complete=done.combined.complete, files=tuple(map(lasting, files)),
    )  # fmt: skip
    return keep_run(record, store=outputs.store)
