"""Two parties' results of one test definition: do they agree, and where not, by how much or why not comparable."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from accord.catalog.conformance import Conformance, Quantity
from accord.policy.evidence import Evidence
from accord.policy.evidence_found import DATA_SAMPLES
from accord.policy.evidence_json import plain
from accord.policy.model_names import same_model
from accord.policy.risks import plain_name

Verdict = Literal["agree", "disagree", "not comparable"]
SAME = "same"  # a fixed setting that may be anything, but the same in both
_UNHASHED = ("note", "sources")


@dataclass(frozen=True, slots=True)
class Compared:
    """One quantity in both results.

    first, second: in ``quantity.unit``; difference: second less first; share: of the larger, None where both are 0
    agrees: whether the difference is within either tolerance
    """

    quantity: Quantity
    first: float
    second: float
    difference: float
    share: float | None
    agrees: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer; reasons: why the results cannot be compared, in words; quantities: empty then."""

    verdict: Verdict
    reasons: tuple[str, ...]
    quantities: tuple[Compared, ...]


def definition_sha256(definition: Conformance) -> str:
    """Hash of a definition [hex]: over its fields but note and sources, as JSON with sorted keys and without spaces."""
    fields = {key: one for key, one in msgspec.to_builtins(definition).items() if key not in _UNHASHED}
    return hashlib.sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()


def stamp(definition: Conformance) -> dict[str, str]:
    """What a result has to say of the definition it follows."""
    return {"id": definition.id, "version": definition.version, "sha256": definition_sha256(definition)}


