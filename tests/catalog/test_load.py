"""The catalog: lazy, extensible, with one digest."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from accord.base.errors import CatalogError
from accord.catalog.load import KINDS, Catalog, kind_of, load_catalog, load_file
from accord.catalog.yaml_text import parse_yaml

SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture
def sample() -> Catalog:
    return Catalog(SAMPLE)


def test_each_kind(sample: Catalog) -> None:
    assert sample.chip("example-chip-1").vendor == "example"
    assert sample.system("example-node-8").kind == "supernode"
    assert sample.model("example-open-1").config == {
        "hidden_size": 4096,
        "layer_types": ["full", "sliding"],
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": False,
        "rope_scaling": None,
    }
    assert sample.model("example-model-1").config is None
    assert sample.price("example-price-1").facts["rent"].si == 2.5
    assert sample.engine("example-engine-1").features == {"chunked_prefill": True}
    assert sample.calibration("example-leaf").parent == "example-root"
    assert sample.calibration("example-root").parameters["slope"].si == -0.2
    assert sample.defaults()["serving"]["ttft"].si == 1.0
    assert sample.ids("calibration") == ("example-leaf", "example-root")
    assert sample.notes == ()


def test_entries_are_read_once(sample: Catalog) -> None:
    assert sample.chip("example-chip-1") is sample.entry("chips", "example-chip-1")


def test_find(sample: Catalog) -> None:
    assert sample.find("example-node-8")[0] == "systems"
    assert sample.find("models/example-open-1")[0] == "models"
    with pytest.raises(
        CatalogError, match="'example-chip-2' is not in the catalog\nhint: did you mean 'example-chip-1'"
    ):
        sample.find("example-chip-2")
    with pytest.raises(CatalogError, match="'a/b' is not in the catalog"):
        sample.find("a/b")


def test_unknown_names(sample: Catalog) -> None:
    with pytest.raises(
        CatalogError, match="chip 'exampel-chip-1' is not in the catalog\nhint: did you mean 'example-chip-1'"
    ):
        sample.chip("exampel-chip-1")
    with pytest.raises(CatalogError, match="calibration 'root'"):
        sample.calibration("root")
    with pytest.raises(CatalogError, match="'chip' is no kind of entry\nhint: did you mean 'chips'"):
        sample.ids("chip")
    with pytest.raises(CatalogError, match="'chip' is no kind of entry"):
        load_file(SAMPLE / "chips" / "example-chip-1.yaml", "chip")


def test_sources(sample: Catalog) -> None:
    assert sample.source("chips", "example-chip-1", "S1").title == "Example system paper"
    with pytest.raises(
        CatalogError, match="example-chip-1.yaml: 'S3' is no source of example-chip-1\nhint: known: S1, S2"
    ):
        sample.source("chips", "example-chip-1", "S3")


def test_extra_folder_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / "chips").mkdir()
    text = (SAMPLE / "chips" / "example-chip-1.yaml").read_text()
    (tmp_path / "chips" / "example-chip-1.yaml").write_text(text.replace("600 W", "610 W"))
    (tmp_path / "example-chip-2.yaml").write_text(text.replace("id: example-chip-1", "id: example-chip-2"))
    (tmp_path / "defaults.yaml").write_text(
        (SAMPLE / "defaults.yaml").read_text().replace("value: 1024", "value: 2048")
    )
    both = Catalog(SAMPLE, (tmp_path,))
    power = both.chip("example-chip-1").board_power
    assert power is not None and power.si == 610.0
    assert both.ids("chips") == ("example-chip-1", "example-chip-2")
    assert len(both.notes) == 1 and both.notes[0].startswith("chips/example-chip-1: ")
    assert both.defaults()["serving"]["isl"].si == 2048
    assert both.digest != Catalog(SAMPLE).digest


def test_extra_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text((SAMPLE / "systems" / "example-node-8.yaml").read_text().replace("id: example-node-8", "id: mine"))
    assert Catalog(SAMPLE, (file,)).find("mine")[0] == "systems"
    placed = tmp_path / "chips" / "mine.yaml"
    placed.parent.mkdir()
    shutil.copy(SAMPLE / "chips" / "example-chip-1.yaml", placed)
    with pytest.raises(CatalogError, match="mine.yaml:1: id is 'example-chip-1', but the file is named 'mine.yaml'"):
        Catalog(SAMPLE, (placed,)).chip("mine")


def test_extras_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="there is no such file or folder"):
        Catalog(SAMPLE, (tmp_path / "none",))
    with pytest.raises(CatalogError, match="the folder holds no entries\nhint: put files into chips"):
        Catalog(SAMPLE, (tmp_path,))


@pytest.mark.parametrize("kind", KINDS)
def test_kind_is_told_by_keys(kind: str) -> None:
    for file in (SAMPLE / kind).glob("*.yaml"):
        assert kind_of(parse_yaml(file.read_bytes(), str(file))) == kind


def test_kind_that_cannot_be_told() -> None:
    with pytest.raises(CatalogError, match="is of a kind that its keys do not tell\nhint: put it into a folder"):
        kind_of(parse_yaml(b"id: a\nname: b\n", "a.yaml"))


def test_digest_follows_the_bytes(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(SAMPLE, copy)
    before = Catalog(copy).digest
    assert before == Catalog(SAMPLE).digest
    with (copy / "chips" / "example-chip-1.yaml").open("a") as file:
        file.write("# more\n")
    assert Catalog(copy).digest != before
    single = tmp_path / "one.yaml"
    shutil.copy(SAMPLE / "chips" / "example-chip-1.yaml", single)
    assert len(Catalog(SAMPLE, (single,)).digest) == 64


def test_packaged_files_are_named_from_catalog_on() -> None:
    catalog = load_catalog()
    first = catalog.ids("chips")[0]
    assert catalog.shown("chips", first) == f"catalog/data/chips/{first}.yaml"


def test_loading_imports_neither_numpy_nor_rich() -> None:
    code = (
        "import sys; from accord.catalog.load import load_catalog; catalog = load_catalog();"
        "catalog.chip(catalog.ids('chips')[0]); print('numpy' in sys.modules, 'rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_packaged_catalog_is_read_once_a_process_and_extras_each_time(tmp_path: Path) -> None:
    kept = load_catalog()
    assert load_catalog(()) is kept
    assert kept.chip("huawei-ascend-910c") is load_catalog().chip("huawei-ascend-910c")
    other = kept.with_calibration({})
    assert other.ids("calibration") == () and len(load_catalog().ids("calibration")) > 1
    kept.defaults()["serving"].clear()
    assert load_catalog().defaults()["serving"]
    (tmp_path / "chips").mkdir()
    file = tmp_path / "chips" / "example-chip-1.yaml"
    shutil.copy(SAMPLE / "chips" / file.name, file)
    before = load_catalog((tmp_path,))
    assert before.chip("example-chip-1").vendor == "example" and before.digest
    file.write_text(file.read_text().replace("vendor: example", "vendor: changed"))
    after = load_catalog((tmp_path,))
    assert after.chip("example-chip-1").vendor == "changed" and after.digest != before.digest
