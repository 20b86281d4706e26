"""Workload profiles of the catalog as traffic, and what their users expect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from accord.base.errors import UsageError
from accord.catalog import workload as profile
from accord.catalog.load import Catalog
from accord.catalog.value import Value
from accord.serving.slo import NO_LIMIT, Slo
from accord.workloads.arrivals import Arrivals
from accord.workloads.lengths import Law
from accord.workloads.request import Workload
from accord.workloads.reshape import head, merge
from accord.workloads.sessions import ONE_TURN, Sessions, Talk
from accord.workloads.synthetic import Traffic, generate

_PRIORITY = 1


def profile_traffic(
    catalog: Catalog, id: str, rate: float | None = None, concurrency: int | None = None, name: str | None = None
) -> Traffic:
    """A profile as traffic.

    rate: requests a second [1/s]; concurrency: a closed loop of so many requests instead; name: of the tenant, the
        id where left out
    Raises CatalogError for an unknown id, UsageError for neither a rate nor a loop, or both.
    """
    record = catalog.workload(id)
    if (rate is None) == (concurrency is None):
        raise UsageError(
            f"workload '{id}' with {'neither a rate nor' if rate is None else 'both a rate and'} a number in flight",
            hint="give requests a second, or a closed loop's concurrency",
        )
    talk = Talk(
        question=_law(record.prompt),
        answer=_law(record.answer),
        sessions=Sessions(
            turns=_law(record.turns) if record.turns else ONE_TURN,
            think=_law(record.think) if record.think else Sessions().think,
            later=_law(record.later) if record.later else None,
        ),
        system_tokens=round(_or(record.system_prompt, 0.0)),
        image_tokens=round(_or(record.image_tokens, 0.0)),
        most_tokens=_or(record.context, math.inf),
    )
    return Traffic(
        name=name or id,
        talk=talk,
        arrivals=Arrivals("closed", concurrency=concurrency) if concurrency is not None else _arrivals(record, rate),
        priority=round(_or(record.priority, _PRIORITY)),
        patience_s=_or(record.patience, math.inf),
        radio_s=_or(record.radio, 0.0),
    )


def profile_workload(
    catalog: Catalog,
    id: str,
    rate: float | None = None,
    *,
    count: int | None = None,
    duration: float | None = None,
    seed: int = 0,
    concurrency: int | None = None,
) -> Workload:
    """Requests of a profile.

    rate: requests a second [1/s]; concurrency: a closed loop instead; count: requests; duration: of arrivals [s]
    Raises CatalogError, UsageError.
    """
    return generate(profile_traffic(catalog, id, rate, concurrency), seed, count=count, duration_s=duration)


def profile_slos(catalog: Catalog, id: str) -> Mapping[str, Slo]:
    """What users of a profile expect, by tenant: one, named as the profile. Raises CatalogError."""
    return {id: _slo(catalog.workload(id), id, 0.0)}


def parse_mix(text: str) -> Mapping[str, float]:
    """Rates by profile from ``chat=3,coding-agent=1`` [1/s]. Raises UsageError."""
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        id, equals, value = (word.strip() for word in part.partition("="))
        try:
            rate = float(value) if equals else math.nan
        except ValueError:
            rate = math.nan
        if not id or not 0.0 < rate < math.inf:
            raise UsageError(f"{part!r} is no 'profile=requests a second'", hint="such as 'chat=3,coding-agent=1'")
        if id in found:
            raise UsageError(f"profile '{id}' is given twice", hint="give it once, with the sum")
        found[id] = rate
    if not found:
        raise UsageError("the mix is empty", hint="such as 'chat=3,coding-agent=1'")
    return found


def mixed_workload(
    catalog: Catalog,
    rates: Mapping[str, float],
    *,
    duration: float | None = None,
    count: int | None = None,
    seed: int = 0,
) -> tuple[Workload, tuple[Slo, ...]]:
    """Several profiles at once, each a tenant, and what each expects.

    rates: requests a second [1/s] by profile; duration: of arrivals [s]; count: requests in all, those of the sessions
        that begin first; the smaller of both where both are given
    Raises CatalogError, UsageError.
    """
    if not rates or (count is None and duration is None):
        raise UsageError("a mix without profiles or without an end", hint="give a number of requests or a duration")
    limits = mixed_slos(catalog, rates)
    if len(rates) == 1:
        ((id, rate),) = rates.items()
        return profile_workload(catalog, id, rate, count=count, duration=duration, seed=seed), limits
    longest = math.inf if duration is None else duration
    tried = longest if count is None else min(longest, 1.1 * count / sum(rates.values()))
    while True:
        parts = [profile_workload(catalog, id, rate, duration=tried, seed=seed) for id, rate in rates.items()]
        whole = merge(parts, ",".join(f"{id}={rate:g}" for id, rate in rates.items()))
        if count is None or len(whole) >= count or tried == longest:
            return whole if count is None else head(whole, count), limits
        tried = min(longest, 2.0 * tried)


def mixed_slos(catalog: Catalog, ids: Iterable[str]) -> tuple[Slo, ...]:
    """What users of several profiles expect at once, by tenant.

    A workload has one radio time: the shortest of its tenants' is kept there, and what another's is longer comes off
    its limits. Raises CatalogError, UsageError.
    """
    records = {id: catalog.workload(id) for id in ids}
    shortest = min((_or(record.radio, 0.0) for record in records.values()), default=0.0)
    return tuple(_slo(record, id, _or(record.radio, 0.0) - shortest) for id, record in records.items())


def _slo(record: profile.Workload, tenant: str, beyond_s: float) -> Slo:
    """Limits of a profile, less what its radio takes beyond that of the workload. Raises UsageError for none left."""
    limits = record.slo
    return Slo(
        ttft_s=_or(limits.ttft, NO_LIMIT) - beyond_s,
        tpot_s=_or(limits.tpot, NO_LIMIT),
        e2e_s=_or(limits.e2e, NO_LIMIT) - beyond_s,
        tenant=tenant,
        needed=limits.needed.si,
        name=tenant,
    )


def _law(record: profile.TokenLaw | profile.CountLaw | profile.TimeLaw) -> Law:
    cut = (record.least, record.most) if isinstance(record, profile.TokenLaw) else (None, None)
    return Law(
        record.law,
        mean=record.mean.si,
        cv=_or(record.cv, 0.0),
        ratio=_or(record.ratio, 0.0),
        least=_or(cut[0], 0.0),
        most=_or(cut[1], math.inf),
    )


def _arrivals(record: profile.Workload, rate: float | None) -> Arrivals:
    law = record.arrivals
    default = Arrivals("poisson", per_s=1.0)
    return Arrivals(
        law.law,
        per_s=rate if rate is not None else math.nan,
        burstiness=_or(law.burstiness, default.burstiness),
        period_s=_or(law.period, default.period_s),
        peak=_or(law.peak, default.peak),
    )


def _or(value: Value | None, otherwise: float) -> float:
    return otherwise if value is None else value.si
