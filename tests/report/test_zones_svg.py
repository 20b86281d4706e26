"""Pictures of zones: well-formed, within their frame, no label on another, the same every time."""

from __future__ import annotations

import datetime
import functools
import itertools
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
import pytest

from accord.api.law import Law
from accord.api.policy_ask import Question, read_question
from accord.api.policy_zones import zones_of
from accord.catalog.load import load_catalog
from accord.report.svg import width_of
from accord.report.zones_svg import HIGH, LEFT, TOP, WIDE, Axis, Point, Zones, draw, ticks

SPACE = "{http://www.w3.org/2000/svg}"
CASES = [
    ("nvidia-h20", "2025-05-01"), ("nvidia-a800-sxm", "2023-03-01"), ("nvidia-b30a", "2026-03-01"),
    ("huawei-cloudmatrix-384", "2025-06-01"), ("nvidia-rtx-4090", "2024-06-01"), ("nvidia-h20", "2022-01-01"),
    ("amd-mi309", "2024-06-01"),
]  # fmt: skip


@functools.cache
def law() -> Law:
    return Law(load_catalog())


@functools.cache
def zones(id: str, day: str) -> Zones:
    asked = read_question(Question(id=id, seller="US", buyer="CN"), law())
    when = datetime.date.fromisoformat(day)
    return zones_of(asked, law().classified(asked.item, asked.deal(when), when), law())


def texts(raw: bytes) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(raw).iter(f"{SPACE}text"))


def boxes(raw: bytes) -> Iterator[tuple[str, float, float, float, float]]:
    """Labels within the frame, a little narrower than they are taken to be."""
    for text in texts(raw):
        x, y, size = (float(text.attrib[name]) for name in ("x", "y", "font-size"))
        words = str(text.text)
        wide = 0.9 * width_of(words, size)
        left = {"start": x, "middle": x - wide / 2, "end": x - wide}[text.attrib.get("text-anchor", "start")]
        if TOP < y < TOP + HIGH and LEFT < x < LEFT + WIDE:
            yield words, left, y - 0.8 * size, left + wide, y


@pytest.mark.parametrize(("id", "day"), CASES)
def test_a_picture_is_well_formed_and_stays_in_its_frame(id: str, day: str) -> None:
    raw = draw(zones(id, day))
    root = ElementTree.fromstring(raw)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for shape in root.iter(f"{SPACE}rect"):
        x, y = float(shape.attrib.get("x", 0)), float(shape.attrib.get("y", 0))
        assert -0.01 <= x <= x + float(shape.attrib["width"]) <= width + 0.01
        assert -0.01 <= y <= y + float(shape.attrib["height"]) <= height + 0.01
    for circle in root.iter(f"{SPACE}circle"):
        assert LEFT <= float(circle.attrib["cx"]) <= LEFT + WIDE
        legend = float(circle.attrib["cy"]) == 65.0
        assert legend or TOP <= float(circle.attrib["cy"]) <= TOP + HIGH
    assert raw == draw(zones(id, day))
    assert len(raw) < 60_000


@pytest.mark.parametrize(("id", "day"), CASES)
def test_no_label_stands_on_another(id: str, day: str) -> None:
    found = list(boxes(draw(zones(id, day))))
    for one, other in itertools.combinations(found, 2):
        apart = one[3] <= other[1] or other[3] <= one[1] or one[4] <= other[2] or other[4] <= one[2]
        assert apart, f"{one[0]} on {other[0]}"


def test_zones_are_those_of_the_rules() -> None:
    scene = zones("nvidia-h20", "2025-05-01")
    for tpp, density, name in (
        (1000.0, 30.0, "none"), (2000.0, 4.0, "3A090.b"), (2000.0, 2.0, "none"), (3000.0, 2.0, "3A090.b"),
        (3000.0, 1.0, "none"), (2000.0, 10.0, "3A090.a"), (6000.0, 1.0, "3A090.a"),
    ):  # fmt: skip
        column = int(np.searchsorted(scene.xs, tpp)) - 1
        row = int(np.searchsorted(scene.ys, density)) - 1
        assert scene.names[scene.zone[row, column]] == name


