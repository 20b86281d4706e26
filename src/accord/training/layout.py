"""How a job is cut over ranks, as arrays, and what all its layouts share."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from accord.base.array import Array, array
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.training.request import RECOMPUTE, SCHEDULES

NONE, SELECTIVE, FULL = range(len(RECOMPUTE))
PLAIN, INTERLEAVED, ZERO_BUBBLE, DUALPIPE = range(len(SCHEDULES))


@dataclass(frozen=True, slots=True)
class Job:
    """What all layouts of a job share.

    seq: of a sequence [token]; global_batch: of an optimizer step [token]
    precision: of the matrix products of the layers; attention cores and the head stay in 16 bits
    lora_rank: of adapters beside frozen weights, 0 trains all weights; mtp: multi-token-prediction loss
    balanced: tokens fall evenly on experts; timed_alone: a few steps of a benchmark, not a production run
    """

    spec: ModelSpec
    machine: Machine
    efficiency: Efficiency
    seq: float
    global_batch: float
    precision: str = "bf16"
    lora_rank: int = 0
    mtp: bool = False
    balanced: bool = False
    timed_alone: bool = False

    @property
    def gradient_bytes(self) -> float:
        """Bytes of a weight's gradient: summed in 32 bits beside 16-bit products, in 16 beside narrower ones."""
        return 4.0 if self.precision in ("bf16", "fp16") else 2.0

    @property
    def frozen(self) -> bool:
        """Whether the model's own weights are not trained."""
        return self.lora_rank > 0


@dataclass(frozen=True, slots=True)
class Layouts:
    """Layouts, shape ``(D,)``; ``tp * cp * pp * dp`` devices each.

    ep: ranks that hold different experts, a divisor of ``tp * cp * dp``; with ``ep`` 1 each expert is sliced over tp
    vp: virtual stages of a pipeline rank; micro: sequences of a micro-batch
    zero: 0 to 3; recompute, schedule: indices into :data:`RECOMPUTE` and :data:`SCHEDULES`
    sp: 1 where norms are split over tp; offload: 1 where optimizer states lie in host memory
    """

    tp: Array
    cp: Array
    pp: Array
    dp: Array
    ep: Array
    vp: Array
    micro: Array
    zero: Array
    recompute: Array
    schedule: Array
    sp: Array
    offload: Array

    def __len__(self) -> int:
        """Number of layouts."""
        return int(self.tp.shape[0])

    @property
    def devices(self) -> Array:
        """Ranks of the whole job."""
        return self.tp * self.cp * self.pp * self.dp

    @property
    def replicas(self) -> Array:
        """Ranks that hold the same dense weights: data and context parallel ones."""
        return self.dp * self.cp

    @property
    def slices(self) -> Array:
        """Ranks that share one expert."""
        return np.where(self.ep > 1.0, 1.0, self.tp)

    @property
    def expert_replicas(self) -> Array:
        """Ranks that hold the same experts."""
        return self.tp * self.replicas / (self.ep * self.slices)

    def micro_batches(self, job: Job) -> Array:
        """Micro-batches of one step and replica."""
        return np.asarray(job.global_batch / (job.seq * self.dp * self.micro), dtype=np.float64)

    def pick(self, index: npt.NDArray[np.intp] | slice) -> Layouts:
        """The layouts at ``index``."""
        return Layouts(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


_DEFAULTS = {"cp": 1, "pp": 1, "dp": 1, "ep": 1, "vp": 1, "micro": 1, "zero": 1, "recompute": 0, "schedule": 0}


def layouts(**columns: object) -> Layouts:
    """Columns (numbers or sequences) broadcast to one length; ``sp`` left out is on where tp is above 1."""
    given = {name: array(value) for name, value in {**_DEFAULTS, "tp": 1, "offload": 0, **columns}.items()}
    given.setdefault("sp", np.where(given["tp"] > 1.0, 1.0, 0.0))
    names = [field.name for field in fields(Layouts)]
    arrays = np.broadcast_arrays(*(given[name] for name in names))
    return Layouts(**dict(zip(names, arrays, strict=True)))
