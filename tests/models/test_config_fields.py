"""Fields: checked access to one configuration object."""

from __future__ import annotations

import pytest

from accord.base.errors import ModelConfigError
from accord.models.config_fields import Fields, describe


def test_describe_is_short_for_any_value() -> None:
    nested: object = []
    for _ in range(100_000):
        nested = [nested]
    for value in (None, True, 5, 10**6000, 1.5, float("nan"), "a" * 1000, {}, nested, (1, 2), b"x"):
        assert len(describe(value)) < 100
    assert describe(None) == "null"
    assert describe(False) == "false"
    assert describe([1, 2]) == "a list of 2"
    assert describe(b"x") == "a bytes"


def test_names_carry_the_path() -> None:
    inner = Fields({"a": {"b": 1}}).child("a")
    assert inner is not None
    assert inner.name("b") == "a.b"
    assert Fields({}).child("a") is None


def test_first_of_several_spellings() -> None:
    f = Fields({"second": 4, "third": 5})
    assert f.first_integer(("first", "second", "third"), default=None) == 4
    assert f.first_integer(("none",), default=7) == 7
    with pytest.raises(ModelConfigError, match="none is missing"):
        f.first_integer(("none", "other"), default=None)


def test_words() -> None:
    f = Fields({"a": "x", "b": "", "c": 3, "d": "y" * 201})
    assert f.word("a") == "x"
    assert f.word("z", "default") == "default"
    for key in "bcdz":
        with pytest.raises(ModelConfigError, match="a text of 1 to 200"):
            f.word(key)


def test_one_value_for_all_layers_or_a_list() -> None:
    f = Fields({"one": 3, "many": [1, 2]})
    assert f.each("one", 2, default=None) == [3, 3]
    assert f.each("many", 2, default=None) == [1, 2]
    assert f.each("none", 2, default=9) == [9, 9]


def test_lists_refuse_other_types() -> None:
    for value in (None, 3, "ab", {"a": 1}, [1], [1, True], [1, 1.0], [1, "2"], [1, -1]):
        with pytest.raises(ModelConfigError, match="k"):
            Fields({"k": value}).integers("k", [2])
    with pytest.raises(ModelConfigError, match=r"k\[1\] is null"):
        Fields({"k": ["x", None]}).kinds("k", 2, ("x",), lambda i: "x")
