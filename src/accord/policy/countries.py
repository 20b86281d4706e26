"""Countries as people and rules name them; codes are those of :mod:`accord.catalog.countries`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

OTHERWISE: Mapping[str, str] = {"UK": "GB", "EL": "GR", "USA": "US", "PRC": "CN", "ROC": "TW", "UAE": "AE", "KSA": "SA"}
"""Other short forms of countries, and the code of each."""
REGIONS: Mapping[str, str] = {"EU": "the European Union", "EEA": "the European Economic Area", "ASEAN": "ASEAN"}


_FEW = 3  # countries that a group may lack and still name the others


def named_as(codes: Collection[str], ways: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Countries by the names that rules give them, groups first: ``("D:5", "MO")``, or ``("D:5 without CN, HK",)``.

    ways: countries of each group or code that rules write; where no group helps, the codes themselves
    """
    asked = frozenset(codes)
    whole = {name: some for name, some in ways.items() if some and some <= asked}
    nearly = {
        f"{name} without {', '.join(sorted(some - asked))}": some & asked
        for name, some in ways.items()
        if 0 < len(some - asked) <= _FEW < len(some & asked)
    }
    found = min((_covered(asked, some) for some in (whole, {**whole, **nearly})), key=len)
    return found if len(found) < len(asked) or asked <= set(found) else tuple(codes)


def _covered(asked: frozenset[str], ways: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Names that make up ``asked``, the largest first, and the codes that none of them has."""
    left, found = set(asked), list[str]()
    while left:
        name = max(sorted(ways), key=lambda one: len(left & ways[one]), default=None)
        if name is None or len(left & ways[name]) <= 1:
            break
        found.append(name)
        left -= ways[name]
    return (*found, *sorted(left))
