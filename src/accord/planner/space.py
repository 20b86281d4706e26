"""Layouts of one instance that software can run, and why the others cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from accord.models.spec import ModelSpec
from accord.parallel.plan import Setting
from accord.planner.plan import Role
from accord.planner.problem import Space

TENSOR_RANKS = (1, 2, 4, 8)
STAGES = (1, 2, 4)
# Instances of 2^n times 1, 3, 5 or 9 devices: what systems divide into, the widest published ones among them.
SIZES = tuple(sorted({base << power for base in (1, 3, 5, 9) for power in range(10)}))
# Requests of an attention group: steps of an eighth and less.
BATCHES = tuple(
    sorted(
        {*range(1, 17), *(round(2.0 ** (power + eighth / 8.0)) for power in range(4, 10) for eighth in range(8)), 1024}
    )
)
PROMPTS = (1, 2, 4, 8, 16, 32)  # whole prompts of an attention group and prefill step
MOST_TOKENS = 16384  # prompt tokens a device and step, the largest published setting
BUDGETS = (2048, 8192, 16384)  # tokens of a mixed iteration
RANKS_PER_EXPERT = 1.25  # redundant and shared experts fill a quarter more ranks than there are experts


@dataclass(frozen=True, slots=True)
class Layout:
    """Ranks of one instance."""

    tp: int
    pp: int
    dp: int
    cp: int
    ep: int

    @property
    def devices(self) -> int:
        """Ranks."""
        return self.tp * self.pp * self.dp * self.cp


class Rules(NamedTuple):
    """Which ranks an engine can be started with.

    whole_experts: experts over all ranks of an instance, or sliced; either_attention: tensor-parallel or
        data-parallel attention, not both in one instance; no_stages: no pipeline
    """

    whole_experts: bool = False
    either_attention: bool = False
    no_stages: bool = False


ANY = Rules()


def layouts(
    setting: Setting, devices: int, space: Space, role: Role, redundant_from: float, rules: Rules = ANY
) -> tuple[tuple[Layout, ...], Counter[str]]:
    """Layouts of up to ``devices`` ranks, and how many fell for which reason.

    redundant_from: expert-parallel ranks from which redundant experts are kept
    rules: what the engine can start
    What the space does not name: pipelines are for prompts, and for dense models that decode beside them (a mixture
    spreads its experts instead); no context-parallel ranks, which few engines have.
    """
    experts = most_experts(setting.spec)
    alone = role == "decode" or (role == "serve" and experts > 0)
    found: dict[Layout, None] = {}
    fell: Counter[str] = Counter()
    stages = space.pp or ((1,) if alone else STAGES)
    contexts = space.cp or (1,)
    widest = max(min(devices, int(experts * RANKS_PER_EXPERT)) if experts else max(TENSOR_RANKS), 1)
    for tp, pp, cp in product(space.tp or TENSOR_RANKS, stages, contexts):
        inner = tp * pp * cp
        for dp in space.dp or (_groups(inner, min(devices, widest * pp)) if experts else (1,)):
            for ep in space.ep or _expert_ranks(experts, tp * dp * cp, dp * cp):
                layout = Layout(tp, pp, dp, cp, ep)
                why = refusal(setting, layout, devices, redundant_from, rules)
                if why:
                    fell[why] += 1
                else:
                    found[layout] = None
    return tuple(sorted(found, key=lambda one: (one.devices, one.tp, one.pp, one.cp, one.ep))), fell


def _groups(inner: int, most: int) -> tuple[int, ...]:
    """Attention groups that make instances of the usual sizes."""
    return tuple(size // inner for size in SIZES if size % inner == 0 and size <= most)


def _expert_ranks(experts: int, ranks: int, groups: int) -> tuple[int, ...]:
    """Experts over all ranks; or, where one group has them alone, sliced over it.

    Slices between groups are tried only where the space names them: what they exchange is priced too low, as if every
    token went to one slice of its expert.
    """
    if not experts:
        return (1,)
    return (ranks,) if groups > 1 else tuple(dict.fromkeys((ranks, 1)))


def refusal(  # noqa: PLR0911  one return a reason
    setting: Setting, layout: Layout, devices: int, redundant_from: float, rules: Rules = ANY
) -> str | None:
    """Why a layout cannot be run, None where it can.

    Every rank holds whole experts, redundant copies included, as many as every other; tensor ranks may slice them
    between each other. An instance fills whole nodes, or divides one, where nodes are joined less tightly.
    """
    spec, machine = setting.spec, setting.machine
    experts, group = most_experts(spec), layout.tp * layout.dp * layout.cp
    size = layout.devices
    node = machine.tiers[0].devices if machine.tiers else 1.0
    if size > devices:
        return "instance larger than the chips"
    if size > (machine.tiers[-1].devices if machine.tiers else 1.0):
        return "no published link joins so many ranks"
    if layout.tp > max(machine.scale_up_devices, 1) and layout.tp > node:
        return "tensor ranks beyond the scale-up domain"
    if node < devices and size % node and node % size:
        return "instance neither fills nor divides a node"
    if any(block.attention.heads % layout.tp for block in spec.distinct_layers):
        return "attention heads not divisible by tp"
    if layout.pp > spec.n_layers:
        return "more stages than layers"
    if layout.ep > 1 and not experts:
        return "expert ranks without experts"
    if rules.whole_experts and layout.ep not in (1, group):
        return "engine spreads experts over all ranks or none"
    if rules.either_attention and layout.tp > 1 and layout.dp > 1:
        return "engine splits attention by tensors or by requests, not by both"
    if rules.no_stages and layout.pp > 1:
        return "engine has no documented pipeline"
    if group % layout.ep:
        return "ep does not divide the ranks"
    if experts and layout.ep > int(experts * RANKS_PER_EXPERT):
        return "more expert ranks than experts"
    slots = experts + redundant(setting, layout.ep, redundant_from)
    if experts and layout.ep <= experts and slots % layout.ep:
        return "experts not divisible by ep"
    return None


def most_experts(spec: ModelSpec) -> int:
    """Routed experts of the widest layer."""
    return max(layer.ffn.experts for layer in spec.distinct_layers)


def redundant(setting: Setting, ep: float, redundant_from: float) -> float:
    """Expert copies beyond one of each."""
    share = setting.efficiency.scalar("engine.redundant_share")
    return share * most_experts(setting.spec) if ep >= redundant_from else 0.0
