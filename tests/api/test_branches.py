"""Branches, units and tasks of a question."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from accord.api import branches
from accord.api.branches import Prepared, Task, branch_of, catalog_of, prepare, sized, tables_of, unit_chips, work
from accord.api.records import machine_of
from accord.api.terms import terms_of
from accord.economics.scenario import Scenario
from accord.planner.problem import Limits, Problem, Space
from accord.planner.space import layouts

H100, NVL72, ASCEND = "nvidia-hgx-h100-8", "nvidia-gb200-nvl72", "huawei-cloudmatrix-384"
TPU = "google-tpu-v5p-pod"


def problem(*systems: str, **changes: object) -> Problem:
    plain: dict[str, object] = {
        "model": "llama-3.1-8b", "isl": 1000.0, "osl": 100.0, "limits": Limits(chips=16),
        "space": Space(engines=("vllm",), batches=(1, 8), budgets=(8192,)),
    }  # fmt: skip
    return Problem(systems=systems or (H100,), **{**plain, **changes})  # type: ignore[arg-type]


def prepared(one: Problem) -> Prepared:
    catalog = catalog_of(())
    return prepare(catalog, one, [terms_of(catalog, system, Scenario()) for system in one.systems], ())


def test_tasks_cover_every_layout_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branches, "SLICE_ROWS", 5)
    one = problem()
    made = prepared(one)
    assert {key.role for key in made.keys} == {"serve", "prefill", "decode"}
    for key in made.keys:
        own = [task for task in made.tasks if task.key == key]
        branch = branch_of(key, one, own[0].devices, ())
        found, _ = layouts(branch.setting, own[0].devices, one.space, key.role, branch.redundant_from)
        assert [task.start for task in own] == [0, *(task.stop for task in own[:-1])]
        assert own[-1].stop == len(found)
        assert len(own) > 1


def test_work_gives_the_same_bytes_for_the_same_task() -> None:
    made = prepared(problem())
    tasks = [msgspec.msgpack.encode(task) for task in made.tasks]
    answers = [work(task) for task in tasks]
    branches.branch_of.cache_clear()
    assert [work(task) for task in tasks] == answers
    rows = tables_of(made, answers)
    assert [key for key, _ in rows.tables] == list(made.keys)
    assert sum(len(table) for _, own in rows.tables for table in own) <= rows.tally.estimated < rows.tally.counted
    assert sum(rows.fell.values(), Counter()) == rows.tally.rejected


def test_tasks_travel() -> None:
    for task in prepared(problem(H100, ASCEND)).tasks:
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(task), type=Task) == task


@pytest.mark.parametrize(
    ("system", "chips", "whole", "unit"),
    [
        (H100, None, True, 8), (H100, None, False, 8), (H100, 16, True, 8), (H100, 12, True, 4), (H100, 3, True, 1),
        (NVL72, None, True, 72), (ASCEND, None, True, 384), (ASCEND, 32, True, 8), (ASCEND, None, False, 8),
        (TPU, None, False, 8), (TPU, 64, False, 8),
    ],
)  # fmt: skip
def test_units(system: str, chips: int | None, whole: bool, unit: int) -> None:
    catalog = catalog_of(())
    terms = replace(terms_of(catalog, system, Scenario()), whole=whole)
    found = unit_chips(machine_of(catalog, system), terms, chips)
    assert found == unit
    assert chips is None or chips % found == 0


def test_dies_are_ranks_and_chips_are_held() -> None:
    (own,) = prepared(problem(ASCEND, limits=Limits(chips=32))).offers
    assert (own.devices_per_chip, own.unit_chips, own.unit_devices, own.most) == (2, 8, 16, 4)
    assert all(task.devices == 64 for task in prepared(problem(ASCEND, limits=Limits(chips=32))).tasks)


def test_a_machine_is_sized_by_whole_chips() -> None:
    machine = machine_of(catalog_of(()), ASCEND)
    assert sized(machine, 3).chips == 2
    assert sized(machine, 1000).chips == 500


def test_without_limit_or_load_as_much_as_holds_the_model_twice() -> None:
    assert prepared(problem(limits=Limits())).offers[0].most == 1
    large = prepared(problem(model="deepseek-v3", limits=Limits())).offers[0]
    assert large.most == 4  # twice 671 GB in 8 x 80 GB at a time: 2.1 systems
    assert prepared(problem(limits=Limits(request_per_s=3.0))).offers[0].why == ""


def test_engines_of_other_vendors_are_not_tried() -> None:
    made = prepared(problem(H100, ASCEND, space=Space(engines=("vllm-ascend", "sglang"), batches=(8,))))
    tried = {(key.system, key.engine) for key in made.keys}
    assert (H100, "vllm-ascend") not in tried
    assert {(H100, "sglang"), (ASCEND, "vllm-ascend")} <= tried


def test_what_a_limit_holds_none_of_is_told() -> None:
    made = prepared(problem(NVL72, H100, limits=Limits(power_w=2e4)))
    assert any(word.startswith(NVL72) and "power" in word for word in made.refused)
    assert {key.system for key in made.keys} == {H100}


def test_modes_give_roles() -> None:
    def roles(*modes: str) -> set[str]:
        return {key.role for key in prepared(problem(space=Space(modes=modes, batches=(8,)))).keys}  # type: ignore[arg-type]

    assert roles("aggregated") == {"serve"}
    assert roles("disaggregated") == {"prefill", "decode"}
