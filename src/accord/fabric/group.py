"""Which ranks take part in a collective, and where they sit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.hardware.fabric import FabricTier


@dataclass(frozen=True, slots=True)
class Group:
    """Members of one collective among many equal ones, shape ``(D,)``.

    ranks: members; stride: devices from one member to the next (1: neighbours). Ranks between them belong to groups
    that run the same collective at the same time, so that ports shared by several devices are loaded by all.
    """

    ranks: Array
    stride: Array

    def inside(self, tier: FabricTier) -> Array:
        """Members that one domain of a tier holds, at least 1."""
        if np.isinf(tier.devices):
            return self.ranks
        return np.minimum(self.ranks, np.maximum(np.floor(tier.devices / self.stride), 1.0))
