"""Facts of one chip and of a system of them: what is stated counts before what is calculated, nothing is summed."""

from __future__ import annotations

import msgspec
import pytest

from accord.catalog.chip import Chip
from accord.catalog.load import load_catalog
from accord.catalog.party import Party
from accord.catalog.value import Value
from accord.policy.item import Item, chip_facts, name_words, system_facts

CATALOG = load_catalog()


def value(number: float, unit: str = "1", text: str | None = None) -> Value:
    return Value(number=None if text else number, unit="" if text else unit, text=text, basis="published", source="s")


def bare(**changes: object) -> Chip:
    """A chip of the catalog of which only what is given is known."""
    chip = CATALOG.chip("nvidia-h100-sxm")
    memory = msgspec.structs.replace(chip.memory, bandwidth=None, kind=None)
    links = msgspec.structs.replace(chip.interconnect, scale_up=None)
    return msgspec.structs.replace(
        chip,
        **{"id": "x", "name": "X1 Pro", "peak": {}, "facts": {}, "memory": memory, "interconnect": links, **changes},
    )


def facts(**changes: object) -> dict[str, object]:
    return dict(chip_facts(bare(**changes), None).facts)


def test_of_a_chip_nobody_describes_only_its_name_is_known() -> None:
    assert facts() == {"item_type": "ic", "item_names": frozenset(("x", "x1", "pro"))}


def test_performance_is_the_most_of_rate_times_width() -> None:
    peak = {"fp16": value(100e12, "FLOP/s"), "int8": value(300e12, "OP/s"), "fp32": value(900e12, "FLOP/s")}
    assert facts(peak=peak)["tpp"] == pytest.approx(2400.0)
    assert facts(peak={"fp16": value(100e12, "FLOP/s"), "int8": value(150e12, "OP/s")})["tpp"] == pytest.approx(1600.0)
    assert facts(peak=peak, facts={"tpp": value(2000.0)})["tpp"] == 2000.0  # stated
    assert "tpp" not in facts(peak={"fp32": value(900e12, "FLOP/s")})


def test_links_count_in_both_directions() -> None:
    links = msgspec.structs.replace(bare().interconnect, scale_up=value(4e11, "B/s"))
    found = chip_facts(bare(interconnect=links), None)
    assert found.facts["io_bandwidth"] == 8e11
    assert found.told["io_bandwidth"].how == "links, twice one direction"
    assert found.told["io_bandwidth"].points == (8e11,)
    both = {"scale_up_both_directions": value(6e11, "B/s")}
    assert facts(interconnect=links, facts=both)["io_bandwidth"] == 6e11


@pytest.mark.parametrize("kind, has", [("HBM3e", "yes"), ("GDDR6", "no")])
def test_what_memory_is(kind: str, has: str) -> None:
    memory = msgspec.structs.replace(bare().memory, kind=value(0.0, text=kind), bandwidth=value(4e12, "B/s"))
    found = facts(memory=memory)
    assert (found["has_hbm"], found["dram_bandwidth"]) == (has, 4e12)


def test_facts_are_taken_as_they_stand() -> None:
    more = {
        "die_area": value(814.0, "mm2"), "process": value(4.0, "nm"), "transistors": value(8e10),
        "datacenter_marketed": value(0.0, text="no"),
    }  # fmt: skip
    found = facts(facts=more)
    assert (found["die_area"], found["process_nm"], found["transistors"]) == (814.0, 4.0, 8e10)
    assert found["datacenter_marketed"] == "no"
    assert "datacenter_marketed" not in facts(facts={"datacenter_marketed": value(0.0, text="perhaps")})


def test_the_designer_is_where_its_maker_is() -> None:
    maker: Party = CATALOG.party("nvidia")
    item = chip_facts(bare(), maker)
    assert item.facts["designer_hq"] == maker.country
    assert all(source.startswith("parties/nvidia:") for source in item.told["designer_hq"].sources)


def test_a_system_has_the_performance_of_one_of_its_chips() -> None:
    system, chip = CATALOG.system("nvidia-hgx-h100-8"), CATALOG.chip("nvidia-h100-sxm")
    found, alone = system_facts(system, chip, None), chip_facts(chip, None)
    assert isinstance(found, Item)
    assert found.facts["item_type"] == "system"
    assert found.facts["tpp"] == alone.facts["tpp"]
    names, own = found.facts["item_names"], alone.facts["item_names"]
    assert isinstance(names, frozenset)
    assert isinstance(own, frozenset)
    assert own < names
    assert "H100" in found.told["item_type"].how


def test_every_fact_of_every_chip_says_where_it_is_from() -> None:
    for id in CATALOG.ids("chips"):
        item = chip_facts(CATALOG.chip(id), None)
        assert set(item.facts) == set(item.told)
        for name, told in item.told.items():
            assert told.sources or name in ("item_type", "item_names"), f"{id}: {name}"


def test_words_of_a_name() -> None:
    assert name_words("Ascend 910C (2025)") == ("ascend", "910c", "2025")
