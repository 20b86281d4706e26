"""Training across sites: data parallelism over a wide-area network, in every step or every few.

Each site holds whole replicas of the model. Gradients are summed inside a site first (in ``step_s``), so that one sum
of the whole model's gradients leaves it, sharded over its chips, and all of them share the site's way out. The sums
are exchanged by a reduce-scatter and an all-gather: each site sends ``2 (N - 1) / N`` of the bytes. Over a ring that
takes ``2 (N - 1)`` one-way latencies, directly from all to all two.

- ``sync``: every step; ``overlap`` is the share of a step behind which the exchange may run (its backward pass).
- ``local``: ``local_steps`` steps of each site's own, then one exchange of what the weights moved by, as DiLoCo does;
  ``overlap`` is the share of these steps behind which it may run, ``fragments`` the parts sent one after another, and
  ``bits`` what a number is sent in, as Streaming DiLoCo does.

Only computing and communication are priced. Local steps, late sums and few bits change what the model learns from a
token, and nothing of that is modelled. Assumed: bandwidth is what the transport sustains over the distance with as
many streams as that takes, the same for all sites and both directions at once; optimizers of the exchange cost no
time; sites are equally fast, or ``step_s`` is the slowest's.

Douillard et al., "DiLoCo", arXiv 2311.08105 (2023-11-14); Douillard et al., "Streaming DiLoCo with overlapping
communication", arXiv 2501.18512 (2025-01-30). Ring and direct exchange: Thakur, Rabenseifner and Gropp, "Optimization
of Collective Communication Operations in MPICH", IJHPCA 19 (2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import UsageError

Mode = Literal["sync", "local"]
Exchange = Literal["direct", "ring"]
MODES: tuple[Mode, ...] = get_args(Mode)
EXCHANGES: tuple[Exchange, ...] = get_args(Exchange)

LOCAL_STEPS = "local steps change what a token teaches; loss and tokens needed are not modelled, only time"
LATE = "an exchange that runs behind later local steps is applied late; its effect on the loss is not modelled"
FEW_BITS = "gradients are sent in fewer bits than they are summed in; the effect on the loss is not modelled"


@dataclass(frozen=True, slots=True)
class SitesStep:
    """One step across sites, arrays of shape ``(D,)``.

    step_s: mean step, waiting included; ``compute_s + exposed_s``
    compute_s: step of one site alone; sync_s: one whole exchange, hidden or not
    exposed_s: waiting for the exchange, per step; share: of the step that is waiting
    busy_share: of the time in which the wide-area links carry the exchange
    wan_bytes: sent by one site, per step; wan_bytes_per_s: mean over the step
    enough_bytes_per_s: bandwidth of a site from which on nothing waits, infinite where there is none
    warnings: what is not modelled
    """

    step_s: Array
    compute_s: Array
    sync_s: Array
    exposed_s: Array
    share: Array
    busy_share: Array
    wan_bytes: Array
    wan_bytes_per_s: Array
    enough_bytes_per_s: Array
    warnings: tuple[str, ...] = ()

    def tokens_per_s(self, global_batch: object) -> Array:
        """Tokens of all sites per second; ``global_batch``: of one step of all sites [token]."""
        return array(global_batch) / self.step_s


def exchange_s(
    size_bytes: object, sites: object, wan_bytes_per_s: object, rtt_s: object, exchange: Exchange = "direct"
) -> Array:
    """Seconds in which ``sites`` sum ``size_bytes`` each and all have the sum, shape ``(D,)``.

    size_bytes: of one site's sum as it is sent; wan_bytes_per_s: of one site and direction; rtt_s: there and back
    """
    count = array(sites)
    hops = np.where(count > 1.0, 2.0 * (count - 1.0) if exchange == "ring" else 2.0, 0.0)
    return 2.0 * (count - 1.0) / count * array(size_bytes) / array(wan_bytes_per_s) + hops * array(rtt_s) / 2.0


def sites_step(  # noqa: PLR0913  plain numbers, as they are asked for
    step_s: object,
    gradient_bytes: object,
    sites: object,
    wan_bytes_per_s: object,
    rtt_s: object,
    mode: Mode = "sync",
    local_steps: object = 1.0,
    bits: float | None = None,
    overlap: object = 0.0,
    *,
    gradient_bits: float = 32.0,
    fragments: object = 1.0,
    exchange: Exchange = "direct",
) -> SitesStep:
    """Time one step across sites; numbers or arrays of shape ``(D,)``.

    step_s: of one site with its own share of the global batch, reduction inside the site included
    gradient_bytes: all gradients of one replica, in ``gradient_bits`` a number
    sites: 1 or more; wan_bytes_per_s: of a site, per direction; rtt_s: there and back between two sites
    local_steps: steps between exchanges (``local``); bits: a number is sent in, None as it is
    overlap: share of computing behind which the exchange may run, 0 to 1
    fragments: parts the exchange is cut into, each with its own latency (``local``)
    Errors: UsageError for numbers that cannot be.
    """
    _check(mode, exchange, bits, gradient_bits)
    numbers = (step_s, gradient_bytes, sites, wan_bytes_per_s, rtt_s, local_steps, overlap, fragments)
    shaped = np.broadcast_arrays(*(array(one) for one in numbers))
    compute, gradients, count, wan, rtt, steps, hidden, parts = (np.asarray(one, dtype=np.float64) for one in shaped)
    _check_arrays(compute, gradients, count, wan, rtt, steps, hidden, parts)
    if mode == "sync" and (np.any(steps != 1.0) or np.any(parts != 1.0)):
        raise UsageError("synchronous training exchanges all in every step", hint="use mode local, or one step")
    size = gradients * ((bits if bits is not None else gradient_bits) / gradient_bits)
    sync = exchange_s(size, count, wan, rtt, exchange)
    latency = exchange_s(0.0 * size, count, np.ones_like(wan), rtt, exchange)
    sync = sync + (parts - 1.0) * latency
    window = hidden * steps * compute
    exposed = np.maximum(sync - window, 0.0) / steps
    sent = 2.0 * (count - 1.0) / count * size
    room = window - parts * latency
    with np.errstate(divide="ignore", invalid="ignore"):
        enough = np.where(sent > 0.0, np.where(room > 0.0, sent / np.maximum(room, 0.0), np.inf), 0.0)
    total = compute + exposed
    return SitesStep(
        step_s=total,
        compute_s=compute,
        sync_s=sync,
        exposed_s=exposed,
        share=exposed / total,
        busy_share=sync / (steps * total),
        wan_bytes=sent / steps,
        wan_bytes_per_s=sent / steps / total,
        enough_bytes_per_s=enough,
        warnings=_warnings(mode, count, steps, hidden, bits, gradient_bits),
    )


def _warnings(
    mode: Mode, sites: Array, steps: Array, hidden: Array, bits: float | None, gradient_bits: float
) -> tuple[str, ...]:
    """What of this exchange is not modelled."""
    said: list[str] = []
    if not np.any(sites > 1.0):
        return ()
    if mode == "local":
        said.append(LOCAL_STEPS)
        said += [LATE] if np.any(hidden > 0.0) else []
    if bits is not None and bits < gradient_bits:
        said.append(FEW_BITS)
    return tuple(said)


def _check(mode: Mode, exchange: Exchange, bits: float | None, gradient_bits: float) -> None:
    """Refuse names and widths that cannot be. Raises UsageError."""
    if mode not in MODES:
        raise UsageError(f"no mode across sites is called {mode!r}", hint=f"one of {', '.join(MODES)}")
    if exchange not in EXCHANGES:
        raise UsageError(f"no exchange between sites is called {exchange!r}", hint=f"one of {', '.join(EXCHANGES)}")
    if not gradient_bits > 0.0 or (bits is not None and not bits > 0.0):
        raise UsageError(f"a number is sent in {bits} of {gradient_bits} bits", hint="give bits above 0")


def _check_arrays(
    compute: Array, gradients: Array, sites: Array, wan: Array, rtt: Array, steps: Array, hidden: Array, parts: Array
) -> None:
    """Refuse numbers that cannot be. Raises UsageError."""
    above = {"step_s": compute, "wan_bytes_per_s": wan}
    for name, values in above.items():
        if not np.all(values > 0.0):
            raise UsageError(f"{name} is {np.min(values)}", hint="give a number above 0")
    for name, values in {"gradient_bytes": gradients, "rtt_s": rtt}.items():
        if not np.all((values >= 0.0) & np.isfinite(values)):
            raise UsageError(f"{name} is {np.min(values)}", hint="give 0 or more")
    for name, values in {"sites": sites, "local_steps": steps, "fragments": parts}.items():
        if not np.all((values >= 1.0) & np.isfinite(values) & (values == np.floor(values))):
            raise UsageError(f"{name} is {np.min(values)}", hint="give a whole number, 1 or more")
    if not np.all((hidden >= 0.0) & (hidden <= 1.0)):
        raise UsageError(f"overlap is {np.min(hidden)} to {np.max(hidden)}", hint="it is a share, 0 to 1")
