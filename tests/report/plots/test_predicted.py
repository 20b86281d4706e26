"""The picture of predicted against measured."""

from __future__ import annotations

import pytest
from tests.report.scores import scored, skipped

pytest.importorskip("matplotlib")

from accord.report.plots.predicted import PANELS, axis_label, figure, panel_of, picture

ROWS = (
    scored("r1", 0.1),
    scored("r2", -0.4, source_id="blog", measured=0.5),
    scored("r3", 0.2, metric="gemm_flop_per_s", measured=3e14),
    skipped("r4", "no_lengths"),
)


@pytest.mark.parametrize(
    ("metric", "panel"),
    [
        ("tpot_s", "token_s"),
        ("ttft_reduction_s", "first_s"),
        ("ttft_p99_s", "first_s"),
        ("ep_dispatch_s", "part_s"),
        ("layer_s", "part_s"),
        ("link_latency_s", "part_s"),
        ("output_token_per_s_total", "token_per_s"),
        ("decode_token_per_s_per_chip", "token_per_s"),
        ("link_byte_per_s", "byte_per_s"),
        ("gemm_flop_per_s", "flop_per_s"),
        ("gemm_utilization", "ratio"),
        ("microbatch_layer_ratio", "ratio"),
        ("mtp_speedup", "ratio"),
    ],
)
def test_a_metric_has_one_panel(metric: str, panel: str) -> None:
    assert panel_of(metric) == panel
    assert panel in [kind for kind, _, _ in PANELS]


def test_panels_that_have_rows_are_drawn() -> None:
    drawn = figure(ROWS, 0.9)
    assert [axes.get_title(loc="left") for axes in drawn.axes] == [
        "Time per token (2)",
        "FLOP per second (1)",
    ]
    texts = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert texts == ["blog (1)", "paper (2)", "90% interval", "within 25 %"]
    for axes in drawn.axes:
        assert axes.get_xlim() == axes.get_ylim()
        assert len(axes.get_xticks()) >= 2


def test_every_point_lies_inside_its_panel() -> None:
    (axes,) = figure([scored("a", 6.0), scored("b", -6.0)], 0.9).axes
    low, high = axes.get_ylim()
    for row in (scored("a", 6.0), scored("b", -6.0)):
        assert row.predicted is not None
        assert low < row.measured < high and low < row.predicted < high


@pytest.mark.parametrize(("form", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_the_same_rows_give_the_same_bytes(form: str, start: bytes) -> None:
    one = picture(ROWS, 0.9, form)
    assert one.startswith(start)
    assert one == picture(ROWS, 0.9, form)
    assert b"<dc:date>" not in one


def test_nothing_to_draw_is_an_empty_picture() -> None:
    assert picture([skipped("r", "no_shape")], 0.9, "svg").startswith(b"<?xml")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2e-5, "s", "20 µs"),
        (1.0, "s", "1 s"),
        (1e3, "", "1 k"),
        (0.5, "plain", "0.5"),
        (3e-8, "s", "30 ns"),
        (2e3, "s", "2000 s"),
    ],
)
def test_axis_labels(value: float, unit: str, text: str) -> None:
    assert axis_label(value, unit) == text
