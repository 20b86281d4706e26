"""Canonical JSON: the vectors of RFC 8785, another implementation, and what a reader refuses."""

from __future__ import annotations

import json
import math
import struct
import time
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import DataError
from accord.report.canonical import MOST_BYTES, MOST_DEPTH, canonical, differences, read_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SAFE = st.integers(-(2**53) + 1, 2**53 - 1)
SCALARS = st.none() | st.booleans() | SAFE | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(SCALARS, lambda items: st.lists(items, max_size=5) | st.dictionaries(TEXT, items, max_size=5))


@pytest.mark.parametrize(("bits", "text"), [  # RFC 8785, Appendix B
    ("0000000000000000", "0"), ("8000000000000000", "0"), ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"), ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"), ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"), ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"), ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"), ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"), ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"), ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"), ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"), ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"), ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
])  # fmt: skip
def test_numbers_of_the_rfc(bits: str, text: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(value) == text.encode()


def test_the_example_of_the_rfc() -> None:  # sections 3.2.2 and 3.2.4
    value = json.loads(
        '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        '"string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}'
    )
    assert canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_names_are_sorted_as_utf_16() -> None:  # section 3.2.3
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    found = list(json.loads(canonical(dict.fromkeys(names, 0))))
    assert found == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(JSON)
def test_another_implementation_writes_the_same(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back(value: float) -> None:
    assert float(canonical(value)) == value
    assert canonical(value) == rfc8785.dumps(value)


@given(JSON)
def test_reading_and_writing_is_the_identity(value: Any) -> None:
    text = canonical(value)
    assert canonical(read_json(text, "it")) == text


def test_large_whole_numbers_are_the_doubles_they_are() -> None:
    assert canonical(2**53) == b"9007199254740992"
    assert canonical(-(2**70)) == b"-1.1805916207174113e+21"
    for value in (2**53 + 1, 10**400):
        with pytest.raises(DataError, match="no double holds"):
            canonical(value)


def test_whole_numbers_that_are_read_are_doubles_above_2_to_the_53() -> None:
    assert canonical(3.84133924390355e16) == b"38413392439035500"
    found = read_json(b"[38413392439035500,9007199254740991,-9007199254740993]", "it")
    assert found == [3.84133924390355e16, 2**53 - 1, -float(2**53)]
    assert canonical(found) == b"[38413392439035500,9007199254740991,-9007199254740992]"


@pytest.mark.parametrize(("value", "message"), [
    ({"a": [1, {"b": math.nan}]}, r"\$\.a\[1\]\.b: is nan"), ([math.inf], r"\$\[0\]: is inf"),
    (-math.inf, r"\$: is -inf"), ({1: 2}, "no text"), ({"a": {1, 2}}, r"\$\.a: set has no JSON form"),
    ({"a": "\ud800"}, "half of a surrogate"), ({"\udfff": 1, "é": 2}, "half of a surrogate"),
])  # fmt: skip
def test_what_has_no_form_is_refused_with_its_place(value: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        canonical(value)


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_depth_has_one_limit_in_both_directions() -> None:
    assert canonical(nested(MOST_DEPTH)) == json.dumps(nested(MOST_DEPTH)).encode()
    assert read_json(canonical(nested(MOST_DEPTH)), "it") == nested(MOST_DEPTH)
    with pytest.raises(DataError, match="deeper than 64"):
        canonical(nested(MOST_DEPTH + 1))
    for depth in (MOST_DEPTH + 1, 500, 100_000):
        with pytest.raises(DataError, match="it: is nested deeper than 64"):
            read_json(b"[" * depth + b"]" * depth, "it")
    with pytest.raises(DataError, match="deeper than 64"):
        read_json(b'{"a":' * 65 + b"1" + b"}" * 65, "it")


@pytest.mark.parametrize(("data", "message"), [
    (b'{"a":1,"b":{"c":1,"c":2}}', "it: has the name 'c' twice"), (b"[NaN]", "has NaN"), (b"-Infinity", "-Infinity"),
    (b"1e999", "out of range"), (b"-1e999", "out of range"), (b"[1,2", "not JSON, or cut short"), (b"", "not JSON"),
    (b'"\xff"', "not UTF-8"), ('{"a":1}'.encode("utf-16"), "not UTF-8"), (b'["\\ud800"]', "half of a surrogate"),
    (b'{"\\udc00":1}', "half of a surrogate"), (b"1" * 5000, "out of range"), (b"\xef\xbb\xbf{}", "not JSON"),
    (b" " * (MOST_BYTES + 1), "larger than 16 MiB"),
])  # fmt: skip
def test_what_two_readers_may_understand_in_two_ways_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_json(data, "it")
    assert caught.value.where == "it"
    assert "\n" not in caught.value.what


def test_a_name_that_is_there_twice_is_found_in_one_pass() -> None:
    names = ",".join(f'"{number}":0' for number in range(100_000))
    data = f'{{{names},"99999":1}}'.encode()
    began_s = time.process_time()
    with pytest.raises(DataError, match="has the name '99999' twice"):
        read_json(data, "it")
    assert time.process_time() - began_s < 5.0  # one pass takes 0.1 s; counting every name took minutes


def test_differences_name_places_and_both_sides() -> None:
    one = {"a": 1, "b": [1, 2, {"c": "x"}], "d": None, "e": {}}
    other = {"a": 1.0, "b": [1, 3, {"c": "y"}, 4], "d": 0, "f": 5}
    assert list(differences(one, other)) == [
        ("$.b[1]", 2, 3), ("$.b[2].c", "x", "y"), ("$.b[3]", None, 4), ("$.d", None, 0), ("$.e", {}, None),
        ("$.f", None, 5),
    ]  # fmt: skip
    assert not list(differences(one, json.loads(json.dumps(one))))


@given(JSON, JSON)
def test_no_difference_is_the_same_bytes(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) >= (not list(differences(one, other)))
    assert not list(differences(one, one))
