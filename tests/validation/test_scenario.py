"""Which rows are simulated, with which load, and what comes of it."""

from __future__ import annotations

import csv
import io
import math
import random
from collections.abc import Mapping

import numpy as np
import pytest
from tests import rig

from accord import api
from accord.api.lookup import CatalogLookup
from accord.api.scenarios import CatalogSimulator
from accord.base.errors import DoesNotFit
from accord.validation.rows import Row, read_rows
from accord.validation.scenario import BLOCK_TOKENS, Between, Load, Scenario, patience_of, scenario_of, workload_of
from accord.validation.score import Scored, score_rows

HEAD = (
    "id,source_id,kind,confidence,phase,model,chip,system,devices,tp,weights,engine,isl,osl,concurrency,request_rate,"
    "num_requests,max_num_seqs,max_num_batched_tokens,metric,value,notes"
)
RUN = {
    "id": "a", "source_id": "s", "kind": "measured", "confidence": "high", "phase": "serve", "model": "llama-3.1-8b",
    "chip": "nvidia-h100-sxm", "system": "nvidia-hgx-h100-8", "devices": "1", "tp": "1", "weights": "bf16",
    "engine": "vllm", "isl": "500", "osl": "50", "request_rate": "4", "num_requests": "200", "max_num_seqs": "64",
    "max_num_batched_tokens": "2048", "metric": "e2e_mean_s", "value": "1",
}  # fmt: skip
FLOOD = {
    **RUN, "phase": "offline", "concurrency": "200", "request_rate": "", "num_requests": "",
    "metric": "output_token_per_s_total",
}  # fmt: skip
WAIT = {**RUN, "num_requests": "", "metric": "ttft_p99_s"}
CUT = (
    "overloaded stage, right-censored: E2E p99 just under 300 s, so requests past a 300 s client timeout are probably "
    "missing"
)


def table(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEAD.split(","), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def row(cells: dict[str, str]) -> Row:
    (only,) = read_rows(table(cells), "t.csv")
    return only


def scenario(cells: dict[str, str]) -> Scenario | None:
    return scenario_of(row(cells), CatalogLookup(rig.catalog()))


def scored(*rows: dict[str, str], facts: str = "") -> tuple[Scored, ...]:
    return api.validate(table(*rows), "t.csv", catalog=rig.catalog(), facts=facts)


# Which rows


@pytest.mark.parametrize("cells", [
    RUN, FLOOD, WAIT, {**FLOOD, "metric": "tpot_s"}, {**RUN, "metric": "request_per_s"},
])  # fmt: skip
def test_runs_floods_and_waits_are_simulated(cells: dict[str, str]) -> None:
    assert scenario(cells) is not None
    assert all(one.simulated for one in scored(cells))


@pytest.mark.parametrize("cells", [
    {**WAIT, "metric": "tpot_s"},  # the rate of a stable queue
    {**WAIT, "metric": "output_token_per_s_total"},
    {**FLOOD, "phase": "serve", "metric": "tpot_s"},  # a closed loop
    {**FLOOD, "concurrency": ""},  # saturated, without a beginning or an end
    {**FLOOD, "phase": "prefill"},
    {**RUN, "model": "nobodys-model"},
    {**RUN, "chip": "nobodys-chip"},
    {**RUN, "isl": "", "osl": ""},
])  # fmt: skip
def test_steady_states_and_what_is_not_known_are_not(cells: dict[str, str]) -> None:
    assert scenario(cells) is None
    assert not any(one.simulated for one in scored(cells))


class Refusing:
    """A simulator that finds room for nothing."""

    def simulate(self, scenario: Scenario) -> Mapping[str, Between]:
        raise DoesNotFit(scenario.request.model)


def test_a_deployment_the_simulator_refuses_keeps_its_formula() -> None:
    lookup = CatalogLookup(rig.catalog())
    (found,) = score_rows((row(FLOOD),), lookup, lookup, 0.9, Refusing())
    assert found.predicted is not None and not found.simulated


def test_a_row_without_the_simulator_is_a_formula() -> None:
    (found,) = api.validate(table(FLOOD), "t.csv", catalog=rig.catalog(), simulated=False)
    assert found.predicted is not None and not found.simulated


# The load


def test_the_load_is_that_of_the_row() -> None:
    found = scenario({**RUN, "isl": "574.9"})
    assert found is not None
    assert (found.max_num_seqs, found.max_num_batched_tokens) == (64, 2048)
    assert (found.load.count, found.load.per_s, found.load.law) == (200, 4.0, "constant")
    assert {"arrival", "output_law", "distinct_prompts"} <= set(found.assumed)
    flood = scenario({**FLOOD, "isl": "217.4"})
    assert flood is not None and (flood.load.per_s, flood.load.law) == (0.0, "exponential")
    wait = scenario(WAIT)
    assert wait is not None and (wait.load.count, wait.load.law) == (2400, "constant")


def test_arrivals_fill_the_stated_time_and_lengths_meet_their_mean() -> None:
    work = workload_of(Load(1000, 5.0, 217.4, 201.6, "exponential"), 0)
    assert work.arrival_s[-1] < 200.0 and work.arrival_s[-1] > 190.0
    assert np.all(np.diff(work.arrival_s) >= 0.0)
    assert work.prompt.mean() == pytest.approx(217.4, abs=0.5)
    assert work.answer.mean() == pytest.approx(201.6, abs=0.5)
    assert work.answer.std() == pytest.approx(201.6, rel=0.05)
    assert not len(work.hashes)
    gaps = np.diff(work.arrival_s)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.1), "exponential gaps"


