"""Tables of failures: what is read, what is refused, what is fitted and what is predicted."""

from __future__ import annotations

import pytest

from accord.base.errors import TableError
from accord.validation.failure_rows import FailureRow, observations_of, read_failures

HEADER = "id,source_id,kind,confidence,chip,chips,duration_days,component,metric,value,unit,notes\n"
DAY = 86400.0


def rows(*lines: str) -> tuple[FailureRow, ...]:
    return read_failures(HEADER + "".join(line + "\n" for line in lines), "f.csv")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a,s,measured,high,c,64,10,all-unexpected,count,5,count,", None),
        ("a,s,measured,high,c,64,10,gpu-fan,count,5,count,", "input"),
        ("a,s,measured,high,c,64,,all,count,5,count,", "no_duration"),
        ("a,s,measured,high,c,,,job,mttf_h,5,h,", "no_chips"),
        ("a,s,derived,high,c,64,10,job,mttf_h,5,h,projected from 8", "projection"),
        ("a,s,measured,low,c,64,10,job,mttf_h,5,h,", "low_confidence"),
        ("a,s,measured,high,c,64,10,fan,rate_per_chip_day,5,1/day,", "no_component"),
        ("a,s,measured,high,c,64,,largest-jobs,effective_training_time,0.85,1,bound=lower; upper=0.9", None),
        ("a,s,measured,high,c,64,,checkpoint,checkpoint_s,40,s,", "input"),
    ],
)
def test_what_is_predicted(line: str, why: str | None) -> None:
    assert rows(line)[0].skipped == why


def test_bounds() -> None:
    row = rows("a,s,measured,high,c,64,,all,effective_training_time,0.85,1,bound=lower; upper=0.9")[0]
    assert (row.bound, row.upper) == ("lower", 0.9)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,s,measured,high,c,64,10,all,count,x,count,", "f.csv:2: value is 'x', not a number"),
        ("a,s,measured,high,c,64,10,job,mttf_h,5,s,", "f.csv:2: unit is 's', but mttf_h is in 'h'\nhint: write h"),
        ("a,s,measured,high,c,64,10,all,availability,1.5,1,", "f.csv:2: value is 1.5; availability is a share of 1"),
        ("a,s,measured,high,c,64,10,all,count,5,count,bound=about", "f.csv:2: bound=about in the notes"),
        ("a,s,measured,high,c,64,10,,count,5,count,", "f.csv:2: component is empty"),
        ("a,s,measured", "f.csv:2: the row has more or fewer cells"),
    ],
)
def test_what_is_refused(line: str, message: str) -> None:
    with pytest.raises(TableError) as caught:
        rows(line)
    assert str(caught.value).startswith(message)


def test_other_refusals() -> None:
    with pytest.raises(TableError, match="the first line is no header"):
        read_failures("a,b\n1,2\n", "f.csv")
    one = "a,s,measured,high,c,64,10,all,count,5,count,"
    with pytest.raises(TableError, match="id 'a' stands twice"):
        rows(one, one)


def test_units_of_rates() -> None:
    """One interruption a day of 64 chips, said in four ways, is one rate."""
    found = observations_of(
        rows(
            "a,s,measured,high,c,64,10,job,mttf_h,24,h,",
            "b,s,measured,high,c,64,10,job,count,10,count,",
            "c,s,measured,high,c,64,10,node,rate_per_node_day,0.125,1/day,",
            "d,s,measured,high,c,64,10,gpu,rate_per_chip_day,0.015625,1/day,",
            "e,s,measured,high,c,64,10,machine,failures_per_day,1,1/day,",
        )
    )
    assert [one.per_chip_s * 64.0 * DAY for one in found] == pytest.approx([1.0] * 5)
    assert [one.about for one in found] == ["job", "job", "node", "accelerator", "node"]


def test_causes_add_up_and_bounds_are_left_out() -> None:
    found = observations_of(
        rows(
            "a,s,measured,high,c,64,10,gpu-memory,count,3,count,",
            "b,s,measured,high,c,64,10,host-nic,count,2,count,",
            "c,s,measured,high,c,64,10,network-cable,count,4,count,",
            "d,s,measured,high,c,64,10,restart,count,40,count,bound=lower",
            "e,s,derived,high,c,64,10,job,mttf_h,5,h,",
            "f,s,measured,high,c,64,10,planned,count,9,count,",
            "g,s,measured,high,c,64,10,all-interruptions,count,18,count,",
        )
    )
    assert {one.about: one.events for one in found} == {"accelerator": 3.0, "node": 5.0, "elsewhere": 4.0}
