"""What a model is: its layers, its weights, its cache.

:func:`~accord.models.hf_config.from_config` makes a :class:`~accord.models.spec.ModelSpec`,
:mod:`~accord.models.params` counts weights, :mod:`~accord.models.kv` counts cached elements. Nothing here knows
hardware, prices or files.
"""

from __future__ import annotations

from accord.models.hf_config import from_config
from accord.models.params import ParamCount, count
from accord.models.spec import Attention, Ffn, Layer, ModelSpec

__all__ = ["Attention", "Ffn", "Layer", "ModelSpec", "ParamCount", "count", "from_config"]
