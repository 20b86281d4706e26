"""A measured run of an engine, played again: what was measured beside what is simulated.

The file is JSON lines, one request each: lengths and arrival (:mod:`accord.workloads.readers.vllm_requests`), and when
the engine queued it, scheduled it, gave its first and its last token, in seconds of one clock. The series is CSV: one
line a second with requests that run and wait, and the share of the cache in use.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from accord.api.pools import Built, EngineRules
from accord.api.simulate import SimulateRequest, simulate_deployment
from accord.base.array import Array
from accord.base.errors import TableError
from accord.catalog.load import Catalog
from accord.inference.request import EstimateRequest
from accord.serving.metrics import ALL
from accord.serving.result import Outcome
from accord.workloads.trace import parse_trace

METRICS = (
    "ttft_mean_s", "ttft_p50_s", "ttft_p90_s", "ttft_p99_s", "e2e_mean_s", "itl_mean_s", "tpot_s", "queue_mean_s",
    "output_token_per_s_total",
)  # fmt: skip
Series = Mapping[str, tuple[Array, Array]]


class Served(msgspec.Struct):
    """What the engine noted of a request; other keys are passed over."""

    input_toks: int
    output_toks: int
    queued_ts: float
    scheduled_ts: float
    first_token_ts: float
    last_token_ts: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A metric of the run. predicted is simulated; error: predicted over measured, less 1."""

    metric: str
    measured: float
    predicted: float

    @property
    def error(self) -> float:
        """Predicted over measured, less 1."""
        return self.predicted / self.measured - 1.0


@dataclass(frozen=True, slots=True)
class Replay:
    """A run played again.

    measured: curves of the measured run by name (``running``, ``waiting``, ``kv_share``), ``(times in s, values)``
    """

    metrics: tuple[Compared, ...]
    outcome: Outcome
    measured: Series
    built: tuple[Built, ...]
    assumed: tuple[str, ...]

    def of(self, metric: str) -> Compared:
        """One metric. Raises KeyError for another."""
        found = next((one for one in self.metrics if one.metric == metric), None)
        if found is None:
            raise KeyError(metric)
        return found


def replay(
    catalog: Catalog, request: EstimateRequest, rules: EngineRules, requests: str, series: str | None = None, *,
    name: str = "measured run", seed: int = 0,
) -> Replay:  # fmt: skip
    """Play a run again on a deployment.

    requests, series: text of the two files; name: for messages and the picture
    Raises TableError with file and line for broken ones, and the errors of the simulator.
    """
    served = _served(requests, name)
    workload = parse_trace(requests.split("\n"), name).workload
    asked = SimulateRequest(deployment=request, engine_rules=rules, seed=seed, bounds=False)
    done = simulate_deployment(asked, workload, catalog=catalog)
    measured, simulated = _metrics(served), done.summary.metrics
    compared = tuple(Compared(metric, measured[metric], simulated.get(metric, float("nan"))) for metric in METRICS)
    curves = {} if series is None else _curves(series, f"{name}, series")
    return Replay(compared, done.outcome, {**curves, **_waits(served)}, done.built, done.assumed)


def configured(row: Mapping[str, str]) -> tuple[EstimateRequest, EngineRules]:
    """Deployment and engine arguments of a run of vLLM from the cells of a table, named as both name them."""
    request = EstimateRequest(
        model=row["model"], system=row["system"], engine="vllm", engine_version=row["engine_version"],
        weights=row["weights"], chips=int(row["chips"]), tp=int(row["tp"]), dp=int(row["dp"]), ep=int(row["ep"]),
    )  # fmt: skip
    rules = EngineRules(
        max_num_seqs=int(row["max_num_seqs"]), max_num_batched_tokens=int(row["max_num_batched_tokens"]),
        kv_blocks=int(row["kv_blocks"]) if row["kv_blocks"] else None,
    )  # fmt: skip
    return request, rules


