"""Jobs and layouts for the tests of training, each built once."""

from __future__ import annotations

from functools import cache

from accord.api.records import machine_of, model_spec, training_efficiency
from accord.catalog.load import Catalog, load_catalog
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.models.spec import Attention, Ffn, Layer, ModelSpec
from accord.training.layout import Job


@cache
def catalog() -> Catalog:
    """The packaged catalog."""
    return load_catalog()


@cache
def machine(system: str) -> Machine:
    """A machine of the catalog."""
    return machine_of(catalog(), system)


@cache
def efficiency(system: str) -> Efficiency:
    """Parameters of its chip in training."""
    return training_efficiency(catalog(), machine(system).chip)


@cache
def model(id: str) -> ModelSpec:
    """A model of the catalog."""
    return model_spec(catalog(), id)


def gpt(layers: int, hidden: int, heads: int, vocab: int = 51200) -> ModelSpec:
    """A model with two matrices of four times its width a layer, as GPT-3."""
    wide = hidden // heads
    attention = Attention(kind="full", heads=heads, kv_heads=heads, head_dim=wide, v_head_dim=wide)
    layer = Layer(attention=attention, ffn=Ffn(hidden=4 * hidden, gated=False), count=layers)
    return ModelSpec(id="gpt", model_type="gpt", hidden=hidden, vocab=vocab, layers=(layer,), tied_embeddings=True)


def job(
    spec: ModelSpec | str = "llama-3.1-8b", system: str = "nvidia-hgx-h100-8", seq: float = 4096.0,
    global_batch: float = 2.0**20, **more: object,
) -> Job:  # fmt: skip
    """A job of a catalog model, or of one made here."""
    made = model(spec) if isinstance(spec, str) else spec
    return Job(made, machine(system), efficiency(system), seq, global_batch, **more)  # type: ignore[arg-type]
