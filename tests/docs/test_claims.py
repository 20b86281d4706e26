"""The pages of claims are what the audit says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from tests.docs.console import ROOT

from accord.catalog.load import load_catalog


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_claims", ROOT / "docs" / "make_claims.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(script: ModuleType) -> None:
    assert script.main(["--check"]) == 0, "run 'python docs/make_claims.py'"


def test_every_claim_has_a_page_with_its_calculation() -> None:
    folder = ROOT / "docs" / "claims"
    ids = load_catalog().ids("claims")
    assert {path.stem for path in folder.glob("*.md")} == {*ids, "README"}
    index = (folder / "README.md").read_text(encoding="utf-8")
    for id in ids:
        text = (folder / f"{id}.md").read_text(encoding="utf-8")
        assert "Verdict: **" in text and "## Sources" in text and f"accord audit {id}" in text
        assert f"({id}.md)" in index


def test_pages_are_written_and_old_ones_removed(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "FOLDER", tmp_path / "claims")
    monkeypatch.setattr(script, "pages", lambda: {"README.md": "all\n", "one.md": "one\n"})
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0
    (tmp_path / "claims" / "old.md").write_text("old\n", encoding="utf-8")
    assert script.main(["--check"]) == 1
    assert "old.md" in capsys.readouterr().out
    assert script.main([]) == 0
    assert sorted(path.name for path in (tmp_path / "claims").iterdir()) == ["README.md", "one.md"]
