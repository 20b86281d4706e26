"""Parameters that remember which of them a calculation read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from accord.hardware.derate import Efficiency, Number


class Noted(dict[str, Number]):
    """Parameters by name, and the names that were read so far."""

    def __init__(self, numbers: Mapping[str, Number]) -> None:
        """Hold ``numbers``, none read so far."""
        super().__init__(numbers)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Number:
        """A parameter, remembered."""
        self.read.add(name)
        return super().__getitem__(name)


def noting(efficiency: Efficiency) -> tuple[Efficiency, Noted]:
    """The same parameters, and what tells which of them were read."""
    noted = Noted(efficiency.numbers)
    return replace(efficiency, numbers=noted), noted


def known(efficiency: Efficiency, chip: str, name: str) -> str:
    """How a parameter is known on a chip: ``measured on this chip``, ``transferred from ...`` or ``assumed``.

    One that no fit speaks of is taken ``as stated``.
    """
    fit = efficiency.fits.get(name)
    if fit is None:
        return "as stated"
    if fit.n == 0:
        return "assumed"
    if chip in fit.chips:
        return "measured on this chip"
    return f"transferred from {', '.join(fit.chips)}" if fit.chips else "transferred"
