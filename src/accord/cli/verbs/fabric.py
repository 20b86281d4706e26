"""``accord fabric``: collectives and transfers on the wires of a system."""

from __future__ import annotations

from pathlib import Path

import click

from accord.cli.deployment_flags import add
from accord.cli.fabric_flags import LAY, QuantityList, lay_request
from accord.cli.flags import CatalogId, Decorated, NumberList, common_options, level_option
from accord.cli.output import emit

SIZES = QuantityList("B", example="1MB")


def _laid(function: Decorated) -> Decorated:
    """The flags of a deployment."""
    return add(function, LAY)


@click.command("fabric")
@click.argument("system", metavar="SYSTEM", type=CatalogId("systems", "chips"))
@click.option(
    "--collective",
    metavar="NAME",
    help="all-reduce, all-gather, reduce-scatter, all-to-all, p2p, broadcast, ep-dispatch or ep-combine.",
)
@click.option("--ranks", type=NumberList(int), help="Devices that take part; left out: all of the system.")
@click.option(
    "--size", "sizes", type=SIZES, help="Bytes as nccl-tests counts them; of a dispatch all copies of a rank."
)
@click.option("--stride", type=int, default=1, show_default=True, help="Devices from one rank to the next.")
@click.option(
    "--algorithm", default="auto", show_default=True, metavar="NAME",
    help="auto, ring, tree, hierarchical, direct or nvls.",
)  # fmt: skip
@click.option("--topk", type=int, default=8, show_default=True, help="Copies of a token, for dispatch and combine.")
@click.option(
    "--transfers", metavar="LIST_OR_CSV",
    help="Concurrent transfers 'FROM->TO:SIZE,...' or a CSV of source,target,size_bytes[,start_s].",
)  # fmt: skip
@click.option(
    "--draw", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.svg", help="Draw the topology as SVG."
)
@_laid
@level_option
@common_options
def command(
    *, system: str, collective: str | None, ranks: tuple[int, ...] | None, sizes: tuple[float, ...] | None, stride: int,
    algorithm: str, topk: int, transfers: str | None, draw: Path | None, level: float, as_json: bool,
    catalog_paths: tuple[Path, ...], **lay: object,
) -> None:  # fmt: skip
    """Time, bandwidth and load of a collective, of transfers, or of a deployment; alone, what the fabric looks like.

    \b
    accord fabric huawei-cloudmatrix-384 --collective all-to-all --ranks 256 --size 1MB
    accord fabric nvidia-hgx-h100-8 --transfers '0->8:1GB,1->8:1GB' --draw fabric.svg
    accord fabric huawei-cloudmatrix-384 --model deepseek-r1 --decode instances=1,devices=320,ep=320
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.fabric import FabricRequest, fabric_answer
    from accord.api.placement import placement_answer
    from accord.catalog.load import load_catalog
    from accord.cli.fabric_transfers import check_flags, check_picture, read_transfers, typed
    from accord.report.to_json import envelope
    from accord.store.files import write

    check_picture(draw)
    check_flags(collective, transfers, typed())
    laid = lay_request(system, lay, {
        "collective": collective, "ranks": ranks, "size": sizes, "transfers": transfers, "draw": draw,
    })  # fmt: skip
    catalog = load_catalog(catalog_paths)
    request = FabricRequest(
        system, collective, ranks or (), sizes or (), stride, algorithm, topk, level,
        read_transfers(transfers) if transfers is not None else None,
    )  # fmt: skip
    if laid is not None:
        answer = placement_answer(laid, catalog, level)
    else:
        answer = fabric_answer(request, catalog, picture=draw is not None)
    result = dict(answer.result)
    if draw is not None and answer.picture is not None:
        write(draw, [answer.picture])
        result["picture"] = str(draw)
    body = envelope(
        "fabric", inputs={**answer.inputs, "catalog": [str(path) for path in catalog_paths]}, result=result,
        sources=answer.sources, warnings=[*catalog.notes, *answer.warnings], catalog_digest=catalog.digest,
    )  # fmt: skip
    emit(body, *answer.tables, as_json=as_json)
