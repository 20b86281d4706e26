"""What is asked of a deployment: requests in order of arrival, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.base.errors import UsageError

Ints = npt.NDArray[np.int64]
NONE = -1


def _no_ints() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests, arrays of shape ``(N,)``; times in seconds from the start, lengths in tokens.

    arrival_s: not decreasing; of a request that follows another it is ignored
    prompt, answer: at least 1 each
    priority: lower goes first; tenant: index into ``tenants``
    follows: the request after whose end this one comes, -1 for none; wait_s: how long after it
    patience_s: a request not finished so long after its arrival is cancelled by its user; infinite for never
    hashes, starts: block ids of all prompts after one another; those of request ``i`` are
        ``hashes[starts[i]:starts[i + 1]]``. Equal ids mean equal tokens from the beginning of the prompt up to the
        end of that block. Empty where nothing is known of the contents
    block_tokens: tokens of a hashed block, 0 without hashes
    concurrency: most requests in flight (a closed loop); further ones wait outside and arrive when one ends
    radio_s: time on the way to and from the user, added to the first token and to the end
    """

    name: str
    arrival_s: Array
    prompt: Ints
    answer: Ints
    priority: Ints = field(default_factory=_no_ints)
    tenant: Ints = field(default_factory=_no_ints)
    tenants: tuple[str, ...] = ("all",)
    follows: Ints = field(default_factory=_no_ints)
    wait_s: Array = field(default_factory=lambda: np.zeros(0))
    patience_s: Array = field(default_factory=lambda: np.zeros(0))
    hashes: Ints = field(default_factory=_no_ints)
    starts: Ints = field(default_factory=_no_ints)
    block_tokens: int = 0
    concurrency: int | None = None
    radio_s: float = 0.0

    def __post_init__(self) -> None:
        """Fill columns that were left out; refuse what describes no workload."""
        count = len(self.arrival_s)
        whole = {"priority": 0, "tenant": 0, "follows": NONE}
        for name, value in whole.items():
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(count, value, dtype=np.int64))
        for name, time_s in {"wait_s": 0.0, "patience_s": np.inf}.items():
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(count, time_s))
        if not len(self.starts):
            object.__setattr__(self, "starts", np.zeros(count + 1, dtype=np.int64))
        self._check(count)

    def _check(self, count: int) -> None:
        for name in ("prompt", "answer", "priority", "tenant", "follows", "wait_s", "patience_s"):
            if len(getattr(self, name)) != count:
                raise UsageError(f"{name} has {len(getattr(self, name))} entries for {count} requests")
        if len(self.starts) != count + 1:
            raise UsageError(f"starts has {len(self.starts)} entries for {count} requests, one more is wanted")
        if np.any(self.prompt < 1) or np.any(self.answer < 1):
            raise UsageError("a request has no prompt or no answer token", hint="lengths are 1 or more")
        own = self.arrival_s[self.follows < 0]
        if not np.all(np.isfinite(own)) or np.any(np.diff(own) < 0.0):
            raise UsageError("arrivals are not finite and in order", hint="sort the requests by arrival")
        if np.any(self.follows >= np.arange(count)):
            raise UsageError("a request follows one that is not before it")
        if len(self.hashes) and self.block_tokens < 1:
            raise UsageError("block ids without the size of a block", hint="give block_tokens")

    def __len__(self) -> int:
        """Number of requests."""
        return len(self.arrival_s)

    def with_(self, **changes: object) -> Workload:
        """The same workload with some columns replaced."""
        return replace(self, **changes)  # type: ignore[arg-type]
