"""The reference's requests and groups: what one iteration of one scheduler computes, request by request."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.serving.slow_cache import Cache, Holding

from accord.serving.result import UNFINISHED
from accord.serving.spec import Pool

NEVER = float("nan")
PROMPTS_FIRST = "prefill-first"
WHOLE_PROMPTS = "decode-first"
SHORTEST = "shortest-first"


@dataclass(eq=False)
class Request:
    """One request, what it got so far, and where it stands."""

    index: int
    prompt: int
    answer: int
    priority: int
    ids: list[int]
    patience_s: float
    iterations: int  # decode iterations that give the answer's tokens after the first
    arrival_s: float = NEVER
    scheduled_s: float = NEVER
    first_s: float = NEVER
    finish_s: float = NEVER
    status: int = UNFINISHED
    produced: int = 0
    cached: int = 0
    pooled: int = 0
    preempted: int = 0
    restarted: int = 0
    prefill: int = -1
    instance: int = -1
    given: list[float] = field(default_factory=list)  # times at which tokens were given
    turns: int = 0  # decode iterations done
    epoch: int = 0  # moves on whenever what was under way for it is void
    # of its stay in a group
    group: Group | None = None
    length: int = 0  # tokens to compute before it goes on
    computed: int = 0
    written_from: int = 0  # units from here on were computed here, not found
    fetched: tuple[int, int] = (0, 0)  # units in hand that the pooled cache had
    admitted: int = 0
    sender: Group | None = None  # where its cache lies while it waits for its transfer
    giving: int = 0  # tokens that reach the user when the transfer ends
    leaving: bool = False  # cancelled, to take effect at the end of the iteration

    @property
    def decodes(self) -> bool:
        return self.computed == self.length

    @property
    def reads(self) -> float:
        """Cached tokens that its next decode iteration reads, the new ones included; on average with drafts."""
        return self.prompt + (self.turns + 1) * (self.answer - 1) / self.iterations

    @property
    def next_tokens(self) -> int:
        """Tokens of its next iteration: the prompt's last gives the first, the rest is spread evenly."""
        if self.produced == 0:
            return 1
        return 1 + (self.turns + 1) * (self.answer - 1) // self.iterations - self.produced

    def give(self, now: float, tokens: int) -> None:
        """Give the user tokens."""
        if self.produced == 0:
            self.first_s = now
        else:
            self.turns += 1
        self.produced += tokens
        self.given.append(now)


