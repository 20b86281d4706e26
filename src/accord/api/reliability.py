"""Failures for those who ask: rates of a chip, a plan completed from the catalog, a job's outcome, and validation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from accord.catalog.load import Catalog, load_catalog
from accord.reliability.constants import Constants, constants_of, rates_of, recovery_of, warning
from accord.reliability.rates import Rates
from accord.reliability.run import Outcome, Plan, expected
from accord.reliability.spares import needed
from accord.validation.failure_rows import read_failures
from accord.validation.failure_score import score_failures, score_without_source
from accord.validation.score import Scored

ENTRY = "generic"
DRAWS = 512
READY = 0.99


@dataclass(frozen=True, slots=True)
class Failures:
    """A job with its interruptions.

    median: at the medians of all constants, arrays of one; drawn: with the rates and times to recover drawn
    rates, plan: the medians that were used; spares_needed: domains that a job waits for with a chance under 1 %
    warnings: what a reader must know of the rates
    """

    median: Outcome
    drawn: Outcome
    rates: Rates
    plan: Plan
    spares_needed: int
    warnings: tuple[str, ...]


def failure_constants(catalog: Catalog) -> Constants:
    """The catalog's constants of failures. Raises CatalogError."""
    record = catalog.reliability(ENTRY)
    known = set(catalog.ids("chips"))
    chips = {one.chip for one in record.observed if one.chip}
    return constants_of(record, {catalog.chip(chip).vendor for chip in chips if chip in known})


def failure_rates(catalog: Catalog, chip: str, draws: int = 0, slow: bool = False) -> tuple[Rates, tuple[str, ...]]:
    """Rates of interruptions of a chip's jobs, and warnings. draws: 0 for the medians. Raises CatalogError."""
    constants, vendor = failure_constants(catalog), catalog.chip(chip).vendor
    said = warning(constants, chip, vendor)
    return rates_of(constants, chip, vendor, draws, slow), (said,) if said else ()


def job_plan(
    catalog: Catalog, chip: str, chips: float, productive_s: float, checkpoint_bytes: float, domain_chips: float = 8.0
) -> Plan:
    """A plan with what the catalog says of recovery, storage and spares; ``dataclasses.replace`` what is known better.

    productive_s: the job's time without interruptions; checkpoint_bytes: of its whole state
    Checkpoints go to storage at what it takes a chip, and stop the job for all of the write; spares are as many as
    leave a job waiting for one with a chance of 1 %. Raises CatalogError.
    """
    times = recovery_of(failure_constants(catalog))
    rates, _ = failure_rates(catalog, chip)
    domain, repair_s = min(domain_chips, chips), float(times.repair_s[0])
    return Plan(
        chips=chips, domain_chips=domain, productive_s=productive_s, checkpoint_bytes=checkpoint_bytes,
        checkpoint_bytes_per_s=float(times.storage_per_chip[0]) * chips, detection_s=times.detection_s,
        restart_s=times.restart_s, spares_chips=needed(rates.node_s(chips), repair_s, READY) * domain,
        repair_s=repair_s,
    )  # fmt: skip


def failures(
    catalog: Catalog, chip: str, plan: Plan, *, slow: bool = False, exact: bool = False, draws: int = DRAWS
) -> Failures:
    """What becomes of a job.

    slow: with slow chips, which steps that were measured hold already; exact: the plan's times to recover are known,
    else they are drawn about what the plan says, as the catalog's are
    Raises CatalogError, UsageError, DoesNotFit.
    """
    constants = failure_constants(catalog)
    rates, warnings = failure_rates(catalog, chip, 0, slow)
    drawn, _ = failure_rates(catalog, chip, draws, slow)
    one, many = recovery_of(constants), recovery_of(constants, draws)
    spread = plan
    if not exact:
        spread = replace(
            plan,
            detection_s=plan.detection_s * many.detection_s / one.detection_s,
            restart_s=plan.restart_s * many.restart_s / one.restart_s,
        )
    enough = needed(rates.node_s(plan.chips), plan.repair_s, READY)
    return Failures(expected(rates, plan), expected(drawn, spread), rates, plan, enough, warnings)


def replica_times(catalog: Catalog, chip: str, chips: float, spare_at_hand: bool = True) -> tuple[float, float]:
    """Mean time between interruptions of a serving instance, and until it may load again [s], as simulations ask.

    chips: of one instance. Without a spare, what strikes its nodes waits for a repair, the rest does not; loading the
    weights is the simulation's own. For the shares of instances that are up see :mod:`accord.reliability.serving`.
    """
    rates, _ = failure_rates(catalog, chip)
    times = recovery_of(failure_constants(catalog))
    total = float(rates.total_s(chips)[0])
    waits = 0.0 if spare_at_hand else float(rates.node_s(chips)[0]) / total * float(times.repair_s[0])
    return 1.0 / total, float(times.detection_s[0]) + waits


def validate_failures(
    content: str, name: str = "failures.csv", catalog: Catalog | None = None, level: float = 0.9,
    without: Literal["source"] | None = None,
) -> tuple[Scored, ...]:  # fmt: skip
    """Score a table of failures, by the catalog's constants or by rates fitted without each row's source.

    Raises TableError, CatalogError.
    """
    used = load_catalog() if catalog is None else catalog
    constants, rows = failure_constants(used), read_failures(content, name)
    known = set(used.ids("chips"))

    def vendor_of(chip: str) -> str | None:
        return used.chip(chip).vendor if chip in known else None

    score = score_failures if without is None else score_without_source
    return score(rows, constants, vendor_of, level)
