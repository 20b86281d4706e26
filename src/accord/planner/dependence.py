"""Which countries a plan depends on, and what an embargo by one of them takes away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from accord.catalog.origin import Component, Origin
from accord.planner.origin_parts import (
    CHIP_PARTS,
    Held,
    Made,
    Part,
    Weights,
    capex_share,
    chip_keys,
    chip_parts,
    held,
    part_of,
    system_keys,
    system_parts,
)
from accord.planner.origin_shares import UNKNOWN, Range, Share, mixed, of_some, parts_of

Verdict = Literal["keeps", "partly", "unknown", "stops"]
BOUGHT: tuple[Component, ...] = ("design", "hbm", "switch", "host_cpu", "assembly")  # what a system's price is paid for
__all__ = [
    "Dependence", "Effect", "Embargo", "Exclusion", "Held", "Made", "Part", "Weights", "dependence", "excludes", "held",
]  # fmt: skip
_RANK: tuple[Verdict, ...] = ("keeps", "partly", "unknown", "stops")
_WHOLE: Range = (1.0, 1.0)
_NOTHING: Range = (0.0, 0.0)
_ANY: Range = (0.0, 1.0)


class Effect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an embargo does to new purchases of a part.

    left: who still supplies; low, high: share of the part's supply that it takes away [1]; words: why
    """

    part: Part
    verdict: Verdict
    left: tuple[Made, ...]
    low: float
    high: float
    words: str


class Embargo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one country's embargo takes away from new purchases; what is in hand stays.

    verdict: the worst of the parts; flop_low, flop_high: share of the plan's FLOP/s that could not be bought again
    removes: names of the parts of which no supplier is left
    """

    country: str
    verdict: Verdict
    effects: tuple[Effect, ...]
    flop_low: float
    flop_high: float
    removes: tuple[str, ...]

    def named(self, verdict: Verdict) -> tuple[str, ...]:
        """Names of the parts with one verdict."""
        return tuple(effect.part.name for effect in self.effects if effect.verdict == verdict)


class Dependence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a plan's parts are from.

    capex: share of the price by country of those it is paid to (the designer for a chip with its memory, unless a
        source states the memory's share); flop_design, flop_fab: share of the peak FLOP/s by country of the chips'
        designers and of their fabs
    """

    holdings: tuple[Held, ...]
    parts: tuple[Part, ...]
    capex: tuple[Share, ...]
    flop_design: tuple[Share, ...]
    flop_fab: tuple[Share, ...]

    def countries(self) -> tuple[str, ...]:
        """Every country that a part needs, sorted."""
        return tuple(sorted({name for part in self.parts for one in part.live for name in one.countries}))

    def stock_only(self) -> tuple[str, ...]:
        """Names of the parts that nobody makes any more and that come from stock."""
        return tuple(part.name for part in self.parts if part.stock_only)

    def embargo(self, country: str) -> Embargo:
        """What an embargo by a country (ISO code) takes away."""
        effects = tuple(_effect(part, country) for part in self.parts)
        flop = mixed_range(
            [_holding_loss(at, effects) for at in range(len(self.holdings))],
            parts_of([held.flop_per_s for held in self.holdings]),
        )
        return Embargo(
            country=country,
            verdict=worst(effect.verdict for effect in effects),
            effects=effects,
            flop_low=flop[0],
            flop_high=flop[1],
            removes=tuple(effect.part.name for effect in effects if effect.verdict == "stops"),
        )


class Exclusion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a wish to do without a country rules something out, and why."""

    answer: Literal["yes", "no", "unknown"]
    words: str


def dependence(
    holdings: Sequence[Held], origins: Iterable[Origin], model: Weights | None = None, engines: Sequence[str] = ()
) -> Dependence:
    """Where each part of a plan is from, and each country's share of price and FLOP/s.

    holdings: at least one; origins: the catalog's; engines: catalog ids
    What no origin speaks of stays in the answer as unknown.
    """
    known = tuple(origins)
    parts: dict[tuple[str, str, str, str | None], Part] = {}
    for at, one in enumerate(holdings):
        for part in (*chip_parts(one, known), *system_parts(one, known)):
            key = (part.of, part.subject, part.component, part.entry)
            before = parts.get(key, part).holdings
            parts[key] = msgspec.structs.replace(part, holdings=(*before, at))
    others = [part_of("engine", name, "software", [("engines", name)], known) for name in dict.fromkeys(engines)]
    if model is not None:
        others.append(part_of("model", model.id, "licence", [("models", model.id), ("vendors", model.vendor)], known))
    found = tuple(parts.values())
    flop = parts_of([one.flop_per_s for one in holdings])
    return Dependence(
        holdings=tuple(holdings),
        parts=(*found, *others),
        capex=mixed([_capex(one, known) for one in holdings], parts_of([one.capex_usd for one in holdings])),
        flop_design=mixed([_countries(found, at, "design") for at in range(len(holdings))], flop),
        flop_fab=mixed([_countries(found, at, "fab") for at in range(len(holdings))], flop),
    )


def excludes(found: Dependence, country: str, scope: Literal["design", "any"] = "design") -> Exclusion:
    """Whether a wish to do without a country rules these parts out.

    scope: ``design`` looks at the design of the chips, ``any`` at every part, licence and software included
    Yes where a part depends on the country alone; unknown where nobody says who makes it: that is never a no.
    """
    parts = [part for part in found.parts if scope == "any" or part.component == "design"]
    bound = [part for part in parts if _bound_to(part, country)]
    if bound:
        return Exclusion(
            answer="yes", words=f"nobody supplies {', '.join(part.name for part in bound)} without {country}"
        )
    dark = [part.name for part in parts if not part.absent and not part.complete]
    if dark:
        return Exclusion(answer="unknown", words=f"nobody says where {', '.join(dark)} is from")
    what = "no part" if scope == "any" else "no design"
    return Exclusion(answer="no", words=f"{what} depends on {country} with nobody else to supply it")


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several; a part that is lost is worse than one nobody knows of, and that is worse than a doubt."""
    return max(verdicts, key=_RANK.index, default="unknown")


