"""Which provisions of governance instruments a plan or run touches, and what can be shown for each."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from accord.base.source import Basis
from accord.catalog.governance import EvidenceName, Governance, Provision, Theme


@dataclass(frozen=True, slots=True)
class Shown:
    """Evidence that was computed or read.

    text: what it shows, in words; value, low, high: in ``unit``, None where it is no number
    origin: where in the answer, the catalog or a file it is from; sources: ids of the envelope
    """

    text: str
    origin: str
    value: float | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    basis: Basis | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lacking:
    """Evidence that this subject could have, and has not; why, and what would give it."""

    why: str
    hint: str = ""


Finding = Shown | Lacking


@dataclass(frozen=True, slots=True)
class Touched:
    """A provision that a plan or run touches.

    themes: those of its themes that are touched; shown, lacking: names of evidence it asks for
    Names of evidence that this kind of subject cannot have are left out; ``silent``: none is left.
    """

    instrument: Governance
    provision: Provision
    themes: tuple[Theme, ...]
    shown: tuple[EvidenceName, ...]
    lacking: tuple[EvidenceName, ...]

    @property
    def silent(self) -> bool:
        """Whether nothing that Accord computes speaks to it."""
        return not (self.shown or self.lacking)


def touched(
    instruments: Iterable[Governance],
    day: datetime.date,
    themes: Mapping[Theme, str],
    evidence: Mapping[EvidenceName, Finding],
) -> tuple[Touched, ...]:
    """Provisions of instruments that were made by a day whose themes a subject touches, oldest instrument first.

    themes: with why each is touched; evidence: by name; a name that is absent does not apply to the subject
    """
    made = sorted((one for one in instruments if one.date <= day.isoformat()), key=lambda one: (one.date, one.id))
    found = []
    for instrument in made:
        for provision in instrument.provisions:
            hit = tuple(theme for theme in provision.themes if theme in themes)
            if hit:
                found.append(_touched(instrument, provision, hit, evidence))
    return tuple(found)


def _touched(
    instrument: Governance, provision: Provision, hit: tuple[Theme, ...], evidence: Mapping[EvidenceName, Finding]
) -> Touched:
    asked = [name for name in provision.evidence if name in evidence]
    return Touched(
        instrument, provision, hit,
        shown=tuple(name for name in asked if isinstance(evidence[name], Shown)),
        lacking=tuple(name for name in asked if isinstance(evidence[name], Lacking)),
    )  # fmt: skip


def share_of(offered: float, chips: float) -> float:
    """Share of a plan's chips that is offered to others [1]; both above 0."""
    return offered / chips


def ratio_band(
    above: tuple[float, float, float], below: tuple[float, float, float], factor: float = 1.0
) -> tuple[float, float, float]:
    """Quotient of two figures with the widest band that their bands allow: value, low, high.

    above, below: value, low, high; all above 0
    """
    return (
        factor * above[0] / below[0],
        factor * above[1] / below[2],
        factor * above[2] / below[1],
    )


def countries_words(verdicts: Sequence[tuple[str, str]]) -> str:
    """Countries by what an embargo of theirs would do: ``stops without US, TW; partly without KR``."""
    words = {"stops": "stops without", "partly": "partly without", "unknown": "not known for"}
    by_verdict: dict[str, list[str]] = {}
    for country, verdict in verdicts:
        by_verdict.setdefault(verdict, []).append(country)
    return "; ".join(f"{words[name]} {', '.join(by_verdict[name])}" for name in words if name in by_verdict)
