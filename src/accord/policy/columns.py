"""Many sets of facts at once: a column for each fact, numbers as floats, words as codes into a short list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accord.policy.facts import RATIO_PARTS


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A column of words, or of sets whose words are joined by ``|``.

    words: each word once, "" for one that is not known, ``|`` for a set that holds nothing
    codes: place in ``words``, shape (size,)
    """

    words: tuple[str, ...]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, values: NDArray[np.generic]) -> Words:
        """Return the column of an array of texts, shape (size,)."""
        words, codes = np.unique(values, return_inverse=True)
        return cls(tuple(str(word) for word in words), codes)

    def texts(self) -> NDArray[np.str_]:
        """Return the words as an array of texts, shape (size,)."""
        return np.array(self.words, np.str_)[self.codes]


Column = NDArray[np.generic] | Words
Columns = Mapping[str, Column]


def coded(columns: Columns) -> dict[str, Column]:
    """Return the columns with texts as :class:`Words`, so that no rule has to sort them again."""
    return {
        name: Words.of(column) if isinstance(column, np.ndarray) and column.dtype.kind == "U" else column
        for name, column in columns.items()
    }


def completed_columns(columns: Columns) -> dict[str, Column]:
    """Add the ratios that follow from other facts; see :func:`accord.policy.facts.completed`."""
    found = dict(columns)
    for name, (above, below, per) in RATIO_PARTS.items():
        top, bottom, told = columns.get(above), columns.get(below), columns.get(name)
        if not isinstance(top, np.ndarray) or not isinstance(bottom, np.ndarray):
            continue
        parts = np.asarray(bottom, np.float64)
        known = parts > 0.0
        ratio = np.full(parts.shape, np.nan)
        np.divide(np.asarray(top, np.float64), parts, out=ratio, where=known)
        ratio /= per
        found[name] = np.where(np.isnan(ratio), told, ratio) if isinstance(told, np.ndarray) else ratio
    _add_known_original(found)
    return found


def _add_known_original(found: dict[str, Column]) -> None:
    """Say that the original compute is known where it, or the share of it, is."""
    numbers = [
        one for name in ("original_flop", "modification_share") if isinstance(one := found.get(name), np.ndarray)
    ]
    if not numbers:
        return
    known = np.any([~np.isnan(np.asarray(one, np.float64)) for one in numbers], axis=0)
    said = found.get("original_flop_known")
    texts = said.texts() if isinstance(said, Words) else np.full(known.shape, "", "U3") if said is None else said
    found["original_flop_known"] = Words.of(np.where(known, "yes", texts))
