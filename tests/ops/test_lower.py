"""A model becomes operators: layers in groups, words at the ends, drafts."""

from __future__ import annotations

from collections import Counter

import pytest
from tests import rig
from tests.rig import BF16, attention, model, shape, value

from accord.models.spec import Ffn, Layer
from accord.ops.lower import lower_draft, lower_head, lower_layer, lower_layers


def test_the_head_is_split_by_tp_and_stays_in_16_bits() -> None:
    for tp in (1.0, 4.0):
        ops = {op.name: op for op in lower_head(model(), shape(tp=tp, logits=8.0))}
        words = ops["output projection to words"]
        assert value(words.flop) == 2 * 8 * 512 * 1024 / tp
        assert value(words.bytes) == 2 * (512 * 1024 / tp + 8 * 512 + 8 * 1024 / tp)
        assert words.fmt == "bf16"
        assert value(ops["embedding"].bytes) == 32 * 512 * 4
        assert value(ops["final norm"].bytes) == 8 * 512 * 8
        assert value(ops["sampling"].bytes) == 8 * 1024 / tp * 8
        assert all(op.stage == "head" for op in ops.values())


def reductions(ffn: Ffn, tp: float, *, separate: bool) -> dict[str, tuple[float, float]]:
    layer = Layer(attention=attention(), ffn=ffn, count=5)
    ops = lower_layer(layer, 512, shape(tp=tp, group=tp), BF16, 0.0, separate=separate)
    assert all(op.layers == 5.0 for op in ops)
    return {op.name: (value(op.wire_bytes), value(op.ranks)) for op in ops if op.name.endswith("reduction")}


def test_a_dense_layer_reduces_twice() -> None:
    found = reductions(Ffn(hidden=2048), 4.0, separate=False)
    assert found == {"attention reduction": (32 * 512 * 2, 4), "feed-forward reduction": (32 * 512 * 2, 4)}
    assert reductions(Ffn(hidden=2048), 4.0, separate=True) == found


def test_routed_tokens_that_travel_come_back_summed() -> None:
    ffn = Ffn(experts=8, top_k=2, expert_hidden=64)
    assert reductions(ffn, 4.0, separate=True)["feed-forward reduction"][1] == 1
    assert reductions(ffn, 4.0, separate=False)["feed-forward reduction"][1] == 4


def test_equal_layers_appear_once_with_their_count() -> None:
    spec = model()
    ops = lower_layers(spec, shape(), BF16, 0.0, separate=False)
    assert {op.layers for op in ops} == {2.0}
    assert max(Counter(op.name for op in ops).values()) == 1


@pytest.mark.parametrize("name", rig.MODELS)
def test_every_layer_is_counted(name: str) -> None:
    spec = rig.spec_of(name)
    ops = lower_layers(spec, shape(), BF16, 0.0, separate=False)
    assert sum(op.layers for op in ops if op.name == "attention norm") == spec.n_layers
    assert sum(op.layers for op in ops if op.name == "feed-forward norm") == spec.n_layers


def test_a_draft_is_one_layer_with_an_input_projection() -> None:
    drafted = Layer(attention=attention(heads=16), ffn=Ffn(hidden=64), count=1)
    ops = {op.name: op for op in lower_draft(model(mtp_layers=1, mtp=drafted), shape(), BF16, 0.0, separate=False)}
    assert value(ops["draft input projection"].flop) == 2 * 32 * 2 * 512 * 512
    assert value(ops["dense up projection"].flop) == 2 * 32 * 512 * 2 * 64
    assert all(op.layers == 1.0 for op in ops.values())


def test_without_a_draft_layer_the_last_one_stands_for_it() -> None:
    ops = {op.name: op for op in lower_draft(model(), shape(), BF16, 0.0, separate=False)}
    assert value(ops["dense up projection"].flop) == 2 * 32 * 512 * 2 * 2048
    assert ops["dense up projection"].layers == 1.0
