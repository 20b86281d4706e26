"""Whether a request can describe a deployment at all, before anything is computed."""

from __future__ import annotations

import math
from typing import get_args

from accord.base.errors import UsageError
from accord.inference.request import EstimateRequest, PhaseName, PoolRequest

RANKS = ("tp", "pp", "dp", "cp", "ep")
WHOLE = {"tp": 1, "pp": 1, "dp": 1, "cp": 1, "ep": 1, "mtp_tokens": 0, "microbatches": 0}
POSITIVE = ("batch_per_device", "tokens_per_device", "concurrency", "request_rate", "isl", "osl", "kv_len")
SHARES = ("mtp_accept", "reuse")
LONGEST = 1e9
MOST = 1_000_000


def check_request(request: EstimateRequest) -> None:
    """Refuse values that describe no deployment. Raises UsageError naming the flag and what it takes."""
    phases = get_args(PhaseName)
    if request.phase not in phases:
        raise UsageError(f"'{request.phase}' is no phase", where="--phase", hint=f"use one of {', '.join(phases)}")
    for name, least in WHOLE.items():
        for value in _values(request, name):
            if value != math.floor(value) or not least <= value <= MOST:
                _refuse(name, value, f"a whole number from {least} to {MOST:,}")
    for name in POSITIVE:
        for value in _values(request, name):
            if value <= 0.0 or value > LONGEST:
                _refuse(name, value, f"a number above 0 and up to {LONGEST:,.0f}")
    for name in SHARES:
        for value in _values(request, name):
            if not 0.0 <= value <= 1.0:
                _refuse(name, value, "a share between 0 and 1")
    for name in ("chips", "devices"):
        value = getattr(request, name)
        if value is not None and (value < 1 or value > LONGEST):
            _refuse(name, value, "a whole number of 1 or more")
    if request.answer_spread is not None and not 1.0 <= request.answer_spread < LONGEST:
        _refuse("answer_spread", request.answer_spread, "1 or more: the longest answer over the mean one")
    _check_rate(request)
    for pool in ("prefill", "decode"):
        _check_pool(pool, getattr(request, pool))


def _check_rate(request: EstimateRequest) -> None:
    """A rate of arrivals is a load of its own, on an engine that serves both phases."""
    if request.request_rate is None:
        return
    where = _flag("request_rate")
    if request.concurrency is not None:
        raise UsageError(
            "arrivals at a rate beside --concurrency: two loads at once", where=where,
            hint="give --concurrency for a fixed number in flight, or --request-rate for arrivals, not both",
        )  # fmt: skip
    if request.phase != "serve":
        raise UsageError(
            f"arrivals at a rate in phase '{request.phase}'", where=where, hint="use --phase serve, or leave it out"
        )
    if request.disaggregated:
        raise UsageError(
            "arrivals at a rate with separate pools, which are answered in closed loop only", where=where,
            hint="give --concurrency, or leave --prefill and --decode out",
        )  # fmt: skip


def _values(request: EstimateRequest, name: str) -> tuple[float, ...]:
    value = getattr(request, name)
    if value is None:
        return ()
    values = value if isinstance(value, tuple) else (value,)
    if not values:
        raise UsageError("an empty list", where=_flag(name), hint="give at least one value, or leave it out")
    for one in values:
        if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
            raise UsageError(
                f"{one!r} is no finite number", where=_flag(name), hint="write a number such as 4, or 4,12,48"
            )
    return values


def _check_pool(name: str, pool: PoolRequest | None) -> None:
    if pool is None:
        return
    for field in ("instances", "devices", *RANKS):
        value = getattr(pool, field)
        if value is not None and (not isinstance(value, int) or value < 1):
            raise UsageError(
                f"{field} is {value!r}", where=f"--{name}", hint=f"write {field}=N with a whole number of 1 or more"
            )


def _refuse(name: str, value: float, takes: str) -> None:
    raise UsageError(f"{value:g} is not {takes}", where=_flag(name), hint=f"give {_flag(name)} {takes}")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
