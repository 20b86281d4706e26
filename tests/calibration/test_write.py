"""Calibration files: what is written reads back, and a failure changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from accord.base.errors import UsageError
from accord.base.source import Source
from accord.calibration.write import write, yaml_of
from accord.catalog.calibration import NEEDED, Calibration, Curve, Fit
from accord.catalog.load import load_file
from accord.catalog.value import Value

SOURCES = {
    "AIC": Source(title="Operator tables 0.12", publisher="Somebody", date="2026-08", locator="systems/data"),
    "RULE": Source(title="Judgement: no measurement", publisher="Accord", date="2026-11-22"),
}
CURVE = Curve(
    rows=(0.0, 3.0, 7.0), width=(14.0, 22.5), log=((0.125, -0.031), (0.0, 1.0), (-1.0, 0.004)), n=1234
)  # fmt: skip


def value(number: float, unit: str = "1", note: str | None = None) -> Value:
    source = "AIC" if note is None else "RULE"
    return Value(number=number, unit=unit, basis="derived", source=source, note=note)


def leaf(**fields: object) -> Calibration:
    given: dict[str, object] = {
        "id": "nvidia-h100-sxm", "parent": "nvidia-hopper", "chips": ("nvidia-h100-sxm",), "fitted": "2026-11-22",
        "parameters": {
            "engine.iteration_s": value(2.844e-3, "s", "outside the layers"), "gemm.compute.fp8": value(0.7512),
            "gemm.launch_s": value(3.062e-6, "s"), "gemm.walk": value(204_800.0),
            "pool.software_rate": value(9.5e8, "B/s"), "send.base_s.scale-up": value(8.7e-7, "s", "a transfer"),
            "slow_s": value(1.25, "s"),
        },
        "fits": {"gemm.launch_s": Fit(log_sd=0.125, n=40, chips=("a", "b")), "gemm.walk": Fit(log_sd=0.4)},
        "correlations": {"gemm.launch_s": {"gemm.walk": -0.55}}, "curves": {"gemm.fp8": CURVE}, "sources": SOURCES,
    }  # fmt: skip
    return Calibration(**{**given, **fields})  # type: ignore[arg-type]


def top() -> Calibration:
    parameters = {name: value(0.5, "s" if name.endswith("_s") else "1", "judged") for name in NEEDED}
    return leaf(id="generic", parent=None, chips=(), parameters=parameters, fits={}, correlations={}, curves={},
                sources={"RULE": SOURCES["RULE"]})  # fmt: skip


def read_back(entry: Calibration, folder: Path) -> object:
    file = folder / f"{entry.id}.yaml"
    file.write_text(yaml_of(entry), encoding="utf-8")
    return load_file(file, "calibration")


@pytest.mark.parametrize("entry", [leaf(), leaf(curves={}, correlations={}), leaf(fits={}, correlations={}), top()],
                         ids=["whole", "plain", "exact", "topmost"])  # fmt: skip
def test_what_is_written_reads_back(entry: Calibration, tmp_path: Path) -> None:
    found = read_back(entry, tmp_path)
    assert isinstance(found, Calibration)
    assert in_si(found) == in_si(entry)
    assert yaml_of(found) == yaml_of(entry)


def in_si(entry: Calibration) -> Calibration:
    """Numbers alone in SI, so that a unit of another size is the same number."""
    plain = {
        name: Value(number=float(f"{one.si:.4g}"), unit="1", basis=one.basis, source=one.source, note=one.note)
        for name, one in entry.parameters.items()
    }
    fields = {name: getattr(entry, name) for name in entry.__struct_fields__}
    return Calibration(**{**fields, "parameters": plain})


def test_the_packaged_set_reads_back(tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "src" / "accord" / "catalog" / "data" / "calibration"
    for file in sorted(folder.glob("*.yaml")):
        entry = load_file(file, "calibration")
        assert isinstance(entry, Calibration)
        found = read_back(entry, tmp_path)
        assert isinstance(found, Calibration)
        assert in_si(found) == in_si(entry), file.name


def test_the_same_record_gives_the_same_bytes() -> None:
    assert yaml_of(leaf()) == yaml_of(leaf())
    assert all(len(line) < 250 for line in yaml_of(leaf()).splitlines())


# Folders


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    files = write({"generic": top(), "nvidia-h100-sxm": leaf()}, tmp_path / "one" / "two")
    assert [file.name for file in files] == ["generic.yaml", "nvidia-h100-sxm.yaml"]
    assert set(contents(tmp_path)) == {"one/two/generic.yaml", "one/two/nvidia-h100-sxm.yaml"}


def test_old_fits_go_and_other_files_stay(tmp_path: Path) -> None:
    write({"generic": top(), "nvidia-h100-sxm": leaf()}, tmp_path)
    (tmp_path / "mine.yaml").write_text("# by hand\nid: mine\n")
    (tmp_path / "notes.txt").write_text("notes")
    before = contents(tmp_path)
    write({"generic": top()}, tmp_path)
    del before["nvidia-h100-sxm.yaml"]
    assert contents(tmp_path) == before


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UsageError, match="the calibration cannot be written") as caught:
        write({"generic": top()}, tmp_path / "taken")
    assert caught.value.hint
    assert contents(tmp_path) == {"taken": b"a file"}


def test_a_failure_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is replaced before everything is written."""
    folder = tmp_path / "out"
    write({"generic": top()}, folder)
    before = contents(tmp_path)
    written = Path.write_text
    calls: list[Path] = []

    def full(self: Path, data: str, encoding: str | None = None) -> int:
        calls.append(self)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return written(self, data, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", full)
    changed = leaf(id="generic", parent="x")
    with pytest.raises(UsageError, match="No space left on device"):
        write({"generic": changed, "nvidia-h100-sxm": leaf()}, folder)
    monkeypatch.undo()
    assert contents(tmp_path) == before
