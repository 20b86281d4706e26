"""Commands of every target against the projects' own parsers, where those are installed in the version they target.

None of them is needed to run the tests: elsewhere the lists of flags in ``keys`` stand for them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest
from tests.report.exports.launches import KEYS, aggregated, disaggregated, run, split_h200, write
from tests.report.exports.test_launches import ENV

Words = list[str]


def installed(package: str, wanted: str, module: str) -> Any:
    """A module of a package in one version, or skip."""
    try:
        found = version(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    if found != wanted:
        pytest.skip(f"{package} is {found}, not {wanted}")
    return import_module(module)


def vllm() -> argparse.ArgumentParser:
    args = installed("vllm", "0.33.0", "vllm.entrypoints.common.cli_args")
    platforms: Any = import_module("vllm.platforms")
    platforms._current_platform = import_module("vllm.platforms.cpu").CpuPlatform()  # flags want some device
    flexible = import_module("vllm.utils.argparse_utils").FlexibleArgumentParser()
    made = args.make_arg_parser(flexible)
    assert isinstance(made, argparse.ArgumentParser)
    return made


def sglang() -> argparse.ArgumentParser:
    args = installed("sglang", "0.5.23", "sglang.srt.server_args")
    parser = argparse.ArgumentParser()
    args.ServerArgs.add_cli_args(parser)
    return parser


def vllm_router() -> argparse.ArgumentParser:
    return _router("vllm-router", "0.1.17", "vllm_router.router_args")


def sglang_router() -> argparse.ArgumentParser:
    return _router("sglang-router", "0.3.2", "sglang_router.router_args")


def _router(package: str, wanted: str, module: str) -> argparse.ArgumentParser:
    args = installed(package, wanted, module)
    parser = argparse.ArgumentParser()
    args.RouterArgs.add_cli_args(parser, use_router_prefix=False)
    return parser


def commands(target: str) -> Iterator[Words]:
    """Commands of a target's scripts, for every plan of the tests that it takes."""
    for launch in (aggregated(), split_h200(), disaggregated()):
        if target == "vllm" and launch.sites[0].vendor == "huawei":
            continue
        for file in write(target, launch).files:
            if file.name.endswith(".sh"):
                yield run(file.text, ENV)


PARSERS = [
    ("vllm", "vllm", vllm, lambda words: words[2:] if words[:2] == ["vllm", "serve"] else None),
    ("vllm", "vllm_router", vllm_router, lambda words: words[1:] if words[0] == "vllm-router" else None),
    ("sglang", "sglang", sglang, lambda words: words[3:] if words[2] == "sglang.launch_server" else None),
    ("sglang", "sglang_router", sglang_router, lambda words: words[3:] if "router" in words[2] else None),
]


@pytest.mark.parametrize(("target", "keys", "made", "flags"), PARSERS, ids=[row[1] for row in PARSERS])
def test_own_parser(
    target: str, keys: str, made: Callable[[], argparse.ArgumentParser], flags: Callable[[Words], Words | None]
) -> None:
    parser = made()
    asked = [found for words in commands(target) if (found := flags(words)) is not None]
    assert asked
    for words in asked:
        parser.parse_args(words)
    known = {name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    listed = (line.split("\t")[0].split() for line in (KEYS / f"{keys}.txt").read_text().splitlines())
    assert {name for names in listed for name in names if name.startswith("--")} == known - {"--help", "--version"}
