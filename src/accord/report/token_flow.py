"""Tokens over time, from when each request got its first and its last one."""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.serving.result import Outcome


def answer_tokens_by(outcome: Outcome, times_s: Array) -> Array:
    """Answer tokens given up to each time, shape of ``times_s``.

    A request's tokens after the first are spread evenly over the time to its end, so a pause (preemption, failure)
    within an answer is not seen.
    """
    requests = outcome.requests
    begun = np.isfinite(requests.first_s) & (requests.produced > 0)
    first_s = requests.first_s[begun]
    last_s = np.where(np.isfinite(requests.finish_s[begun]), requests.finish_s[begun], outcome.end_s)
    further = (requests.produced[begun] - 1).astype(np.float64)
    return _stepped(first_s, np.ones(len(first_s)), times_s) + _spread(first_s, last_s, further, times_s)


def prompt_tokens_by(outcome: Outcome, times_s: Array) -> Array:
    """Prompt tokens computed (cached ones not) up to each time; spread evenly from first scheduled to first token."""
    requests = outcome.requests
    done = np.isfinite(requests.first_s) & np.isfinite(requests.scheduled_s)
    computed = (outcome.workload.prompt - requests.cached)[done].astype(np.float64)
    return _spread(requests.scheduled_s[done], requests.first_s[done], computed, times_s)


def _spread(starts_s: Array, ends_s: Array, amounts: Array, times_s: Array) -> Array:
    """Sum up to each time of amounts that come evenly between their start and end."""
    length = ends_s - starts_s
    even = length > 0.0
    rate = amounts[even] / length[even]
    at_once = _stepped(ends_s[~even], amounts[~even], times_s)
    return at_once + _ramped(starts_s[even], rate, times_s) - _ramped(ends_s[even], rate, times_s)


def _ramped(starts_s: Array, rates: Array, times_s: Array) -> Array:
    """Sum over the starts before each time of ``rate (time - start)``."""
    return times_s * _stepped(starts_s, rates, times_s) - _stepped(starts_s, rates * starts_s, times_s)


def _stepped(places_s: Array, amounts: Array, times_s: Array) -> Array:
    """Sum of the amounts whose place is not after each time."""
    order = np.argsort(places_s, kind="stable")
    sums: Array = np.concatenate(([0.0], np.cumsum(amounts[order])))
    return sums[np.searchsorted(places_s[order], times_s, side="right")]
