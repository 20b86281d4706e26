"""Choices among instances by name.

Prompts are routed by themselves and answers by themselves. What a router of prompts looks at may mean nothing for an
answer, whose cache is sent: :data:`ANSWERS` has those that then take the least loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from accord.serving.router import Router
from accord.serving.routers.least_loaded import LeastLoaded
from accord.serving.routers.peer_to_peer import PeerToPeer
from accord.serving.routers.power_of_two import PowerOfTwo
from accord.serving.routers.prefix_affinity import PrefixAffinity
from accord.serving.routers.round_robin import RoundRobin

ROUTERS: Mapping[str, Callable[[np.random.Generator], Router]] = MappingProxyType(
    {
        "round-robin": RoundRobin,
        "least-loaded": LeastLoaded,
        "power-of-two": PowerOfTwo,
        "prefix-affinity": PrefixAffinity,
        "peer-to-peer": PeerToPeer,
    }
)
ANSWERS: Mapping[str, Callable[[np.random.Generator], Router]] = MappingProxyType(
    {**ROUTERS, "prefix-affinity": LeastLoaded, "peer-to-peer": LeastLoaded}
)
