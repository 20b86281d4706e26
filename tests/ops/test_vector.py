"""Element-wise work moves bytes and computes nothing that counts."""

from __future__ import annotations

from tests.rig import value

from accord.base.array import array
from accord.ops.vector import activation, norm, vector


def test_bytes() -> None:
    assert value(norm("n", "ffn", array(10), 512, 1.0).bytes) == 10 * 512 * 8
    assert value(activation("a", array(10), array(256), 1.0, gated=True).bytes) == 10 * 256 * 3 * 2
    assert value(activation("a", array(10), array(256), 1.0, gated=False).bytes) == 10 * 256 * 2 * 2


def test_no_flop_and_no_format() -> None:
    op = vector("v", "head", array(100), 2.0, launches=4.0)
    assert (value(op.flop), value(op.bytes), op.fmt, op.launches, op.layers) == (0.0, 100.0, "", 4.0, 2.0)
    assert (value(op.wire_bytes), value(op.ranks)) == (0.0, 1.0)
