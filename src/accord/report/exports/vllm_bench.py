"""The JSON file that ``vllm bench serve --save-result --save-detailed`` writes, from a simulated run.

Fields and definitions are those of vLLM's ``vllm/benchmarks/serve.py``: an answer counts when it is complete; others
have output length 0 and a text in ``errors``; time per output token leaves out answers of one token; the statistics go
over all requests of the file, with the standard deviation of the population. ``simulated`` and ``simulator`` mark the
file; gaps between tokens are kept as counts only, so ``itls`` is empty, and so are the texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec
import numpy as np

from accord.base.array import Array
from accord.report.outputs import SIMULATOR, About
from accord.report.token_flow import answer_tokens_by
from accord.serving.latency import Latencies, latencies
from accord.serving.percentiles import of_gaps
from accord.serving.result import COMPLETED, STATUS, Gaps, Outcome
from accord.serving.window import Mask, arrived, window

PERCENTILES = (90, 95, 99)
ITEMS = 16384  # of a list, in one piece
MS = 1000.0
WITHOUT = {
    "itls": "the simulator counts gaps between tokens for the whole run, not by request",
    "generated_texts": "the simulator has no texts",
}


def result_json(outcome: Outcome, metrics: Mapping[str, float], about: About) -> Iterator[bytes]:
    """Yield the file; ``goodput_request_per_s`` is taken from the metrics."""
    waits, sent = latencies(outcome), arrived(outcome)
    done = sent & (outcome.requests.status == COMPLETED)
    fields = {**_setup(outcome, about, sent), **_totals(outcome, metrics, sent, done)}
    fields |= {**_lists(outcome, waits, sent), **_peaks(outcome, done), **_statistics(outcome, waits, done)}
    fields |= {"simulated": True, "simulator": SIMULATOR, "complete": outcome.complete, "simulated_without": WITHOUT}
    before = b"{"
    for name, value in fields.items():
        yield before + msgspec.json.encode(name) + b": "
        yield from _value(value)
        before = b", "
    yield b"}\n"


def _value(value: object) -> Iterator[bytes]:
    """A value as JSON; long lists come in pieces."""
    if not isinstance(value, np.ndarray):
        yield msgspec.json.encode(value)
        return
    yield b"["
    for start in range(0, len(value), ITEMS):
        yield (b", " if start else b"") + msgspec.json.encode(value[start : start + ITEMS].tolist())[1:-1]
    yield b"]"


def _setup(outcome: Outcome, about: About, sent: Mask) -> dict[str, object]:
    rate = about.request_rate_per_s
    return {
        "date": datetime.fromisoformat(about.created).strftime("%Y%m%d-%H%M%S"),
        "endpoint_type": about.backend,
        "backend": about.backend,
        "label": about.label,
        "model_id": about.model,
        "tokenizer_id": about.model,
        "num_prompts": int(sent.sum()),
        "request_rate": "inf" if rate is None or np.isinf(rate) else rate,
        "burstiness": about.burstiness,
        "max_concurrency": outcome.workload.concurrency,
    }


def _totals(outcome: Outcome, metrics: Mapping[str, float], sent: Mask, done: Mask) -> dict[str, object]:
    """Counts, and rates over the time from the first arrival to the last end."""
    duration_s, count = window(outcome).seconds, int(done.sum())
    prompts, answers = int(outcome.workload.prompt[done].sum()), int(outcome.requests.produced[done].sum())
    per_s = 1.0 / duration_s if duration_s > 0.0 else 0.0
    return {
        "duration": duration_s,
        "completed": count,
        "failed": int(sent.sum()) - count,
        "total_input_tokens": prompts,
        "total_output_tokens": answers,
        "request_throughput": count * per_s,
        "request_goodput": metrics.get("goodput_request_per_s"),
        "output_throughput": answers * per_s,
        "total_token_throughput": (prompts + answers) * per_s,
    }


def _lists(outcome: Outcome, waits: Latencies, sent: Mask) -> dict[str, object]:
    """One item for each request that was sent, in the order of the workload."""
    status = outcome.requests.status[sent]
    words = np.array(["" if code == COMPLETED else f"simulated: {name}" for code, name in enumerate(STATUS)], object)
    return {
        "input_lens": outcome.workload.prompt[sent],
        "output_lens": np.where(status == COMPLETED, outcome.requests.produced[sent], 0),
        "ttfts": np.nan_to_num(waits.ttft_s[sent], nan=0.0),
        "itls": [],
        "latencies": np.nan_to_num(waits.e2e_s[sent], nan=0.0),
        "start_times": outcome.requests.arrival_s[sent],
        "generated_texts": [],
        "errors": words[status],
    }


def _peaks(outcome: Outcome, done: Mask) -> dict[str, object]:
    """Most answer tokens in one second, and most completed requests in flight at once."""
    starts, ends = np.sort(outcome.requests.arrival_s[done]), np.sort(outcome.requests.finish_s[done])
    flight = np.arange(1, len(starts) + 1) - np.searchsorted(ends, starts, side="right")
    whole = window(outcome)
    tokens = np.diff(answer_tokens_by(outcome, np.arange(whole.start_s, whole.end_s + 2.0)))
    return {
        "max_output_tokens_per_s": float(tokens.max(initial=0.0)),
        "max_concurrent_requests": int(flight.max(initial=0)),
    }


def _statistics(outcome: Outcome, waits: Latencies, done: Mask) -> dict[str, object]:
    gaps = of_gaps(outcome.gaps) or dict.fromkeys(("mean", "p50", *(f"p{share}" for share in PERCENTILES)), 0.0)
    return {
        **_spread("ttft", waits.ttft_s[done]),
        **_spread("tpot", waits.tpot_s[done & np.isfinite(waits.tpot_s)]),
        "mean_itl_ms": gaps["mean"] * MS,
        "median_itl_ms": gaps["p50"] * MS,
        "std_itl_ms": _gap_deviation_s(outcome.gaps) * MS,
        **{f"p{share}_itl_ms": gaps[f"p{share}"] * MS for share in PERCENTILES},
        **_spread("e2el", waits.e2e_s[done]),
    }


def _spread(name: str, seconds: Array) -> dict[str, object]:
    values = seconds if len(seconds) else np.zeros(1)  # as vLLM: 0 where there is none
    marks = np.percentile(values, PERCENTILES)
    return {
        f"mean_{name}_ms": float(values.mean()) * MS,
        f"median_{name}_ms": float(np.median(values)) * MS,
        f"std_{name}_ms": float(values.std()) * MS,
        **{f"p{share}_{name}_ms": float(mark) * MS for share, mark in zip(PERCENTILES, marks, strict=True)},
    }


def _gap_deviation_s(gaps: Gaps) -> float:
    """Standard deviation of the gaps, each taken as the middle of its bin [s]."""
    count = gaps.counts.sum()
    if not count:
        return 0.0
    seconds = np.exp((gaps.bins + 0.5) * gaps.width)
    mean_s = float((seconds * gaps.counts).sum() / count)
    return float(np.sqrt((gaps.counts * (seconds - mean_s) ** 2).sum() / count))
