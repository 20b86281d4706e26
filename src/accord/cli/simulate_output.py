"""What a simulation leaves on disk: files of a folder, and the store of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from accord.api.runs import keep_run
from accord.api.simulate import Simulation
from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.cli.deployment_flags import Option
from accord.cli.flags import WordList
from accord.cli.outputs import exporter, picture
from accord.cli.simulate_load import Load
from accord.inference.request import EstimateRequest
from accord.report.outputs import EXPORTS, PICTURES, About, Drawn
from accord.report.to_json import to_bytes
from accord.store.files import write
from accord.store.record import Record

USUAL = ("vllm-bench", "aiperf-records", "aiperf", "csv")
MOST_SPANS = 200_000
SUMMARY = "summary.json"

OUTPUT: tuple[Option, ...] = (
    click.option(
        "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
        help="Write results there: vllm bench and AIPerf files, rows by request, a summary.",
    ),
    click.option(
        "--export", type=WordList(*EXPORTS.names()), help=f"Which files; else {', '.join(USUAL)}.",
    ),
    click.option("--plot", type=WordList(*PICTURES.names(), "all"), help="Pictures to draw there (extra [plot])."),
    click.option("--label", help="Your name for the run."),
    click.option("--store", type=click.Path(dir_okay=False, path_type=Path), metavar="PATH", help="File of the store."),
    click.option("--keep/--no-keep", default=True, show_default=True, help="Remember the run: accord runs list."),
)  # fmt: skip


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
        """The flags' outputs. Raises UsageError for files without a folder, or a folder that cannot be made."""
        folder: Path | None = flags["out"]
        if folder is None and (flags["export"] or flags["plot"]):
            raise UsageError("files without a folder", hint="give --out DIR")
        pictures = tuple(PICTURES.names()) if flags["plot"] and "all" in flags["plot"] else flags["plot"] or ()
        for name in flags["export"] or ():
            exporter(name)
        for name in pictures:
            picture(name)
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(f"cannot be made: {error.strerror}", where=str(folder)) from None
        return cls(
            folder, flags["export"] or USUAL, pictures, flags["label"], flags["store"], flags["keep"],
            datetime.now(UTC),
        )  # fmt: skip

    @property
    def spans(self) -> int:
        """Iterations to keep for a time line."""
        return MOST_SPANS if self.folder is not None and "chrome-trace" in self.exports else 0


def write_files(done: Simulation, outputs: Outputs, deployment: EstimateRequest, load: Load) -> list[str]:
    """Write what is asked for; returns the paths."""
    if outputs.folder is None:
        return []
    about = About(
        created=outputs.began.isoformat(), model=deployment.model, backend=done.built[0].engine, label=outputs.label,
        request_rate_per_s=load.rate_per_s, burstiness=load.burstiness,
    )  # fmt: skip
    metrics = done.summary.metrics
    written: list[str] = []
    for name in outputs.exports:
        one = EXPORTS[name]
        path = outputs.folder / one.file
        write(path, exporter(name)(done.outcome, metrics, about))
        written.append(str(path))
    drawn = Drawn(slo=_limits(done))
    for name in outputs.pictures:
        one = PICTURES[name]
        path = outputs.folder / one.file
        write(path, [picture(name)(done.outcome, drawn, path.suffix.removeprefix("."))])
        written.append(str(path))
    path = outputs.folder / SUMMARY
    write(path, [to_bytes({"complete": done.outcome.complete, "simulated": True, "metrics": dict(metrics)})])
    return [*written, str(path)]


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
        complete=done.outcome.complete, files=tuple(files),
    )  # fmt: skip
    return keep_run(record, store=outputs.store)
