"""``accord policy``: what export control and AI law say, as of a day. Subcommands are loaded one at a time."""

from __future__ import annotations

import click

from accord.cli.lazy import Entry, LazyGroup

PARTS: tuple[Entry, ...] = (
    Entry("classify", "accord.cli.policy_classify", "Class and outcome of a chip or system on a day, both sides."),
    Entry("migrate", "accord.cli.policy_migrate", "Class and outcome of a chip or system through time."),
    Entry("zones", "accord.cli.policy_zones", "Thresholds of class rules, and the class of every chip, through time."),
    Entry("check", "accord.cli.policy_check", "What AI law and licences ask of a plan or a training run."),
    Entry("party", "accord.cli.policy_party", "Which lists a party is on, and who owns it."),
    Entry("adoption", "accord.cli.policy_adoption", "Who has joined which instrument; where systems stand."),
    Entry("evidence", "accord.cli.policy_evidence", "What result files of tests show, and which risks they cover."),
    Entry("bom", "accord.cli.policy_bom", "Bill of materials of a model and what runs it (CycloneDX ML-BOM)."),
    Entry("conformance", "accord.cli.policy_conformance", "Whether two parties' results of one test agree."),
    Entry("commitments", "accord.cli.policy_commitments", "What instruments ask of a plan, and what can be shown."),
    Entry("cases", "accord.cli.policy_cases", "Dated cases of a table: expected against got, and why."),
)


class PartGroup(LazyGroup):
    """The commands of the law and of governance."""

    table = PARTS
    unknown = "'accord policy' has no command '{}'"


@click.group("policy", cls=PartGroup)
def command() -> None:
    """Export control and AI law as dated data: class, outcome, duties, with sources. Not legal advice."""
