"""Command lines of ``accord train`` that several tests ask."""

from __future__ import annotations

import json
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from typing import Any, NamedTuple

from accord.cli.main import main

DEEPSEEK = (
    "--model", "deepseek-v3", "--system", "nvidia-hgx-h800-8", "--chips", "2048", "--tokens", "14.8e12", "--auto",
    "--price", "2",
)  # fmt: skip
LLAMA = (
    "--model", "llama-3.1-405b", "--system", "nvidia-hgx-h100-8", "--chips", "16384", "--tokens", "15.6T",
    "--tp", "8", "--pp", "16", "--dp", "128", "--seq", "8192", "--global-batch", "16Mi", "--micro-batch", "1",
    "--schedule", "interleaved", "--vp", "4", "--recompute", "selective", "--zero", "1", "--failures", "--runs", "200",
)  # fmt: skip
SMALL = ("--model", "llama-3.1-70b", "--system", "nvidia-hgx-h100-8", "--chips", "256", "--tokens", "1e12")


class Done(NamedTuple):
    """What a command line gave."""

    code: int
    out: str
    err: str

    @property
    def body(self) -> dict[str, Any]:
        """The envelope."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


@cache
def train(*words: str) -> Done:
    """Run ``accord train`` with these words, each command line once."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["train", *words])
    return Done(code, out.getvalue(), err.getvalue())


def asked(*words: str) -> dict[str, Any]:
    """The envelope of a command line that is answered."""
    done = train(*words, "--json")
    assert done.code == 0, done.err
    return done.body
