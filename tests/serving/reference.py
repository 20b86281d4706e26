"""The simulator once more, slowly: every iteration is a turn of a loop, every request an object.

Written from ``docs/serving.md`` alone, for clarity; it shares no code with the engine but the records of its input
and output. Left out: drawn numbers (the router that draws two instances, failures at random, the number of decode
iterations, which is an input here), autoscaling, blocks that a preempted request finds again for itself, the most that
one transfer reaches on a wider link, and the way to the user by radio.

At one time the order is: ends (of iterations, transfers, fetches, loading) by instance, arrivals by request,
failures, cancellations. Only then do instances that have something to do begin their next iterations.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

import numpy as np
from tests.serving.slow_cache import HostCache
from tests.serving.slow_group import Group, Request
from tests.serving.slow_instance import Instance
from tests.serving.slow_routes import Router

from accord.serving.result import CANCELLED, COMPLETED, FAILED, UNFINISHED
from accord.serving.spec import Outage, Pool, Rules
from accord.workloads.request import Workload

END, ARRIVAL, FAILURE, CANCELLATION = range(4)
ITERATION, TRANSFER, FETCH, WRITE, RECOVERY = range(5)


@dataclass
class Slow:
    """What the reference leaves behind. events: when an instance went ``down`` and came ``up``.

    steps: iterations of each instance that ended: start, end, computed prompt tokens, decoding requests
    """

    requests: list[Request]
    events: list[tuple[float, int, str]] = field(default_factory=list)
    steps: list[tuple[float, float, int, int, int]] = field(default_factory=list)
    preemptions: int = 0
    prompt_tokens: int = 0

    def column(self, name: str) -> list[float]:
        return [getattr(request, name) for request in self.requests]

    def gaps(self) -> list[float]:
        """All times between tokens, or between the iterations that gave them."""
        return [b - a for r in self.requests for a, b in zip(r.given, r.given[1:], strict=False)]


def simulate_slowly(
    pools: Sequence[Pool], workload: Workload, rules: Rules, iterations: Sequence[int] | None = None
) -> Slow:
    """Serve ``workload``. iterations: decode iterations of each request's answer, without drafts ``A - 1``."""
    assert rules.autoscale is None and rules.mtbf_s == float("inf")
    return Simulation(pools, workload, rules, iterations).run()


