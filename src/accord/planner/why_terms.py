"""Factors of a ratio of two plans: what each quantity's difference makes of a metric.

Ratios are A over B, and the factors multiply to the ratio. Where a number is a sum (cost by kind, time to the last
token) its factors are those of the logarithmic mean Divisia index, which leaves no remainder (Ang, The LMDI approach
to decomposition analysis: a practical guide, Energy Policy 33, 2005, 867-871).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from accord.planner.plan import Plan

Parts = Mapping[str, Mapping[str, float]]
Split = Mapping[str, tuple[float, float]]

_ELSE = "everything else"
_HOUR = "an hour of a chip held"
_PRICES = ("usd_per_million_output_tokens", "usd_per_million_tokens")
_REST = {  # what is left where every other factor is known
    "usd_per_million_output_tokens": "hours that are not under load",
    "energy_j_per_output_token": "building over racks (PUE)",
    "kgco2_per_million_output_tokens": "building over racks (PUE), and carbon of the electricity",
}


@dataclass(frozen=True, slots=True)
class Term:
    """A factor of a ratio. a, b: the quantity in ``unit``; factor: what its difference makes of the ratio."""

    name: str
    unit: str
    a: float | None
    b: float | None
    factor: float


@dataclass(frozen=True, slots=True)
class _Factor:
    """A quantity of both plans and the power with which it enters."""

    name: str
    unit: str
    a: float | None
    b: float | None
    power: float = 1.0


def terms(a: Plan, b: Plan, metric: str, parts: Parts) -> tuple[Term, ...]:
    """Factors of a metric's ratio; what the named ones leave is the last, where they leave something."""
    of_a, of_b = (plan.metrics[metric].value for plan in (a, b))
    if not (of_a > 0.0 and of_b > 0.0):
        return ()
    split = _answer(a, b) if metric == "e2el_s" else _hourly(a, b, parts) if metric in _PRICES else None
    factors = [one for one in _factors(a, b, metric) if split is None or one.name != _HOUR]
    known = [
        Term(one.name, one.unit, one.a, one.b, (one.a / one.b) ** one.power)
        for one in factors
        if one.a is not None and one.b is not None and one.a > 0.0 and one.b > 0.0
    ]
    found = [*_shares(split or {}), *(one for one in known if (one.a, one.b) != (1.0, 1.0))]
    rest = of_a / of_b / math.prod(one.factor for one in found)
    if not found:
        return (Term(metric, "1", of_a, of_b, rest),)
    if abs(math.log(rest)) > 1e-9:
        name = _REST.get(metric, _ELSE) if len(known) == len(factors) else _ELSE
        found.append(Term(name, "1", None, None, rest))
    return tuple(found)


def _factors(a: Plan, b: Plan, metric: str) -> list[_Factor]:
    if metric in ("request_per_s", "output_token_per_s_total"):
        length = [_Factor("answer", "tok", a.osl, b.osl, -1.0)] if metric == "request_per_s" and a.osl != b.osl else []
        return [_Factor("chips held", "1", a.chips, b.chips), *_per_chip(a, b, 1.0), *length]
    if metric == "output_token_per_s_per_chip":
        return _per_chip(a, b, 1.0)
    asked = _Factor("share of its rate that is asked for", "1", _asked(a), _asked(b), -1.0)
    if metric in _PRICES:
        return [
            asked,
            _Factor(_HOUR, "USD/h", _each(a, "usd_per_hour"), _each(b, "usd_per_hour")),
            *_per_chip(a, b, -1.0),
        ]
    if metric in ("energy_j_per_output_token", "kgco2_per_million_output_tokens"):
        return [asked, _Factor("power of a chip held", "W", _each(a, "power_w"), _each(b, "power_w")),
                *_per_chip(a, b, -1.0)]  # fmt: skip
    if metric == "power_w":
        return [_Factor("chips held", "1", a.chips, b.chips),
                _Factor("power of a chip held", "W", _each(a, "power_w"), _each(b, "power_w"))]  # fmt: skip
    if metric == "chips":
        rate = _Factor("requests served", "req/s", _value(a, "request_per_s"), _value(b, "request_per_s"))
        return [rate, *_per_chip(a, b, -1.0)]
    if metric == "tpot_s":
        return _pace(a, b, -1.0)
    return []