def compare(
    definition: Conformance, first: Evidence, second: Evidence, day: datetime.date,
    signers: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> Comparison:  # fmt: skip
    """Compare two results of a definition.

    day: on which both have to be within their life; signers: ids of believed keys that signed each, none: not signed
    Results that did not finish, follow another definition or version, used other settings or models, have too few
    samples, no day or an old one, report what cannot be, or are one run or one party's are not comparable; all reasons
    are told. Of a file of another kind, or of another test, that alone is told.
    """
    sides = {"first": first, "second": second}
    others = {name: why for name, one in sides.items() if (why := _other(definition, one)) is not None}
    reasons = [
        f"{name} ({one.file}): {why}" for name, one in sides.items()
        for why in ([others[name]] if name in others else _alone(definition, one, day))
    ]  # fmt: skip
    reasons += () if others else _together(definition, first, second)
    if all(signers) and not any(mine != other for mine in signers[0] for other in signers[1]):
        reasons.append("both are signed by one key alone: one party, not two")
    if reasons:
        return Comparison("not comparable", tuple(reasons), ())
    found = tuple(
        _compared(one, first.metrics[one.name], second.metrics[one.name]) for one in definition.quantities
    )  # fmt: skip
    return Comparison("agree" if all(one.agrees for one in found) else "disagree", (), found)


def _other(definition: Conformance, result: Evidence) -> str | None:
    """Why a result is none of this test at all, None where it is one."""
    if result.format != definition.format:
        return f"is a file of {result.format}, and the definition asks for {definition.format}"
    if not result.definition:
        return "does not say which definition it follows ('accord_definition')"
    if result.definition["id"] != definition.id:
        return f"follows {_short(result.definition['id'])}, not {definition.id!r}"
    return None


def _alone(definition: Conformance, result: Evidence, day: datetime.date) -> Iterator[str]:
    """Why one result cannot stand for the definition."""
    if result.unfinished is not None:
        yield result.unfinished
    yield from _definition(definition, result.definition)
    yield from _run(definition, result)
    yield from _settings(definition, result.settings)
    model = definition.fixed.get("model", SAME)
    if result.model is not None and model != SAME and not same_model(model, result.model):
        yield f"is of the model {_short(result.model)}, and the definition fixes {_short(model)}"
    if result.date is None:
        yield "says no day"
    elif result.date > day:
        yield f"is of {result.date}, after {day}"
    elif (day - result.date).days > definition.valid_days:
        yield f"is of {result.date}, and results hold {definition.valid_days} days (expired on {day})"
    for quantity in definition.quantities:
        if quantity.name not in result.metrics:
            yield f"does not report {quantity.name}"
        elif result.unfinished is None and (why := _impossible(quantity, result.metrics[quantity.name])) is not None:
            yield why
        if quantity.least_samples is not None and (result.samples is None or result.samples < quantity.least_samples):
            have = "an unknown number of" if result.samples is None else str(result.samples)
            yield f"{quantity.name} rests on {have} samples, and {quantity.least_samples} are the least"


def _impossible(quantity: Quantity, value: float) -> str | None:
    """Why a figure cannot be, None where it can."""
    if value < quantity.least:
        return f"{quantity.name} is {value:g}, below {quantity.least:g}, the least it can be"
    if quantity.most is not None and value > quantity.most:
        return f"{quantity.name} is {value:g}, above {quantity.most:g}, the most it can be"
    return None


def _definition(definition: Conformance, stated: Mapping[str, str]) -> Iterator[str]:
    wanted = stamp(definition)
    if stated["version"] != wanted["version"]:
        yield f"follows version {stated['version']}, not {wanted['version']}"
    elif stated["sha256"].lower() != wanted["sha256"]:
        yield f"follows a definition with hash {stated['sha256'][:12]}, not {wanted['sha256'][:12]}"


def _run(definition: Conformance, result: Evidence) -> Iterator[str]:
    """Why the test that was run is another one by its name, or by how many items it had."""
    if definition.format == "inspect" and plain_name(result.title) != plain_name(definition.id):
        yield f"is of the task {_short(result.title)}, and the definition's is {definition.id!r}"
    data = result.settings.get(DATA_SAMPLES)
    if definition.items and data is not None and plain(data) != str(len(definition.items)):
        yield f"its data had {_short(data)} samples, and the definition has {len(definition.items)} items"
    wanted, have = samples(definition), result.samples
    least = max((one.least_samples or 0 for one in definition.quantities), default=0)
    if wanted is not None and have is not None and have != wanted and have >= least:
        yield f"is of {have} samples, and the definition has {wanted}"


def samples(definition: Conformance) -> int | None:
    """How many samples a run of a definition has: each item once an epoch, or its requests; None where it is open."""
    epochs, requests = definition.fixed.get("epochs", "1"), definition.fixed.get("requests", "")
    if definition.items:
        return len(definition.items) * int(epochs) if epochs.isdecimal() else None
    return int(requests) if requests.isdecimal() else None


def _settings(definition: Conformance, stated: Mapping[str, str]) -> Iterator[str]:
    wanted = dict(definition.fixed)
    if definition.data_sha256 is not None:
        wanted["data_sha256"] = definition.data_sha256
    for name, value in wanted.items():
        if not stated.get(name, "").strip():
            yield f"does not say its {name}"
        elif value != SAME and plain(value) != plain(stated[name]):
            yield f"{name} is {_short(stated[name])}, and the definition fixes {_short(plain(value))}"


def _together(definition: Conformance, first: Evidence, second: Evidence) -> Iterator[str]:
    """Why two results that could each stand for the definition cannot be held against each other."""
    if first.sha256 == second.sha256:
        yield "both are the same file: one run, not two"
    elif first.content_sha256 == second.content_sha256:
        yield "both hold the same, written in two ways: one run, not two"
    if first.model is None or second.model is None:
        yield "a file does not say its model"
    elif not same_model(first.model, second.model):
        yield f"the models differ: {first.model} and {second.model}"
    for name, value in definition.fixed.items():
        mine, other = first.settings.get(name), second.settings.get(name)
        if value == SAME and mine is not None and other is not None and mine != other:
            yield f"{name} differs: {_short(mine)} and {_short(other)}"


def _compared(quantity: Quantity, first: float, second: float) -> Compared:
    larger, difference = max(abs(first), abs(second)), second - first
    share = abs(difference) / larger if larger else None
    within = [
        quantity.absolute is not None and abs(difference) <= quantity.absolute,
        quantity.relative is not None and (share or 0.0) <= quantity.relative,
        difference == 0.0,
    ]
    return Compared(quantity, first, second, difference, share, any(within))


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
