"""What a fit hands on: numbers with how sure they are, and how far tables are met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FittedNumber:
    """One parameter.

    value: in SI; log_sd: standard deviation of its logarithm [1]; n: measurements behind it
    chips: whose measurements they are
    """

    value: float
    log_sd: float
    n: int
    chips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableError:
    """How far one table of one chip is met, as median ``|ln(predicted / measured)|``.

    median_in_sample: of kernels with the chip's own numbers, on shapes held back; of exchanges with those of its
        generation, fitted on the table too, ``nan`` where it was not
    median_left_out: with parameters fitted without any row of the chip
    """

    table: str
    chip: str
    n: int
    median_in_sample: float
    median_left_out: float
