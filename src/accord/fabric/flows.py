"""Rates of transfers that run at the same time: max-min fair, by filling and by linear programs.

A set of rates is max-min fair when no transfer can get more without taking from one that has no more than itself.
Progressive filling (D. Bertsekas, R. Gallager, Data Networks, 2nd edition, 1992, section 6.5.2) raises all rates
together; when a link is full, the transfers on it stop. The same rates follow from a chain of linear programs, each of
which raises the least rate that is not settled; :func:`fair_rates_lp` solves them with HiGHS, and tests hold one
against the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.fabric.routes import Routes
from accord.fabric.topology import Index

SAME = 1e-12  # relative difference below which two links fill at the same rate


@dataclass(frozen=True, slots=True)
class Fair:
    """Max-min fair rates.

    rates: [B/s], shape ``(F,)``; bottleneck: link that stopped each transfer, shape ``(F,)``
    load: [B/s] of each link, shape ``(L,)``
    """

    rates: Array
    bottleneck: Index
    load: Array


def fair_rates(routes: Routes, capacity: Array, going: Index | None = None) -> Fair:
    """Max-min fair rates by progressive filling.

    A link fills at the rate it could give each of its transfers if they took all that is left of it. Where none of
    them has a link that fills earlier, they stop there; all such links are filled in one round.

    capacity: of each link [B/s], shape ``(L,)``; going: transfers that are under way, the others get 0
    """
    count, links = routes.transfers, len(capacity)
    free = np.zeros(count, dtype=np.bool_)
    free[going if going is not None else slice(None)] = True
    bottleneck = np.full(count, -1, dtype=np.int64)
    rates = np.zeros(count)
    transfer, link, share = _kept(routes, free)
    room = capacity.astype(np.float64)
    while len(transfer):
        wanted = np.bincount(link, weights=share, minlength=links)
        level = np.divide(room, wanted, out=np.full(links, np.inf), where=wanted > 0.0)
        own = np.full(count, np.inf)
        np.minimum.at(own, transfer, level[link])
        least = np.full(links, np.inf)
        np.minimum.at(least, link, own[transfer])
        full = (wanted > 0.0) & (least >= level * (1.0 - SAME))
        hit = full[link]
        stopped = np.zeros(count, dtype=np.bool_)
        stopped[transfer[hit]] = True
        bottleneck[transfer[hit]] = link[hit]
        rates[stopped] = own[stopped]
        ended = stopped[transfer]
        taken = np.bincount(link[ended], weights=share[ended] * own[transfer[ended]], minlength=links)
        room = np.maximum(room - taken, 0.0)
        transfer, link, share = transfer[~ended], link[~ended], share[~ended]
    return Fair(rates, bottleneck, loads(routes, rates, links))


def _kept(routes: Routes, free: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[Index, Index, Array]:
    kept = free[routes.transfer]
    return routes.transfer[kept], routes.link[kept], routes.share[kept]


def loads(routes: Routes, amounts: Array, links: int) -> Array:
    """What each link carries, shape ``(links,)``, of ``amounts`` a transfer, shape ``(F,)``: rates or bytes."""
    carried = np.bincount(routes.link, weights=routes.share * amounts[routes.transfer], minlength=links)
    return np.asarray(carried, dtype=np.float64)


def fair_rates_lp(routes: Routes, capacity: Array) -> Array:
    """Max-min fair rates by linear programs, shape ``(F,)``: the least rate first, then the least of the others.

    A transfer whose own constraint has a price in the solution can get no more, so it is settled there; at least
    one is in every round. Raises UsageError where scipy is missing.
    """
    count = routes.transfers
    links, where = np.unique(routes.link, return_inverse=True)
    scale = float(capacity[links].max())
    room = capacity[links] / scale
    uses = np.zeros((len(links), count))
    np.add.at(uses, (where, routes.transfer), routes.share)
    settled = np.full(count, np.nan)
    while np.isnan(settled).any():
        open_ = np.flatnonzero(np.isnan(settled))
        fixed = np.nan_to_num(settled)
        level, prices = _raise_least(uses[:, open_], np.maximum(room - uses @ fixed, 0.0))
        settled[open_[prices > 1e-9]] = level
    return np.asarray(settled * scale, dtype=np.float64)


def _raise_least(uses: Array, room: Array) -> tuple[float, Array]:
    """Highest least rate, and the price of each transfer's own constraint."""
    solve = _highs()
    links, count = uses.shape
    own = np.hstack([-np.eye(count), np.ones((count, 1))])
    limits = np.vstack([np.hstack([uses, np.zeros((links, 1))]), own])
    goal = np.zeros(count + 1)
    goal[-1] = -1.0
    bounds = [(0.0, None)] * count + [(None, None)]
    done = solve(goal, A_ub=limits, b_ub=np.concatenate([room, np.zeros(count)]), bounds=bounds, method="highs")
    if done.status != 0:
        raise UsageError(f"the linear program has no solution: {done.message}")
    return float(done.x[-1]), np.asarray(-done.ineqlin.marginals[links:], dtype=np.float64)


def _highs() -> Any:
    try:
        from scipy.optimize import linprog  # noqa: PLC0415  an extra, needed only here
    except ModuleNotFoundError:
        raise UsageError("linear programs need scipy", hint="pip install 'accord[calibrate]'") from None
    return linprog
