"""Which kind of measured table a file is."""

from __future__ import annotations

import pytest
from tests import measured

from accord.base.errors import TableError
from accord.validation.tables import KINDS, Kind, kind_of_table


@pytest.mark.parametrize("kind", KINDS)
def test_the_columns_of_a_kind_are_enough(kind: Kind) -> None:
    assert kind_of_table(",".join(reversed(KINDS[kind])) + "\n", "t.csv") == kind


@pytest.mark.parametrize(("name", "kind"), [
    ("inference.csv", "inference"), ("serving.csv", "inference"), ("training.csv", "training"),
    ("fabric.csv", "fabric"), ("failures.csv", "failures"),
])  # fmt: skip
def test_the_shared_tables(name: str, kind: Kind) -> None:
    assert kind_of_table(measured.table(name), name) == kind


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "id,source_id,kind,confidence,metric,value\n"])
def test_others_are_told_what_each_kind_needs(text: str) -> None:
    with pytest.raises(TableError) as raised:
        kind_of_table(text, "t.csv")
    assert raised.value.where == "t.csv:1"
    assert raised.value.hint is not None and all(f"{kind}: " in raised.value.hint for kind in KINDS)


def test_the_nearest_kind_is_named() -> None:
    with pytest.raises(TableError, match="nearest is fabric, which also needs size_bytes"):
        kind_of_table(",".join(name for name in KINDS["fabric"] if name != "size_bytes") + "\n", "t.csv")