def _served(text: str, name: str) -> list[Served]:
    decode = msgspec.json.Decoder(Served).decode
    found: list[Served] = []
    for at, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.append(decode(line))
            except msgspec.MsgspecError as error:
                raise TableError(
                    f"is no request of a measured run: {error}", where=f"{name}:{at}",
                    hint="each line holds input_toks, output_toks, queued_ts, scheduled_ts, first_token_ts, "
                    "last_token_ts",
                ) from None  # fmt: skip
    return found


def _metrics(served: list[Served]) -> dict[str, float]:
    """Metrics of a measured run under the names of :mod:`accord.serving.metrics`; the engine's clock starts when a
    request is queued.
    """  # noqa: D205
    queued, scheduled, first, last = (
        np.array([getattr(one, name) for one in served])
        for name in ("queued_ts", "scheduled_ts", "first_token_ts", "last_token_ts")
    )
    answers = np.array([one.output_toks for one in served], dtype=np.float64)
    ttft, gaps = first - queued, answers - 1.0
    several = gaps > 0.0
    return {
        "ttft_mean_s": float(ttft.mean()),
        **{f"ttft_p{share}_s": float(np.quantile(ttft, share / 100.0)) for share in (50, 90, 99)},
        "e2e_mean_s": float((last - queued).mean()),
        "itl_mean_s": float((last - first).sum() / max(gaps.sum(), 1.0)),
        "tpot_s": float(((last - first)[several] / gaps[several]).mean()) if several.any() else float("nan"),
        "queue_mean_s": float((scheduled - queued).mean()),
        "output_token_per_s_total": float(answers.sum() / (last.max() - queued.min())),
    }


def _curves(text: str, name: str) -> dict[str, tuple[Array, Array]]:
    """Requests that run and wait, and the cache in use; a curve that is 0 throughout was not measured."""
    reader = csv.DictReader(io.StringIO(text))
    columns = {"running": 1.0, "waiting": 1.0, "kv_cache_pct": 0.01}
    missing = {"t", *columns} - set(reader.fieldnames or ())
    if missing:
        raise TableError(f"column {', '.join(sorted(missing))} missing", where=f"{name}:1")
    found: dict[str, list[float]] = {column: [] for column in ("t", *columns)}
    for cells in reader:
        for column, values in found.items():
            try:
                values.append(float(cells[column]))
            except (TypeError, ValueError):
                raise TableError(f"{column} is no number", where=f"{name}:{reader.line_num}") from None
    times_s = np.array(found["t"])
    curves = {
        column.replace("kv_cache_pct", "kv_share"): (times_s, np.array(found[column]) * unit)
        for column, unit in columns.items()
    }
    return {column: curve for column, curve in curves.items() if np.any(curve[1] != 0.0) or column != "kv_share"}


def _waits(served: list[Served]) -> dict[str, tuple[Array, Array]]:
    """Waits of single requests, ``queue_s``."""
    start = min(one.queued_ts for one in served)
    rows = sorted((one.queued_ts - start, one.scheduled_ts - one.queued_ts) for one in served)
    return {"queue_s": (np.array([at for at, _ in rows]), np.array([wait for _, wait in rows]))}


def curves_of(outcome: Outcome) -> Series:
    """The same curves of the simulated run."""
    whole = outcome.series[ALL]
    return {name: (whole.time_s, np.asarray(getattr(whole, name))) for name in ("running", "waiting", "kv_share")}


def misses(outcome: Outcome, measured: Series) -> Mapping[str, float]:
    """Mean distance of each simulated curve from the measured one, as a share of the measured one's largest value."""
    found = {}
    for name, (times_s, values) in measured.items():
        if name in curves_of(outcome) and np.max(values, initial=0.0) > 0.0:
            ours = np.interp(times_s, *curves_of(outcome)[name])
            found[name] = float(np.mean(np.abs(ours - values)) / np.max(values))
    return found