class Simulation:
    """The loop, and what happens to a request on its way."""

    def __init__(
        self, pools: Sequence[Pool], workload: Workload, rules: Rules, iterations: Sequence[int] | None
    ) -> None:
        self.workload, self.rules = workload, rules
        turns = iterations if iterations is not None else [int(answer) - 1 for answer in workload.answer]
        self.requests = [
            Request(
                index,
                int(workload.prompt[index]),
                int(workload.answer[index]),
                int(workload.priority[index]),
                workload.hashes[workload.starts[index] : workload.starts[index + 1]].tolist(),
                float(workload.patience_s[index]),
                int(turns[index]),
            )
            for index in range(len(workload))
        ]
        self.instances: list[Instance] = []
        for pool in pools:
            for _ in range(pool.instances):
                self.add(pool)
        self.router = Router(rules.router, len(self.instances))
        self.host = HostCache(rules.pooled.capacity_tokens) if rules.pooled else None
        self.slow = Slow(self.requests)
        self.heap: list[tuple[float, int, int, int, int, Callable[[float], None]]] = []
        self.tie = count()
        self.in_flight = 0
        self.outside: list[tuple[float, int]] = []  # held back by the closed loop: since when, who
        self.unrouted: list[Request] = []  # no instance was up to compute the prompt
        self.unsent: list[Request] = []  # no instance was up to decode

    def add(self, pool: Pool) -> None:
        number = len(self.instances)
        groups = [Group(pool, number, self.workload.block_tokens, self.rules.scheduler) for _ in range(pool.groups)]
        for group in groups:
            group.send = self.send
        self.instances.append(Instance(pool, number, groups))

    # The loop

    def run(self) -> Slow:
        """Event by event, until the run's end."""
        for instance in self.instances:
            if instance.pool.cold and instance.pool.load_s > 0.0:
                instance.up = False
                self.at(instance.pool.load_s, END, instance.number, RECOVERY, partial(self.recover, instance))
        for index in np.flatnonzero(self.workload.follows < 0):
            self.come(float(self.workload.arrival_s[index]), int(index))
        for outage in self.rules.outages:
            self.at(outage.start_s, FAILURE, outage.instance, 0, partial(self.fail, outage))
        while self.heap and any(request.status == UNFINISHED for request in self.requests):
            now = self.heap[0][0]
            if now > self.rules.duration_s:
                break
            while self.heap and self.heap[0][0] == now:
                happen = heapq.heappop(self.heap)[-1]
                happen(now)
            for instance in self.instances:
                self.step(now, instance)
        self.slow.preemptions = sum(group.preemptions for instance in self.instances for group in instance.groups)
        return self.slow

    def at(self, time_s: float, order: int, first: int, second: int, happen: Callable[[float], None]) -> None:
        """Let something happen at a time, among others of the same time in order."""
        heapq.heappush(self.heap, (time_s, order, first, second, next(self.tie), happen))

    def step(self, now: float, instance: Instance) -> None:
        """Begin an iteration if there is something to do."""
        if not instance.up or instance.stepping:
            return
        planned = [group.plan(now) for group in instance.groups]
        if any(planned):
            instance.stepping = True
            end = partial(self.end_step, instance, instance.life, now)
            self.at(now + instance.step_s(), END, instance.number, ITERATION, end)

    def end_step(self, instance: Instance, life: int, start_s: float, now: float) -> None:
        """Give what the iteration computed."""
        if life != instance.life:
            return
        instance.stepping = False
        tokens = sum(tokens for group in instance.groups for _, tokens in group.chunks)
        batch = sum(len(group.decodes) for group in instance.groups)
        self.slow.steps.append((start_s, now, instance.number, tokens, batch))
        self.slow.prompt_tokens += tokens
        for group in instance.groups:
            chunks = dict(group.chunks)
            for request in list(group.running):
                request.computed += chunks.get(request, 0)
                if request in group.decodes or (request in chunks and request.decodes):
                    self.give(now, instance, group, request)
                if request.leaving:
                    self.end(now, request, CANCELLED)
            group.chunks, group.decodes = [], []

    def give(self, now: float, instance: Instance, group: Group, request: Request) -> None:
        """The tokens of an iteration go to the user, or on their way with the cache."""
        prompt_done = request not in group.decodes
        tokens = request.next_tokens
        last = request.produced + tokens == request.answer
        if instance.pool.role != "prefill":
            request.instance = instance.number
        if instance.pool.role != "prefill" or last:
            request.give(now, tokens)
        if last:
            request.leaving = False
        if prompt_done and not request.leaving:
            self.write(now, instance, group, request)
        if last:
            self.end(now, request, COMPLETED)
        elif instance.pool.role == "prefill" and not request.leaving:
            request.giving, request.sender = tokens, group
            group.running.remove(request)
            self.hand_over(now, request)

    # From the user to an instance and back

    def come(self, time_s: float, index: int) -> None:
        """A request of the workload is ready to arrive at a time."""
        self.at(time_s, ARRIVAL, index, 0, partial(self.knock, self.requests[index]))

    def knock(self, request: Request, now: float) -> None:
        """It arrives, or waits outside until the closed loop lets it in."""
        most = self.workload.concurrency
        if most is not None and self.in_flight >= most:
            heapq.heappush(self.outside, (now, request.index))
        else:
            self.in_flight += 1
            self.arrive(request, now)

    def arrive(self, request: Request, now: float) -> None:
        request.arrival_s = now
        tokens = request.prompt + request.answer
        if any(tokens > int(i.pool.kv_tokens // i.pool.block_tokens) * i.pool.block_tokens for i in self.instances):
            self.end(now, request, FAILED)
            return
        if request.patience_s < float("inf"):
            self.at(now + request.patience_s, CANCELLATION, request.index, 0, partial(self.cancel, request))
        self.route(now, request)

    def route(self, now: float, request: Request) -> None:
        """To an instance that computes its prompt; what the pooled cache has of it is fetched first."""
        request.length, request.computed = request.prompt + request.produced, 0
        instance = self.router.pick("prompt", [i for i in self.instances if i.up and i.pool.role != "decode"], request)
        if instance is None:
            self.unrouted.append(request)
            return
        group = request.group = instance.pick()
        if not self.fetch(now, instance, group, request):
            group.waiting.append(request)

    def end(self, now: float, request: Request, status: int) -> None:
        """Its last event; the next one may come."""
        self.leave(request)
        request.status, request.finish_s = status, now
        for index in np.flatnonzero(self.workload.follows == request.index):
            self.come(now + float(self.workload.wait_s[index]), int(index))
        if self.outside:
            _, first = heapq.heappop(self.outside)
            self.at(now, ARRIVAL, first, 0, partial(self.arrive, self.requests[first]))
        else:
            self.in_flight -= 1

    def leave(self, request: Request) -> None:
        """It stands nowhere any more, and what was under way for it is void."""
        request.epoch += 1
        for place in (self.unrouted, self.unsent):
            if request in place:
                place.remove(request)
        for group in (request.group, request.sender):
            if group is not None:
                group.forget(request)
        request.group = request.sender = None
        request.fetched = (0, 0)

    def cancel(self, request: Request, now: float) -> None:
        """The user hangs up: at once, unless an iteration is under way for it."""
        if request.status != UNFINISHED:
            return
        group = request.group
        if group is not None and request in group.running and self.instances[group.number].stepping:
            request.leaving = True
        else:
            self.end(now, request, CANCELLED)

    # Failures

    def fail(self, outage: Outage, now: float) -> None:
        """An instance loses all it held; its requests are routed again."""
        instance = self.instances[outage.instance]
        if not instance.up:
            return
        self.slow.events.append((now, instance.number, "down"))
        instance.up = instance.stepping = False
        instance.life += 1
        unfinished = [request for request in self.requests if request.status == UNFINISHED]
        lost = [r for r in unfinished if r.group in instance.groups or r.sender in instance.groups]
        for request in lost:
            self.leave(request)
        for group in instance.groups:
            group.clear()
        for request in sorted(lost, key=lambda r: (r.arrival_s, r.index)):
            if request.leaving:
                self.end(now, request, CANCELLED)
            else:
                request.restarted += 1
                self.route(now, request)
        up_s = now + outage.down_s + instance.pool.load_s
        self.at(up_s, END, instance.number, RECOVERY, partial(self.recover, instance))

    def recover(self, instance: Instance, now: float) -> None:
        """It serves again; who found no instance is routed."""
        self.slow.events.append((now, instance.number, "up"))
        instance.up = True
        unrouted, self.unrouted = self.unrouted, []
        unsent, self.unsent = self.unsent, []
        for request in sorted(unrouted, key=lambda r: (r.arrival_s, r.index)):
            self.route(now, request)
        for request in sorted(unsent, key=lambda r: (r.arrival_s, r.index)):
            self.hand_over(now, request)

    # Two pools

    def hand_over(self, now: float, request: Request) -> None:
        """To an instance that decodes, where it waits for room."""
        instance = self.router.pick("decode", [i for i in self.instances if i.up and i.pool.role == "decode"], request)
        if instance is None:
            request.group = None
            self.unsent.append(request)
            return
        request.group = instance.pick()
        request.group.waiting.append(request)

    def send(self, now: float, request: Request) -> None:
        """Its cache leaves the sender's link in order, and enters the receiver's in order."""
        assert request.sender is not None and request.group is not None
        sender, receiver = self.instances[request.sender.number], self.instances[request.group.number]
        size_bytes = request.length * sender.pool.bytes_per_token
        start_s = max(now, sender.egress_free_s)
        sender.egress_free_s = start_s + size_bytes / sender.pool.egress_bytes_per_s
        receiver.ingress_free_s = max(receiver.ingress_free_s, start_s) + size_bytes / receiver.pool.ingress_bytes_per_s
        end_s = max(sender.egress_free_s, receiver.ingress_free_s) + sender.pool.latency_s
        self.at(end_s, END, receiver.number, TRANSFER, partial(self.receive, request, request.epoch))

    def receive(self, request: Request, epoch: int, now: float) -> None:
        """It joins the instance that decodes, and its token reaches the user."""
        if epoch != request.epoch:
            return
        assert request.sender is not None and request.group is not None
        request.sender.drop(request)
        request.sender = None
        request.group.coming.remove(request)
        request.group.join(request)
        request.instance = request.group.number
        request.give(now, request.giving)

    # The pooled cache

    def fetch(self, now: float, instance: Instance, group: Group, request: Request) -> bool:
        """Ask the pooled cache for what the instance lacks; whether something is on its way."""
        if self.host is None:
            return False
        units = group.usable(request)
        local = min(group.known(request) // group.unit, len(units))
        found = self.host.run(units[local:])
        if not found:
            return False
        self.host.use(units[local : local + found], group.unit)
        request.fetched = (local, local + found)
        group.fetching.append(request)
        end_s = self.over_host_link(now, instance, found * group.unit)
        self.at(end_s, END, instance.number, FETCH, partial(self.fetched, request, request.epoch))
        return True

    def over_host_link(self, now: float, instance: Instance, tokens: int) -> float:
        """When tokens have gone over the instance's link to the pooled cache."""
        pooled = self.rules.pooled
        assert pooled is not None
        size_bytes = tokens * pooled.bytes_per_token
        start_s = max(now, instance.host_free_s)
        instance.host_free_s = start_s + size_bytes / pooled.bytes_per_s + size_bytes / pooled.software_bytes_per_s
        return instance.host_free_s + pooled.latency_s

    def fetched(self, request: Request, epoch: int, now: float) -> None:
        """What was fetched is there: it begins to wait."""
        if epoch != request.epoch:
            return
        assert request.group is not None
        request.group.fetching.remove(request)
        request.group.waiting.append(request)

    def write(self, now: float, instance: Instance, group: Group, request: Request) -> None:
        """What was computed of a prompt goes to the pooled cache, if it is new there."""
        if self.host is None or instance.pool.role == "decode":
            return
        units = [unit for unit in group.units(request)[request.written_from :] if unit not in self.host.tokens]
        if units:
            end_s = self.over_host_link(now, instance, len(units) * group.unit)
            wrote = partial(self.wrote, instance, instance.life, units, group.unit)
            self.at(end_s, END, instance.number, WRITE, wrote)

    def wrote(self, instance: Instance, life: int, units: list[int], unit_tokens: int, now: float) -> None:
        if life == instance.life:
            assert self.host is not None
            self.host.use(units, unit_tokens)
