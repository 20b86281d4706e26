"""Random streams by name: each use of chance has its own, so a new one elsewhere changes none of the others."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """The stream of a name under a seed (0 or more); equal on every machine with the same numpy."""
    word = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, word])))
