"""Flags of ``accord simulate``. Nothing heavy is loaded here, so that its help comes at once."""

from __future__ import annotations

from pathlib import Path

import click

from accord.cli.deployment_flags import Option
from accord.cli.flags import Quantity, WordList, level_option
from accord.report.outputs import EXPORTS, PICTURES
from accord.serving.routers import ROUTERS
from accord.serving.schedulers import SCHEDULERS
from accord.workloads.formats import FORMATS

SPAN = Quantity("s", example="30 s", least=0.0)
TIME = Quantity("s", example="30 s", above=0.0)


class Rarely(Quantity):
    """A long time, or the word that takes it from the catalog."""

    word = "catalog"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show both in the help."""
        return f"{super().get_metavar(param, ctx)}|{self.word}"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | str:  # type: ignore[override]
        """Take the word, or parse the time."""
        return self.word if value == self.word else super().convert(value, param, ctx)


RARE = Rarely("s", example="30 d", least=1.0)
SIZE = Quantity("B", example="20 TB", above=0.0)
_COUNT = click.IntRange(min=1)
_SHARE = click.FloatRange(0.0, 1.0)
_PART = click.FloatRange(0.0, 1.0, min_open=True)
_FILE = click.Path(dir_okay=False, path_type=Path)
USUAL_FILES = ("vllm-bench", "aiperf-records", "aiperf", "csv")

LOAD: tuple[Option, ...] = (
    click.option("--trace", type=_FILE, metavar="FILE", help="Replay a trace; its format is told by what is in it."),
    click.option("--format", "trace_format", type=click.Choice(list(FORMATS)), help="Its format, if not told by it."),
    click.option("--skip-bad", is_flag=True, help="Count bad lines of the trace instead of stopping at the first."),
    click.option("--workload", metavar="ID", help="A profile of the catalog, or several: 'chat=3,coding-agent=1'."),
    click.option("--isl", metavar="LAW", help="Prompt tokens: 1024, or 'lognormal:mean=1200,cv=1.1'."),
    click.option("--osl", metavar="LAW", help="Answer tokens, likewise."),
    click.option("--rate", type=float, help="Requests a second; a trace keeps its pattern."),
    click.option("--arrivals", metavar="LAW", help="poisson (usual), constant, at-once, gamma:burstiness=0.5, ..."),
    click.option("--concurrency", type=_COUNT, help="Closed loop: at most so many requests in flight."),
    click.option("--requests", type=_COUNT, help="So many; a shorter trace is repeated."),
    click.option("--timeout", type=TIME, help="Users give up so long after they asked."),
)  # fmt: skip
ENGINE: tuple[Option, ...] = (
    click.option("--max-num-seqs", type=_COUNT, help="Requests that run at once, each attention group."),
    click.option("--max-num-batched-tokens", type=_COUNT, help="Tokens of an iteration, each attention group."),
    click.option("--block-size", type=_COUNT, help="Tokens of a cache block."),
    click.option("--gpu-memory-utilization", type=_PART, help="Share of device memory the engine uses."),
    click.option("--kv-blocks", type=_COUNT, help="Cache blocks of an attention group, where the engine told them."),
    click.option("--watermark", type=_SHARE, help="Share of blocks that stays free at admission."),
    click.option("--prefix-caching/--no-prefix-caching", default=True, help="Keep blocks of finished requests."),
    click.option("--step-overhead", type=SPAN, help="Host time between iterations, instead of the calibrated one."),
    click.option("--frontend", type=SPAN, default=0.0, show_default="0 s", help="Server before the engine: 25ms."),
    click.option("--load-time", type=SPAN, help="From start or repair until an instance serves."),
    click.option("--cold", is_flag=True, help="Instances load at the start."),
    click.option("--scheduler", type=click.Choice(list(SCHEDULERS)), help="Order of requests; else the engine's own."),
    click.option(
        "--router", type=click.Choice(list(ROUTERS)), default="least-loaded", show_default=True,
        help="Which instance a request goes to.",
    ),
    click.option("--match-rates", is_flag=True, help="As many instances of both pools as serve most on --chips."),
    click.option("--pooled-cache", type=SIZE, help="Pooled memory that keeps context, such as 20TB."),
    click.option("--cache-plane", metavar="PLANE", help="Plane that reaches it, such as UB or VPC."),
    click.option("--fail", multiple=True, metavar="SPEC", help="'instance=0,at=60s,down=30s'; may be repeated."),
    click.option("--mtbf", type=RARE, help="Mean time between failures of an instance; 'catalog': of its chips."),
    click.option("--repair", type=SPAN, show_default="10 min, or the catalog's", help="Mean time to repair it."),
    click.option("--no-spare", is_flag=True, help="With --mtbf catalog: no node stands by for one that fails."),
    click.option("--autoscale", metavar="SPEC", help="'min=1,max=8,up=4,down=0.5,every=10s'."),
)  # fmt: skip
RUN: tuple[Option, ...] = (
    click.option("--ttft", type=TIME, help="Limit on the time to first token."),
    click.option("--tpot", type=TIME, help="Limit on the time per output token."),
    click.option("--e2e", type=TIME, help="Limit on the whole answer."),
    click.option("--slo", "slo_texts", multiple=True, metavar="SPEC", help="'ttft=1s,tpot=50ms,share=0.9,tenant=chat'"),
    click.option("--attain", type=_PART, default=0.9, show_default=True, help="Share of requests that must keep it."),
    click.option("--find-rate", is_flag=True, help="Search the highest rate at which they do."),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all random streams."),
    click.option("--replications", type=_COUNT, default=1, show_default=True, help="Runs with seeds of their own."),
    click.option("--duration", type=TIME, help="Arrivals for so long; the run ends there."),
    click.option("--warm-up", type=SPAN, default=0.0, show_default="0 s", help="Beginning left out of latencies."),
    click.option("--bounds/--no-bounds", default=None, help="Repeat at both ends of the step times' interval."),
    click.option("--usd-per-chip-hour", type=float, help="Rent, instead of the catalog's."),
    level_option,
)  # fmt: skip
OUTPUT: tuple[Option, ...] = (
    click.option(
        "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
        help="Write results there: vllm bench and AIPerf files, rows by request, a summary.",
    ),
    click.option(
        "--export", type=WordList(*EXPORTS.names()), help=f"Which files; else {', '.join(USUAL_FILES)}.",
    ),
    click.option("--plot", type=WordList(*PICTURES.names(), "all"), help="Pictures to draw there (extra [plot])."),
    click.option("--label", help="Your name for the run."),
    click.option("--store", type=click.Path(dir_okay=False, path_type=Path), metavar="PATH", help="File of the store."),
    click.option("--keep/--no-keep", default=True, show_default=True, help="Remember the run: accord runs list."),
)  # fmt: skip
