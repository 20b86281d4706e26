"""A batch of deployments: the numbers that may differ from one to the next, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from accord.base.array import Array, array
from accord.base.errors import UsageError
from accord.hardware.derate import Efficiency, Number
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.ops.op import Formats, Phase


@dataclass(frozen=True, slots=True)
class Setting:
    """What all deployments of one batch share.

    balanced: tokens fall evenly on experts; graph: decode replays captured graphs
    axes: of the parameters where they are drawn: 1 with one set a deployment, 2 with several sets for all
    """

    spec: ModelSpec
    machine: Machine
    formats: Formats
    efficiency: Efficiency
    balanced: bool = False
    graph: bool = True
    axes: int = 1

    def skew(self, phase: Phase) -> Number:
        """Coefficient of variation of expert popularity that routing leaves, 0 when balanced."""
        return 0.0 if self.balanced else self.efficiency.get(f"engine.expert_skew.{phase}")


@dataclass(frozen=True, slots=True)
class Deployments:
    """Deployments of one instance each, shape ``(D,)``.

    tp, pp, dp, cp, ep: ranks; the instance has ``tp * pp * dp * cp`` and ``ep`` divides ``tp * dp * cp``.
        ``cp`` ranks share the tokens and the cache of a request (context parallel)
    batch: requests in flight per device; tokens: prompt tokens per device and prefill step,
        reused ones included
    isl, osl: prompt and answer [token]; context: cache entries a new token sees in decode [token]
    mtp_tokens: draft tokens an iteration; accept: chance that a draft is accepted after the one
        before it was; microbatches: 1, 2, or 0 for the faster of both
    reuse: share of the prompt found in the context cache
    redundant: expert copies beyond one of each over the instance
    """

    tp: Array
    pp: Array
    dp: Array
    ep: Array
    batch: Array
    tokens: Array
    isl: Array
    osl: Array
    context: Array
    mtp_tokens: Array
    accept: Array
    microbatches: Array
    reuse: Array
    redundant: Array
    cp: Array

    def __len__(self) -> int:
        """Number of deployments."""
        return int(self.tp.shape[0])

    @property
    def devices(self) -> Array:
        """Ranks of one instance."""
        return self.tp * self.pp * self.dp * self.cp

    @property
    def groups(self) -> Array:
        """Groups of tensor-parallel ranks that hold different tokens."""
        return self.dp * self.cp

    @property
    def separate(self) -> bool:
        """Whether groups hold different tokens, so that routed tokens must travel; one answer for all deployments."""
        return bool(np.any(self.groups > 1.0))

    def take(self, index: slice) -> Deployments:
        """A part of the batch."""
        return Deployments(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def pick(self, index: npt.NDArray[np.intp]) -> Deployments:
        """The deployments at ``index``."""
        return Deployments(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def with_(self, **changes: Array) -> Deployments:
        """The same deployments with some arrays replaced."""
        return replace(self, **changes)


_DEFAULTS = {
    "pp": 1, "mtp_tokens": 0, "accept": 0, "microbatches": 0, "reuse": 0, "redundant": 0,
    "tokens": 0, "batch": 1, "isl": 0, "osl": 1, "cp": 1,
}  # fmt: skip


def deployments(**columns: object) -> Deployments:
    """Columns (numbers or sequences) broadcast to one length.

    ``context`` left out is the prompt and half the answer. Raises UsageError for values that
    describe no deployment.
    """
    given = {name: array(value) for name, value in {**_DEFAULTS, **columns}.items()}
    given.setdefault("dp", np.ones(1))
    given.setdefault("ep", np.ones(1))
    given.setdefault("context", given["isl"] + given["osl"] / 2.0)
    names = [field.name for field in fields(Deployments)]
    try:
        arrays = np.broadcast_arrays(*(given[name] for name in names))
    except ValueError as error:
        raise UsageError(f"lists of different lengths do not pair up ({error})") from None
    made = Deployments(**dict(zip(names, arrays, strict=True)))
    _check(made)
    return made


def _check(made: Deployments) -> None:
    for field in fields(Deployments):
        values = getattr(made, field.name)
        if not np.all(np.isfinite(values)) or np.any(values < 0.0):
            raise UsageError(
                f"{field.name} holds a negative or infinite value", hint=f"give a finite {field.name} of 0 or more"
            )
    for name in ("tp", "pp", "dp", "cp", "ep"):
        values = getattr(made, name)
        if np.any(values < 1.0) or np.any(values != np.floor(values)):
            raise UsageError(f"{name} must be a whole number of 1 or more", hint=f"give {name} 1, 2, 4, ...")
    group = made.tp * made.groups
    if np.any(np.mod(group, made.ep) != 0.0):
        at = int(np.argmax(np.mod(group, made.ep) != 0.0))
        raise UsageError(
            f"ep {made.ep[at]:g} does not divide the {group[at]:g} ranks of "
            f"tp {made.tp[at]:g} x dp {made.dp[at]:g} x cp {made.cp[at]:g}",
            hint=f"use ep {group[at]:g}, or 1 to slice every expert over the ranks",
        )
    if np.any((made.accept > 1.0) | (made.reuse > 1.0)):
        raise UsageError("acceptance and reuse are shares between 0 and 1", hint="write 0.7 for 70 %")
    if np.any(made.microbatches > 2.0):
        raise UsageError("microbatches is 1 or 2", hint="0 picks the faster")
