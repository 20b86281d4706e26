from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from accord.cli.flags import CatalogId, NumberList, Quantity, WordList, common_options


def run(kind: click.ParamType, text: str) -> object:
    """What a flag of this type gives for a text."""
    return kind.convert(text, None, None)


def test_quantities_are_si() -> None:
    assert run(Quantity("s", example="50ms"), "50ms") == pytest.approx(0.05)
    assert run(Quantity("B", example="1MB"), "1 MB") == 1e6


def test_a_quantity_without_unit_is_refused_with_a_hint() -> None:
    with pytest.raises(click.BadParameter) as caught:
        run(Quantity("s", example="50ms"), "50")
    assert ";" in caught.value.format_message()


def test_number_lists() -> None:
    assert run(NumberList(int), "4,12,48") == (4, 12, 48)
    assert run(NumberList(float), "0.5") == (0.5,)


@pytest.mark.parametrize("text", ["", "4,,5", "4,", "x", "1.5"])
def test_malformed_lists_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        run(NumberList(int), text)


def test_least_number() -> None:
    with pytest.raises(click.BadParameter, match="below 1"):
        run(NumberList(int, minimum=1), "0")
    with pytest.raises(click.BadParameter):
        run(NumberList(float, minimum=0), "nan")


def test_word_lists() -> None:
    assert run(WordList("prefill", "decode"), "prefill,decode") == ("prefill", "decode")
    with pytest.raises(click.BadParameter, match="none of prefill, decode"):
        run(WordList("prefill", "decode"), "train")


def test_flags_inside_a_command(tmp_path: Path) -> None:
    seen: dict[str, object] = {}

    @click.command()
    @click.option("--ttft", type=Quantity("s", example="1000ms"))
    @click.option("--batch", type=NumberList(int), default=(1, 2))
    @common_options
    def command(**given: object) -> None:
        seen.update(given)

    done = CliRunner().invoke(command, ["--ttft", "2s", "--json", "--catalog", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert seen == {"ttft": 2.0, "batch": (1, 2), "as_json": True, "catalog_paths": (tmp_path,)}
    shown = CliRunner().invoke(command, ["--help"]).output
    assert "1000ms" in shown
    assert "N[,N...]" in shown


def test_ids_are_completed() -> None:
    kind = CatalogId("chips")
    context = click.Context(click.Command("x"))
    items = kind.shell_complete(context, click.Argument(["chip"]), "huawei-ascend")
    assert items
    assert all(item.value.startswith("huawei-ascend") for item in items)
