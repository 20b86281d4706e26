"""Countries as people and rules name them; codes are those of :mod:`accord.catalog.countries`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

OTHERWISE: Mapping[str, str] = {"UK": "GB", "EL": "GR", "USA": "US", "PRC": "CN", "ROC": "TW", "UAE": "AE", "KSA": "SA"}
"""Other short forms of countries, and the code of each."""
REGIONS: Mapping[str, str] = {"EU": "the European Union", "EEA": "the European Economic Area", "ASEAN": "ASEAN"}


def named_as(codes: Collection[str], ways: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Countries by the names that rules give them, groups first: ``("D:5", "MO")``.

    ways: countries of each group or code that rules write; where they do not make up ``codes`` the codes themselves
    """
    left, found = set(codes), []
    within = {name: some for name, some in ways.items() if some and some <= left}
    for name, some in sorted(within.items(), key=lambda one: (-len(one[1]), one[0])):
        if not left.isdisjoint(some):
            found.append(name)
            left -= some
    return (*found, *sorted(left)) if found else tuple(codes)
