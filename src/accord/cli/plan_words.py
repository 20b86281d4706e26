"""Why there is no plan, of one system or of all, and remarks of several terms in one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from accord.api.plan import Answer
from accord.api.relaxation import Replan
from accord.api.stretch import MOST, beyond
from accord.planner.lawful import Lawful
from accord.planner.problem import Limits
from accord.planner.terms import Terms

_NEEDS = {
    "cost": ("usd_per_hour",), "power": ("power_w",), "energy": ("power_w", "pue"),
    "carbon": ("power_w", "pue", "kgco2_per_kwh"),
}  # fmt: skip
_FIELDS = {
    "usd_per_hour": "what an hour of a chip costs", "power_w": "the power", "pue": "a PUE", "capex_usd": "the price",
    "kgco2_per_kwh": "emissions of electricity", "racks": "the number of racks",
}  # fmt: skip
_PLACE = "give a place with --to, or [place] in a --scenario"
_HINTS = {
    "usd_per_hour": "give prices and a [place] in a --scenario", "power_w": "give [system.ID] power in a --scenario",
    "pue": _PLACE, "kgco2_per_kwh": _PLACE,
    "capex_usd": "give [system.ID] price in a --scenario", "racks": "give [system.ID] racks in a --scenario",
}  # fmt: skip
_HELD = {
    "power_w": "--power-kw", "capex_usd": "--budget-usd", "usd_per_hour": "--usd-per-hour", "racks": "--racks"
}  # fmt: skip
_NO_PLACE = re.compile(r"no place and no (tariff|pue|carbon) is given: .*", re.IGNORECASE)
_FIGURES = {"tariff": "the price of energy", "pue": "PUE", "carbon": "emissions"}
_NOT_RUN, _UNKNOWN = "nothing could be run", "objective unknown"
_OF_A_LIMIT = re.compile(r"^((?:tpot|ttft|e2el|goodput|power|capex|usd|racks|chips)(?:_p\d+)?)(?= not sure enough$|$)")
_SHOWN = 3  # reasons


def unknown_wishes(answer: Answer) -> tuple[str, ...]:
    """Objectives that no system has figures for: nothing can be best by them, whatever the limits."""
    found: list[str] = []
    for name in answer.problem.objectives:
        lacking = [_lacking(name, one) for one in answer.terms]
        if lacking and all(lacking):
            fields = tuple(dict.fromkeys(field for one in lacking for field in one))
            hints = "; ".join(dict.fromkeys(_HINTS[field] for field in fields))
            found.append(f"the objective {name} is not known of any system: {_named(fields)} missing; {hints}")
    return tuple(found)


def _lacking(objective: str, terms: Terms) -> tuple[str, ...]:
    """Fields of the terms that an objective needs and nobody states."""
    return tuple(field for field in _NEEDS.get(objective, ()) if getattr(terms, field) is None)


def _named(fields: Sequence[str]) -> str:
    names = [_FIELDS[field] for field in fields]
    return f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'}"


def unknown_limits(answer: Answer) -> tuple[str, ...]:
    """Limits on what nobody states of any system: they cannot be kept, whatever they are."""
    return tuple(
        f"{flag} cannot be kept, for no source states {_FIELDS[field]} of any system; {_HINTS[field]}"
        for field, flag in _HELD.items()
        if getattr(answer.problem.limits, field) is not None
        and answer.terms
        and all(getattr(one, field) is None for one in answer.terms)
    )


def why_none(answer: Answer, replan: Replan) -> tuple[str, ...]:
    """Why there is no plan where giving way does not lead to one: limits are far off, or nothing can be run."""
    limits = answer.problem.limits
    if beyond(answer.problem, replan):
        words = f"limits would have to give way by more than {MOST:,.0f} times; without any there is a plan"
        return (words, *answer.refused)
    fell = [(why, many) for why, many in answer.tally.rejected.most_common() if many][:_SHOWN]
    most = f", mostly for: {', '.join(f'{why} ({many:,})' for why, many in fell)}" if fell else ""
    whatever = ", whatever the limits" if limits != Limits() else ""
    return (f"nothing of what may be varied can be run{whatever}{most}", *answer.refused)


def no_law_left(law: Lawful, systems: Sequence[str]) -> tuple[str, ...]:
    """Why there is no plan where the law stops every system, and what would decide where a fact would."""
    found = [f"{system}: {why}" for system, why in law.stopped(systems)]
    if any(one.mode == "licensable" and not one.passes for one in law.systems):
        found.append("--law licensable keeps what a licence can be asked for, with its conditions")
    return tuple(found)


def without_plan(
    answer: Answer, named: Sequence[str], known: Iterable[tuple[str, str]], said: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Systems that were named and have no plan, each with its main reason.

    known: reasons found before the search; said: warnings, which begin with the system that they are about
    """
    answered = {one.system for plan in answer.by_system for one in plan.holdings}
    reasons = {system: why for system, why in answer.without if why != _NOT_RUN}
    reasons |= dict(known)
    terms = {one.system: one for one in answer.terms}
    found: list[tuple[str, str]] = []
    for system in named:
        if system in answered:
            continue
        told = (
            text.removeprefix(system).lstrip(":, ") for text in said if re.match(rf"{re.escape(system)}[:,] ", text)
        )
        why = reasons.get(system) or next(told, _NOT_RUN)
        if why == _UNKNOWN and system in terms:
            why = _unknown(answer.problem.objectives, terms[system])
        found.append((system, _OF_A_LIMIT.sub(r"the limit on \1", why)))
    return tuple(found)


def _unknown(objectives: Sequence[str], terms: Terms) -> str:
    """Which objective is not known of a system, and for want of what."""
    lacking = {name: fields for name in objectives if (fields := _lacking(name, terms))}
    return "; ".join(f"{name} is not known: {_named(fields)} missing" for name, fields in lacking.items()) or _UNKNOWN


def joined(texts: Iterable[str]) -> list[str]:
    """Remarks of which those that no place is given are one of each system, at the place of the first."""
    found: dict[str, str] = {}
    lacking: dict[str, list[str]] = {}
    for text in texts:
        match = _NO_PLACE.search(text)
        key = text if match is None else text[: match.start()]
        if match is not None:
            lacking.setdefault(key, []).append(_FIGURES[match[1].lower()])
        found[key] = text
    for key, names in lacking.items():
        listed = list(dict.fromkeys(names))
        words = listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
        found[key] = (
            f"{key}no place is given: {words} {'have no figures' if len(listed) > 1 else 'has no figure'} "
            "(give [place] in a --scenario, or --to)"
        )
    return list(found.values())