def _per_chip(a: Plan, b: Plan, power: float) -> list[_Factor]:
    """Output rate of a chip held: devices that decode, requests on each, and how fast one request is answered.

    By Little's law tokens a second are requests in flight times the rate of one; the last factor is what another
    pool, the planned load or requests that wait for their first token leave of it.
    """
    seats = [plan.pool("decode") or plan.pool("serve") for plan in (a, b)]
    devices, places, used = [], [], []
    for plan, pool in zip((a, b), seats, strict=True):
        many = pool.devices * pool.instances if pool else 0
        rate, pace = _value(plan, "request_per_s"), _value(plan, "tpot_s")
        most = many * pool.batch_per_device / pace if pool and pace else None
        devices.append(many / plan.chips if many and plan.chips else None)
        places.append(pool.batch_per_device if pool else None)
        used.append(rate * plan.osl / most if rate and most else None)
    return [
        _Factor("decoding devices of a chip held", "1", devices[0], devices[1], power),
        _Factor("requests in flight on each", "1", places[0], places[1], power),
        *_pace(a, b, power),
        _Factor("share of these that is served", "1", used[0], used[1], power),
    ]


def asked_per_s(plan: Plan) -> float:
    """Requests a second that a plan is paid for: what it serves, at most what was asked for."""
    asked = [check.limit for check in plan.checks if check.name == "goodput"]
    return min([plan.metrics["request_per_s"].value, *asked])


def _asked(plan: Plan) -> float | None:
    served = _value(plan, "request_per_s")
    return asked_per_s(plan) / served if served else None


def _pace(a: Plan, b: Plan, power: float) -> list[_Factor]:
    """Tokens a second of one request: iterations a second, and tokens of each."""
    tokens = [_per_iteration(plan) for plan in (a, b)]
    paces = [_value(plan, "tpot_s") for plan in (a, b)]
    iterations = [1.0 / pace / each if pace else None for pace, each in zip(paces, tokens, strict=True)]
    found = [_Factor("iterations a second", "1/s", iterations[0], iterations[1], power)]
    if tokens != [1.0, 1.0]:
        found.append(_Factor("tokens of an iteration", "tok", tokens[0], tokens[1], power))
    return found


def _per_iteration(plan: Plan) -> float:
    """Tokens that a request is given in an iteration, with its drafts."""
    pool = plan.pool("decode") or plan.pool("serve")
    return sum(pool.mtp_accept**draft for draft in range(pool.mtp_tokens + 1)) if pool else 1.0


def _value(plan: Plan, metric: str) -> float | None:
    found = plan.metrics.get(metric)
    return found.value if found is not None else None


def _each(plan: Plan, metric: str) -> float | None:
    """A number of the whole plan for each chip held."""
    whole = _value(plan, metric)
    return whole / plan.chips if whole is not None and plan.chips else None


def _hourly(a: Plan, b: Plan, parts: Parts) -> Split | None:
    """What an hour of a chip held costs, by kind; None where that is not known of every system of both."""
    held = [one.system for plan in (a, b) for one in plan.holdings]
    if not held or any(not parts.get(system) for system in held):
        return None
    kinds = dict.fromkeys(kind for system in held for kind in parts[system])

    def of(plan: Plan, kind: str) -> float:
        return sum(parts[one.system].get(kind, 0.0) * one.chips for one in plan.holdings) / plan.chips

    return {f"{_HOUR}: {kind}": (of(a, kind), of(b, kind)) for kind in kinds}


def _answer(a: Plan, b: Plan) -> Split | None:
    """Time to the last token as first token and the others."""
    pairs = [(_value(plan, "ttft_s"), _value(plan, "tpot_s"), plan.osl) for plan in (a, b)]
    (first_a, pace_a, osl_a), (first_b, pace_b, osl_b) = pairs
    if first_a is None or first_b is None or pace_a is None or pace_b is None:
        return None
    return {
        "time to first token": (first_a, first_b),
        "the tokens after it": (pace_a * max(osl_a - 1.0, 0.0), pace_b * max(osl_b - 1.0, 0.0)),
    }


def _shares(split: Split) -> list[Term]:
    """Factors of a sum's ratio by its summands: ``exp`` of a summand's difference over the mean of the sums."""
    mean = _log_mean(*(sum(pair[side] for pair in split.values()) for side in (0, 1)))
    unit = "s" if "time to first token" in split else "USD/h"
    return [Term(name, unit, a, b, math.exp((a - b) / mean) if mean > 0.0 else 1.0) for name, (a, b) in split.items()]


def _log_mean(a: float, b: float) -> float:
    """Logarithmic mean of two numbers above 0."""
    if not (a > 0.0 and b > 0.0):
        return 0.0
    return a if math.isclose(a, b, rel_tol=1e-12) else (a - b) / math.log(a / b)
