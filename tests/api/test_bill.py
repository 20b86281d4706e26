"""Power and rent of a run, and what is said where they are not known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from accord.api.bill import bill
from accord.api.pools import Built, EngineRules, pools_of
from accord.base.errors import UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.inference.request import EstimateRequest, PoolRequest
from accord.serving.result import Outcome
from accord.serving.run import simulate
from accord.serving.spec import Rules
from accord.workloads.request import Workload


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def built(catalog: Catalog, system: str, places: dict[str, str] | None = None, **fields: Any) -> tuple[Built, ...]:
    request = EstimateRequest(model="qwen3-8b", system=system, phase="serve", **fields)
    return pools_of(catalog, request, EngineRules(), (100.0, 10.0), places)


def run(pools: tuple[Built, ...]) -> Outcome:
    work = Workload("some", np.arange(20.0), np.full(20, 100), np.full(20, 10))
    return simulate([one.pool for one in pools], work, Rules())


def test_energy_lies_between_idle_and_full_power(catalog: Catalog) -> None:
    pools = built(catalog, "nvidia-hgx-h100-8", chips=4)
    costs = bill(catalog, pools, None)
    outcome = run(pools)
    metrics = costs.metrics(outcome)
    full_w = 4 * costs.watts["serve"]
    assert 700.0 < costs.watts["serve"] < 2000.0  # a share of the node, above the board alone
    assert costs.idle_share * full_w < metrics["power_w"] < full_w
    assert metrics["energy_j"] == pytest.approx(metrics["power_w"] * outcome.end_s, rel=0.05)


def test_a_stated_rent_is_that_of_all_chips(catalog: Catalog) -> None:
    pools = built(catalog, "nvidia-hgx-h100-8", chips=4)
    outcome = run(pools)
    found = {price: bill(catalog, pools, price).metrics(outcome)["cost_usd"] for price in (1.0, 3.0)}
    assert found[3.0] == pytest.approx(3.0 * found[1.0])
    assert found[1.0] == pytest.approx(4 * outcome.end_s / 3600.0, rel=0.1)
    assert bill(catalog, pools, 0.0).metrics(outcome)["cost_usd"] == 0.0
    for wrong in (-1.0, float("nan")):
        with pytest.raises(UsageError, match="the price of pool"):
            bill(catalog, pools, wrong).metrics(outcome)


def test_what_is_not_known_is_left_out_and_said(catalog: Catalog) -> None:
    pools = built(catalog, "huawei-cloudmatrix-384", chips=1)
    costs = bill(catalog, pools, None)
    assert costs.usd_per_hour == {}
    assert any("--usd-per-chip-hour" in text for text in costs.said)
    assert "cost_usd" not in costs.metrics(run(pools))


def test_a_rent_of_one_pool_alone_is_none(catalog: Catalog) -> None:
    pools = built(
        catalog, "nvidia-hgx-h100-8", {"decode": "huawei-cloudmatrix-384"},
        prefill=PoolRequest(devices=1), decode=PoolRequest(devices=2),
    )  # fmt: skip
    costs = bill(catalog, pools, None)
    assert costs.usd_per_hour == {}
    assert set(costs.watts) == {"prefill", "decode"}
    assert len(costs.said) == 1
