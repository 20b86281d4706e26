"""The one array type of the numeric rooms: float64, one entry a deployment, shape ``(D,)``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def array(values: object) -> Array:
    """``values`` (a number or a sequence) as float64 of shape ``(D,)``; a scalar becomes ``(1,)``."""
    return np.atleast_1d(np.asarray(values, dtype=np.float64))
