from __future__ import annotations

import json
import math
from pathlib import PurePosixPath
from types import MappingProxyType

import numpy as np
import pytest

from accord import __version__
from accord.base.source import Source
from accord.report.to_json import envelope, metric, source_entry, to_bytes

SOURCE = Source(title="A paper", publisher="A lab", date="2025-06", locator="table 2")


def test_envelope_has_the_documented_keys_in_order() -> None:
    answer = envelope("estimate", inputs={"chips": 8}, result={"metrics": {}}, catalog_digest="ab")
    assert list(answer) == ["schema", "accord", "catalog", "inputs", "result", "sources", "warnings"]
    assert answer["schema"] == "accord.estimate/1"
    assert answer["accord"] == __version__
    assert answer["catalog"] == "ab"


def test_sources_and_warnings_are_said_once() -> None:
    entry = source_entry("chips/a:S1", SOURCE)
    answer = envelope(
        "compare", inputs={}, result={}, sources=[entry, dict(entry)], warnings=["x", "y", "x"], catalog_digest=""
    )
    assert answer["sources"] == [entry]
    assert answer["warnings"] == ["x", "y"]
    assert entry["id"] == "chips/a:S1"
    assert entry["locator"] == "table 2"


def test_metric() -> None:
    assert metric(0.05, "s", 0.04, 0.06) == {"value": 0.05, "unit": "s", "low": 0.04, "high": 0.06, "basis": "derived"}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float64("nan"), np.array([1.0, np.inf])])
def test_numbers_that_json_cannot_carry_are_refused_by_place(bad: object) -> None:
    with pytest.raises(ValueError, match=r"\$\.result\.metrics\.tpot_s\S* is not a finite number"):
        to_bytes({"result": {"metrics": {"tpot_s": bad}}})


def test_values_of_other_libraries() -> None:
    document = {
        "float": np.float64(1.5),
        "int": np.int64(3),
        "array": np.arange(3),
        "path": PurePosixPath("a/b"),
        "view": MappingProxyType({"k": 1}),
        "record": SOURCE,
        "tuple": (1, 2),
    }
    plain = json.loads(to_bytes(document))
    assert plain["float"] == 1.5
    assert plain["int"] == 3
    assert plain["array"] == [0, 1, 2]
    assert plain["path"] == "a/b"
    assert plain["view"] == {"k": 1}
    assert plain["record"]["title"] == "A paper"
    assert plain["tuple"] == [1, 2]


def test_unknown_types_are_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        to_bytes({"x": object()})


def test_bytes_are_stable_and_end_with_a_newline() -> None:
    document = {"b": 0.1, "a": [1]}
    assert to_bytes(document) == to_bytes(dict(document))
    assert to_bytes(document).endswith(b"}\n")
    assert to_bytes(document, indent=0) == b'{"b":0.1,"a":[1]}\n'
