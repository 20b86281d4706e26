"""The parts of a plan and who makes them, as the most special origin in the catalog says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from accord.base.source import Basis, Source
from accord.catalog.chip import Chip
from accord.catalog.origin import Component, Origin, Supplier, Supply
from accord.catalog.system import System
from accord.planner.origin_shares import UNKNOWN, Range, Share, by_country, stated, supplier_ranges

Of = Literal["chip", "system", "model", "engine"]
CHIP_PARTS: tuple[Component, ...] = ("design", "fab", "packaging", "hbm", "tools", "software")
SYSTEM_PARTS: tuple[Component, ...] = ("switch", "host_cpu", "assembly")
Keys = Sequence[tuple[str, str | None]]


class Held(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Chips of one system in a plan.

    chip, family, vendor: of the catalog; system, system_vendor: None where the chip is asked about alone
    flop_per_s: peak of all of them [FLOP/s]; capex_usd: to buy them with their system; None where nobody says
    """

    chip: str
    family: str
    vendor: str
    system: str | None = None
    system_vendor: str | None = None
    flop_per_s: float | None = None
    capex_usd: float | None = None


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model's weights: catalog id and vendor."""

    id: str
    vendor: str


class Made(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supplier of a part, as in :class:`accord.catalog.origin.Supplier`; its share is between low and high [1]."""

    company: str
    countries: tuple[str, ...]
    supply: Supply
    low: float
    high: float
    basis: Basis
    source: Source
    note: str | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One component of one thing in the plan.

    of, subject: such as ``chip`` and its id; entry: the catalog's origin that speaks of it, None where none does
    suppliers: empty where nobody is known, or where there is no such component (``absent``)
    countries: share by the suppliers' own countries; holdings: positions of those that contain the part
    """

    of: Of
    subject: str
    component: Component
    entry: str | None
    suppliers: tuple[Made, ...]
    countries: tuple[Share, ...]
    absent: bool = False
    holdings: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Such as ``fab of huawei-ascend-910c``."""
        return f"{self.component} of {self.subject}"

    @property
    def live(self) -> tuple[Made, ...]:
        """Suppliers that still supply, or whose stock or copies do."""
        return tuple(one for one in self.suppliers if one.supply != "ended")

    @property
    def stock_only(self) -> bool:
        """Whether nobody makes it any more, so that new purchases live on stock."""
        return bool(self.live) and all(one.supply == "stock" for one in self.live)

    @property
    def complete(self) -> bool:
        """Whether suppliers are known and together make all of it."""
        return bool(self.live) and all(one.country != UNKNOWN for one in self.countries)


def held(
    chip: Chip, system: System | None, chips: int, capex_usd: float | None = None, number_format: str = "bf16"
) -> Held:
    """Chips of one system; their peak is that of the format, else of FP16, else not known.

    chips: held, packages [1]; capex_usd: of all of them
    """
    peak = next(
        (value for name in (number_format, "bf16", "fp16") for key, value in chip.peak.items() if key == name), None
    )
    rate = peak.si * chips if peak is not None and peak.number is not None else None
    return Held(
        chip=chip.id,
        family=chip.family,
        vendor=chip.vendor,
        system=system.id if system is not None else None,
        system_vendor=system.vendor if system is not None else None,
        flop_per_s=rate,
        capex_usd=capex_usd,
    )


def chip_keys(one: Held) -> Keys:
    """Where to look for suppliers of a chip's parts, the most special first."""
    return (("systems", one.system), ("chips", one.chip), ("families", one.family), ("vendors", one.vendor))


def system_keys(one: Held) -> Keys:
    """Where to look for suppliers of a system's parts, the most special first."""
    return (("systems", one.system), ("chips", one.chip), ("families", one.family), ("vendors", one.system_vendor))


def chip_parts(one: Held, origins: Sequence[Origin]) -> list[Part]:
    """Every part of a holding's chips, those of unknown suppliers too."""
    return [part_of("chip", one.chip, component, chip_keys(one), origins) for component in CHIP_PARTS]


def system_parts(one: Held, origins: Sequence[Origin]) -> list[Part]:
    """Every part of a holding's system besides its chips."""
    subject = one.system or one.chip
    return [part_of("system", subject, component, system_keys(one), origins) for component in SYSTEM_PARTS]


def part_of(of: Of, subject: str, component: Component, keys: Keys, origins: Sequence[Origin]) -> Part:
    """One part with the suppliers that the first key with any of them leads to."""
    origin, lines = _lines(component, keys, origins)
    absent = bool(lines) and not any(line.countries for line in lines)
    ranges, _ = supplier_ranges(lines)
    made = tuple(
        Made(
            company=line.company,
            countries=line.countries,
            supply=line.supply,
            low=low,
            high=high,
            basis=line.basis,
            source=origin.sources[line.source],
            note=line.note,
        )
        for line, (low, high) in zip(lines, ranges, strict=True)
        if origin is not None
    )
    return Part(
        of=of,
        subject=subject,
        component=component,
        entry=origin.id if origin is not None else None,
        suppliers=made,
        countries=() if absent else by_country(lines),
        absent=absent,
    )


def _lines(component: Component, keys: Keys, origins: Sequence[Origin]) -> tuple[Origin | None, tuple[Supplier, ...]]:
    """Suppliers of a component by the most special entry that has any."""
    for field, id in keys:
        for origin in origins:
            if id in getattr(origin, field):
                lines = tuple(line for line in origin.suppliers if line.component == component)
                if lines:
                    return origin, lines
    return None, ()


def capex_share(component: Component, keys: Keys, origins: Sequence[Origin]) -> Range | None:
    """Share of a system's price by the most special entry that states it."""
    for field, id in keys:
        for origin in origins:
            for line in origin.suppliers if id in getattr(origin, field) else ():
                found = stated(line.capex_share) if line.component == component else None
                if found is not None:
                    return found
    return None
