"""Failures beside predictions: bounds, coverage, and that nothing is looked up by source or value."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests import measured

from accord.api.reliability import failure_constants, failures, job_plan, replica_times, validate_failures
from accord.catalog.load import load_catalog
from accord.reliability.constants import observations_of as catalog_observations
from accord.validation.failure_rows import observations_of, read_failures
from accord.validation.score import Scored, summarise

CATALOG = load_catalog()
HEADER = "id,source_id,kind,confidence,chip,chips,duration_days,component,metric,value,unit,notes\n"


def one(metric: str, value: float, notes: str, component: str = "all") -> Scored:
    line = f"a,s,measured,high,nvidia-h100-sxm,16384,54,{component},{metric},{value},{unit(metric)},{notes}\n"
    return validate_failures(HEADER + line, catalog=CATALOG)[0]


def unit(metric: str) -> str:
    return {"mttf_h": "h", "count": "count"}.get(metric, "1")


@pytest.fixture(scope="module")
def table() -> str:
    return measured.table("failures.csv")


def test_bounds_are_met_on_their_side() -> None:
    free = one("effective_training_time", 0.5, "")
    assert free.predicted is not None
    assert free.log_ratio == pytest.approx(math.log(free.predicted / 0.5))
    under = one("effective_training_time", 0.5, "bound=lower")
    assert (under.log_ratio, under.inside) == (0.0, True)
    above = one("effective_training_time", 0.999, "bound=lower")
    assert above.inside is False
    assert above.log_ratio == pytest.approx(math.log(free.predicted / 0.999))
    below = one("effective_training_time", 0.5, "bound=upper")
    assert below.log_ratio == free.log_ratio
    between = one("effective_training_time", 0.7, "bound=lower; upper=0.95")
    assert between.log_ratio == 0.0


def test_units() -> None:
    """A mean time and a count of one job are the same rate."""
    hours, count = one("mttf_h", 3.0, "", "all-unexpected"), one("count", 400.0, "", "all-unexpected")
    assert hours.predicted is not None
    assert count.predicted is not None
    assert hours.predicted * count.predicted == pytest.approx(54.0 * 24.0)


def test_planned_interruptions_come_on_top() -> None:
    whole, some = one("count", 466.0, "", "all-interruptions"), one("count", 419.0, "", "all-unexpected")
    assert whole.predicted is not None
    assert some.predicted is not None
    assert whole.predicted / some.predicted == pytest.approx(1.1122)


def test_the_catalog_counts_what_the_table_does(table: str) -> None:
    ours = {
        (x.about, x.chips, round(math.log(x.per_chip_s), 6))
        for x in catalog_observations(CATALOG.reliability("generic"))
    }
    theirs = observations_of(read_failures(table, "failures.csv"))
    same = {(x.about, x.chips) for x in theirs if x.about != "node"}
    assert same <= {(about, chips) for about, chips, _ in ours}
    assert sorted(round(math.log(x.per_chip_s), 6) for x in theirs) == sorted(rate for *_, rate in ours)


@pytest.mark.parametrize("without", [None, "source"])
def test_measured_rows(table: str, without: str | None) -> None:
    scored = validate_failures(table, catalog=CATALOG, without="source" if without else None)
    made = summarise(scored)
    assert made.scored == 16
    assert made.coverage_90 is not None
    assert 0.80 <= made.coverage_90 <= 0.97
    assert made.macro_coverage_90 is not None
    assert made.macro_coverage_90.value >= 0.75
    assert made.macro_error_pct is not None
    assert made.macro_error_pct < (125.0 if without else 65.0)
    rates = [row for row in scored if row.log_ratio is not None and row.metric != "effective_training_time"]
    assert all(row.inside for row in rates)


def predictions(scored: tuple[Scored, ...]) -> dict[str, tuple[float | None, float | None]]:
    return {row.id: (row.predicted, row.high) for row in scored}


def test_no_prediction_depends_on_a_source(table: str) -> None:
    rows = measured.rows(table)
    order = np.random.default_rng(1).permutation(len(rows))
    other = [{**row, "source_id": rows[at]["source_id"], "source": "?"} for row, at in zip(rows, order, strict=True)]
    assert predictions(validate_failures(table, catalog=CATALOG)) == predictions(
        validate_failures(measured.write(other), catalog=CATALOG)
    )


def test_no_prediction_depends_on_a_measured_value(table: str) -> None:
    rows = measured.rows(table)
    other = [{**row, "value": str(0.5 * float(row["value"]))} for row in rows]
    assert predictions(validate_failures(table, catalog=CATALOG)) == predictions(
        validate_failures(measured.write(other), catalog=CATALOG)
    )


def test_left_out_sources_do_not_see_their_own_values(table: str) -> None:
    rows = measured.rows(table)
    own = rows[0]["source_id"]
    other = [{**row, "value": str(0.5 * float(row["value"]))} if row["source_id"] == own else row for row in rows]
    before, after = (
        predictions(validate_failures(x, catalog=CATALOG, without="source")) for x in (table, measured.write(other))
    )
    for row in rows:
        if row["source_id"] == own:
            assert before[row["id"]] == after[row["id"]]


def test_a_job_from_the_catalog() -> None:
    plan = job_plan(CATALOG, "nvidia-h100-sxm", 16384, 54.0 * 86400.0, 405e9 * 14.0)
    found = failures(CATALOG, "nvidia-h100-sxm", plan)
    assert found.warnings == ()
    assert found.spares_needed * 8 == plan.spares_chips
    middle, low, high = found.drawn.band("interruptions")
    assert low < 419.0 < high
    assert low < found.median.interruptions[0] < high
    middle, low, high = found.drawn.band("effective")
    assert low < 0.9 < high
    exact = failures(CATALOG, "nvidia-h100-sxm", replace(plan, restart_s=300.0), exact=True)
    assert exact.median.effective[0] > found.median.effective[0]


def test_replicas() -> None:
    mtbf_s, down_s = replica_times(CATALOG, "nvidia-h100-sxm", 8)
    assert mtbf_s > replica_times(CATALOG, "nvidia-h100-sxm", 16)[0] > 0.4 * mtbf_s
    assert down_s == 150.0
    assert 0.4 * 2.0 * 86400.0 < replica_times(CATALOG, "nvidia-h100-sxm", 8, spare_at_hand=False)[1] < 2.1 * 86400.0


def test_chips_nobody_counted_are_wider_and_say_so() -> None:
    ours, other = (
        failures(CATALOG, chip, job_plan(CATALOG, chip, 8192, 60.0 * 86400.0, 1e12))
        for chip in ("nvidia-a100-sxm-80", "huawei-ascend-910b2")
    )
    assert "no source counts interruptions of huawei-ascend-910b2" in other.warnings[0]

    def width(drawn: tuple[float, float, float]) -> float:
        return math.log(drawn[2] / drawn[1])

    assert width(other.drawn.band("mttf_s")) > width(ours.drawn.band("mttf_s"))
    assert failure_constants(CATALOG).vendors == {"nvidia"}
