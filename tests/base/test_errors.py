"""Every error says what, where and how to mend."""

from __future__ import annotations

import pickle

import pytest

from accord.base import errors


def test_message_has_three_parts() -> None:
    err = errors.CatalogError("power is '6', a number without a unit", where="a.yaml:3", hint="write '6 W'")
    assert str(err) == "a.yaml:3: power is '6', a number without a unit\nhint: write '6 W'"
    assert str(errors.UsageError("no such verb")) == "no such verb"


def test_an_outer_layer_fills_what_is_missing() -> None:
    inner = errors.UnitError("no unit", hint="write '6 W'")
    outer = inner.at("a.yaml:3", hint="another")
    assert type(outer) is errors.UnitError
    assert (outer.what, outer.where, outer.hint) == ("no unit", "a.yaml:3", "write '6 W'")
    assert outer.at("b.yaml:1").where == "a.yaml:3"
    assert errors.Refusal("no").at(hint="yes").hint == "yes"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.WorkerLost, 71),
        (errors.CatalogError, 3),
        (errors.UnitError, 3),
        (errors.ModelConfigError, 3),
        (errors.TableError, 3),
        (errors.DoesNotFit, 1),
        (errors.ArchitectureUnpublished, 1),
        (errors.MissingFact, 1),
        (errors.NotSupported, 1),
    ],
)
def test_exit_codes(kind: type[errors.AccordError], code: int) -> None:
    assert kind.exit_code == code
    assert issubclass(kind, errors.AccordError)


def test_errors_cross_processes() -> None:
    err = errors.DoesNotFit("96 GB in 64 GB", where="chip", hint="raise --tp")
    copy = pickle.loads(pickle.dumps(err))
    assert str(copy) == str(err)


def test_the_tree_in_the_docstring_is_complete() -> None:
    names = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert errors.__doc__ is not None
    assert all(name in errors.__doc__ for name in names)
