"""Parameters that are as unsure as a test says, for the tests of intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from accord.catalog.calibration import Fit
from accord.hardware.derate import Efficiency

# Facts of an engine, and what is no parameter of the cost model: never drawn.
FACTS = ("residual.", "engine.max", "engine.memory", "engine.redundant", "engine.prefill_tokens", "memory.runtime")


def fitted(
    efficiency: Efficiency,
    log_sd: float = 0.15,
    correlations: Mapping[tuple[str, str], float] | None = None,
    **own: Fit,
) -> Efficiency:
    """The same parameters, each with a standard deviation of ``log_sd``; own: fits of some, dots as ``__``."""
    names = [name for name, value in efficiency.numbers.items() if float(value) > 0.0 and not name.startswith(FACTS)]
    fits = {name: Fit(log_sd=log_sd, n=10, chips=("nvidia-h100-sxm",)) for name in names}
    fits |= {name.replace("__", "."): fit for name, fit in own.items()}
    owners = {**dict.fromkeys(names, "round"), **efficiency.owners}
    return replace(efficiency, fits=fits, owners=owners, correlations=dict(correlations or {}))
