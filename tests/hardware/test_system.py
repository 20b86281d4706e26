"""A system entry becomes a machine of equal devices."""

from __future__ import annotations

import math

import msgspec
import pytest
from tests import rig

from accord import api
from accord.base.errors import CatalogError, MissingFact, Refusal
from accord.catalog.system import Fabric
from accord.hardware.system import build


def test_the_supernode() -> None:
    machine = rig.machine_of("huawei-cloudmatrix-384")
    assert (machine.chips, machine.devices_per_chip, machine.devices) == (384, 2, 768)
    assert machine.scale_up_devices == 768
    assert [pool.plane for pool in machine.pools] == ["UB", "VPC"]
    assert machine.power_w is not None and machine.power_w > 0.0


def test_a_node_and_its_network() -> None:
    machine = rig.machine_of("nvidia-hgx-h100-8")
    assert (machine.devices, machine.scale_up_devices) == (8, 8)
    assert machine.tiers[-1].devices == math.inf


def test_a_chip_stands_for_one_chip() -> None:
    machine = api.machine_of(rig.catalog(), "huawei-ascend-910c")
    assert (machine.chips, machine.devices) == (1, 2)


def test_without_a_fabric_the_chips_own_links_join_the_system() -> None:
    system, chip = rig.catalog().system("nvidia-hgx-h100-8"), rig.catalog().chip("nvidia-h100-sxm")
    machine = build(msgspec.structs.replace(system, fabric=Fabric()), chip)
    assert chip.interconnect.scale_up is not None
    assert machine.tiers[0].devices == 8.0
    assert machine.tiers[0].bytes_per_s == chip.interconnect.scale_up.si
    assert [tier.kind for tier in machine.tiers] == ["scale-up", "scale-out"][: len(machine.tiers)]


def test_nothing_joins_a_machine_without_links() -> None:
    assert api.machine_of(rig.catalog(), "nvidia-rtx-4090-1").scale_up_devices == 1


def test_a_system_without_a_count() -> None:
    system = msgspec.structs.replace(rig.catalog().system("nvidia-hgx-h100-8"), chips=None)
    with pytest.raises(MissingFact, match="the number of chips is not published"):
        build(system, rig.catalog().chip("nvidia-h100-sxm"))


def test_names_that_are_no_system() -> None:
    with pytest.raises(CatalogError):
        api.machine_of(rig.catalog(), "nvidia-hgx-h100-9")
    with pytest.raises(CatalogError, match="'deepseek-r1' is no system"):
        api.machine_of(rig.catalog(), "deepseek-r1")


@pytest.mark.parametrize("id", rig.catalog().ids("systems"))
def test_every_packaged_system_is_a_machine_or_says_why_not(id: str) -> None:
    try:
        machine = api.machine_of(rig.catalog(), id)
    except (CatalogError, Refusal) as error:
        assert str(error)
        return
    assert machine.chips >= 1
    assert machine.scale_up_devices >= 1
    assert machine.device.memory_bytes > 0.0
