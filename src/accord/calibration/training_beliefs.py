"""What is believed of training before any row: values, how sure they are, and which follow from which.

A belief with a parent is about a family and unsure around that parent, so rows of one family move the others.
Chips of one process node need about the same energy for a FLOP, which is why Blackwell follows Hopper closely.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

HOPPER, AMPERE, BLACKWELL, TPU = "nvidia-hopper", "nvidia-ampere", "nvidia-blackwell", "google-tpu"


@dataclass(frozen=True, slots=True)
class Belief:
    """One parameter.

    value, unit: at first; log_sd: of its logarithm, around the parent's shift where there is one; note: what it is
    parent: name of the belief that this one follows; most: where it ends, such as 1 for a share
    """

    value: float
    unit: str
    log_sd: float
    note: str
    parent: str | None = None
    most: float = math.inf


PACE = "pace of long dense products over that of a kernel alone"
FED = "FLOP of 16-bit products for each joule that the board is allowed"
CORE = "share of the 16-bit peak that the forward attention core reaches"
SCORE = "FLOP that the exponential of a score takes the time of"

BELIEFS: Mapping[str, Belief] = MappingProxyType(
    {
        "train.gemm": Belief(0.9, "1", 0.08, PACE, most=1.0),
        f"train.gemm.{TPU}": Belief(0.9, "1", 0.15, f"{PACE}; of kernels of other chips, since none are timed",
                                    "train.gemm", 1.09),
        "train.gemm.fp8": Belief(0.95, "1", 0.1, f"{PACE}, 8 bits; tables time block scales, training scales by tensor",
                                 most=1.1),
        "train.flop_per_joule": Belief(1.0e12, "1", 0.3, FED),
        f"train.flop_per_joule.{AMPERE}": Belief(0.65e12, "1", 0.15, f"{FED}, 7 nm"),
        f"train.flop_per_joule.{HOPPER}": Belief(1.0e12, "1", 0.3, f"{FED}, 4 nm", "train.flop_per_joule"),
        f"train.flop_per_joule.{BLACKWELL}": Belief(1.0e12, "1", 0.12, f"{FED}, 4 nm",
                                                    f"train.flop_per_joule.{HOPPER}"),
        "train.flop_per_joule.fp8": Belief(2.0e12, "1", 0.2, "the same of 8-bit products"),
        "train.grouped": Belief(0.8, "1", 0.2, "pace of expert products over that of a kernel alone", most=1.0),
        "train.grouped.fp8": Belief(0.8, "1", 0.3, "the same, 8 bits", most=1.1),
        "train.vector": Belief(0.6, "1", 0.3, "share of memory bandwidth of element-wise kernels", most=0.92),
        f"train.vector.{AMPERE}": Belief(0.6, "1", 0.5, "the same; older frameworks fused less", "train.vector", 0.92),
        "train.attention": Belief(0.45, "1", 0.3, CORE, most=0.95),
        f"train.attention.{AMPERE}": Belief(0.45, "1", 0.3, CORE, "train.attention", 0.95),
        f"train.attention.{HOPPER}": Belief(0.45, "1", 0.3, CORE, "train.attention", 0.95),
        f"train.attention.{BLACKWELL}": Belief(0.45, "1", 0.3, CORE, "train.attention", 0.95),
        "train.attention_backward": Belief(0.8, "1", 0.2, "share of the backward core over that of the forward one",
                                           most=1.1),
        "train.attention_short": Belief(400.0, "1", 0.6,
                                        "entries beside which the start and end of a core count as its work"),
        "train.score_flop": Belief(250.0, "1", 0.5, SCORE),
        f"train.score_flop.{AMPERE}": Belief(250.0, "1", 1.5, f"{SCORE}; runs of that time wrote scores to memory",
                                             "train.score_flop"),
        "train.overlap.tensor": Belief(0.3, "1", 0.6, "share of tensor-parallel sums that work hides", most=0.95),
        "train.overlap.experts": Belief(0.2, "1", 0.7, "share of dispatch and combine that work hides", most=0.95),
        "train.overlap.data": Belief(0.8, "1", 0.2, "share of the work beside data-parallel exchanges that hides them",
                                     most=1.0),
        "train.expert_skew": Belief(0.2, "1", 0.6, "coefficient of variation of the load of experts over a step"),
        "train.layer_launch_s": Belief(1e-3, "s", 0.5, "host time to launch the forward kernels of a layer"),
        "train.host_s": Belief(0.02, "s", 0.7, "time of a step outside the device"),
        "train.straggle_per_doubling": Belief(0.004, "1", 0.6, "waiting for the slowest rank, each doubling of ranks"),
        "train.run_pace": Belief(0.95, "1", 0.05, "pace of a production run over that of a few steps timed alone",
                                 most=1.0),
        "train.optimizer_memory": Belief(0.7, "1", 0.2, "share of memory bandwidth of the optimizer", most=0.95),
        "train.evaluation_share": Belief(0.05, "1", 0.7, "evaluation beside the steps of a benchmark run"),
        "train.benchmark_s": Belief(20.0, "s", 0.7, "time of a benchmark run beside its steps"),
        "train.whole_run": Belief(0.85, "1", 0.08, "steady over whole hours: restarts, ramps, evaluation", most=1.0),
    }
)  # fmt: skip
"""Fitted to rows."""

STATED: Mapping[str, Belief] = MappingProxyType(
    {
        "train.flop_per_joule.mxfp8": Belief(2.5e12, "1", 0.3, "the same of 8-bit products with block scales"),
        "train.flop_per_joule.fp4": Belief(5.0e12, "1", 0.5, "the same of 4-bit products: twice that of 8-bit ones"),
        "train.offload_bytes_per_s": Belief(25e9, "B/s", 0.4, "host link of one device, one way"),
        "train.gemm.mxfp8": Belief(0.93, "1", 0.1, f"{PACE}; as with 8 bits"),
        "train.gemm.fp4": Belief(0.93, "1", 0.15, f"{PACE}; as with 8 bits"),
        "train.grouped.mxfp8": Belief(0.75, "1", 0.3, "pace of expert products; as with 8 bits"),
        "train.grouped.fp4": Belief(0.75, "1", 0.35, "pace of expert products; as with 8 bits"),
        "train.whole_run_effective": Belief(0.92, "1", 0.05, "effective training time of the runs behind whole_run"),
        "train.host_memory_bytes_per_s": Belief(37.5e9, "B/s", 0.5, "a device's share of its host's memory rate"),
        "train.network_bytes_per_s": Belief(50e9, "B/s", 0.4,
                                            "a chip's rate between domains where no source states one: 400 Gb/s"),
        f"train.network_bytes_per_s.{TPU}": Belief(6.25e9, "B/s", 0.4,
                                                   "the same between slices: 200 Gb/s for four chips"),
        "train.memory_reserve": Belief(0.035, "1", 0.0, "share of the memory for libraries and fragments: 3 GB of 80"),
    }
)  # fmt: skip
"""Judgements that no row may set."""
