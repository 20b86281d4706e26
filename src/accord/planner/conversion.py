"""What may be done with weights stored in a format that a chip does not multiply.

Four kinds, and nothing else is assumed:

- ``native``: the chip multiplies the format as stored; formats of one width count as one (FP8 and MXFP8, FP4 and MXFP4,
  BF16 and FP16).
- ``requantise``: made anew in a narrower or equal format that the chip multiplies: FP8 to INT8, FP4 to FP8 or INT8,
  FP32 to 16 bits. Answers change; by how much is said where a source says it, never guessed.
- ``weight-only``: kept as stored, widened inside the kernel: the memory of the narrow format, the rate of 16 bits.
- ``widen``: widened to 16 bits when loaded: the memory and the rate of 16 bits.

Each is possible by arithmetic. Whether an engine does it is another question, which only its statement answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from accord.base.source import Source
from accord.catalog.chip import Chip
from accord.catalog.support import Statement
from accord.hardware.device import Device, bytes_per_number
from accord.planner.support import Index, stated_conversions

Kind = Literal["native", "requantise", "weight-only", "widen"]
Stated = Mapping[str, tuple[Statement, Source]]
_WIDE = ("bf16", "fp16")
# Formats that narrow weights may be made anew in. INT4 is left out: no unit multiplies it in the cost model.
_ANEW: Mapping[str, tuple[str, ...]] = {
    "fp8": ("int8",),
    "mxfp8": ("int8",),
    "fp4": ("fp8", "int8"),
    "mxfp4": ("fp8", "int8"),
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """One way to run weights stored in ``stored``.

    weights: format held in memory, to ask the cost model with; bytes_per_weight: block scales included [B]
    memory_ratio: bytes held over bytes stored [1]; compute_format, compute_flop_per_s: of the unit [FLOP/s or OP/s]
    statement, source: of the engine that says it does this, None where none says so
    """

    kind: Kind
    stored: str
    weights: str
    bytes_per_weight: float
    memory_ratio: float
    compute_format: str
    compute_flop_per_s: float
    statement: Statement | None = None
    source: Source | None = None

    @property
    def stated(self) -> bool:
        """Whether an engine says it runs weights this way; what is native needs no such word."""
        return self.kind == "native" or self.statement is not None

    @property
    def quality(self) -> str | None:
        """What the source says of the effect on answers, None where it says nothing or there is no source."""
        return None if self.statement is None else self.statement.quality


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer, for facts of the chip are unpublished. missing: which, in words."""

    stored: str
    missing: tuple[str, ...]

    @property
    def why(self) -> str:
        """In words."""
        return f"not published: {', '.join(self.missing)}"


def conversions(
    stored: str, peaks: Mapping[str, float], *, memory_bytes: float | None, stated: Stated | None = None
) -> tuple[Conversion, ...] | Unknown:
    """Ways to run weights on a device, the native one alone where there is one, else least memory and fastest first.

    stored: format of the weights; peaks: dense rate of a device by format [FLOP/s or OP/s]
    memory_bytes: capacity of its memory [B]; stated: what an engine says it does, by kind
    Returns Unknown where the memory or the 16-bit rate is unpublished. Raises UsageError for an unknown format.
    """
    bytes_per_number(stored)  # refuses a format nobody knows
    rates = {fmt: peak for fmt, peak in peaks.items() if peak > 0.0}
    missing = tuple(
        what
        for what, there in (("memory", memory_bytes), ("BF16 or FP16 rate", any(fmt in rates for fmt in _WIDE)))
        if not there
    )
    if missing:
        return Unknown(stored, missing)
    device = Device("device", "", "", rates, memory_bytes or 0.0, 0.0)
    alone = stored == "fp32" and not {"fp32", "tf32"} & set(rates)
    if not alone and device.compute(stored).native:
        return (_conversion("native", stored, stored, device, {}),)
    wide = device.compute("bf16").format
    kinds: list[tuple[Kind, str]] = [("weight-only", stored), ("widen", wide)]
    if stored == "fp32":
        kinds = [("requantise", wide)]
    kinds += [("requantise", fmt) for fmt in _ANEW.get(stored, ()) if device.compute(fmt).native]
    found = (_conversion(kind, stored, weights, device, stated or {}) for kind, weights in kinds)
    return tuple(sorted(found, key=lambda one: (one.bytes_per_weight, -one.compute_flop_per_s)))


def conversions_of(
    chip: Chip,
    stored: str,
    index: Index | None = None,
    engine: str | None = None,
    *,
    model: str | None = None,
    day: str | None = None,
) -> tuple[Conversion, ...] | Unknown:
    """Ways to run weights on one device of a catalog chip, with what an engine says of them.

    index, engine: statements and the engine asked, without them nothing is stated; model: catalog id; day: ISO date
    Returns Unknown where the chip's memory or 16-bit rate is unpublished. Raises UsageError for an unknown format.
    """
    share = chip.devices_per_chip.si
    capacity = chip.memory.capacity
    told: Stated = {}
    if index is not None and engine is not None:
        told = stated_conversions(index, engine, chip.id, chip.family, stored, model=model, day=day)
    return conversions(
        stored,
        {fmt: value.si / share for fmt, value in chip.peak.items()},
        memory_bytes=None if capacity is None else capacity.si / share,
        stated=told,
    )


def _conversion(kind: Kind, stored: str, weights: str, device: Device, stated: Stated) -> Conversion:
    unit = device.compute(weights)
    statement, source = stated.get(kind, (None, None))
    if statement is not None and statement.into not in (None, weights):
        statement = source = None
    size = bytes_per_number(weights)
    return Conversion(
        kind=kind,
        stored=stored,
        weights=weights,
        bytes_per_weight=size,
        memory_ratio=size / bytes_per_number(stored),
        compute_format=unit.format,
        compute_flop_per_s=float(unit.flop_per_s),
        statement=statement,
        source=source,
    )
