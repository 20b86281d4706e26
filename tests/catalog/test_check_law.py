"""Entries of law: what ``catalog check`` refuses, with file, line and how to mend."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from accord.catalog.check import check_catalog
from accord.catalog.load import Catalog

SAMPLE = Path(__file__).parent / "sample"
RULE = "instruments/example-rule-1.yaml"
GROUP = "groups/example-group-1.yaml"
PARTY = "parties/example-party-1.yaml"
LICENCE = "licences/example-licence-1.yaml"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "data"))


def problems(folder: Path) -> list[str]:
    return [problem.replace(f"{folder}/", "") for problem in check_catalog(Catalog(folder)).problems]


def change(folder: Path, file: str, old: str, new: str) -> list[str]:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return problems(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            RULE,
            "tier: primary",
            "tier: news",
            f"{RULE}:17: rules[0].cites has weak sources alone, but class is said to be",
        ),
        (
            RULE,
            "cites: [{source: S1, tier: primary, locator: paragraph 1}]",
            "cites: []",
            f"{RULE}:17: rules[0].cites is empty",
        ),
        (
            RULE,
            "{source: S1, tier: law-firm",
            "{source: S2, tier: law-firm",
            f"{RULE}:24: rules[1].cites[0].source is 'S2'",
        ),
        (RULE, '["X:1", CC]', '["X:2", CC]', f"{RULE}:18: rules[1].name speaks of 'X:2', no country and no group"),
        (RULE, '["X:1", CC]', '["X:1", QX]', f"{RULE}:18: rules[1].name speaks of 'QX', no country and no group"),
        (RULE, '["X:1", CC]', '["X:1", UK]', f"{RULE}:18: rules[1].name speaks of 'UK', no country and no group"),
        (GROUP, "country: BB", "country: UK", f"{GROUP}:8: members[1].country is 'UK', the code of no country"),
        (PARTY, "country: AD", "country: QX", f"{PARTY}:4: country is 'QX', the code of no country"),
        (RULE, "[example-party-1]", "[nobody]", f"{RULE}:18: rules[1].name speaks of 'nobody'"),
        (
            RULE,
            "example-rule-1/class]",
            "example-rule-1/other]",
            f"{RULE}:18: rules[1].name overrides 'example-rule-1/other'",
        ),
        (RULE, "line: example", "supersedes: [gone]", f"{RULE}:7: supersedes[0] is 'gone'"),
        (GROUP, "source: S1, basis: assumed", "source: S9, basis: assumed", f"{GROUP}:10: outside[0].source is 'S9'"),
        (
            PARTY,
            "source: S1, basis: published}\n",
            "source: S9, basis: published}\n",
            f"{PARTY}:10: owners[0].source is 'S9'",
        ),
        (PARTY, "{source: S1, tier", "{source: S9, tier", f"{PARTY}:8: listings[0].cites[0].source is 'S9'"),
        (LICENCE, "[example-open-1]", "[nothing]", f"{LICENCE}:5: models[0] is 'nothing'"),
        (
            LICENCE,
            "S1, tier: primary, locator: section 1",
            "S9, tier: primary, locator: section 1",
            f"{LICENCE}:7: terms[0].source is 'S9'",
        ),
    ],
)
def test_problems(copy: Path, file: str, old: str, new: str, problem: str) -> None:
    found = change(copy, file, old, new)
    assert any(one.startswith(problem) for one in found), found


def test_versions_of_one_line_never_overlap(copy: Path) -> None:
    text = (copy / RULE).read_text().replace("id: example-rule-1", "id: example-rule-2")
    (copy / "instruments/example-rule-2.yaml").write_text(
        text.replace("start: 2024-02-01, until: 2025-02-01", "start: 2025-01-01")
    )
    found = problems(copy)
    assert "rules[0].spans of class overlap those of example-rule-1 from 2025-01-01 on" in found[0]


def test_a_model_has_one_licence(copy: Path) -> None:
    text = (copy / LICENCE).read_text().replace("id: example-licence-1", "id: example-licence-2")
    (copy / "licences/example-licence-2.yaml").write_text(text)
    assert "models has 'example-open-1', which example-licence-1 covers as well" in problems(copy)[0]


def test_a_broken_neighbour_is_told_once(copy: Path) -> None:
    for kind in ("instruments", "groups", "licences"):
        (copy / kind / "example-broken.yaml").write_text("id: [\n")
    text = (copy / "instruments/example-rule-1.yaml").read_text()
    found = change(copy, RULE, "overrides: [example-rule-1/class]", "overrides: [example-broken/class]")
    assert len(found) == 3, (found, text)