def test_the_text_of_2022_asks_for_links() -> None:
    scene = zones("nvidia-a800-sxm", "2023-03-01")
    assert (scene.y.name, scene.y.unit) == ("I/O bandwidth", "GB/s")
    assert 600.0 in scene.ys
    assert {scene.names[at] for at in scene.zone.ravel().tolist()} == {"none", "3A090"}


def test_before_the_first_rule_all_is_one_zone() -> None:
    scene = zones("nvidia-h20", "2022-01-01")
    assert {scene.names[at] for at in scene.zone.ravel().tolist()} == {"none"}


def test_chips_announced_later_are_left_out() -> None:
    early, late = ({point.name for point in zones("nvidia-h20", day).points} for day in ("2022-01-01", "2025-05-01"))
    assert "H100 SXM" not in early
    assert "H100 SXM" in late


def test_a_chip_of_unknown_date_is_there_from_the_first_source_on() -> None:
    early, late = ({point.name for point in zones("nvidia-h20", day).points} for day in ("2022-12-01", "2026-02-01"))
    assert not {"RTX PRO 6000 Blackwell Server Edition", "Rubin", "L40S", "Ascend 910C"} & early
    assert {"RTX PRO 6000 Blackwell Server Edition", "L40S", "Ascend 910C"} <= late


def test_chips_marketed_otherwise_are_hollow_where_the_rules_ask() -> None:
    scene = zones("nvidia-h20", "2024-06-01")
    hollow = {point.name for point in scene.points if point.hollow}
    assert {"GeForce RTX 4090", "GeForce RTX 4090 D", "GeForce RTX 3090"} <= hollow
    assert not {"H100 SXM", "L40", "A30"} & hollow
    words = [str(text.text) for text in texts(draw(scene))]
    assert "not marketed for data centres: zones are not theirs" in words
    assert not any(point.hollow for point in zones("nvidia-a800-sxm", "2023-03-01").points)
    other = {point.name for point in zones("nvidia-rtx-4090", "2024-06-01").points if point.hollow}
    assert "H100 SXM" in other
    assert "GeForce RTX 3090" not in other


def test_what_was_not_checked_is_under_the_picture() -> None:
    asked = read_question(Question(id="nvidia-h20", seller="US", buyer="CN"), law())
    day = datetime.date(2024, 6, 1)
    scene = zones_of(asked, law().classified(asked.item, asked.deal(day), day), law(), ("tax", "contracts"))
    assert "Not checked: tax; contracts." in [str(text.text) for text in texts(draw(scene))]


def test_the_asked_chip_stands_out_even_where_a_figure_is_missing() -> None:
    words = [str(text.text) for text in texts(draw(zones("nvidia-b30a", "2026-03-01")))]
    assert "NVIDIA B30A: performance density not known" in words
    bold = [str(text.text) for text in texts(draw(zones("nvidia-h20", "2025-05-01"))) if "font-weight" in text.attrib]
    assert "NVIDIA H20" in bold
    flat = Zones(
        "t", "s", Axis("x", 1.0, 100.0), Axis("y", 1.0, 100.0), (1.0, 100.0), (1.0, 100.0),
        np.zeros((1, 1), np.intp), ("none",), (Point("A", None, 10.0, asked=True), Point("B", None, 5.0)),
    )  # fmt: skip
    words = [str(text.text) for text in texts(draw(flat))]
    assert "A: x not known" in words
    assert not any("B" in word for word in words)


def test_points_at_one_place_share_a_label_and_crowds_say_so() -> None:
    same = tuple(Point(name, 10.0, 10.0) for name in ("A", "B"))
    crowd = tuple(Point(f"a chip with a long name {at}", 20.0 + at * 0.001, 20.0) for at in range(400))
    scene = Zones(
        "t", "s", Axis("x", 1.0, 100.0), Axis("y", 1.0, 100.0, "mm2"), (1.0, 10.0, 100.0), (1.0, 100.0),
        np.array([[0, 1]]), ("none", "another class"), (*same, *crowd),
    )  # fmt: skip
    words = [str(text.text) for text in texts(draw(scene))]
    assert "A, B" in words
    assert "upwards: y [mm2]" in words
    assert "another class" in words
    assert any("stand too close to others for a name" in word for word in words)


def test_ticks_are_round() -> None:
    assert list(ticks(Axis("x", 150.0, 6000.0))) == [200.0, 500.0, 1000.0, 2000.0, 5000.0]
