"""Content that is sent: what is taken, and what would cost a reader its memory, stack or time."""

from __future__ import annotations

import gzip
import json
import resource
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.base.errors import DataError
from accord.web.nesting import line_nested_deeper, nested_deeper
from accord.web.uploads import Limits, unpack, unpacked

MIB = 1 << 20
SMALL = Limits(bytes=MIB, rows=1000, depth=8, ratio=100)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def refused(name: str, data: bytes, limits: Limits = SMALL) -> str:
    with pytest.raises(DataError) as caught:
        unpacked(name, data, limits)
    assert (caught.value.where or "").startswith(name)
    assert caught.value.hint
    return caught.value.what


def bomb(expanded_mib: int) -> bytes:
    """A gzip file that expands to zeros: one packed MiB, again and again."""
    packer = zlib.compressobj(9, wbits=-15)
    first = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + first + block * (expanded_mib - 1)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("trace.jsonl", b'{"a": 1}\n{"a": 2}\n'),
        ("trace.csv", "TIMESTAMP,说\r\n1,2\r\n".encode()),
        ("scenario.yaml", b"id: one\nlist: [1, 2]\n"),
        ("config.json", b'\xef\xbb\xbf{"a": [[1]]}'),
        ("empty.txt", b""),
    ],
)
def test_text_passes_as_it_is_packed_or_not(name: str, data: bytes) -> None:
    assert unpacked(name, data, SMALL) == data
    assert unpacked(f"{name}.gz", gzip.compress(data), SMALL) == data
    assert unpack(name, gzip.compress(data[:3]) + gzip.compress(data[3:]) + bytes(512), MIB) == data


def test_a_bomb_of_ten_gigabytes_is_refused_soon_and_in_little_memory() -> None:
    packed = bomb(10_000)
    assert len(packed) < 12_000_000
    before_kib, start_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert refused("trace.jsonl.gz", packed, Limits(bytes=64 * MIB)) == "is larger than 64 MiB when expanded"
    assert time.process_time() - start_s < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 300 << 10


def test_a_small_bomb_is_refused_for_its_ratio() -> None:
    assert refused("a.gz", bomb(40), Limits(bytes=64 * MIB)) == "expands to more than 250 times its size"


REFUSED = (
    (b"PK\x03\x04 and so on", "is a zip archive"),
    (gzip.compress(b"PK\x03\x04 and so on"), "is a zip archive"),
    (b"PAR1", "is a Parquet file"),
    ("text".encode("utf-16"), "is UTF-16 text"),
    (b"one\ntwo\0", "is no text: it has a byte 0"),
    (b"one\n\xff", "is not UTF-8 text"),
    (gzip.compress(gzip.compress(b"text")), "is packed twice"),
    (gzip.compress(b"text" * 100)[:-9], "is a damaged gzip file"),
    (gzip.compress(b"text") + b"more", "is a damaged gzip file"),
    (b"\x1f\x8b", "is a damaged gzip file"),
    (b" " * (MIB + 1), "is larger than 1 MiB"),
    (b"a\n" * 1001, "has more than 1000 rows"),
    (b"[" * 9 + b"]" * 9, "is nested deeper than 8 levels, or has brackets that are not closed"),
    (b'{"a":' * 100_000, "is nested deeper than 8 levels, or has brackets that are not closed"),
)


@pytest.mark.parametrize(("data", "what"), REFUSED, ids=range(len(REFUSED)))  # a packed text holds the time of day
def test_what_is_refused(data: bytes, what: str) -> None:
    assert refused("file.txt", data) == what


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(DataError, match="longer than 200 bytes"):
        unpacked("字" * 100, b"{}", SMALL)


def test_the_line_is_told() -> None:
    data = b'{"a": 1}\n{"a": 1}\n' + b"[" * 5000 + b"\n"
    with pytest.raises(DataError) as caught:
        unpacked("trace.jsonl", data, SMALL)
    assert caught.value.where == "trace.jsonl:3"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"a: &a [x, x]\nb: [*a, *a]\n", "anchor or alias"),
        (b"a: !!python/object/apply:os.system [id]\n", "tag"),
        (b"a: 1\na: 2\n", "given twice"),
        (b"a: " + b"[" * 50 + b"]" * 50, "nested deeper"),
        (b"a: 1\n---\nb: 2\n", "second document"),
    ],
)
def test_yaml_is_read_strictly(data: bytes, what: str) -> None:
    assert what in refused("scenario.yaml", data)
    assert what in refused("scenario.yml.gz", gzip.compress(data))


def test_a_billion_laughs_are_refused_at_once() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    start_s = time.process_time()
    assert "anchor or alias" in refused("scenario.yaml", "\n".join(lines).encode())
    assert time.process_time() - start_s < 1


def deep(value: object) -> int:
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max((deep(one) for one in inside), default=0)


@given(JSON, st.integers(0, 8), st.booleans())
def test_depth_is_that_of_the_value(value: object, levels: int, pretty: bool) -> None:
    data = json.dumps(value, indent=2 if pretty else None).encode()
    assert nested_deeper(data, levels) == (deep(value) > levels)


@given(st.lists(JSON, min_size=1, max_size=5), st.integers(0, 4))
def test_the_first_line_that_is_too_deep_is_found(values: list[object], levels: int) -> None:
    data = b"\n".join(json.dumps(value).encode() for value in values)
    expected = next((at for at, value in enumerate(values, 1) if deep(value) > levels), None)
    assert line_nested_deeper(data, levels) == expected


def test_brackets_in_texts_do_not_count() -> None:
    data = json.dumps({"a": "[" * 1000 + '"\\' + "{" * 1000}).encode()
    assert unpacked("a.json", data, SMALL) == data


def test_a_large_trace_is_checked_in_little_time() -> None:
    line = b'{"timestamp": 1, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1, 2, 3, 4, 5]}\n'
    data = line * 100_000
    start_s = time.process_time()
    assert unpack("trace.jsonl", data, 64 * MIB) == data
    assert time.process_time() - start_s < 2


@settings(max_examples=200)
@given(st.binary(max_size=300), st.sampled_from(["a.json", "a.yaml", "a.csv", "a.jsonl.gz"]), st.booleans())
def test_whatever_is_sent_is_taken_or_refused_in_form(data: bytes, name: str, packed: bool) -> None:
    try:
        found = unpacked(name, gzip.compress(data) if packed else data, SMALL)
    except DataError as error:
        assert error.what and error.hint and (error.where or "").startswith(name)
    else:
        assert found == (gzip.decompress(data) if data[:2] == b"\x1f\x8b" and not packed else data)
