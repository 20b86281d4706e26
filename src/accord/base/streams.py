"""One random stream for each part of a run, so that a draw in one place leaves the others as they were."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """The stream of a part of a run. seed: of the run; name: of the part, such as ``router``."""
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(digest[:8], "big")]))
