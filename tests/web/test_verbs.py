"""The table of served verbs: nothing of the command line is forgotten, and no flag that is a path is served."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from accord.cli.plan_flags import PLAN_KEYS
from accord.web.verbs import COMMON, REFUSED, VERBS, Served, commands

FIELDS = Path(__file__).parent / "fields.txt"
ALL = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)


def test_every_verb_of_the_command_line_is_served_or_refused_with_a_reason() -> None:
    served = [verb.name for verb in VERBS]
    assert len(set(served)) == len(served)
    assert set(served) & set(REFUSED) == set()
    assert set(served) | set(REFUSED) >= set(commands()), "decide whether the HTTP API serves the new verb"
    assert set(served) <= set(commands())
    assert all(len(reason) > 5 for reason in REFUSED.values())


@ALL
def test_every_flag_is_served_or_withheld_with_a_reason(verb: Served) -> None:
    parameters = {one.name: one for one in verb.command.params}
    told = {*verb.names, *verb.uploads, *verb.withheld}
    assert told <= set(parameters), "the table names parameters that the command has not"
    for name, parameter in parameters.items():
        withheld = name in verb.withheld or name in COMMON
        taken = verb.field_of(parameter) is not None or name in verb.uploads
        assert withheld != taken, f"decide whether '{name}' is served"
    assert all(len(reason) > 3 for reason in verb.withheld.values())


@ALL
def test_fields_have_names_of_their_own(verb: Served) -> None:
    fields = [one for one in map(verb.field_of, verb.command.params) if one is not None]
    fields += [one.field for one in verb.uploads.values()]
    assert len(set(fields)) == len(fields)
    assert {*verb.free, *verb.lists, *verb.long_when, *verb.long_unless, *verb.about} <= set(fields)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", one) for one in fields)


@ALL
def test_a_parameter_that_is_a_path_is_taken_as_content_or_not_at_all(verb: Served) -> None:
    for parameter in verb.command.params:
        if isinstance(parameter.type, click.Path | click.File):
            assert verb.field_of(parameter) is None, f"'{parameter.name}' names a path"


def test_every_field_was_decided_on() -> None:
    """A new flag is listed in fields.txt once somebody has looked at it: does it name a file, an address, a process?"""
    found = []
    for verb in VERBS:
        fields = [one for one in map(verb.field_of, verb.command.params) if one is not None]
        fields += [f"{one.field}[file]" for one in verb.uploads.values()]
        found.append(f"{verb.name}: {' '.join(sorted(fields))}")
    listed = FIELDS.read_text(encoding="utf-8").splitlines()
    assert sorted(found) == sorted(listed), "decide on the new flag, then write it into tests/web/fields.txt"


def test_what_writes_signs_or_trusts_is_not_served() -> None:
    assert {"attest sign", "attest keygen", "attest verify", "calibrate", "policy conformance", "runs delete"} <= set(
        REFUSED
    )


def test_a_job_is_what_takes_long() -> None:
    long = {verb.name: verb for verb in VERBS if verb.may_be_long}
    assert set(long) == {"plan", "size", "simulate", "validate", "train", "why"}
    assert long["train"].is_long({"failures": True})
    assert not long["train"].is_long({"failures": False})
    assert long["why"].is_long({})
    assert not long["why"].is_long({"prices": False})


def test_keys_of_a_scenario_are_fields_or_files_of_plan() -> None:
    plan = next(verb for verb in VERBS if verb.name == "plan")
    fields = {plan.field_of(one) for one in plan.command.params} | {one.field for one in plan.uploads.values()}
    assert set(PLAN_KEYS) <= fields
