"""Questions of claims about machines: compare, what money buys, collectives, interruptions."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from accord.api.claim_terms import (
    Desk,
    Found,
    asked_text,
    cited,
    command_text,
    inputs_of,
    of_figure,
    of_metric,
    within,
)
from accord.api.fabric import FabricRequest, fabric_answer
from accord.api.reliability import DRAWS, ENTRY, failures, job_plan
from accord.api.scenario import rates_of
from accord.api.terms import terms_of
from accord.base.array import Array
from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.claims.quantity import LEVEL, Quantity
from accord.economics.comparison import compare, value_of
from accord.economics.money import USD
from accord.economics.scenario import Scenario
from accord.report.catalog_view import entry_sources
from accord.report.comparison import profiles_of
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

_S_PER_H, _H_PER_D = 3600.0, 24.0
MOST_USD, MOST_CHIPS, MOST_HOURS = 1e20, 1e9, 1e7  # money, and a job's chips and its time
_STATE_BYTES = 1e12  # of a job's checkpoint; interruptions do not depend on it, what they cost does a little


class CompareInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two systems."""

    a: str
    b: str


class SpendInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money, or chips, as a system: what it buys, draws and computes.

    amount: in ``currency``; chips: instead
    """

    system: str
    amount: float | None = None
    chips: float | None = None
    currency: str = USD


class FabricInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A collective on a system; see :class:`accord.api.fabric.FabricRequest`."""

    system: str
    collective: str
    size_bytes: float
    ranks: int | None = None
    stride: int = 1
    algorithm: str = "auto"
    topk: int = 8


class FailureInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job of so many chips that computes so long."""

    chips: float
    system: str | None = None
    chip: str | None = None
    days: float | None = None
    hours: float | None = None
    chip_hours: float | None = None


def ask_compare(values: Mapping[str, object], desk: Desk) -> Found:
    """Every dimension of two systems: of A, of B, and the ratio."""
    asked = inputs_of(CompareInputs, values)
    how = f"accord compare {asked.a} {asked.b}"
    profiles = profiles_of(desk.catalog, (asked.a, asked.b))
    found: dict[str, Quantity | str] = {}
    for one in compare(profiles[0], profiles[1], LEVEL):
        name = one.quantity.name
        for side, of in zip("ab", profiles, strict=True):
            figure_of = value_of(of, one.quantity)
            whole = one.quantity.per in ("", "chips")  # one fact, counted once or times its chips
            identity = f"compare {of.id} {one.quantity.of if whole else name}"
            found[f"{name}.{side}"] = (
                of_figure(figure_of, desk, identity, f"{how}: {name}.{side}")
                if figure_of is not None
                else f"{of.id}: {one.verdict if 'unit' in one.verdict else f'no source at hand gives {name}'}"
            )
        found[f"{name}.ratio"] = one.verdict if one.ratio is None else Quantity(
            value=one.ratio, unit="1", low=one.low, high=one.high, basis="derived", how=f"{how}: {name}.ratio",
            identity=f"compare {asked.a} {asked.b} {name}",
            sources=cited(desk, [key for side in (one.a, one.b) if side is not None for key in side.sources]),
        )  # fmt: skip
    return Found(found)


def ask_spend(values: Mapping[str, object], desk: Desk) -> Found:
    """What money buys of a system, or chips cost: chips, power and compute by the catalog's prices and powers."""
    asked = inputs_of(SpendInputs, values)
    if (asked.amount is None) == (asked.chips is None):
        raise CatalogError("with: amount or chips, one of both", hint="write 'amount: 84e9' or 'chips: 115000'")
    within("amount", asked.amount, MOST_USD)
    within("chips", asked.chips, MOST_CHIPS)
    catalog, scenario = desk.catalog, Scenario()
    terms, (profile,) = terms_of(catalog, asked.system, scenario), profiles_of(catalog, (asked.system,))
    price, power = terms.capex_usd, terms.power_w
    chips = _plain(asked.chips) if asked.chips is not None else None
    if asked.amount is not None and price is not None:
        chips = figure.over(_in_usd(asked.amount, asked.currency, desk), price, "1")
    rates = {
        "bf16_flop_per_s": profile.totals.per_chip.get("bf16"),
        "lowest_precision_op_per_s": profile.totals.per_chip.get("lowest_precision"),
    }
    each: dict[str, tuple[Figure | None, str]] = {
        "usd_per_chip": (price, "price"), "power_w_per_chip": (power, "power"),
        "usd_per_chip_hour": (terms.usd_per_hour, "price of an hour"),
    }  # fmt: skip
    figures: dict[str, tuple[Figure | None, str]] = {**each, "chips": (chips, "price")}
    systems = figure.scaled(chips, 1.0 / terms.chips, "1") if chips is not None else None
    figures["systems"] = (systems, "price")
    for name, of, lacking in (
        ("power_w", power, "power"), ("usd", price, "price"),
        *((name, of, "rate") for name, of in rates.items()),
    ):  # fmt: skip
        product = figure.times(chips, of, of.unit) if chips is not None and of is not None else None
        figures[name] = (product, lacking if of is None else "price")
    if asked.amount is not None:
        figures["usd"] = (_in_usd(asked.amount, asked.currency, desk), "price")
    how = _spend_text(asked)
    return Found({
        name: of_figure(one, desk, f"spend {asked_text(values)} {name}", f"{how}: {name}") if one is not None
        else f"no source at hand states a {lacking} of {asked.system}"
        for name, (one, lacking) in figures.items()
    })  # fmt: skip


