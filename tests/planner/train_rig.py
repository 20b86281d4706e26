"""Jobs for the tests of the search over training layouts, each built once."""

from __future__ import annotations

from functools import cache

import numpy as np

from accord.api.records import machine_of, model_spec, training_efficiency
from accord.catalog.load import Catalog, load_catalog
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.models.spec import Attention, Ffn, Layer, ModelSpec
from accord.training.candidates import Space
from accord.training.estimate import job_of
from accord.training.layout import Job, Layouts
from accord.training.request import TrainRequest

# Brown et al., arXiv 2005.14165, table 2.1, its vocabulary padded as in Narayanan et al., arXiv 2104.04473.
GPT3 = ModelSpec(
    id="gpt-3-175b", model_type="gpt2", hidden=12288, vocab=51200, tied_embeddings=True, context=2048,
    layers=(
        Layer(
            attention=Attention(kind="full", heads=96, kv_heads=96, head_dim=128, v_head_dim=128),
            ffn=Ffn(hidden=49152, gated=False), count=96,
        ),
    ),
)  # fmt: skip
BLOCK = Attention(kind="full", heads=16, kv_heads=8, head_dim=64, v_head_dim=64)
SMALL = ModelSpec(
    id="small",
    model_type="test",
    hidden=1024,
    vocab=32000,
    layers=(Layer(attention=BLOCK, ffn=Ffn(hidden=4096), count=8),),
)
MIXED = ModelSpec(
    id="mixed", model_type="test", hidden=1024, vocab=32000,
    layers=(
        Layer(attention=BLOCK, ffn=Ffn(hidden=4096), count=2),
        Layer(attention=BLOCK, ffn=Ffn(experts=16, top_k=2, expert_hidden=1024, shared_hidden=1024), count=6),
    ),
)  # fmt: skip
WIDE = Space(
    micro=(1, 2, 3, 4, 6, 8, 12, 16, 24, 32), zero=(0, 1, 2, 3), schedules=(0, 1, 2, 3), sequence_parallel=(0, 1),
    virtual=tuple(range(1, 97)), offload=(0, 1), tensor=(1, 2, 4, 8, 16, 32), context=(1, 2, 4, 8),
    sharded_pipelines=True,
)  # fmt: skip


@cache
def catalog() -> Catalog:
    """The packaged catalog."""
    return load_catalog()


@cache
def machine(system: str) -> tuple[Machine, Efficiency]:
    """A system and its parameters in training."""
    found = machine_of(catalog(), system)
    return found, training_efficiency(catalog(), found.chip)


@cache
def spec(model: str) -> ModelSpec:
    """A model of the catalog, or one of those above."""
    own = {one.id: one for one in (GPT3, SMALL, MIXED)}
    return own[model] if model in own else model_spec(catalog(), model)


def job(model: str, system: str, chips: int, sequences: float, **asked: object) -> tuple[Job, TrainRequest]:
    """A job and its request; asked: fields of the request besides."""
    seq = int(asked.get("seq", 2048))  # type: ignore[call-overload]
    request = TrainRequest(
        model=model,
        system=system,
        **{"chips": chips, "seq": seq, "global_batch": sequences * seq, **asked},
    )
    return job_of(spec(model), *machine(system), request)[0], request


def some(lay: Layouts, count: int, seed: int) -> Layouts:
    """At most ``count`` of some layouts, drawn."""
    draw = np.random.default_rng(seed)
    return lay.pick(np.sort(draw.choice(len(lay), min(count, len(lay)), replace=False)))
