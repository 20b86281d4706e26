"""Many sets of facts as arrays, one for each fact, with gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from accord.catalog.legal_fact import FACTS
from accord.policy.facts import Facts

EMPTY_SET = "|"  # a set that is known to hold nothing; "" would be unknown


def columns(many: Sequence[Facts]) -> dict[str, NDArray[np.generic]]:
    """Arrays as :meth:`CompiledRule.vectorised` takes them."""
    found: dict[str, NDArray[np.generic]] = {}
    for name in dict.fromkeys(name for facts in many for name in facts):
        if FACTS[name].kind in ("number", "day"):
            found[name] = np.array([facts.get(name, np.nan) for facts in many], np.float64)
        else:
            found[name] = np.array([_word(facts.get(name, "")) for facts in many])
    return found


def _word(value: object) -> str:
    return ("|".join(sorted(value)) or EMPTY_SET) if isinstance(value, frozenset) else str(value)