def ask_fabric(values: Mapping[str, object], desk: Desk) -> Found:
    """Time and bandwidth of a collective."""
    asked = inputs_of(FabricInputs, values)
    request = FabricRequest(
        asked.system, asked.collective, (asked.ranks,) if asked.ranks is not None else (), (asked.size_bytes,),
        asked.stride, asked.algorithm, asked.topk, LEVEL, None,
    )  # fmt: skip
    answer = fabric_answer(request, desk.catalog)
    how = command_text("fabric", values, ("system",))
    metrics = answer.result["metrics"]
    assert isinstance(metrics, Mapping), "as documented"
    text, sources = asked_text(values), tuple(answer.sources)
    return Found(
        {name: of_metric(one, f"fabric {text} {name}", f"{how}: {name}", sources) for name, one in metrics.items()}
    )


def ask_failures(values: Mapping[str, object], desk: Desk) -> Found:
    """Interruptions of a job by the catalog's rates."""
    asked = inputs_of(FailureInputs, values)
    given = [name for name in ("days", "hours", "chip_hours") if getattr(asked, name) is not None]
    if len(given) != 1 or (asked.system is None) == (asked.chip is None):
        raise CatalogError("with: one of days, hours and chip_hours, and one of system and chip",
                           hint="such as 'with: {chip: nvidia-h800-sxm, chips: 2048, days: 54}'")  # fmt: skip
    within("chips", asked.chips, MOST_CHIPS)
    chip = asked.chip or desk.catalog.system(asked.system or "").chip
    if chip is None:
        raise CatalogError(f"with.system is {asked.system!r}, whose entry names no chip", hint="write 'chip:'")
    hours = asked.hours or (asked.days or 0.0) * _H_PER_D or (asked.chip_hours or 0.0) / asked.chips
    within(given[0], hours, MOST_HOURS)
    plan = job_plan(desk.catalog, chip, asked.chips, hours * _S_PER_H, _STATE_BYTES)
    job = failures(desk.catalog, chip, plan, draws=DRAWS)
    how = f"rates of catalog reliability/{ENTRY}: {asked.chips:,.0f} of {chip}, {hours:,.0f} h of computing"
    sources = tuple(entry_sources(desk.catalog.reliability(ENTRY), f"reliability/{ENTRY}"))
    text = asked_text(values)
    median, drawn = job.median, job.drawn
    made: dict[str, tuple[Array, Array, str]] = {
        "interruptions": (median.interruptions, drawn.interruptions, "1"),
        "hours_between": (median.mttf_s / _S_PER_H, drawn.mttf_s / _S_PER_H, "h"),
        "none": (np.exp(-median.interruptions), np.exp(-drawn.interruptions), "1"),
        "lost_share": (1.0 - median.effective, 1.0 - drawn.effective, "1"),
        "effective_training_time": (median.effective, drawn.effective, "1"),
    }
    return Found({
        name: _between(middle, many, unit, f"failures {text} {name}", f"{how}: {name}", sources)
        for name, (middle, many, unit) in made.items()
    })  # fmt: skip


def _between(
    middle: Array, many: Array, unit: str, identity: str, how: str, sources: tuple[Mapping[str, object], ...]
) -> Quantity:
    low, high = np.quantile(many, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    value = float(middle[0])
    return Quantity(
        value=value, unit=unit, low=min(float(low), value), high=max(float(high), value), basis="derived",
        identity=identity, how=how, sources=sources,
    )  # fmt: skip


def _in_usd(amount: float, currency: str, desk: Desk) -> Figure:
    stated = _plain(amount, USD)
    if currency == USD:
        return stated
    rates = rates_of(desk.catalog, Scenario())
    if currency not in rates:
        raise CatalogError(
            f"with.currency is {currency!r}, of which no rate is known", hint=did_you_mean(currency, rates)
        )
    found = figure.over(stated, rates[currency], USD)
    assert found is not None, "a rate is above 0"
    return found


def _plain(value: float, unit: str = "1") -> Figure:
    return Figure(value=value, unit=unit, basis="derived", points=(value,), sources=())


def _spend_text(asked: SpendInputs) -> str:
    what = f"{asked.chips:,.0f} chips" if asked.chips is not None else f"{asked.amount:,.0f} {asked.currency}"
    return f"{what} of {asked.system} at the catalog's price and power (accord plan's terms)"
