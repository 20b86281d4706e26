"""Real traces as their publishers count them."""

from __future__ import annotations

import time

import numpy as np
import pytest
from tests.traces import trace

from accord.workloads.request import Workload
from accord.workloads.trace import read_trace


def prefix_hit(workload: Workload) -> float:
    """Share of blocks that an infinite cache has when they come, beginnings only."""
    seen: set[int] = set()
    hits = 0
    for begin, end in zip(workload.starts[:-1], workload.starts[1:], strict=True):
        row = workload.hashes[begin:end].tolist()
        hits += next((at for at, block in enumerate(row) if block not in seen), len(row))
        seen.update(row)
    return hits / len(workload.hashes)


@pytest.mark.parametrize(
    ("name", "format", "count", "span_s", "prompt", "answer"),
    [
        ("azure_llm_2023_conv.csv", "azure", 19_366, 3501.721937, 1154.7, 211.1),
        ("azure_llm_2023_code.csv", "azure", 8_819, 3435.948056, 2047.8, 27.9),
        ("mooncake_conversation_trace.jsonl", "mooncake", 12_031, 3536.999, 12035.1, 342.6),
        ("mooncake_synthetic_trace.jsonl", "mooncake", 3_993, 1022.025, 15325.5, 149.1),
        ("llmservingsim_vllm_RTX4090_Llama-3.1-8B_requests.jsonl", "vllm-requests", 300, 29.1005213, 857.46, 652.51),
    ],
)
def test_published_counts(name: str, format: str, count: int, span_s: float, prompt: float, answer: float) -> None:
    path = trace(name)
    began = time.process_time()
    read = read_trace(path)
    assert time.process_time() - began < 0.25
    assert (read.format, len(read.workload), read.lines, read.skipped) == (format, count, count, 0)
    assert read.workload.arrival_s[0] == 0.0
    assert read.workload.arrival_s[-1] == pytest.approx(span_s, abs=1e-6)
    assert read.workload.prompt.mean() == pytest.approx(prompt, abs=0.06)
    assert read.workload.answer.mean() == pytest.approx(answer, abs=0.06)
    assert not read.notes


@pytest.mark.parametrize(
    ("name", "share"), [("mooncake_conversation_trace.jsonl", 0.366), ("mooncake_synthetic_trace.jsonl", 0.640)]
)
def test_common_beginnings_are_kept(name: str, share: float) -> None:
    workload = read_trace(trace(name)).workload
    assert workload.block_tokens == 512
    assert prefix_hit(workload) == pytest.approx(share, abs=5e-4)
    assert np.array_equal(np.diff(workload.starts), -(-workload.prompt // 512))