def test_all_at_once_and_constant() -> None:
    work = workload_of(Load(50, 0.0, 99.6, 0.2, "constant"), 0)
    assert np.all(work.arrival_s == 0.0) and np.all(work.prompt == 100) and np.all(work.answer == 1)


def test_prompts_that_are_sent_in_turn_share_their_blocks() -> None:
    work = workload_of(Load(90, 0.0, 3.5 * BLOCK_TOKENS, 10.0, "constant", distinct=45), 0)
    first, again, other = (work.hashes[work.starts[at] : work.starts[at + 1]] for at in (3, 48, 4))
    assert len(first) == 3
    assert np.array_equal(first, again) and not set(first) & set(other)
    assert len(set(work.hashes)) == 45 * 3


@pytest.mark.parametrize(("notes", "patience"), [("", None), (CUT, 300.0), ("300 s client timeout", None)])
def test_a_cut_is_told_by_its_notes(notes: str, patience: float | None) -> None:
    assert patience_of(row({**RUN, "notes": notes})) == patience


def test_a_cut_run_is_simulated_for_four_times_the_patience() -> None:
    found = scenario({**RUN, "notes": CUT})
    assert found is not None
    assert (found.load.count, found.load.patience_s) == (4800, 300.0)


# Numbers


def test_a_flood_scales_with_step_times() -> None:
    """So the interval is that of step times, on both sides alike."""
    (found,) = scored(FLOOD)
    assert found.predicted and found.low and found.high
    assert found.low * found.high == pytest.approx(found.predicted**2)


def test_an_interval_of_a_run_holds_its_number() -> None:
    made = {}
    for metric in ("e2e_mean_s", "ttft_p50_s", "ttft_p90_s", "request_per_s"):
        (found,) = scored({**RUN, "metric": metric})
        assert found.predicted and found.low and found.high
        assert found.low < found.predicted < found.high
        made[metric] = found.predicted
    assert made["request_per_s"] == pytest.approx(4.0, rel=0.05), "short of saturation what comes is served"


def test_a_higher_level_is_a_wider_interval() -> None:
    made = []
    for level in (0.5, 0.9):
        lookup = CatalogLookup(rig.catalog())
        found = scenario(RUN)
        assert found is not None
        made.append(CatalogSimulator(rig.catalog(), lookup, level).simulate(found)["e2e_mean_s"])
    assert made[0].value == made[1].value
    assert made[1].low < made[0].low and made[0].high < made[1].high


def test_repeated_prompts_are_answered_sooner() -> None:
    (fresh,) = scored({**RUN, "isl": "2000"})
    (kept,) = scored({**RUN, "isl": "2000"}, facts="source_id,distinct_prompts\ns,20\n")
    assert (kept.predicted or 0.0) < (fresh.predicted or 0.0)
    assert "distinct_prompts" in fresh.assumed and "distinct_prompts" not in kept.assumed


def test_names_order_and_values_change_no_bit() -> None:
    """INV-8, for rows that are simulated."""
    metrics = ("e2e_mean_s", "ttft_p50_s", "output_token_per_s_total")
    rows = [
        {**base, "id": f"{at}{metric}", "metric": metric}
        for metric in metrics
        for at, base in enumerate((RUN, WAIT, FLOOD))
    ]
    want = {one.id: one.predicted for one in scored(*rows)}
    changed = [{**cells, "source_id": "another", "value": str(7.5 * (1 + at))} for at, cells in enumerate(rows)]
    random.Random(3).shuffle(changed)
    assert {one.id: one.predicted for one in scored(*changed)} == want


# Cut runs


def test_a_cut_run_is_apart() -> None:
    notes = CUT.replace("300", "20")
    cut = {**RUN, "confidence": "low", "notes": notes, "request_rate": "40", "num_requests": "500", "max_num_seqs": "8"}
    wrong = {**cut, "id": "b", "notes": f"{notes}; do not score"}
    assert not scored(cut, wrong)
    (found,) = api.censored(table(cut, wrong, {**RUN, "id": "c"}), "t.csv", catalog=rig.catalog())
    assert found.id == "a" and found.simulated
    assert found.predicted is not None and found.predicted < 20.0 and math.isfinite(found.log_ratio or math.nan)
