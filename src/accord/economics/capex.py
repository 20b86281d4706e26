"""What a system costs to buy, and what that is a year."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from accord.base import units
from accord.base.errors import UsageError
from accord.catalog.chip import Chip
from accord.catalog.price import Price
from accord.catalog.system import System
from accord.catalog.value import Value
from accord.economics.money import in_usd
from accord.economics.sums import product
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure
from accord.uncertainty.interval import distinct

PER_CHIP, ALL_IN, ALONE = "price_per_chip", "capex_all_in_per_chip", "price_of_chip"
SAME = 0.02  # claims closer than this are one amount, printed in two ways
_NO_INTEREST = 1e-12
_CHIP_PRICES = ("price_usd", "price_cny")
_NAMES = ("price", "capex")
_KINDS = ("capex", "procurement")


def system_price(system: System, prices: Iterable[Price] = ()) -> Figure | None:
    """Price of a whole system [USD]: its own, else its capital cost, else a price entry that names it.

    prices: entries that may name the system; only a fact in USD named price or capex counts
    Returns None where nobody states one; none is made up from parts.
    """
    owner = f"systems/{system.id}"
    candidates: list[tuple[Value | None, str]] = [(system.price, owner), (system.facts.get("capex"), owner)]
    for price in prices:
        if price.system == system.id and price.kind in _KINDS:
            candidates += [(price.facts.get(name), f"prices/{price.id}") for name in _NAMES]
    found = (figure.of(value, where) for value, where in candidates if value is not None and value.unit == "USD")
    return next((one for one in found if one is not None and one.value > 0.0), None)


def chip_price(chip: Chip, per_usd: Mapping[str, Figure], prices: Iterable[Price] = ()) -> Figure | None:
    """Price of one chip alone [USD], or None where nobody states one.

    per_usd: see :func:`accord.economics.money.in_usd`; prices: entries that may state it, where the chip's own does not
    A price that was itself divided out of a system's price is passed over: a system cannot be built up from it.
    """
    for name in _CHIP_PRICES:
        fact = chip.facts.get(name)
        found = figure.of(fact, f"chips/{chip.id}") if fact is not None and fact.basis != "derived" else None
        usd = in_usd(found, per_usd) if found is not None else None
        if usd is not None and usd.unit == "USD" and usd.value > 0.0:
            return usd
    return _claimed(prices, chip.id, ALONE, per_usd)


def observed_markup(pairs: Iterable[tuple[Figure, Figure]]) -> Figure | None:
    """Price of a system's share over the price of its chip, where both are stated [1].

    pairs: price of a whole system or server for each of its chips, and of the chip alone [USD]
    Returns the geometric mean of what is found, spread over everything that is claimed, or None where nothing is.
    """
    found: list[float] = []
    spread: list[float] = []
    sources: list[str] = []
    for whole, alone in pairs:
        found.append(whole.value / alone.value)
        spread += [a / b for a in whole.points for b in alone.points if b > 0.0]
        sources += [*whole.sources, *alone.sources]
    if not found:
        return None
    mean = math.exp(sum(math.log(ratio) for ratio in found) / len(found))
    points = (mean, *sorted(spread))
    return Figure(value=mean, unit="1", basis="derived", points=points, sources=tuple(dict.fromkeys(sources)))


def server_price(prices: Iterable[Price], chip: str, per_usd: Mapping[str, Figure]) -> Figure | None:
    """Price of whole servers for each of their chips [USD], from entries that state what one was bought for."""
    return _claimed(prices, chip, PER_CHIP, per_usd)


def all_in_price(prices: Iterable[Price], chip: str, per_usd: Mapping[str, Figure]) -> Figure | None:
    """Price of systems and the network between them for each chip [USD], from entries that state that."""
    return _claimed(prices, chip, ALL_IN, per_usd)


def _claimed(prices: Iterable[Price], chip: str, name: str, per_usd: Mapping[str, Figure]) -> Figure | None:
    found = []
    for price in prices:
        one = figure.of(price.facts.get(name), f"prices/{price.id}") if price.chip == chip else None
        usd = in_usd(one, per_usd) if one is not None else None
        if usd is not None and usd.unit == "USD" and usd.value > 0.0:
            found.append(usd)
    return figure.pooled(*found) if found else None


class Parts(NamedTuple):
    """What a price can be built from, where nobody states one; each for one chip [USD], or None.

    server: see :func:`server_price`; chip: see :func:`chip_price`; markup: see :func:`observed_markup` [1]
    """

    server: Figure | None
    chip: Figure | None
    markup: Figure | None


def built_price(parts: Parts) -> Figure | None:
    """Price of a system for each of its chips, put together from parts [USD], or None where they are missing.

    Returns what servers with the chip were bought for; the chip's price times what servers cost over their chips is
    a further claim of it, and the only one where no purchase is known. Marked as built, with a remark that says how.
    """
    up = product(parts.chip, parts.markup, "USD") if parts.chip is not None and parts.markup is not None else None
    chosen = parts.server if parts.server is not None else up
    if chosen is None:
        return None
    others = [one for one in (parts.server, up) if one is not None and one is not chosen]
    pooled = figure.pooled(chosen, *others)
    low, high = min(pooled.points), max(pooled.points)
    how = "what servers with this chip were bought for" if parts.server is not None else "the price of the chip"
    text = (
        f"{units.show(pooled.value, 'USD')} a chip (derived, {units.show(low, 'USD')} to {units.show(high, 'USD')}): "
        f"nobody states a price of the system; from {how}"
    )
    if up is not None and parts.markup is not None:
        text += f", servers costing {parts.markup.value:.2f} times their chips elsewhere"
    return msgspec.structs.replace(pooled, basis="derived", remarks=(text,), built=True)


def with_network(price: Figure, network_share: Figure, all_in: Figure | None = None) -> Figure:
    """Capital with the network between systems [USD], price and result for the same number of chips.

    network_share: what the network adds [1]; all_in: what is claimed to contain it already [USD]
    A claim of the price that says the same as an all-in one is taken for one, and no network is added to it.
    """
    factor = msgspec.structs.replace(
        network_share, value=1.0 + network_share.value, points=tuple(1.0 + one for one in network_share.points)
    )
    claims = all_in.points if all_in is not None else ()
    kept = tuple(point for point in price.points if not _same(point, claims)) or (price.value,)
    capital = product(msgspec.structs.replace(price, points=kept), factor, "USD")
    if price.built:
        capital = msgspec.structs.replace(capital, basis="derived")
    return figure.pooled(capital, all_in) if all_in is not None else capital


def _same(point: float, claims: Sequence[float]) -> bool:
    return len(distinct((point, *claims), SAME)) < 1 + len(distinct(claims, SAME))


def usd_per_year(
    price_usd: float, *, life_years: float, residual_share: float = 0.0, interest_per_year: float = 0.0
) -> float:
    """Yearly cost of owning what was bought [USD/year].

    price_usd: paid at the start; life_years: years of use
    residual_share: share of the price it is sold for at the end [1]; interest_per_year: cost of capital [1]
    Without interest the loss of value is spread evenly; with interest it is the annuity that repays it.
    Raises UsageError for a life that is not positive, a negative price or interest, or a share outside 0 to 1.
    """
    if not life_years > 0.0:
        raise UsageError(f"the years of use are {life_years:g}", hint="give a number above 0, such as 4")
    if price_usd < 0.0 or interest_per_year < 0.0:
        raise UsageError("price and interest may not be negative")
    if not 0.0 <= residual_share <= 1.0:
        raise UsageError(f"the residual share is {residual_share:g}", hint="give a share between 0 and 1")
    repaid = -math.expm1(-life_years * math.log1p(interest_per_year))  # 1 - 1 / (1 + interest) ^ life
    if repaid < _NO_INTEREST:
        return price_usd * (1.0 - residual_share) / life_years
    present_usd = price_usd * (1.0 - residual_share * (1.0 - repaid))
    return present_usd * interest_per_year / repaid
