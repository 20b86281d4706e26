"""What a simulated run can be written as: files for other tools, and pictures. Two tables, and their common shapes.

Nothing here is a file yet: an exporter gives bytes, piece by piece, and a picture gives bytes; see
:mod:`accord.store.files` for how they reach the disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from accord._version import VERSION
from accord.base.array import Array
from accord.base.registry import Registry
from accord.serving.result import Outcome

SIMULATOR = f"accord {VERSION}"
Measured = Mapping[str, tuple[Array, Array]]


@dataclass(frozen=True, slots=True)
class About:
    """What a file says of a run beside its numbers.

    created: time of the run, ISO 8601 with its zone; simulated times count from it
    model: id of the model; backend: engine whose rules were simulated; label: the user's name for the run
    request_rate_per_s: offered, infinite for all at once, None for a replayed trace
    burstiness: shape of the gamma law of arrivals, 1 for Poisson
    """

    created: str
    model: str
    backend: str
    label: str | None = None
    request_rate_per_s: float | None = None
    burstiness: float = 1.0


class Exporter(Protocol):
    """Bytes of a file, in pieces of bounded size.

    metrics: summary of the run by name (``itl_p99_s``, ``request_per_s``, ...), from which a file takes what its own
        columns cannot tell
    """

    def __call__(self, outcome: Outcome, metrics: Mapping[str, float], about: About) -> Iterator[bytes]:
        """Yield the file."""
        ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a picture shows beside the run.

    slo: limits by latency (``ttft_s``, ``tpot_s``, ``e2e_s``), drawn as lines
    measured: series drawn over the simulated ones, ``(times in s, values)`` by name; each picture says which it knows
    """

    slo: Mapping[str, float] = field(default_factory=dict)
    measured: Measured = field(default_factory=dict)


class Picture(Protocol):
    """Bytes of a picture; form: ``svg`` or ``png``."""

    def __call__(self, outcome: Outcome, drawn: Drawn, form: str) -> bytes:
        """Draw."""
        ...


class Output(NamedTuple):
    """One line of a table: the file a run is written to, and what makes its bytes.

    file: name in the folder of the run; module, function: where the maker is found, loaded only when asked for
    extra: of the package, which the maker needs, "" for none
    """

    file: str
    module: str
    function: str
    extra: str = ""


EXPORTS: Registry[Output] = Registry(
    "export",
    {
        "vllm-bench": Output("vllm_bench.json", "accord.report.exports.vllm_bench", "result_json"),
        "aiperf-records": Output("profile_export.jsonl", "accord.report.exports.aiperf", "records_jsonl"),
        "aiperf": Output("profile_export_aiperf.json", "accord.report.exports.aiperf", "aggregate_json"),
        "chrome-trace": Output("trace.json", "accord.report.exports.chrome_trace", "trace_json"),
        "csv": Output("requests.csv", "accord.report.exports.request_rows", "csv"),
        "series": Output("series.json", "accord.report.exports.series", "series_json"),
        "parquet": Output("requests.parquet", "accord.report.exports.request_parquet", "parquet", "data"),
    },
)
PICTURES: Registry[Output] = Registry(
    "picture",
    {
        "latency": Output("latency_cdf.svg", "accord.report.plots.latency_cdf", "picture", "plot"),
        "timeline": Output("timeline.svg", "accord.report.plots.timeline", "picture", "plot"),
        "queue": Output("queue.svg", "accord.report.plots.queue", "picture", "plot"),
        "occupancy": Output("occupancy.svg", "accord.report.plots.occupancy", "picture", "plot"),
        "replay": Output("replay.svg", "accord.report.plots.replay", "picture", "plot"),
    },
)
PLAN_PICTURES: Registry[Output] = Registry(
    "picture of a plan",
    {
        "tornado": Output("tornado.svg", "accord.report.plots.tornado", "picture", "plot"),
    },
)
"""Pictures of something else than a run; each maker says what it takes."""
TARGETS: Registry[Output] = Registry(
    "target",
    {
        "vllm": Output("vllm", "accord.report.exports.vllm", "files"),
        "vllm-ascend": Output("vllm-ascend", "accord.report.exports.vllm_ascend", "files"),
        "sglang": Output("sglang", "accord.report.exports.sglang", "files"),
        "dynamo": Output("dynamo", "accord.report.exports.dynamo", "files"),
        "llm-d": Output("llm-d", "accord.report.exports.llm_d", "files"),
        "mindie": Output("mindie", "accord.report.exports.mindie", "files"),
    },
)
"""What a plan can be started with; ``file`` is a folder, the common shape :class:`accord.report.launch.Launcher`."""
