"""Sets of fitted parameters: what a file may say, and what is refused with its file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from accord.base.errors import CatalogError
from accord.catalog.calibration import NEEDED, Calibration, Curve, Fit
from accord.catalog.load import load_file
from accord.catalog.value import Value
from accord.cli.main import main

HEAD = """id: mine
parent: generic
parameters:
  x: {value: 0.5, basis: derived, source: S1}
  y: {value: 0.5, basis: derived, source: S1}
  z: {value: -0.5, basis: derived, source: S1}
"""
SOURCES = "sources:\n  S1: {title: Example fit, publisher: Accord, date: 2026}\n"
FITS = "fits:\n  x: {log_sd: 0.1}\n  y: {log_sd: 0.1}\n"
REFUSED = {
    "a fit of nothing": ("fits:\n  w: {log_sd: 0.1}\n", 8, "fits.w is about no parameter of this set"),
    "no spread": ("fits:\n  x: {log_sd: 0, n: 3}\n", 8, "fits.x.log_sd is 0; a standard deviation is above 0"),
    "a spread below nought": ("fits:\n  x: {log_sd: -0.1}\n", 8, "fits.x.log_sd is "),
    "a spread that is no number": ("fits:\n  x: {log_sd: .nan}\n", 8, "fits.x.log_sd is "),
    "a spread without end": ("fits:\n  x: {log_sd: .inf}\n", 8, "fits.x.log_sd is "),
    "no logarithm": ("fits:\n  z: {log_sd: 0.1}\n", 8, "fits.z is about a parameter that is not above 0"),
    "tied for good": (f"{FITS}correlations:\n  x: {{y: 1}}\n", 11, "correlations.x is 1 with 'y'"),
    "tied for worse": (f"{FITS}correlations:\n  x: {{y: -1.2}}\n", 11, "correlations.x is -1.2 with 'y'"),
    "tied to itself": (f"{FITS}correlations:\n  x: {{x: 0.5}}\n", 11, "correlations.x names 'x'"),
    "a triangle that cannot be": (
        f"{FITS}correlations:\n  x: {{y: 0.9, a: 0.9}}\n  y: {{a: -0.9}}\n", 10, "correlations is no correlation matrix"
    ),
    "knots out of order": (
        "curves:\n  gemm:\n    rows: [4, 0]\n    width: [1, 2]\n    log:\n      - [0, 0]\n      - [0, 0]\n    n: 9\n",
        9, "curves.gemm.rows is not a list of two or more rising numbers",
    ),
    "a single knot": (
        "curves:\n  gemm:\n    rows: [0, 4]\n    width: [1]\n    log:\n      - [0]\n      - [0]\n    n: 9\n",
        10, "curves.gemm.width is not a list of two or more rising numbers",
    ),
    "a ragged table": (
        "curves:\n  gemm:\n    rows: [0, 4]\n    width: [1, 2]\n    log:\n      - [0, 0]\n      - [0]\n    n: 9\n",
        11, "curves.gemm.log is not a table of 2 by 2 numbers",
    ),
    "a table of other rows": (
        "curves:\n  gemm:\n    rows: [0, 4, 8]\n    width: [1, 2]\n    log:\n      - [0, 0]\n    n: 9\n",
        11, "curves.gemm.log is not a table of 3 by 2 numbers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_file_and_line(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body, line, message = REFUSED[what]
    folder = tmp_path / "calibration"
    folder.mkdir()
    (folder / "mine.yaml").write_text(HEAD + body + SOURCES)
    monkeypatch.chdir(folder)
    with pytest.raises(CatalogError) as caught:
        load_file(Path("mine.yaml"), "calibration")
    assert str(caught.value).startswith(f"mine.yaml:{line}: {message}")
    assert main(["catalog", "check", "--catalog", str(tmp_path)]) == 3
    shown = capsys.readouterr()
    assert f"mine.yaml:{line}: {message}" in shown.out + shown.err


@pytest.mark.parametrize("name", NEEDED)
def test_a_topmost_set_states_every_family(name: str) -> None:
    whole = {one: number(0.5) for one in NEEDED}
    assert Calibration(id="top", parameters=whole, sources={}).parent is None
    del whole[name]
    with pytest.raises(CatalogError, match=f"parameters has no '{name}'"):
        Calibration(id="top", parameters=whole, sources={})
    assert Calibration(id="below", parent="top", parameters=whole, sources={}).parent == "top"


def number(value: float) -> Value:
    return Value(number=value, unit="1", basis="assumed", source="S")


def test_the_matrix_follows_the_names_asked_for() -> None:
    tied = {"a": {"b": 0.5}, "b": {"c": -0.25}}
    entry = Calibration(id="leaf", parent="top", correlations=tied, sources={})
    expected = [[1.0, -0.25, 0.0], [-0.25, 1.0, 0.5], [0.0, 0.5, 1.0]]
    assert np.array_equal(entry.correlation(("c", "b", "a")), expected)
    assert np.array_equal(entry.correlation(("a", "d")), np.eye(2))


def test_a_set_reads_back() -> None:
    curve = Curve(rows=(0.0, 2.0), width=(1.0, 2.0, 3.0), log=((0.0, 0.1, 0.2), (0.0, -0.1, -0.2)), n=9)
    fits = {"a": Fit(log_sd=0.1, n=2, chips=("x",))}
    entry = Calibration(id="leaf", parent="top", parameters={"a": number(2.0)}, fits=fits, curves={"gemm": curve},
                        sources={})  # fmt: skip
    assert (entry.fits["a"].chips, entry.curves["gemm"].n) == (("x",), 9)


def test_what_is_packaged_can_be_drawn_from() -> None:
    folder = Path(__file__).parents[2] / "src" / "accord" / "catalog" / "data" / "calibration"
    for file in sorted(folder.glob("*.yaml")):
        entry = load_file(file, "calibration")
        assert isinstance(entry, Calibration)
        names = tuple(sorted({*entry.correlations, *(name for row in entry.correlations.values() for name in row)}))
        if names:
            np.linalg.cholesky(entry.correlation(names))
