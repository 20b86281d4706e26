"""What tests of ``accord attest`` share: keys in a folder, small commands, and calls that sign, well or ill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from accord.cli.main import main
from accord.report.attestation import (
    Report,
    Statement,
    read_envelope,
    read_statement,
    sign,
    statement_bytes,
)
from accord.store.keys import make_keys, read_private_key

Capture = pytest.CaptureFixture[str]
Said = Callable[..., tuple[str, str]]
COMPARE = ("compare", "huawei-cloudmatrix-384", "nvidia-gb200-nvl72")
CLASSIFY = ("policy", "classify", "nvidia-h20", "--from", "US", "--to", "CN", "--date", "2025-05-01")
TRACE = "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,100,20\n0.5,200,10\n"
SIMULATE = ("simulate", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--chips", "1", "--trace")
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 1024, "num_hidden_layers": 4,
    "num_attention_heads": 8, "num_key_value_heads": 8, "intermediate_size": 4096, "vocab_size": 32000,
    "torch_dtype": "bfloat16",
}  # fmt: skip
ESTIMATE = ("estimate", "--system", "nvidia-hgx-h100-8", "--chips", "1", "--concurrency", "2", "--isl", "100", "--osl",
            "20")  # fmt: skip


SLOW = pytest.mark.slow
PLAN = ("plan", "--model", "llama-3.1-8b", "--chips", "8", "--isl", "500", "--osl", "100", "--no-intervals", "--tpot",
        "p90:40ms", "--system")  # fmt: skip
SIZE = ("size", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--goodput", "5", "--tpot", "50ms", "--isl",
        "500", "--osl", "100", "--no-intervals")  # fmt: skip
TRAIN = ("train", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--chips", "64", "--tokens", "1T",
         "--auto")  # fmt: skip
MIGRATE = ("policy", "migrate", "nvidia-h20", "--from=US", "--to=CN", "--what-if", "3A090.a.tpp=6000")


def named(words: object) -> str:
    return " ".join(words[:3]) if isinstance(words, tuple) else ""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the keys a and b, which is the current one."""
    monkeypatch.chdir(tmp_path)
    make_keys(tmp_path / "a")
    make_keys(tmp_path / "b")
    return tmp_path


@pytest.fixture
def said(capsys: Capture) -> Said:
    """Run a command with the exit code it must have; gives what it printed."""

    def run(*words: object, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert main([str(word) for word in words]) == code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return out, err

    return run


def signed(said: Said, *words: str, out: str = "x.dsse", more: tuple[str, ...] = ()) -> Report:
    said("attest", "sign", "--key", "a.key", "--out", out, *more, "--run", "--", *words)
    return read_statement(read_envelope(Path(out).read_bytes(), out).payload, out).report


def forged(report: Report, **fields: Any) -> None:
    """Sign another report with key a, as a signer may who is believed but means ill."""
    report = msgspec.structs.replace(report, **fields)
    payload = statement_bytes(Statement({"result": report.result}, report))
    Path("x.dsse").write_bytes(sign(payload, [read_private_key(Path("a.key"))]))


VERIFY = ("attest", "verify", "x.dsse", "--key", "a.pub")
AGAIN = (*VERIFY, "--recompute")
