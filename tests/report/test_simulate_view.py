"""What a simulated run prints."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.serving.outcomes import FOUR, outcome, pool

from accord.report import simulate_view as view
from accord.report.tables import to_text
from accord.report.to_json import to_bytes
from accord.serving.bill import cost, energy
from accord.serving.metrics import Summary, summarise
from accord.serving.replications import Combined, combine
from accord.serving.saturation import find_rate
from accord.serving.slo import Slo

SLOS = (Slo(ttft_s=2.0, e2e_s=4.0, needed=0.5, name="chat"), Slo(itl_s=0.5, needed=0.99, name="smooth"))


def run(seed: int = 0, delay_s: float = 0.0) -> Summary:
    rows = [(a, s, f + delay_s, e + delay_s, status, n) for a, s, f, e, status, n in FOUR]
    pools = (pool("p", chips=4.0, busy_s=5.0, up_s=10.0), pool("d", chips=2.0, instances=3, busy_s=9.0, up_s=30.0))
    one = outcome(rows, gaps=[1.0, 1.0, 1.0, 1.0], tenant=[0, 1, 1, 0], tenants=("us", "them"), pools=pools, seed=seed)
    bill = {**energy(one, full_w=700.0, idle_share=0.2), **cost(one, usd_per_chip_hour=2.0)}
    return summarise(one, slos=SLOS).plus(bill)


ONE = combine([run()])
TWO = combine([run(1), run(2, 0.5)])


def test_headline() -> None:
    assert to_text(view.headline_table("Four requests", ONE)) == (
        "Four requests\n"
        "quantity                   mean  p50    p90    p95     p99  metric\n"
        "-----------------------  ------  ---  -----  -----  ------  ------\n"
        "time to first token         2 s  2 s    2 s    2 s     2 s  ttft\n"
        "time per output token       1 s  1 s    1 s    1 s     1 s  tpot\n"
        "gap between tokens          1 s  1 s    1 s    1 s     1 s  itl\n"
        "end to end               3.33 s  3 s  4.6 s  4.8 s  4.96 s  e2e\n"
        "waiting to be scheduled     1 s  1 s  1.8 s  1.9 s  1.98 s  queue\n"
    )


def test_rates() -> None:
    text = to_text(view.rates_table(ONE))
    lines = {line.split("  ")[-1].strip(): " ".join(line.split()) for line in text.splitlines()}
    assert lines["completed"] == "completed 3 completed"
    assert lines["cancelled"] == "cancelled by their users 1 cancelled"
    assert "failed" not in lines
    assert lines["request_per_s"] == "requests completed 0.3000 req/s request_per_s"
    assert lines["goodput_request_per_s"] == "requests within every limit 0.2000 req/s goodput_request_per_s"
    assert lines["utilization"] == "time in iterations over time in service 38.0 % utilization"
    assert lines["makespan_s"] == "first arrival to last end 10 s makespan_s"
    assert lines["usd_per_output_token"].endswith("USD/Mtok usd_per_output_token")
    assert "kJ energy_j" in lines["energy_j"]


def test_every_metric_has_a_line() -> None:
    shown = {row[-1] for table in (view.headline_table("", ONE), view.rates_table(ONE)) for row in table.rows}
    stems = ("ttft", "tpot", "itl", "e2e", "queue")
    left = {name for name in ONE.metrics if name not in shown and name.split("_")[0] not in stems}
    assert left == {"failed", "unfinished", "not_arrived", "preemptions", "restarts"}


def test_limits() -> None:
    text = to_text(view.slo_table(ONE))
    assert [" ".join(line.split()) for line in text.splitlines()] == [
        "Limits",
        "limit tenant at most judged within goodput needed kept",
        text.splitlines()[2].replace("  ", " "),
        "chat all ttft 2 s, e2e 4 s 4 50.0 % 0.2000 req/s 50 % yes",
        "smooth all itl 500 ms 4 75.0 % 0.3000 req/s 99 % no",
        "smooth: 0.0 % of all gaps are within 500 ms",
    ]


def test_tenants_and_pools() -> None:
    tenants = view.tenant_table(ONE)
    assert [row[0] for row in tenants.rows] == ["us", "them"]
    assert tenants.rows[1][1:3] == ("2", "2")
    pools = view.pools_table(ONE)
    assert [row[:3] for row in pools.rows] == [("p", "4", "1"), ("d", "6", "3")]


def test_replications() -> None:
    table = view.replications_table(TWO)
    row = next(row for row in table.rows if row[0] == "ttft_mean_s")
    assert row == ("ttft_mean_s", "2.25 s", "1.58 s", "672 ms .. 3.83 s", "2")
    assert "90 % interval" in to_text(table)
    lone = view.replications_table(ONE)
    assert lone.rows[0][2:] == ("-", "-", "1")


def test_saturation() -> None:
    found = find_rate(lambda rate: float(rate <= 3.0), 1.0, 64.0, target=1.0, tolerance=0.5)
    text = to_text(view.saturation_table(found))
    assert text.splitlines()[-1] == "2.828 req/s is kept, 4.000 req/s is not"
    assert "no rate keeps the limits, not even 1.000 req/s" in to_text(
        view.saturation_table(find_rate(lambda _: 0.0, 1.0, 4.0, target=1.0))
    )
    assert "4.000 req/s is kept; it is the highest rate" in to_text(
        view.saturation_table(find_rate(lambda _: 1.0, 1.0, 4.0, target=1.0))
    )
    assert "cut short" in to_text(
        view.saturation_table(find_rate(lambda rate: float(rate <= 3.0), 1.0, 64.0, target=1.0, most=3))
    )


def test_which_tables_are_shown() -> None:
    titles = [table.title for table in view.tables("Run", TWO, find_rate(lambda _: 1.0, 1.0, 4.0, target=1.0))]
    assert titles == [
        "Run", "Load and use", "Limits", "By tenant", "Pools", "Replications", "Highest rate within the limits",
    ]  # fmt: skip
    bare = combine([summarise(outcome(FOUR, pools=(pool(),)))])
    assert [table.title for table in view.tables("Run", bare)] == ["Run", "Load and use"]


@pytest.mark.parametrize(
    ("combined", "note"),
    [
        (combine([summarise(outcome([]))]), "no request was completed"),
        (replace(ONE, complete=False), "incomplete: the run was interrupted, and the numbers are of what came before"),
        (replace(ONE, warm_s=60.0), "warm-up: requests of the first 60 s are left out; rates are counted after it"),
        (TWO, "means over 2 runs that differ in their seed"),
    ],
)
def test_notes(combined: Combined, note: str) -> None:
    assert note in view.headline_table("Run", combined).notes
    assert to_text(view.rates_table(combined))


def test_result() -> None:
    found = json.loads(to_bytes(view.result_dict(TWO)))
    ttft = found["metrics"]["ttft_mean_s"]
    assert ttft["value"] == 2.25 and ttft["unit"] == "s" and ttft["basis"] == "derived"
    assert ttft["low"] == pytest.approx(0.6716, abs=1e-3) and ttft["high"] == pytest.approx(3.8284, abs=1e-3)
    assert found["metrics"]["completed"]["value"] == 3
    chat = found["slos"][0]
    limits = [chat[name] for name in ("name", "tenant", "ttft_s", "tpot_s", "e2e_s", "itl_s", "needed")]
    assert limits == ["chat", None, 2.0, None, 4.0, None, 0.5]
    assert chat["metrics"]["share"]["value"] == 0.25 and chat["attained"] is False
    assert set(found["by_tenant"]) == {"us", "them"} and set(found["pools"]) == {"p", "d"}
    assert (found["replications"], found["seeds"], found["complete"]) == (2, [1, 2], True)


def test_result_of_one_run_and_of_none() -> None:
    one = json.loads(to_bytes(view.result_dict(ONE)))
    assert one["metrics"]["ttft_mean_s"] == {"value": 2.0, "unit": "s", "low": None, "high": None, "basis": "derived"}
    nothing = json.loads(to_bytes(view.result_dict(combine([summarise(outcome([]), slos=SLOS)]))))
    assert nothing["metrics"]["completed"]["value"] == 0 and nothing["slos"][0]["attained"] is None


def test_result_of_a_search() -> None:
    found = find_rate(lambda rate: float(rate <= 3.0), 1.0, 64.0, target=1.0)
    result = json.loads(to_bytes(view.result_dict(ONE, found)))["saturation"]
    assert result["request_per_s"]["low"] <= 3.0 <= result["request_per_s"]["high"]
    assert result["ending"] == "found" and len(result["points"]) == len(found.points)
    never = json.loads(to_bytes(view.saturation_dict(find_rate(lambda _: 0.0, 1.0, 4.0, target=1.0))))
    assert never["request_per_s"] is None


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("ttft_p99_s", "s"), ("request_per_s", "req/s"), ("goodput_request_per_s", "req/s"), ("makespan_s", "s"),
        ("output_token_per_s_total", "tok/s"), ("decode_token_per_s_per_chip", "tok/s"), ("energy_j", "J"),
        ("power_w", "W"), ("output_token_per_j", "tok/J"), ("j_per_output_token", "J/tok"), ("cost_usd", "USD"),
        ("usd_per_output_token", "USD/tok"), ("utilization", "1"), ("completed", "1"), ("waiting_max", "1"),
        ("cache_hit_ratio", "1"), ("in_flight_mean", "1"),
    ],
)  # fmt: skip
def test_units(name: str, unit: str) -> None:
    assert view.unit_of(name) == unit
