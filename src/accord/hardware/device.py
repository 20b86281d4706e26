"""One device (a rank): what software addresses, in SI units.

A chip is what is sold; a device is what a process drives. An Ascend 910C package is two devices,
most others are one (``devices_per_chip`` of the catalog).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from accord.base.array import Array
from accord.base.errors import MissingFact, UsageError
from accord.catalog.chip import Chip
from accord.catalog.value import Value
from accord.hardware.derate import Number
from accord.uncertainty.interval import distinct

# Bytes of one stored number, block scales included: 16 numbers share an 8-bit scale in fp4 (NVFP4),
# 32 in mxfp4 and mxfp8 (OCP Microscaling 1.0), 128 a 16-bit scale and zero in int4 (AWQ, GPTQ).
BYTES_PER_NUMBER: Mapping[str, float] = MappingProxyType(
    {
        "fp32": 4.0,
        "bf16": 2.0,
        "fp16": 2.0,
        "fp8": 1.0,
        "int8": 1.0,
        "mxfp8": 1.0 + 1 / 32,
        "fp4": 0.5 + 1 / 16,
        "mxfp4": 0.5 + 1 / 32,
        "int4": 0.5 + 4 / 128,
    }
)

# Formats a matrix unit may compute in for a stored format, best first. The last is the stated
# conversion: the stored number is widened on load and multiplied at the 16-bit rate.
_COMPUTE_IN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "fp32": ("fp32", "tf32"),
        "bf16": ("bf16", "fp16"),
        "fp16": ("fp16", "bf16"),
        "fp8": ("fp8", "bf16", "fp16"),
        "mxfp8": ("mxfp8", "fp8", "bf16", "fp16"),
        "int8": ("int8", "bf16", "fp16"),
        "fp4": ("fp4", "bf16", "fp16"),
        "mxfp4": ("mxfp4", "fp4", "bf16", "fp16"),
        "int4": ("bf16", "fp16"),
    }
)
_SAME_WIDTH = ({"bf16", "fp16"}, {"fp8", "mxfp8"}, {"fp4", "mxfp4"})


@dataclass(frozen=True, slots=True)
class Compute:
    """How a stored format is multiplied: the unit's format, its peak, and whether it is native."""

    format: str
    flop_per_s: Number
    native: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A rank's share of a chip. Facts are numbers, or arrays of shape ``(S,)`` when drawn.

    peak_flop_per_s: dense rate by format [FLOP/s, or OP/s for integers]
    memory_bytes, memory_bytes_per_s: capacity [B] and bandwidth [B/s] of its own memory
    claims: what sources say about a fact over what is taken [1], for facts they disagree about:
        ``memory capacity``, ``memory bandwidth`` and ``peak FORMAT``
    power_w: its share of the power of the board, None where unpublished
    """

    id: str
    vendor: str
    family: str
    peak_flop_per_s: Mapping[str, Number]
    memory_bytes: Number
    memory_bytes_per_s: Number
    claims: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    power_w: float | None = None

    def compute(self, stored: str) -> Compute:
        """The unit that multiplies numbers stored as ``stored``.

        Raises UsageError for an unknown format, MissingFact when the chip's rate is unpublished.
        """
        if stored not in _COMPUTE_IN:
            known = ", ".join(_COMPUTE_IN)
            raise UsageError(f"number format '{stored}' is not known", hint=f"use one of {known}")
        for unit in _COMPUTE_IN[stored]:
            peak = self.peak_flop_per_s.get(unit, 0.0)
            if isinstance(peak, np.ndarray) or peak > 0.0:
                native = unit == stored or any({unit, stored} <= pair for pair in _SAME_WIDTH)
                return Compute(unit, peak, native)
        raise MissingFact(
            f"{self.id} has no published rate to compute {stored}",
            hint="give one in a chip file of your own with --catalog DIR",
        )


def bytes_per_number(fmt: str) -> float:
    """Bytes of one number stored as ``fmt``, scales included. Raises UsageError for unknown formats."""
    if fmt not in BYTES_PER_NUMBER:
        raise UsageError(f"number format '{fmt}' is not known", hint=f"use one of {', '.join(BYTES_PER_NUMBER)}")
    return BYTES_PER_NUMBER[fmt]


def from_chip(chip: Chip) -> Device:
    """A chip's facts divided by its devices. Raises MissingFact when memory or rates are unpublished."""
    share = chip.devices_per_chip.si
    memory = chip.memory
    if memory.capacity is None or memory.bandwidth is None:
        what = "memory capacity" if memory.capacity is None else "memory bandwidth"
        raise MissingFact(
            f"{chip.id}: {what} is not published",
            hint="give it in a chip file of your own with --catalog DIR",
        )
    peaks: dict[str, Number] = {fmt: value.si / share for fmt, value in chip.peak.items()}
    facts = {"memory capacity": memory.capacity, "memory bandwidth": memory.bandwidth}
    facts |= {f"peak {fmt}": value for fmt, value in chip.peak.items()}
    told = {name: claims_of(value) for name, value in facts.items()}
    return Device(
        id=chip.id,
        vendor=chip.vendor,
        family=chip.family,
        peak_flop_per_s=MappingProxyType(peaks),
        memory_bytes=memory.capacity.si / share,
        memory_bytes_per_s=memory.bandwidth.si / share,
        claims=MappingProxyType({name: points for name, points in told.items() if points}),
        power_w=chip.board_power.si / share if chip.board_power is not None and chip.board_power.si > 0.0 else None,
    )


def claims_of(value: Value) -> tuple[float, ...]:
    """What sources say about a fact over what is taken [1], each distinct claim once; empty where they agree."""
    if not value.number or value.number < 0.0:
        return ()
    points = distinct(claim / value.number for claim in value.spread() if claim > 0.0)
    return points if len(points) > 1 else ()


def drawn_device(device: Device, ratios: Mapping[str, Array]) -> Device:
    """The same device with disputed facts as draws; ratios: over what is taken, shape ``(S,)``, by name."""

    def fact(name: str, taken: Number) -> Number:
        return taken * ratios[name] if name in ratios else taken

    return replace(
        device,
        peak_flop_per_s={fmt: fact(f"peak {fmt}", peak) for fmt, peak in device.peak_flop_per_s.items()},
        memory_bytes=fact("memory capacity", device.memory_bytes),
        memory_bytes_per_s=fact("memory bandwidth", device.memory_bytes_per_s),
    )
