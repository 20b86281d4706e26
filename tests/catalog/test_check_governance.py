"""Governance instruments, deployments, claims, test definitions: what ``catalog check`` refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from accord.catalog.check import check_catalog
from accord.catalog.load import Catalog

SAMPLE = Path(__file__).parent / "sample"
PACT = "governance/example-pact.yaml"
SITE = "deployments/example-site.yaml"
CLAIM = "claims/example-claim.yaml"
TEST = "conformance/example-test.yaml"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "data"))


def change(folder: Path, file: str, old: str, new: str) -> list[str]:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return [problem.replace(f"{folder}/", "") for problem in check_catalog(Catalog(folder)).problems]


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (PACT, "text: signed, source: S1", "text: signed, source: S9", f"{PACT}:9: states[0].source is 'S9'"),
        (PACT, "[energy_per_token], source: S1", "[], source: S2", f"{PACT}:11: provisions[0].source is 'S2'"),
        (PACT, "joined: false, source: S1", "joined: false, source: S2", f"{PACT}:14: members[1].source is 'S2'"),
        (PACT, "what: signatories, source: S1", "what: votes, source: S2", f"{PACT}:18: tallies[0].source is 'S2'"),
        (PACT, "locator: paragraph 2", 'locator: " "', f"{PACT}:11: provisions[0].locator is empty"),
        (PACT, "until: 2024-05-01", "until: 2024-02-01", f"{PACT}:15: members[2].until is 2024-02-01, not after"),
        (PACT, "until: 2024-05-01", "until: 2024-06-01", f"{PACT}:16: members[3].who is 'CC', whose earlier entry"),
        (PACT, "joined: false", "joined: false, latest: [until]", f"{PACT}:14: members[1].latest names until, which"),
        (
            PACT,
            "binding: voluntary",
            "binding: voluntary\ncomplete_on: 2024-04-01",
            f"{PACT}:8: complete_on is 2024-04",
        ),
        (
            PACT,
            "binding: voluntary",
            "binding: voluntary\ncomplete: true\ncomplete_on: 2024-02",
            f"{PACT}:9: complete_on is 2024-02",
        ),
        (PACT, "rules: [example-rule-1]", "rules: [gone]", f"{PACT}:19: rules[0] is 'gone'"),
        (
            PACT,
            "sources:\n",
            "sources:\n  S3: {title: a, publisher: b, date: 2024}\n",
            f"{PACT}:21: sources.S3 is used by no value",
        ),
        (SITE, "system: example-node-8", "system: example-node-9", f"{SITE}:2: system is 'example-node-9', neither a"),
        (SITE, "start: 2024-06", "start: 2024-Q2", f"{SITE}:6: start is '2024-Q2', which cannot be put"),
        (PACT, "- {start: 2024-03-01", "- {start: 2024-H1", f"{PACT}:9: states[0].start is '2024-H1'"),
        (SITE, "\nsource: S1", "\nsource: S2", f"{SITE}:8: source is 'S2'"),
        (CLAIM, "source: S1", "source: S3", f"{CLAIM}:5: source is 'S3'"),
        (CLAIM, "source: S2", "source: S3", f"{CLAIM}:12: parts[0].terms.said.source is 'S3'"),
        (CLAIM, "locator: table 1", "note: none", f"{CLAIM}:12: parts[0].terms.said.source has no locator"),
        (CLAIM, "chips/example-chip-1", "chips/other", f"{CLAIM}:11: parts[0].terms.power.catalog is 'chips/other'"),
        (CLAIM, "chips/example-chip-1", "shops/other", f"{CLAIM}:11: parts[0].terms.power.catalog is 'shops/other'"),
    ],
)
def test_problems(copy: Path, file: str, old: str, new: str, problem: str) -> None:
    found = change(copy, file, old, new)
    assert any(one.startswith(problem) for one in found), found


def test_a_deployment_may_name_a_chip(copy: Path) -> None:
    assert change(copy, SITE, "system: example-node-8", "system: example-chip-1") == []


def test_the_sources_of_a_test_definition_are_its_own(copy: Path) -> None:
    assert change(copy, TEST, "sources:\n", "sources:\n  S2: {title: a, publisher: b, date: 2024}\n") == []
