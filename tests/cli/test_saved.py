"""Files that a flag names to be written: one line and a hint where they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.attested import COMPARE, Said, here, said

from accord.base.errors import UsageError
from accord.cli.saved import save, told, writable

__all__ = ["here", "said"]  # fixtures

CLASSIFY = ("policy", "classify", "nvidia-h20", "--from", "US", "--to", "CN", "--date", "2025-05-01")
BOM = ("policy", "bom", "--model", "deepseek-v3")
SIGN = ("attest", "sign", "--key", "a.key")
RUN = ("--run", "--", *COMPARE)


@pytest.mark.parametrize(("words", "flag"), [
    ((*SIGN, "--out", "{}", *RUN), "--out"), ((*SIGN, "--result", "{}", *RUN), "--result"),
    ((*SIGN, "--out", "{}", "r.json"), "--out"), ((*BOM, "--out", "{}"), "--out"),
    ((*CLASSIFY, "--plot", "{}"), "--plot"),
    (("policy", "adoption", "--plot", "{}"), "--plot"), (("audit", "--plot", "{}"), "--plot"),
])  # fmt: skip
def test_files_that_cannot_be_written_are_refused_with_a_hint(
    words: tuple[str, ...], flag: str, here: Path, said: Said
) -> None:
    for place, why in (("none/x.svg", "there is no folder 'none'"), ("a.pub/x.svg", "there is no folder 'a.pub'")):
        out, err = said(*(place if word == "{}" else word for word in words), code=2)
        lines = err.splitlines()
        assert (out, lines[0]) == ("", f"error: {flag} {place}: cannot be written: {why}")
        assert [line.partition(":")[0] for line in lines] == ["error", "hint"]


def test_keys_that_cannot_be_written(here: Path, said: Said) -> None:
    _, err = said("attest", "keygen", "--out", "none/b", code=2)
    assert err.startswith("error: --out none/b.key: cannot be written: No such file or directory\nhint: name a file")


def test_a_full_disk_is_told_when_it_comes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: No space left"):
        save(Path("/dev/full"), b"x", "--out")
    with pytest.raises(UsageError, match="cannot be written: it is a folder"):
        writable(tmp_path, "--out")
    with pytest.raises(UsageError, match="cannot be written: odd"), told("--out"):
        raise OSError("odd")
    writable(None, "--out")
    writable(tmp_path / "new", "--out")
    assert list(tmp_path.iterdir()) == []
    save(tmp_path / "new", b"x", "--out")
    assert (tmp_path / "new").read_bytes() == b"x"
