"""Step times straight from the estimate: slow, and what the table is measured against."""

from __future__ import annotations

import numpy as np

from accord.base.array import Array, array
from accord.parallel.plan import Deployments, Setting
from accord.step.host import with_overhead
from accord.step.mixed import Load, Parts, micro_step, mixed_step, one_instance, plain_step


class ExactTimer:
    """Iterations of one instance, each priced anew.

    plan: one deployment; its batch, tokens and context are of no account
    step_overhead_s: host time between steps in place of the engine's
    token_budget: tokens of one micro-step of a pipeline; the engine's if omitted

    Groups of an instance wait for the slowest: experts take the time of the mean load, everything else that of the
    group that needs most.
    """

    def __init__(
        self, setting: Setting, plan: Deployments, *, step_overhead_s: float | None = None,
        token_budget: float | None = None,
    ) -> None:  # fmt: skip
        """Price nothing yet. Raises UsageError for a plan of several deployments."""
        self._setting = with_overhead(setting, step_overhead_s)
        self._plan = one_instance(plan)
        engine = setting.efficiency.scalar("engine.max_num_batched_tokens")
        self._budget = engine if token_budget is None else token_budget

    def line(self, batch: int, context: float) -> tuple[float, float, float]:
        """A decode iteration: seconds, and no line."""
        return float(self._plain(_load(batch=batch, context=context)).total_s[0]), 0.0, context

    def mixed(self, tokens: int, pairs: float, prompts: int, batch: int, context: float) -> float:
        """An iteration with prompt tokens; see :class:`accord.step.mixed.Load`."""
        load = _load(tokens, pairs, prompts, batch, context)
        return float(np.maximum(self._mixed(load).total_s, self._plain(load).total_s)[0])

    def joint(self, tokens: Array, pairs: Array, prompts: Array, batch: Array, context: Array) -> float:
        """An iteration of groups with loads of their own, shape ``(G,)`` each."""
        columns = (tokens, pairs, prompts, batch, context)
        load = Load(*(np.append(column, np.mean(column)) for column in columns))
        plain = slowest_s(self._plain(load))
        return max(slowest_s(self._mixed(load)), plain) if np.any(tokens > 0) else plain

    def _plain(self, load: Load) -> Parts:
        own = micro_step(self._plan, load, self._budget)
        return plain_step(self._setting, self._plan, own.batch, own.context)

    def _mixed(self, load: Load) -> Parts:
        return mixed_step(self._setting, self._plan, micro_step(self._plan, load, self._budget))


def slowest_s(parts: Parts) -> float:
    """Groups, and their mean load as the last entry: its experts, and the most of all else."""
    own = parts.total_s - parts.shared_s
    return float(parts.shared_s[-1] + np.max(own[:-1]))


def _load(
    tokens: float = 0.0, pairs: float = 0.0, prompts: float = 0.0, batch: float = 0.0, context: float = 0.0
) -> Load:
    return Load(array(tokens), array(pairs), array(prompts), array(batch), array(context))