class Group:
    """One attention group: its queue, its requests, its cache."""

    def __init__(self, pool: Pool, number: int, trace_block: int, scheduler: str) -> None:
        self.pool = pool
        self.number = number  # of the instance
        self.scheduler = scheduler
        self.trace_block = trace_block
        self.unit = max(pool.block_tokens, trace_block)
        self.limit = min(pool.max_seqs, pool.token_budget // (1 + pool.mtp_tokens))
        self.clear()
        self.send: Callable[[float, Request], None] | None = None
        self.admissions = 0
        self.preemptions = 0

    def clear(self) -> None:
        """An empty group with an empty cache."""
        blocks = int(self.pool.kv_tokens // self.pool.block_tokens)
        self.cache = Cache(blocks, self.unit // self.pool.block_tokens)
        self.reserve = int(self.pool.watermark * blocks)
        self.waiting: list[Request] = []
        self.fetching: list[Request] = []
        self.running: list[Request] = []  # in order of admission
        self.coming: list[Request] = []  # room is kept for them while their cache is on the way
        self.holdings: dict[Request, Holding] = {}
        self.chunks: list[tuple[Request, int]] = []
        self.decodes: list[Request] = []
        self.lost = False

    @property
    def load(self) -> int:
        """Requests here, whatever they do; those whose prompt is done and sent on are the receiver's."""
        return len(self.waiting) + len(self.fetching) + len(self.running) + len(self.coming)

    @property
    def queued_tokens(self) -> int:
        """Prompt tokens that no iteration computes yet."""
        under_way = sum(tokens for _, tokens in self.chunks)
        here = self.waiting + self.fetching + self.running
        return sum(request.length - request.computed for request in here) - under_way

    def units(self, request: Request) -> list[int]:
        """Names of the full units of its prompt: of the last trace block in each."""
        if not request.ids:
            return []
        each = self.unit // self.trace_block
        full = min(len(request.ids) // each, request.prompt // self.unit)
        return [request.ids[(unit + 1) * each - 1] for unit in range(full)]

    def known(self, request: Request) -> int:
        """Tokens of its prompt that are known here, from the beginning on."""
        return self.cache.run(self.units(request)) * self.unit if self.pool.prefix_cache else 0

    def usable(self, request: Request) -> list[int]:
        """Units it may use: one token at least is computed."""
        return self.units(request)[: (request.length - 1) // self.unit]

    def rank(self, request: Request) -> tuple[float, ...]:
        """Order of the queue."""
        length = request.prompt if self.scheduler == SHORTEST else 0
        return (request.priority, length, request.arrival_s, request.index)

    # One iteration

    def plan(self, now: float) -> bool:
        """Choose what the next iteration computes, and take its blocks; False if there is nothing to do."""
        while True:
            self.chunks, self.decodes, self.lost = [], [], False
            if self.scheduler == PROMPTS_FIRST:
                self.continue_prompt()
                self.admit(now)
                if not self.chunks:
                    self.decode()
            else:
                self.decode()
                self.continue_prompt()
                self.admit(now)
            self.cache.check(list(self.holdings.values()))
            if self.chunks or self.decodes:
                return True
            if not self.lost:
                return False

    @property
    def tokens_left(self) -> int:
        computed = sum(tokens for _, tokens in self.chunks)
        return self.pool.token_budget - computed - len(self.decodes) * (1 + self.pool.mtp_tokens)

    def decode(self) -> None:
        """Give every decoding request its next token, and room for it."""
        turn = sorted((r for r in self.running if r.decodes), key=lambda r: (r.priority, r.admitted))
        for request in turn:
            if request in self.running and self.make_room(request, math.floor(request.reads)):
                self.decodes.append(request)

    def continue_prompt(self) -> None:
        """Compute more of the prompt that is partly computed."""
        begun = [request for request in self.running if not request.decodes]
        assert len(begun) <= 1
        for request in begun:
            tokens = min(request.length - request.computed, self.tokens_left)
            assert tokens > 0
            if self.make_room(request, request.computed + tokens):
                self.compute(request, tokens)

    def make_room(self, request: Request, tokens: int) -> bool:
        """Blocks for ``tokens`` cached tokens of a running request, if need be at the cost of others or itself."""
        need = self.blocks(tokens) - self.held(request)
        while need > self.cache.room:
            victim = max(self.running, key=lambda r: (r.priority, r.admitted))
            self.preempt(victim)
            if victim is request:
                return False
        self.cache.take(self.holdings[request], max(need, 0))
        return True

    def preempt(self, request: Request) -> None:
        """It loses its cache, and waits to compute its prompt and the tokens it has."""
        self.running.remove(request)
        if request in self.decodes:
            self.decodes.remove(request)
        self.drop(request)
        request.length, request.computed = request.prompt + request.produced, 0
        request.preempted += 1
        self.preemptions += 1
        self.waiting.append(request)
        self.lost = True

    def admit(self, now: float) -> None:
        """Admit waiting requests in order, until one has to go on waiting."""
        while self.waiting and not self.lost and self.tokens_left > 0:
            request = min(self.waiting, key=self.rank)
            if len(self.running) + len(self.coming) >= self.limit:
                return
            admitted = self.admit_sent(now, request) if request.sender else self.admit_prompt(now, request)
            if not admitted:
                return

    def fits(self, need: int) -> bool:
        """Whether blocks can be taken by a request that waits."""
        nothing_runs = not self.running and not self.coming
        return self.cache.room - need >= (0 if nothing_runs else self.reserve)

    def admit_sent(self, now: float, request: Request) -> bool:
        """Keep room for a request that was computed elsewhere, and have its cache sent."""
        need = self.blocks(request.length)
        if not self.fits(need):
            return False
        self.waiting.remove(request)
        self.coming.append(request)
        self.cache.take(self.hold(request), need)
        assert self.send is not None
        self.send(now, request)
        return True

    def admit_prompt(self, now: float, request: Request) -> bool:
        """Begin a prompt after what is known of it."""
        units = self.usable(request)
        local = self.cache.run(units) if self.pool.prefix_cache else 0
        begin, end = request.fetched
        found = min(end, len(units)) if begin <= local < end else local
        cached = found * self.unit
        tokens = min(request.length - cached, self.tokens_left)
        whole = request.length if self.scheduler == WHOLE_PROMPTS else cached + tokens
        asked = request.length if self.pool.must_fit else whole
        known = local * self.cache.per_unit
        if not self.fits(self.blocks(asked) - known + self.cache.idle_among(units[:local])):
            return False
        self.waiting.remove(request)
        self.join(request)
        request.fetched = (0, 0)
        holding = self.hold(request)
        self.cache.hold(holding, units[:local])
        self.cache.take(holding, self.blocks(whole) - known)
        request.computed, request.written_from = cached, found
        self.enter(request, local, found)
        if math.isnan(request.scheduled_s):
            request.scheduled_s, request.cached, request.pooled = now, cached, (found - local) * self.unit
        if self.pool.role != "decode":
            request.prefill = self.number
        self.compute(request, tokens)
        return True

    def compute(self, request: Request, tokens: int) -> None:
        """A chunk of a prompt: the blocks that it completes are known from now on."""
        self.chunks.append((request, tokens))
        self.enter(request, request.computed // self.unit, (request.computed + tokens) // self.unit)

    def enter(self, request: Request, begin: int, end: int) -> None:
        if self.pool.prefix_cache:
            for unit in self.units(request)[begin:end]:
                self.cache.enter(self.holdings[request], unit)

    def join(self, request: Request) -> None:
        """It runs from now on."""
        self.admissions += 1
        request.admitted = self.admissions
        self.running.append(request)

    # Blocks

    def blocks(self, tokens: int) -> int:
        return -(-tokens // self.pool.block_tokens)

    def held(self, request: Request) -> int:
        holding = self.holdings[request]
        return len(holding.shared) * self.cache.per_unit + holding.private

    def hold(self, request: Request) -> Holding:
        self.holdings[request] = Holding()
        return self.holdings[request]

    def drop(self, request: Request) -> None:
        """Its blocks are free, or known and held by none."""
        self.cache.release(self.holdings.pop(request))

    def forget(self, request: Request) -> None:
        """It is here no longer, wherever it stood."""
        for place in (self.waiting, self.fetching, self.running, self.coming):
            if request in place:
                place.remove(request)
        if request in self.holdings:
            self.drop(request)