def mixed_range(ranges: Sequence[Range], weights: Sequence[Range | None]) -> Range:
    """Mean of ranges by weights; anything between the least and the most where weights are not known."""
    if any(weight is None for weight in weights):
        return min(low for low, _ in ranges), max(high for _, high in ranges)
    pairs = [(one, weight) for one, weight in zip(ranges, weights, strict=True) if weight is not None]
    return sum(one[0] * weight[0] for one, weight in pairs), min(1.0, sum(one[1] * weight[1] for one, weight in pairs))


def _capex(one: Held, origins: Sequence[Origin]) -> tuple[Share, ...]:
    """Share of a holding's price by country."""
    parts, weights = [], []
    for component in BOUGHT:
        keys = chip_keys(one) if component in CHIP_PARTS else system_keys(one)
        part, weight = part_of("chip", one.chip, component, keys, origins), capex_share(component, keys, origins)
        if not part.absent and not (component == "hbm" and weight is None):  # the chip's price contains its memory
            parts.append(part.countries)
            weights.append(weight)
    return mixed(parts, weights)


def _countries(parts: Sequence[Part], at: int, component: Component) -> tuple[Share, ...]:
    return next(part.countries for part in parts if part.component == component and at in part.holdings)


def _effect(part: Part, country: str) -> Effect:
    gone = tuple(one for one in part.live if country in one.countries and one.supply == "current")
    verdict, (low, high), words = _judged(part, country, gone)
    left = tuple(one for one in part.live if one not in gone)
    return Effect(part=part, verdict=verdict, left=left, low=low, high=high, words=words)


def _judged(part: Part, country: str, gone: Sequence[Made]) -> tuple[Verdict, Range, str]:
    if part.absent:
        return "keeps", _NOTHING, "there is no such component"
    touched = [one for one in part.live if country in one.countries and one.supply in ("current", "installed")]
    left = [one for one in part.live if one not in gone]
    if not touched:
        if part.complete:
            return "keeps", _NOTHING, f"no supplier of today needs {country}"
        return "unknown", _ANY, "nobody says who supplies it today" if not part.live else "some suppliers are not known"
    if not gone:
        return "partly", _NOTHING, f"works on without {_names(touched)}, but does not grow or get spare parts"
    if any(one.supply != "stock" for one in left):
        return "partly", _lost(part, gone), f"without {_names(gone)}; {_names(left)} left"
    if left:
        return "partly", _ANY, f"without {_names(gone)}; stock of {_names(left)} until it is used up"
    if not part.complete:
        return "unknown", _ANY, f"without {_names(gone)}; other suppliers are not known"
    return "stops", _WHOLE, f"no supplier is left without {_names(gone)}"


def _names(suppliers: Sequence[Made]) -> str:
    return ", ".join(one.company for one in suppliers)


def _lost(part: Part, gone: Sequence[Made]) -> Range:
    """Share of a part's supply that is lost; anything where stock or former suppliers blur today's shares."""
    if any(one.supply not in ("current", "installed") for one in part.suppliers):
        return _ANY
    others = [(one.low, one.high) for one in part.suppliers if one not in gone]
    others += [(one.low, one.high) for one in part.countries if one.country == UNKNOWN]
    return of_some([(one.low, one.high) for one in gone], others)


def _holding_loss(at: int, effects: Sequence[Effect]) -> Range:
    """Share of a holding that could not be bought again."""
    own = [effect for effect in effects if at in effect.part.holdings]
    if any(effect.verdict == "stops" for effect in own):
        return _WHOLE
    return max(effect.low for effect in own), min(1.0, sum(effect.high for effect in own))


def _bound_to(part: Part, country: str) -> bool:
    """Whether everyone who supplies a part, or did where nobody does any more, needs a country."""
    suppliers = part.live or part.suppliers
    whole = all(one.country != UNKNOWN for one in part.countries)
    return bool(suppliers) and not part.absent and whole and all(country in one.countries for one in suppliers)
