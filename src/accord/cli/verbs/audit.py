"""``accord audit``: public claims recomputed by Accord's own verbs."""

from __future__ import annotations

from pathlib import Path

import click

from accord.base.errors import UsageError
from accord.cli.flags import CatalogId, common_options, level_option
from accord.cli.saved import save, writable

FILES = (".yaml", ".yml")


@click.command("audit")
@click.argument("claim", metavar="[ID|FILE]", required=False, type=CatalogId("claims"))
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.svg", help="Draw verdicts and margins."
)
@click.option("--explain", is_flag=True, help="Unfold every claim, and list all sources behind its terms.")
@level_option
@common_options
def command(
    claim: str | None, plot: Path | None, explain: bool, level: float, as_json: bool, catalog_paths: tuple[Path, ...]
) -> int:
    """Public claims recomputed: holds, holds if, fails or cannot tell, with margin and probability.

    Without an argument all claims of the catalog; ID unfolds one of them; FILE is a claim of your own (docs/audit.md).
    Exit 1 where the one claim asked for fails.

    \b
    accord audit
    accord audit cloudmatrix-beats-nvl72
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.audit import audit_answer
    from accord.catalog.load import load_catalog
    from accord.cli.policy_flags import show
    from accord.report.to_json import envelope

    if plot is not None and plot.suffix.lower() != ".svg":
        raise UsageError(f"'{plot}' is no SVG file", where="--plot", hint=f"name it '{plot.with_suffix('.svg')}'")
    writable(plot, "--plot")
    catalog = load_catalog(catalog_paths)
    file = Path(claim) if claim is not None and claim.lower().endswith(FILES) else None
    answer = audit_answer(
        catalog, claim if file is None else None, file=file, paths=catalog_paths, level=level, explain=explain,
        picture=plot is not None,
    )  # fmt: skip
    result = dict(answer.result)
    if plot is not None and answer.picture is not None:
        save(plot, answer.picture, "--plot")
        result["picture"] = str(plot)
    body = envelope(
        "audit", inputs={**answer.inputs, "catalog": [str(path) for path in catalog_paths]}, result=result,
        sources=answer.sources, warnings=answer.warnings, catalog_digest=catalog.digest,
    )  # fmt: skip
    show(body, *answer.tables, as_json=as_json)
    return 1 if claim is not None and answer.fails else 0
