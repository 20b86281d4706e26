"""Step times from a table of the estimate: what a simulator asks a million times.

The table holds the parts of :mod:`accord.step.mixed` at grid points and draws straight lines between them:

- a plain iteration, over every number of requests and mean contexts in half octaves
- cores of prompts, over tokens, attended entries and requests; layers of rows; words of sampled positions

Grids have points of their own where the estimate bends: sizes of captured graphs, windows, the most entries a sparse
indexer keeps. Beyond its last point a line goes on, as costs of more of the same do.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accord.base.array import Array, array
from accord.models.spec import ModelSpec
from accord.parallel.plan import Deployments, Setting
from accord.parallel.shard import padded
from accord.step.host import ASYNC, host_s, with_overhead
from accord.step.mixed import (
    Load,
    core_s,
    micro_step,
    one_instance,
    plain_step,
    row_parts,
    words_s,
)

FARTHEST = 20  # binary logarithm of the last context
LONGEST = 18  # the same of the last step with prompt tokens
THIN = 1.03  # ratio of neighbouring batches at most
COUNTS = (1.0, *(own * 2.0**octave for octave in range(20) for own in (2.0, 3.0)))  # requests that bring prompts
_COUNTS = np.asarray(COUNTS)
SCALARS = 2  # groups with prompts that are looked up one by one

Row = tuple[list[float], list[float], list[float], list[float], list[float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A function of one number by straight pieces: ``base[i] + slope[i] x``, ``i`` counted by ``inner`` knots."""

    inner: list[float]
    base: list[float]
    slope: list[float]
    knots: Array
    values: Array

    def at(self, x: float) -> float:
        """One value, on the last piece beyond the last knot."""
        piece = bisect_right(self.inner, x)
        return self.base[piece] + self.slope[piece] * x

    def many(self, x: Array) -> Array:
        """Values, the last one held beyond the last knot."""
        return np.interp(x, self.knots, self.values)


