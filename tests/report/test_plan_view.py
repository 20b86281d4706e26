"""Tables of plans: what is shown of made-up ones, how wide, and how numbers are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.planner.plan import Check, Holding, Metric, Plan, PoolPlan
from accord.planner.problem import Limit, Limits, Problem
from accord.planner.terms import Terms
from accord.report import plan_cells as cells
from accord.report import plan_lines as lines
from accord.report import plan_view as view
from accord.report.plan_json import plan_dict, relaxed_dict, terms_dict
from accord.report.tables import Table, to_text
from accord.uncertainty.figure import Figure

LONG = ("huawei-atlas-950-supercluster", "huawei-atlas-900-a3-superpod")
UNITS = {"request_per_s": "req/s", "tpot_s": "s", "ttft_s": "s", "ttft_p99_s": "s", "ttft_p90_s": "s", "e2el_s": "s"}


class Let(msgspec.Struct):
    """A limit that was let go."""

    name: str
    asked: float
    needed: float
    unit: str
    factor: float
    plan: Plan


def pool(role: Any, system: str, **fields: Any) -> PoolPlan:
    made: dict[str, Any] = {
        "engine": "cloudmatrix-infer", "weights": "int8", "kv": "bf16", "tp": 2, "pp": 4, "dp": 96, "ep": 192,
        "devices": 768, "instances": 12, "batch_per_device": 131.5, "max_num_batched_tokens": 16384, "mtp_tokens": 1,
        "memory_bytes": 55e9, "capacity_bytes": 64e9, "request_per_s": 10.0,
    }  # fmt: skip
    return PoolPlan(role=role, system=system, **{**made, **fields})


def plan(id: str, *systems: str, **fields: Any) -> Plan:
    roles: Sequence[Any] = ("serve",) if len(systems) == 1 else ("prefill", "decode")
    metrics = {name: Metric(value=0.0335, unit=unit, low=0.0123, high=0.1234) for name, unit in UNITS.items()}
    metrics |= {
        "output_token_per_s_per_chip": Metric(value=12345.6, unit="tok/s", low=10_001.0, high=20_002.0),
        "usd_per_million_output_tokens": Metric(value=0.468, unit="USD", low=0.184, high=1.02),
        "power_w": Metric(value=559e3, unit="W"), "racks": Metric(value=16.0, unit="1"),
        "chips": Metric(value=1152.0, unit="1"),
    }  # fmt: skip
    made: dict[str, Any] = {
        "model": "deepseek-r1", "mode": "aggregated" if len(systems) == 1 else "disaggregated", "isl": 4000.0,
        "osl": 1000.0,
        "pools": tuple(pool(role, system) for role, system in zip(roles, systems, strict=True)),
        "holdings": tuple(
            Holding(system=one, chip="chip", chips=1152, used=1024, systems=3) for one in dict.fromkeys(systems)
        ),
        "metrics": metrics,
        "checks": (
            Check(name="ttft_p90", sense="at most", limit=1.0, value=0.03, unit="s", chance=0.93, slack=1.1),
            Check(name="goodput", sense="at least", limit=3.4, value=10.0, unit="req/s", chance=0.9999, slack=3.0),
            Check(name="capex", sense="at most", limit=2.5e6, value=2e6, unit="USD", chance=1.0, slack=1.25),
        ),
        "chance": 0.93, "unknown": ("drafts are accepted with an assumed chance",),
    }  # fmt: skip
    return Plan(id=id, **{**made, **fields})


def several(count: int, *systems: str, **fields: Any) -> list[Plan]:
    return [plan(f"{at:010x}", *systems, **fields) for at in range(count)]


def text_of(*tables: Table) -> str:
    return "\n".join(to_text(table) for table in tables)


def widest(*tables: Table) -> int:
    return max(map(len, text_of(*tables).splitlines()))


def problem(**fields: Any) -> Problem:
    limits = Limits(
        latencies=(Limit(latency="ttft", limit_s=1.0), Limit(latency="tpot", limit_s=0.04, quantile=0.9)),
        request_per_s=3.401, power_w=600e3, capex_usd=2.5e6, chips=32,
    )  # fmt: skip
    made: dict[str, Any] = {"model": "deepseek-r1", "systems": LONG, "isl": 4000.0, "osl": 1000.0, "limits": limits}
    return Problem(**{**made, **fields})


def test_the_question_in_words() -> None:
    assert to_text(view.asked_table(problem())) == (
        "What is asked\n"
        "model    deepseek-r1, 4,000 prompt and 1,000 answer tokens\n"
        "systems  huawei-atlas-950-supercluster, huawei-atlas-900-a3-superpod\n"
        "limits   ttft at most 1,000 ms; tpot_p90 at most 40 ms; goodput at least 3.401 req/s; power at most 600 kW; "
        "capital at\n"
        "           most 2.5 M USD; chips at most 32\n"
        "held     each with a chance of 90 %; pools are planned at 90 % of what they can do\n"
        "best     goodput\n"
    )
    free = to_text(view.asked_table(problem(limits=Limits(), confidence=0.5, objectives=("cost", "tpot"))))
    assert "limits   none\n" in free and "held     at the estimate; " in free and "best     cost and tpot\n" in free
    assert "at the estimate" in to_text(view.asked_table(problem(intervals=False)))
    assert "a chance of 99.9 %" in to_text(view.asked_table(problem(confidence=0.999)))


def test_many_systems_are_wrapped() -> None:
    assert widest(view.asked_table(problem(systems=LONG * 12))) <= cells.WIDTH


@pytest.mark.parametrize(("value", "text"), [
    (32.0, "32"), (1000.0, "1,000"), (2.5, "2.5"), (0.1, "0.1"), (123456.0, "123,456"), (3.40123, "3.401"),
    (1e-9, "1.000e-09"), (0.0, "0"), (2.0e12, "2.000e+12"), (100.4, "100.4"),
])  # fmt: skip
def test_limits_are_written_as_somebody_would(value: float, text: str) -> None:
    assert cells.plainly(value) == text


@settings(max_examples=200)
@given(st.floats(min_value=1e-6, max_value=1e12))
def test_what_is_written_is_the_number(value: float) -> None:
    assert float(cells.plainly(value).replace(",", "")) == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(
    "systems", [LONG[:1], LONG, ("nvidia-hgx-h200-8",), ("nvidia-hgx-h200-8", "nvidia-gb200-nvl72")]
)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 10])
def test_no_line_is_wider_than_a_terminal(count: int, systems: tuple[str, ...]) -> None:
    plans = several(count, *systems, unknown=("support of cloudmatrix-infer for it is unknown, " * 8,))
    tables = view.plan_tables(plans, 0.9)
    assert (
        widest(*tables, lines.systems_table(plans), lines.front_table(plans, ("cost", "tpot", "ttft"))) <= cells.WIDTH
    )
    shown = text_of(*tables)
    assert all(one.id in shown for one in plans)
    assert all(system in shown for system in systems)


def test_plans_that_do_not_fit_beside_each_other_follow() -> None:
    narrow, wide = several(6, "nvidia-hgx-h200-8"), several(6, LONG[0])
    for plans, beside in ((narrow, 4), (wide, 3)):
        first, *_, further, _ = view.plan_tables(plans, 0.9)
        assert len(first.columns) == beside + 1
        assert further.title == "Further plans" and further.rows[0][0] == f"{beside + 1}"


def test_percentiles_are_shown_where_they_are_limited() -> None:
    asked, free = plan("a" * 10, LONG[0]), plan("b" * 10, LONG[0], checks=())
    for one, within in ((asked, True), (free, False)):
        assert ("  90 % of requests within [s]" in text_of(*view.plan_tables([one], 0.9))) is within
        assert "  99 % of requests within [s]" in text_of(*view.plan_tables([one], 0.9))


def test_law_may_be_left_out() -> None:
    one = plan("a" * 10, LONG[0])
    assert "law" in text_of(*view.plan_tables([one], 0.9))
    assert "law" not in text_of(*view.plan_tables([one], 0.9, law=False))


def test_pools_stand_with_their_system() -> None:
    plans = several(2, *LONG)
    assert [row[2] for row in lines.systems_table([*plans, plan("b" * 10, LONG[0])]).rows[:4]] == [
        LONG[0], "  prefill: cloudmatrix-infer 12 x TP2 PP4", "    DP96 EP192", LONG[1],
    ]  # fmt: skip
    first = view.plan_tables(plans, 0.9)[0]
    assert [row[1] for row in first.rows if row[0] == "  on"] == list(LONG)
    assert not [row for row in view.plan_tables(several(2, LONG[0]), 0.9)[0].rows if row[0] == "  on"]


def test_counts_are_whole() -> None:
    one = plan("a" * 10, LONG[0])
    assert lines.front_table([one, one], ("chips", "cost")).rows[0][2] == "1,152"
    assert next(row for row in view.plan_tables([one], 0.9)[1].rows if row[0] == "racks")[1] == "16"


def test_large_counts_have_commas_and_small_sums_are_in_full() -> None:
    many = pool("serve", LONG[0], instances=13472, devices=2048)
    one = plan("a" * 10, LONG[0], pools=(many,))
    assert view.plan_tables([one], 0.9)[0].rows[3] == ("serving pool", "13,472 x 2,048 ranks")
    for usd, row in ((96.9, ("capital [USD]", "96.9")), (99_000.0, ("capital [USD]", "99,000")),
                     (2.5e6, ("capital [M USD]", "2.50"))):  # fmt: skip
        priced = plan("a" * 10, LONG[0], metrics={**one.metrics, "capex_usd": Metric(value=usd, unit="USD")})
        assert row in view.plan_tables([priced], 0.9)[1].rows


def test_one_chip_is_one() -> None:
    held = Holding(system=LONG[0], chip="chip", chips=1, used=1, systems=1)
    table = lines.no_plan_table([Let("chips", 0.5, 1.0, "1", 2.0, plan("a" * 10, LONG[0], holdings=(held,)))])
    assert table.rows[0][4] == f"1 chip of {LONG[0]}"


def test_a_time_per_token_is_left_out_where_there_is_none() -> None:
    tails = {"tpot_p90_s": Metric(value=0.04, unit="s")}
    check = Check(name="tpot_p90", sense="at most", limit=1.0, value=0.04, unit="s", chance=0.9, slack=1.0)
    one, two = (
        plan("a" * 10, *systems, metrics={**plan("b" * 10, *systems).metrics, **tails}, checks=(check,))
        for systems in (LONG[:1], LONG)
    )
    (row,) = [row for row in view.plan_tables([one, two], 0.9)[1].rows if row[0] == "  90 % of requests within [ms]"]
    assert row[1:] == ("40.0", "-")
    assert not [row for row in view.plan_tables([two], 0.9)[1].rows if "within [ms]" in row[0]]
    single = msgspec.structs.replace(one, osl=1.0)
    assert "token [ms]" not in text_of(*view.plan_tables([single], 0.9))
    assert lines.systems_table([single]).rows[0][6] == "-" != lines.systems_table([one]).rows[0][6]


def test_remarks_name_the_plans_they_are_about() -> None:
    plans = [*several(3, LONG[0]), plan("b" * 10, LONG[0], unknown=()), *several(2, LONG[0])]
    table = view.plan_tables(plans, 0.9)[-1]
    assert table.rows == (("1 to 3, 5 to 6", "drafts are accepted with an assumed chance"),)
    further = view.plan_tables(plans, 0.9)[-2]
    assert [row[1] for row in further.rows if row[1]] == ["b" * 10, "0000000000?", "0000000001?"]
    assert further.notes[-1].startswith("? something of it")


def test_systems_without_a_plan_have_their_reason() -> None:
    table = lines.systems_table(several(1, LONG[0]), [("x", "memory"), ("y", "excluded by origin (yes: CN) " * 5)])
    rows = table.rows[3:]
    assert rows[0][:4] == ("-", "-", "x", "-") and rows[1][2] == "  no plan: memory"
    assert rows[2][2] == "y" and rows[3][2].startswith("  no plan: excluded by") and len(rows) > 5
    assert widest(table) <= cells.WIDTH


def test_nothing_makes_no_table() -> None:
    assert view.plan_tables([], 0.9) == ()


def test_simulated_plans_alone_have_columns() -> None:
    run = {"tpot_s": Metric(value=0.031, unit="s"), "steady_rank": Metric(value=2.0, unit="1")}
    plans = [*several(2, LONG[0], simulated=run), *several(5, LONG[0])]
    table = next(one for one in view.plan_tables(plans, 0.9) if one.title == "Simulated request by request")
    assert [column.name for column in table.columns] == ["", "plan 1", "plan 2"]
    assert table.rows[-1] == ("rank in steady state", "2", "2")


def test_counts_of_pools_and_of_candidates_stand_apart() -> None:
    shown = to_text(view.searched_table((900, 700, 50), {"memory": 150, "ttft": 20, "tpot": 0}, 400, {"power": 3}))
    assert shown.splitlines() == [
        "What was looked at, and why it fell",
        "pools at a load                    900 counted, 700 of them fit and were estimated",
        "  memory                           150",
        "  ttft                             20",
        "  another is better in everything  50",
        "candidates                         400 put together of the pools that are left",
        "  power                            3",
    ]


def test_a_long_front_is_spread_over_its_points() -> None:
    plans = [
        msgspec.structs.replace(one, metrics={**one.metrics, "tpot_s": Metric(value=at + 1.0, unit="s")})
        for at, one in enumerate(several(95, "nvidia-hgx-h200-8"))
    ]
    table = lines.front_table(plans[::-1], ("tpot", "carbon"))
    ids = [row[0] for row in table.rows if row[0]]
    assert len(ids) == lines.FRONT_SHOWN and ids[0] == plans[0].id and ids[-1] == plans[-1].id
    assert table.title == "Front of 95 plans" and table.notes == ("20 of 95 are shown; --json has all",)
    assert table.rows[0][-1] == "-" and table.rows[0][2] == "1,000"


def test_no_plan_and_what_would_do() -> None:
    best = plan("a" * 10, *LONG)
    let = [Let("ttft", 0.1, 0.35, "s", 3.5, best), Let("chips", 16.0, 80.0, "1", 5.0, best)]
    table = lines.no_plan_table(let)
    assert table.rows[0][:4] == ("ttft", "100 ms", "350 ms", "3.5")
    assert table.rows[0][4] == f"1,152 chips of {LONG[0]}"
    assert widest(table) <= cells.WIDTH
    assert [row[4] for row in table.rows[1:4]] == [
        f"1,152 chips of {LONG[1]}", "  prefill: cloudmatrix-infer 12 x TP2 PP4 DP96 EP192",
        "  decode: cloudmatrix-infer 12 x TP2 PP4 DP96 EP192",
    ]  # fmt: skip
    every = lines.no_plan_table([Let(lines.ALL, 1.0, 1.83, "1", 1.83, best)])
    assert every.notes == ("letting go of one limit is not enough: these give way together, each by this factor",)
    assert relaxed_dict(let[0])["factor"] == 3.5
    shown = lines.no_plan_table([], ["nothing of what may be varied can be run " * 5, "x: the limit on power"])
    assert shown.title == "No plan" and widest(shown) <= cells.WIDTH and "the limit on power" in to_text(shown)


def test_everything_of_made_up_plans(golden: Callable[[str, str], None]) -> None:
    plans = [plan("0a1b2c3d4e", "nvidia-hgx-h200-8", "nvidia-gb200-nvl72"), *several(4, "nvidia-hgx-h200-8")]
    tables = [view.asked_table(problem()), *view.plan_tables(plans, 0.9), lines.systems_table(plans)]
    golden("plan-view.txt", text_of(*tables, lines.front_table(plans, ("cost", "power", "chips"))))


def test_plans_and_terms_for_a_program() -> None:
    one = plan("a" * 10, *LONG)
    assert msgspec.convert(plan_dict(one), Plan) == one
    figure = Figure(value=2.0, unit="W", points=(1.5, 3.0), basis="estimate", sources=("systems/x:A",))
    found = terms_dict(
        Terms(system="x", chip="y", chips=8, whole=True, power_w=figure, capex_usd=None, racks=None, usd_per_hour=None)
    )
    assert found["power_w"] == {
        "value": 2.0, "unit": "W", "low": 1.5, "high": 3.0, "basis": "estimate", "sources": ["systems/x:A"]
    }  # fmt: skip
    assert found["capex_usd"] is None and found["parts_usd_per_hour"] == {}


@given(st.lists(st.tuples(st.text("ab 1,", max_size=400), st.text("xy z", max_size=300)), min_size=1, max_size=4))
def test_pairs_are_as_wide_as_a_line_whatever_their_names_are(lines: list[tuple[str, str]]) -> None:
    table = cells.wrapped_pairs("Title", lines)
    assert max(map(len, to_text(table).splitlines())) <= cells.WIDTH
    for column, texts in enumerate(zip(*lines, strict=True)):
        shown = "".join(row[column] for row in table.rows)
        assert shown.replace(" ", "") == "".join(texts).replace(" ", "")


def test_a_remark_on_hundreds_of_plans_is_told() -> None:
    ranks = ", ".join(str(rank) for rank in range(1, 400, 2))
    rows = cells.wrapped_pairs("Title", [(ranks, "a remark " * 20), ("2", "short")]).rows
    assert rows[0][1].startswith("a remark") and rows[-1] == ("2", "short")
