"""Over which seconds and chips the rates of a run are counted, and what falls into them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.serving.result import COMPLETED, UNFINISHED, Outcome, PoolUse

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds from the start of the run between which a rate is counted."""

    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """Its length, 0 where nothing arrived or all was over before it began."""
        return max(0.0, self.end_s - self.start_s)


@dataclass(frozen=True, slots=True)
class Share:
    """What each request gives to the rates of a window, shape ``(N,)``.

    arrived: it came before the run ended; done: completed inside the window
    output, prompt, computed: answer tokens given, prompt tokens served, and those of them not found in a cache
    present_s: seconds in the system
    """

    arrived: Mask
    done: Mask
    output: Array
    prompt: Array
    computed: Array
    present_s: Array


def arrived(outcome: Outcome) -> Mask:
    """Requests that came before the run ended, shape ``(N,)``."""
    return np.asarray(outcome.requests.arrival_s <= outcome.end_s)


def window(outcome: Outcome, warm_s: float = 0.0) -> Window:
    """From the first arrival, or ``warm_s`` where that is later, to the last end of a request.

    A run that was cut, so that requests are unfinished, is counted to its cut.
    """
    found, came = outcome.requests, arrived(outcome)
    if not came.any():
        return Window(warm_s, warm_s)
    cut = bool(np.any(found.status[came] == UNFINISHED))
    end_s = outcome.end_s if cut else float(found.finish_s[came].max())
    return Window(max(float(found.arrival_s[came].min()), warm_s), end_s)


def share(outcome: Outcome, over: Window) -> Share:
    """What each request gives to the rates of a window.

    Answer tokens after the first are taken to come evenly, so those of a request that began before the window count
    in part. Tokens of cancelled and failed requests do not count, as in the serving benchmark of vLLM; what requests
    that a cut left unfinished were given so far does. A prompt counts when its first token comes.
    """
    found, came = outcome.requests, arrived(outcome)
    completed = came & (found.status == COMPLETED)
    ends_s = np.where(found.status == UNFINISHED, outcome.end_s, found.finish_s)
    served = (completed | (came & (found.status == UNFINISHED))) & ~np.isnan(found.first_s)
    first_inside = served & (found.first_s >= over.start_s)
    whole_s = np.where(served, ends_s - found.first_s, 0.0)
    inside_s = np.where(served, ends_s - np.maximum(found.first_s, over.start_s), 0.0)
    part = np.where(whole_s > 0.0, np.maximum(inside_s, 0.0) / np.where(whole_s > 0.0, whole_s, 1.0), first_inside)
    further = np.where(served, np.maximum(found.produced - 1, 0), 0)
    stay_s = np.minimum(ends_s, over.end_s) - np.maximum(found.arrival_s, over.start_s)
    return Share(
        arrived=came,
        done=completed & (found.finish_s >= over.start_s),
        output=first_inside + further * part,
        prompt=np.where(first_inside, outcome.workload.prompt, 0.0),
        computed=np.where(first_inside, outcome.workload.prompt - found.cached, 0.0),
        present_s=np.where(came, np.maximum(stay_s, 0.0), 0.0),
    )


def chips(outcome: Outcome, pool: PoolUse, over: Window) -> float:
    """Chips that a pool holds, on the mean of the whole run.

    Those of all its instances, also while they load or are down. In a run that scales, an instance is held while it is
    in service; the time it loads is left out.
    over: the whole run
    """
    held = float(pool.instances)
    if over.seconds > 0.0 and any(event.what in ("scale-up", "scale-down") for event in outcome.events):
        held = min(held, pool.up_s / over.seconds)
    return pool.chips * held