class StepTable:
    """Iterations of one instance by interpolation, the same as :class:`accord.step.exact.ExactTimer` within 1 %.

    plan: one deployment; its batch, tokens and context are of no account
    max_seqs: requests of a group up to which rows are made at once; more are made when asked for
    step_overhead_s: host time between steps in place of the engine's
    token_budget: tokens of one micro-step of a pipeline; the engine's if omitted
    """

    def __init__(
        self, setting: Setting, plan: Deployments, *, max_seqs: int = 256, step_overhead_s: float | None = None,
        token_budget: float | None = None,
    ) -> None:  # fmt: skip
        """Make the grids. Raises UsageError for a plan of several deployments."""
        self._setting = setting = with_overhead(setting, step_overhead_s)
        self._plan = plan = one_instance(plan)
        engine = setting.efficiency.scalar("engine.max_num_batched_tokens")
        self._budget = engine if token_budget is None else token_budget
        self._stages = float(plan.pp[0])
        self._drafted = float(1.0 + plan.mtp_tokens[0])
        self._host_s, self._sequence_s = _host(setting, plan)
        self._left_s = setting.efficiency.scalar("engine.async_s") if setting.efficiency.has(ASYNC) else None
        self._contexts = _contexts(setting.spec)
        self._top = 0
        self._rows: dict[int, Row] = {}
        self._grow(max_seqs)
        rows = _spaced(32, 12, LONGEST)
        both = row_parts(setting, plan, rows)
        self._row_s, self._shared_s, self._alone_s = (_line(rows, part) for part in (*both, both[0] - both[1]))
        positions = _spaced(16, 8, LONGEST)
        self._words_s = _line(positions, words_s(setting, plan, positions))
        self._tokens = _spaced(4, 4, LONGEST)
        self._attended = np.concatenate(([0.0], self._contexts))
        self._tokens_inner, self._attended_inner = (list(k[1:-1]) for k in (self._tokens, self._attended))
        self._across = len(self._attended) - 1
        self._cells: list[list[tuple[float, float, float, float]]] = []
        self._faces = np.zeros((0, 4))

    # One group, or groups with equal loads

    def line(self, batch: int, context: float) -> tuple[float, float, float]:
        """A decode iteration: seconds, seconds per further cached token, and the context at the next knot."""
        row = self._rows.get(batch) or self._row(batch)
        ends = row[0]
        piece = bisect_right(ends, context)
        slope = row[2][piece]
        return row[1][piece] + slope * context, slope, ends[piece]

    def mixed(self, tokens: int, pairs: float, prompts: int, batch: int, context: float) -> float:
        """An iteration with prompt tokens; see :class:`accord.step.mixed.Load`."""
        chunk, requests, decoding = float(tokens), float(prompts), float(batch)
        if self._stages > 1.0:
            share = min(max(self._budget / chunk, 1.0 / self._stages), 1.0) if tokens else 1.0
            chunk, requests, decoding = chunk * share, requests * share, decoding / self._stages
        positions = requests + decoding * self._drafted
        taken = (
            self._core(chunk, pairs / tokens if tokens else 0.0, requests)
            + self._row_s.at(chunk + decoding * self._drafted)
            + self._words_s.at(positions)
        )
        host = self._host_s + self._sequence_s * (requests + decoding)
        if not batch:
            return taken + host if self._left_s is None else self._left_s + max(taken, host)
        ends, base, slope, beside, rise = self._rows.get(batch) or self._row(batch)
        piece = bisect_right(ends, context)
        taken += beside[piece] + rise[piece] * context
        taken = taken + host if self._left_s is None else self._left_s + max(taken, host)
        plain = base[piece] + slope[piece] * context
        return taken if taken > plain else plain

    def _core(self, tokens: float, attended: float, prompts: float) -> float:
        """Attention of prompts: the cells of the two numbers of requests about ``prompts``."""
        at = max(bisect_right(COUNTS, prompts) - 1, 0)
        if len(self._cells) < at + 2:
            self._add_cells(at + 2)
        cell = bisect_right(self._tokens_inner, tokens) * self._across + bisect_right(self._attended_inner, attended)
        a, b, c, d = self._cells[at][cell]
        low = a + b * tokens + (c + d * tokens) * attended
        part = (prompts - COUNTS[at]) / (COUNTS[at + 1] - COUNTS[at])
        if part == 0.0 or not tokens:
            return low if tokens else 0.0
        a, b, c, d = self._cells[at + 1][cell]
        return low + part * (a + b * tokens + (c + d * tokens) * attended - low)

    # Groups with loads of their own

    def joint(self, tokens: Array, pairs: Array, prompts: Array, batch: Array, context: Array) -> float:
        """An iteration of groups with loads of their own, shape ``(G,)`` each; see :class:`ExactTimer`."""
        most = int(batch.max())
        if most > self._top:
            self._grow(most)
        mean = context / np.maximum(batch, 1.0)
        cell = np.searchsorted(self._contexts_inner, mean, side="right") + self._width * batch.astype(np.intp)
        plain = float((self._own_base.take(cell) + self._own_slope.take(cell) * mean).max())
        plain += self._expert(float(batch.sum()) / len(batch))
        if not tokens.any():
            return plain
        own = Load(tokens, pairs, prompts, batch, context)
        if self._stages > 1.0:
            own = micro_step(self._plan, own, self._budget)
        rows = own.tokens + own.batch * self._drafted
        taken = self._alone_s.many(rows)
        taken += self._words_s.many(own.prompts + own.batch * self._drafted)
        host = self._host_s + self._sequence_s * (own.prompts + own.batch)
        taken += self._beside_base.take(cell) + self._beside_slope.take(cell) * mean
        with_prompts = np.flatnonzero(own.tokens)
        taken[with_prompts] += self._cores(own, with_prompts)
        if self._left_s is None:
            taken += host
        else:
            shared = self._shared_s.many(rows)
            taken = self._left_s + np.maximum(taken + shared, host) - shared
        return max(plain, float(taken.max()) + self._shared_s.at(float(rows.sum()) / len(rows)))

    def _cores(self, own: Load, index: npt.NDArray[np.intp]) -> Array:
        tokens, prompts = own.tokens[index], own.prompts[index]
        attended = own.pairs[index] / tokens
        if len(index) <= SCALARS:
            return array([self._core(*one) for one in zip(tokens, attended, prompts, strict=True)])
        at = np.maximum(np.searchsorted(_COUNTS, prompts, side="right") - 1, 0)
        if len(self._cells) < at.max() + 2:
            self._add_cells(int(at.max()) + 2)
        cells = len(self._cells[0])
        cell = (
            at * cells + np.searchsorted(self._tokens[1:-1], tokens, side="right") * self._across
            + np.searchsorted(self._attended[1:-1], attended, side="right")
        )  # fmt: skip
        low, high = (
            face[:, 0] + face[:, 1] * tokens + (face[:, 2] + face[:, 3] * tokens) * attended
            for face in (self._faces[cell], self._faces[cell + cells])
        )
        part = (prompts - _COUNTS[at]) / (_COUNTS[at + 1] - _COUNTS[at])
        return np.asarray(low + part * (high - low), dtype=np.float64)

    def _expert(self, batch: float) -> float:
        low = int(batch)
        share = batch - low
        here = float(self._expert_s[low])
        return here if share == 0.0 else here + share * (float(self._expert_s[low + 1]) - here)

    # Making the grids

    def _grow(self, batch: int) -> None:
        """Rows of plain iterations up to ``batch`` requests at least."""
        top = max(batch, 2 * self._top, 1)
        knots = _batches(self._setting, self._plan, top)
        contexts = self._contexts
        each, mean = (grid.ravel() for grid in np.meshgrid(knots, contexts, indexing="ij"))
        load = micro_step(self._plan, Load(*(np.zeros_like(each),) * 3, each, each * mean), self._budget)
        parts = plain_step(self._setting, self._plan, load.batch, load.context)
        shape = (len(knots), len(contexts))
        total, beside = (_filled(knots, part.reshape(shape), top) for part in (parts.total_s, parts.beside_s))
        expert = _filled(knots, parts.shared_s.reshape(shape), top)[:, len(contexts) // 2]
        self._expert_s = expert
        self._width, self._contexts_inner = len(contexts) - 1, contexts[1:-1]
        self._base, self._slope = _pieces(contexts, total)
        beside_base, beside_slope = _pieces(contexts, beside)
        self._beside_base, self._beside_slope = beside_base.ravel(), beside_slope.ravel()
        self._own_base, self._own_slope = (self._base - expert[:, None]).ravel(), self._slope.ravel()
        self._top = top

    def _row(self, batch: int) -> Row:
        """The straight lines of one number of requests over their contexts together."""
        if batch > self._top:
            self._grow(batch)
        at = slice(batch * self._width, (batch + 1) * self._width)
        ends = [*(self._contexts_inner * batch).tolist(), float("inf")]
        row = (
            ends, self._base[batch].tolist(), (self._slope[batch] / batch).tolist(),
            self._beside_base[at].tolist(), (self._beside_slope[at] / batch).tolist(),
        )  # fmt: skip
        return self._rows.setdefault(batch, row)

    def _add_cells(self, count: int) -> None:
        """Cells of attention over prompts of the first ``count`` numbers of requests."""
        for at in range(len(self._cells), count):
            x, y = (grid.ravel() for grid in np.meshgrid(self._tokens, self._attended, indexing="ij"))
            requests = np.full_like(x, COUNTS[at])
            core = core_s(self._setting, self._plan, x, y, requests).reshape(len(self._tokens), len(self._attended))
            self._cells.append([tuple(cell) for cell in _bilinear(self._tokens, self._attended, core).tolist()])
        self._faces = np.concatenate([np.asarray(cells) for cells in self._cells])


def _host(setting: Setting, plan: Deployments) -> tuple[float, float]:
    """Host time of a step with prompt tokens, and what each request adds."""
    fixed, one = (host_s(setting.efficiency, array([n]) / plan.cp, decode=False)[0] for n in (0.0, 1.0))
    return float(fixed), float(one - fixed)


def _contexts(spec: ModelSpec) -> Array:
    """Mean contexts: half octaves, and where windows and sparse indexers are full."""
    bends = [float(layer.attention.window) for layer in spec.distinct_layers]
    bends += [float(layer.attention.sparse_top_k * layer.attention.compress) for layer in spec.distinct_layers]
    spaced = [1.0, 8.0, 16.0, 32.0, *(2.0 ** (half / 2.0) for half in range(12, 2 * FARTHEST + 1))]
    return np.unique([*spaced, *(bend for bend in bends if bend > 1.0)])


def _spaced(whole: int, octave: int, last: int) -> Array:
    """0, every number up to ``whole``, then so many an octave up to ``2 ** last``."""
    first = int(np.log2(whole))
    octaves = 2.0 ** (np.arange(first * octave, last * octave + 1) / octave)
    return np.unique(np.concatenate((np.arange(whole + 1.0), octaves)))


def _batches(setting: Setting, plan: Deployments, top: int) -> Array:
    """Requests of a group from 1 to ``top`` between which nothing bends: ends of captured sizes, and some between."""
    every = np.arange(0.0, top + 2.0)
    rows = every * (1.0 + plan.mtp_tokens) / plan.pp / plan.cp
    size = padded(rows) if setting.graph else rows
    opens, closes = np.diff(size[:-1]) != 0.0, np.diff(size[1:]) != 0.0
    kept = [1.0]
    for batch in range(2, top):
        if batch >= THIN * kept[-1] or opens[batch - 1] != closes[batch - 1]:
            kept.append(float(batch))
    return np.unique([*kept, float(top)])


def _filled(knots: Array, values: Array, top: int) -> Array:
    """Rows for every number of requests from none (nothing) to ``top``, shape ``(top + 1, K)``."""
    batch = np.arange(1.0, top + 1.0)
    above = np.clip(np.searchsorted(knots, batch), 1 if len(knots) > 1 else 0, len(knots) - 1)
    below = np.maximum(above - 1, 0)
    gap = np.where(above > below, knots[above] - knots[below], 1.0)
    share = np.where(above > below, (batch - knots[below]) / gap, 0.0)[:, None]
    rows = values[below] * (1.0 - share) + values[above] * share
    return np.concatenate((np.zeros((1, values.shape[1])), rows))


def _pieces(knots: Array, values: Array) -> tuple[Array, Array]:
    """Base and slope of the straight pieces between knots, along the last axis."""
    slope = np.diff(values) / np.diff(knots)
    return values[..., :-1] - slope * knots[:-1], slope


def _line(knots: Array, values: Array) -> Line:
    base, slope = _pieces(knots, values)
    return Line(knots[1:-1].tolist(), base.tolist(), slope.tolist(), knots, values)


def _bilinear(x: Array, y: Array, values: Array) -> Array:
    """Coefficients of ``1, x, y, x y`` in every cell of a grid, shape ``(cells, 4)``."""
    base, slope = _pieces(y, values)
    a, b = (_pieces(x, part.T) for part in (base, slope))
    return np.stack([part.T.ravel() for part in (a[0], a[1], b[0], b[1])], axis=-1)
