"""Rules across files, on the packaged catalog and on broken copies of a small one."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from accord.catalog.check import check_catalog
from accord.catalog.load import KINDS, Catalog, load_catalog

SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(SAMPLE, tmp_path / "data")
    return tmp_path / "data"


def change(folder: Path, file: str, old: str, new: str) -> str:
    """Change one file and return the first problem the check then finds, without the folder."""
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    problems = check_catalog(Catalog(folder)).problems
    assert problems
    return problems[0].replace(f"{folder}/", "")


def test_the_packaged_catalog_is_sound() -> None:
    report = check_catalog(load_catalog())
    assert report.problems == ()
    assert all(report.counts[kind] > 0 for kind in KINDS)


def test_the_packaged_catalog_is_quick() -> None:
    catalog = load_catalog()
    start = time.process_time()
    report = check_catalog(catalog)
    entries = sum(report.counts[kind] for kind in KINDS)
    assert (time.process_time() - start) / entries < 2.5e-3  # seconds an entry
    catalog = load_catalog()
    start = time.process_time()
    for kind in ("chips", "systems", "models"):
        catalog.entry(kind, catalog.ids(kind)[0])
    assert time.process_time() - start < 0.1


def test_the_sample_is_sound() -> None:
    report = check_catalog(Catalog(SAMPLE))
    assert report.ok
    assert report.counts == {
        "chips": 1,
        "systems": 1,
        "models": 2,
        "prices": 1,
        "engines": 1,
        "workloads": 1,
        "places": 1,
        "support": 1,
        "origins": 1,
        "calibration": 2,
        "collectives": 0,
        "training": 0,
        "reliability": 1,
        "instruments": 1,
        "groups": 1,
        "parties": 1,
        "licences": 1,
        "governance": 1,
        "deployments": 1,
        "claims": 1,
        "conformance": 1,
        "risks": 1,
        "values": 77,
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "chips/example-chip-1.yaml",
            '  why: "the later report"\n',
            "",
            "chips/example-chip-1.yaml:15: board_power has alternatives but no why\n"
            "hint: add 'why:', the reason for this value and not another",
        ),
        (
            "systems/example-node-8.yaml",
            "chip: example-chip-1",
            "chip: example-chip-l",
            "systems/example-node-8.yaml:5: chip is 'example-chip-l', which is not in the catalog's chips\n"
            "hint: did you mean 'example-chip-1'?",
        ),
        (
            "prices/example-price-1.yaml",
            "chip: example-chip-1",
            "system: other",
            "prices/example-price-1.yaml:3: system is 'other', which is not in the catalog's systems\n"
            "hint: known: example-node-8",
        ),
        (
            "prices/example-price-1.yaml",
            "sources:\n",
            "sources:\n  S2: {title: a, publisher: b, date: 2025}\n",
            "prices/example-price-1.yaml:7: sources.S2 is used by no value\nhint: use it or drop it",
        ),
        (
            "calibration/example-leaf.yaml",
            "parent: example-root",
            "parent: example-rot",
            "calibration/example-leaf.yaml:2: parent is 'example-rot', which is not in the catalog's calibration\n"
            "hint: did you mean 'example-root'?",
        ),
        (
            "calibration/example-root.yaml",
            "families:",
            "parent: example-leaf\nfamilies:",
            "calibration/example-leaf.yaml:2: parent leads in a circle: example-leaf -> example-root -> example-leaf\n"
            "hint: the topmost set has no parent",
        ),
        (
            "calibration/example-root.yaml",
            "families: [other]",
            "families: [another]",
            "calibration/example-root.yaml:2: families[0] is 'another', which is not one of the 32 it may be\n"
            "hint: did you mean 'other'?",
        ),
    ],
)
def test_problems(copy: Path, file: str, old: str, new: str, problem: str) -> None:
    assert change(copy, file, old, new) == problem


def test_defaults_are_checked(copy: Path) -> None:
    (copy / "defaults.yaml").write_text("serving: {}\n")
    assert "defaults.yaml:1: the file has no 'sources'" in check_catalog(Catalog(copy)).problems[0]


def test_engines_share_no_name(copy: Path) -> None:
    text = (copy / "engines" / "example-engine-1.yaml").read_text()
    (copy / "engines" / "example-engine-2.yaml").write_text(text.replace("engine-1", "engine-2"))
    (copy / "engines" / "example-engine-3.yaml").write_text("id: [\n")
    problems = check_catalog(Catalog(copy)).problems
    assert [problem.replace(f"{copy}/", "").splitlines()[0] for problem in problems] == [
        "engines/example-engine-1.yaml:3: aliases has 'ex', also a name of example-engine-2",
        "engines/example-engine-2.yaml:3: aliases has 'ex', also a name of example-engine-1",
        "engines/example-engine-3.yaml:2: the file is not valid YAML: did not find expected node content",
    ]


def test_a_file_that_does_not_read_is_a_problem(copy: Path) -> None:
    problem = change(copy, "models/example-open-1.yaml", "config: {", "note_: {")
    assert problem.startswith("models/example-open-1.yaml:6: note_ is not a known key\nhint: did you mean 'note'?")
