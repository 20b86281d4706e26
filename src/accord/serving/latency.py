"""What each user waits for: TTFT, TPOT, E2EL and time in the queue, one number a request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.serving.result import COMPLETED, Outcome


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds of each request, shape ``(N,)``, NaN where there is none.

    ttft_s: from arrival to the first token, of whoever got one; with the radio time of the workload
    tpot_s: ``(E2EL - TTFT) / (answer - 1)``, of completed requests with more than one answer token
    e2e_s: from arrival to the last token, of completed requests; with the radio time of the workload
    queue_s: from arrival until first scheduled
    TTFT, TPOT and E2EL are defined as in the serving benchmark of vLLM.
    """

    ttft_s: Array
    tpot_s: Array
    e2e_s: Array
    queue_s: Array


def latencies(outcome: Outcome) -> Latencies:
    """Seconds of every request of a run, warm-up included."""
    found, radio_s = outcome.requests, outcome.workload.radio_s
    completed = found.status == COMPLETED
    further = found.produced - 1
    decode_s = np.where(completed & (further > 0), found.finish_s - found.first_s, np.nan)
    return Latencies(
        ttft_s=found.first_s - found.arrival_s + radio_s,
        tpot_s=decode_s / np.maximum(further, 1),
        e2e_s=np.where(completed, found.finish_s - found.arrival_s + radio_s, np.nan),
        queue_s=found.scheduled_s - found.arrival_s,
    )
