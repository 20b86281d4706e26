"""Which verbs are served, under which names their flags go, and what is withheld with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Served:
    """One verb that is served.

    path: words of the command, such as ``("policy", "classify")``
    long: always a job; long_when: fields that make it one
    names: click parameter -> field, where it is not the flag with ``_`` for ``-``
    uploads: click parameters that take a file's content; withheld: click parameter -> why it is left out
    """

    path: tuple[str, ...]
    long: bool = False
    long_when: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    uploads: tuple[str, ...] = ()
    withheld: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its path as one text, such as ``policy classify``."""
        return " ".join(self.path)

    @property
    def address(self) -> str:
        """Its address below ``/api/v1``."""
        return "/" + "/".join(self.path)


VERBS: tuple[Served, ...] = ()
REFUSED: Mapping[str, str] = {}
