from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np


def bench_grid() -> ModuleType:
    place = Path(__file__).parents[2] / "bench" / "bench_grid.py"
    found = importlib.util.spec_from_file_location("bench_grid", place)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_a_hundred_thousand_deployments_take_under_three_seconds() -> None:
    bench = bench_grid()
    shared, plan = bench.setting(), bench.full_grid()
    assert bench.distinct(plan) == len(plan) == 100_000
    taken, found = bench.cpu_s(shared, plan, rounds=2)
    assert np.all(np.isfinite(found.tpot_s)) and np.all(found.tpot_s > 0.0)
    assert 0 < np.count_nonzero(found.fits) < len(plan)
    assert taken < 3.0
