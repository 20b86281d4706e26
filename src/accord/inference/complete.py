"""Fill what a request leaves out, and remember what was filled.

Defaults depend on the engine, the number format, the phase and the chip family, never on a model,
a source or a paper. Numbers come from the ``defaults`` entry of the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from accord.base.errors import DoesNotFit, UsageError
from accord.catalog.value import Value
from accord.hardware.derate import Efficiency
from accord.hardware.device import bytes_per_number
from accord.hardware.system import Machine
from accord.inference.request import EstimateRequest, PoolRequest
from accord.models.spec import ModelSpec
from accord.ops.op import Formats
from accord.parallel.memory import weights_bytes
from accord.parallel.plan import Setting, deployments

Defaults = Mapping[str, Mapping[str, Value]]
MOST_TP = 4096
SPARE = 0.8  # of a memory that weights may fill where a layout is chosen for a question without one
FOUR_BIT = ("fp4", "mxfp4", "int4")


@dataclass
class Assumed:
    """Names of fields filled by default, in the order they were needed."""

    names: list[str] = field(default_factory=list)

    def note(self, name: str) -> None:
        """Remember ``name`` once."""
        if name not in self.names:
            self.names.append(name)


def formats_for(
    spec: ModelSpec, machine: Machine, request: EstimateRequest, engine: Efficiency, assumed: Assumed
) -> Formats:
    """Number formats by place.

    Left out, weights keep the checkpoint's format where the chip multiplies it natively; an 8-bit
    float checkpoint goes to int8 on chips with only that; anything else is widened on load. The
    cache follows 8- and 4-bit weights down to fp8 on engines that say so, else it is bf16.
    A checkpoint released in 4 bits is not stored wider, whatever the engine computes in.
    Four-bit recipes of mixtures quantise the experts and leave attention in 16 bits, which is what
    the published checkpoints of that kind do.
    """
    weights = request.weights
    if weights is None:
        assumed.note("weights")
        weights = spec.weights
        device = machine.device
        if weights in ("fp8", "mxfp8") and not device.compute(weights).native and device.peak_flop_per_s.get("int8"):
            weights = "int8"
    elif spec.weights in FOUR_BIT and bytes_per_number(weights) > bytes_per_number(spec.weights):
        weights = spec.weights
    kv = request.kv
    if kv is None:
        assumed.note("kv")
        narrow = weights in ("fp8", "mxfp8", *FOUR_BIT) and engine.has("kv_follows_weights")
        kv = "fp8" if narrow and machine.device.compute("fp8").native else "bf16"
    rest = weights
    if spec.is_moe and weights in FOUR_BIT:
        rest = spec.other_weights if weights == spec.weights and spec.other_weights else "bf16"
    return Formats(attention=rest, dense=rest, experts=weights, kv=kv)


@dataclass(frozen=True)
class Layout:
    """Ranks of one instance and instances of one pool."""

    tp: int
    pp: int
    dp: int
    cp: int
    ep: int
    instances: int


def layout_for(
    setting: Setting, pool: PoolRequest, devices: int, defaults: Defaults, assumed: Assumed, prefix: str = ""
) -> Layout:
    """Ranks from what is given: the rest follows from the number of devices, wide experts first.

    An expert-parallel degree alone means attention data parallel over the same ranks. Nothing at
    all means: the fewest tensor-parallel ranks that hold the weights, or wide expert parallelism for
    a mixture on many devices.
    """
    tp, pp, dp, cp, ep = pool.tp, pool.pp or 1, pool.dp, pool.cp or 1, pool.ep
    size = pool.devices
    others = pp * cp
    if tp is None and dp is None:
        if ep is not None and ep > 1:
            tp, dp = 1, max(ep // cp, 1)
            assumed.note(f"{prefix}dp")
        else:
            tp = _least_tp(setting, devices if size is None else size, ep or 1)
            dp = 1
            assumed.note(f"{prefix}tp")
            wide = _wide_ep(setting, (devices if size is None else size) // others, defaults)
            if wide and ep is None:
                tp, dp, ep = 1, wide // cp, wide
                assumed.note(f"{prefix}ep")
    elif tp is None and dp is not None:
        tp = max((size or dp) // (dp * others), 1)
    elif dp is None and tp is not None:
        fills = size is not None and ep is not None and ep > tp and size == ep
        dp = size // (tp * others) if fills and size is not None else 1
    tp, dp = (1 if tp is None else tp), (1 if dp is None else dp)
    if ep is None:
        ep = tp * dp * cp if setting.spec.is_moe and dp * cp > 1 else 1
        if setting.spec.is_moe:
            assumed.note(f"{prefix}ep")
    return Layout(tp, pp, dp, cp, ep, pool.instances)


def _wide_ep(setting: Setting, devices: int, defaults: Defaults) -> int:
    """Expert-parallel ranks of a mixture that states no layout, 0 for none.

    From ``wide_ep`` devices on, attention goes data parallel and experts spread over the largest power
    of two of ranks that the devices, the experts and the scale-up domain allow, if a rank holds its share.
    """
    spec, machine = setting.spec, setting.machine
    experts = max(layer.ffn.experts for layer in spec.distinct_layers)
    room = min(devices, experts, machine.scale_up_devices)
    if room < number(defaults, "serving", "wide_ep"):
        return 0
    ranks = 2 ** int(np.log2(room))
    plan = deployments(tp=1, dp=ranks, ep=ranks, isl=1, osl=1)
    fits = float(weights_bytes(setting, plan)[0]) <= machine.device.memory_bytes * SPARE
    return ranks if fits else 0


def _least_tp(setting: Setting, devices: int, ep: int) -> int:
    """The smallest power of two of ranks whose memories hold the weights with a fifth to spare."""
    room = setting.machine.device.memory_bytes * SPARE
    tp = 1
    while tp <= devices:
        plan = deployments(tp=tp, dp=1, ep=min(ep, tp), isl=1, osl=1)
        if float(weights_bytes(setting, plan)[0]) <= room:
            return tp
        tp *= 2
    plan = deployments(tp=tp, dp=1, ep=1, isl=1, osl=1)
    while float(weights_bytes(setting, plan)[0]) > room and tp < MOST_TP:
        tp *= 2
        plan = deployments(tp=tp, dp=1, ep=1, isl=1, osl=1)
    short = float(weights_bytes(setting, deployments(tp=devices, dp=1, ep=1, isl=1, osl=1))[0]) - room
    raise DoesNotFit(
        f"{setting.spec.id} in {setting.formats.experts} misses {short / 1e9:,.1f} GB on each of {devices} devices",
        hint=f"{tp} devices hold it, or use a narrower --weights format",
    )


def number(defaults: Defaults, section: str, name: str) -> float:
    """A default in SI. Raises UsageError naming the missing default."""
    try:
        return defaults[section][name].si
    except KeyError:
        raise UsageError(f"the defaults hold no '{section}.{name}'", hint="give the value yourself") from None
