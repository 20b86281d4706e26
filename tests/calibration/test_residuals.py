"""How far predictions are off beyond what factors explain."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from accord.calibration.residuals import _WAYS as WAYS
from accord.calibration.residuals import LEAST, Held, residuals

SPREAD = {"pool": 0.12, "serve": 0.3}


def normals(seed: int = 4, sources: int = 40, rows: int = 12, own_sd: float = 0.0) -> list[Held]:
    """Misses with the spread of their kind, and that of the factors on top."""
    rng = np.random.default_rng(seed)
    return [
        Held(kind, f"source {at}", float(rng.normal(0.0, np.hypot(sd, own_sd))), own_sd)
        for kind, sd in SPREAD.items()
        for at in range(sources)
        for _ in range(rows)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("own_sd", [0.0, 0.1])
@pytest.mark.parametrize("way", ["posterior predictive", "split conformal"])
def test_either_way_recovers_a_known_spread(way: str, own_sd: float, seed: int) -> None:
    held = normals(seed, sources=200, rows=10, own_sd=own_sd)
    for kind, sd in SPREAD.items():
        assert WAYS[way]([one for one in held if one.kind == kind]) == pytest.approx(sd, rel=0.15)


def test_the_way_taken_holds_most_rows_of_sources_that_did_not_choose_it() -> None:
    held = normals()
    found = residuals(held)
    assert {way.name for way in found.ways} == {"posterior predictive", "split conformal"}
    assert all(way.coverage >= 0.8 and way.macro_coverage >= 0.8 for way in found.ways)
    assert found.ways[0].score == min(way.score for way in found.ways)
    assert found.log_sd == pytest.approx(SPREAD, rel=0.15)
    assert found.rows == {"pool": 480, "serve": 480}


def test_a_way_that_holds_too_few_is_not_taken() -> None:
    """Nine rows in ten are met closely and the tenth is far off."""
    rng = np.random.default_rng(9)
    held = [
        Held("pool", f"s{at}", float(rng.normal(0.0, 0.02 if at % 4 else 1.5)), 0.0)
        for at in range(60)
        for _ in range(5)
    ]
    best = residuals(held).ways[0]
    assert best.coverage >= 0.8


def test_order_and_names_of_sources_change_no_bit() -> None:
    held = normals(sources=12)
    names = {one.source for one in held}
    given = dict(zip(sorted(names), random.Random(1).sample(sorted(names), len(names)), strict=True))
    changed = [replace(one, source=f"x {given[one.source]}") for one in held]
    random.Random(2).shuffle(changed)
    assert residuals(changed) == residuals(held)


def test_what_factors_explain_is_not_counted_twice() -> None:
    rng = np.random.default_rng(6)
    held = [Held("pool", f"s{at}", float(rng.normal(0.0, 0.2)), 0.2) for at in range(300)]
    assert residuals(held).log_sd["pool"] < 0.1
    assert residuals([replace(one, miss=0.0) for one in held]).log_sd["pool"] == LEAST


def test_a_source_with_many_rows_weighs_as_the_root_of_them() -> None:
    rng = np.random.default_rng(8)
    loud = [Held("pool", "loud", float(rng.normal(0.0, 0.6)), 0.0) for _ in range(400)]
    calm = [Held("pool", f"s{at}", float(rng.normal(0.0, 0.1)), 0.0) for at in range(40)]
    assert residuals([*loud, *calm]).log_sd["pool"] < 0.5
