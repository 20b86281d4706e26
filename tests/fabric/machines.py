"""Small machines for tests of wires."""

from __future__ import annotations

from dataclasses import replace

from accord.api.records import machine_of
from accord.catalog.load import load_catalog
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine


def machine(devices: int, tiers: tuple[FabricTier, ...]) -> Machine:
    """A machine of ``devices`` ranks with these tiers."""
    base = machine_of(load_catalog(), "nvidia-hgx-h100-8")
    return replace(base, id="example", chips=devices, devices_per_chip=1, tiers=tiers)
