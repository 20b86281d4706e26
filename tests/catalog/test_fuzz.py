"""Whatever is done to a file, reading it gives a record or a clear error."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.base.errors import AccordError
from accord.catalog.load import RECORDS
from accord.catalog.record import read_record
from accord.catalog.yaml_text import parse_yaml

SAMPLE = Path(__file__).parent / "sample"
FILES = [
    ("chips", (SAMPLE / "chips" / "example-chip-1.yaml").read_bytes()),
    ("systems", (SAMPLE / "systems" / "example-node-8.yaml").read_bytes()),
]
SIGNS = b"{ } [ ] : ' \" | > # % ~ - , ? & * ! @".split()
WORDS = b"null true -1 1e999 .inf .nan 0x10 value text << !!int &a *a".split()
PIECES = [
    *SIGNS,
    *WORDS,
    *(b": ", b"- ", b"\n", b"  ", b"? ", b"---\n", b"\t", b"\r\n", b"\x00", b"\xff", b"\xef\xbb\xbf"),
    *(b"9" * 400, b"[" * 50, b"{a: " * 50, "\N{MICRO SIGN}\N{SNOWMAN}".encode()),
]


def read(kind: str, data: bytes) -> msgspec.Struct | None:
    """The record, or None where the file is refused with a message."""
    try:
        return read_record(parse_yaml(data, "fuzz.yaml"), RECORDS[kind])
    except AccordError as err:
        assert err.what
        assert err.where is not None and err.where.startswith("fuzz.yaml")
        return None


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The data after one to four edits: insert, delete, overwrite, or move a line."""
    for _ in range(rng.randint(1, 4)):
        at, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
        end = min(end, at + rng.choice((0, 1, 1, 5, 40)))
        action = rng.randrange(4)
        if action == 0:
            data = data[:at] + rng.choice(PIECES) + data[at:]
        elif action == 1:
            data = data[:at] + data[end:]
        elif action == 2:
            data = data[:at] + rng.choice(PIECES) + data[end:]
        else:
            lines = data.split(b"\n")
            lines.insert(rng.randrange(len(lines)), lines.pop(rng.randrange(len(lines))))
            data = b"\n".join(lines)
    return data


def test_mutations() -> None:
    rng = random.Random(20260101)
    outcomes = [read(kind, mutated(data, rng)) is None for _ in range(1000) for kind, data in FILES]
    assert 100 < sum(outcomes) < len(outcomes), "some mutations must break a file and some must not"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_noise(data: bytes) -> None:
    for kind in RECORDS:
        assert read(kind, data) is None


WORD = st.sampled_from(
    sorted({name for record in RECORDS.values() for name in record.__struct_fields__} | {"value", "basis"})
)
TREE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=st.dictionaries(WORD, TREE, max_size=8))
def test_any_tree(tree: dict[str, object]) -> None:
    data = msgspec.yaml.encode(tree)
    for kind in RECORDS:
        read(kind, data)
