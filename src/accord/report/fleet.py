"""A fleet as data and as a table."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import msgspec

from accord.base.units import show
from accord.planner.fleet import FleetFacts
from accord.planner.matrix import Cell
from accord.planner.plan import Metric
from accord.power.energy import J_PER_KWH
from accord.report.tables import Table, number, number_column, text_column

WIDTH = 97  # of 100 columns
KWH_PER_TWH = 1e9
KG_PER_TONNE = 1000.0
_ROWS: tuple[tuple[str, str, str], ...] = (
    ("training", "peak_flop_per_s", "peak, dense BF16"),
    ("training", "mfu", "model FLOP over peak"),
    ("training", "train_flop_per_year", "model FLOP in a year"),
    ("training", "train_run_90_days_flop", "largest run in 90 days"),
    ("training", "train_run_90_days_token", "tokens in 90 days"),
    ("training", "train_token_per_day", "tokens in a day"),
    ("serving", "instances", "instances"),
    ("serving", "output_token_per_s_total", "output tokens a second"),
    ("serving", "readers_at_20_token_per_s", "readers at 20 tok/s"),
    ("serving", "output_token_per_year", "output tokens a year"),
    ("power", "power_w", "at the racks"),
    ("power", "meter_power_w", "at the meter"),
    ("power", "energy_j_per_year", "energy a year"),
    ("power", "kgco2_per_year", "carbon a year"),
    ("money", "capex_usd", "to buy"),
    ("money", "usd_per_year", "a year, owned or rented"),
)


def fleet_dict(facts: FleetFacts, metrics: Mapping[str, Metric], cell: Cell) -> dict[str, object]:
    """``result`` of the envelope."""
    return {
        "chips": facts.chips, "chip": cell.chip, "system": cell.system, "model": cell.model,
        "active_params": facts.active_params, "instance_chips": cell.answer.chips,
        "fits": cell.answer.fits, "reason": cell.answer.reason,
        "metrics": {name: msgspec.to_builtins(one) for name, one in metrics.items()},
        "unknown": [name for _, name, _ in _ROWS if name not in metrics],
    }  # fmt: skip


def fleet_tables(facts: FleetFacts, metrics: Mapping[str, Metric], cell: Cell, level: float) -> tuple[Table, ...]:
    """One table of everything that is known, with what is not."""
    rows = tuple((part, words, *_written(name, metrics[name])) for part, name, words in _ROWS if name in metrics)
    columns = (
        text_column("part"), text_column("quantity"), number_column("value"), text_column(f"{level * 100:g} % band"),
    )  # fmt: skip
    where = cell.system or cell.chip
    title = f"{facts.chips:,} chips of {cell.chip} (as in {where}): {cell.model}"
    unknown = [words for _, name, words in _ROWS if name not in metrics]
    weights = show(facts.active_params, "1")
    notes = [f"training or serving, not both at once; training by 6 N D, N = {weights} weights a token passes"]
    if unknown:
        notes += textwrap.wrap(f"not known: {'; '.join(unknown)}", WIDTH)
    return (Table(title=title, columns=columns, rows=rows, notes=tuple(notes)),)


def _written(name: str, one: Metric) -> tuple[str, str]:
    factor, unit = {
        "energy_j_per_year": (1.0 / J_PER_KWH / KWH_PER_TWH, "TWh"),
        "kgco2_per_year": (1.0 / KG_PER_TONNE, "tCO2e"),
        "output_token_per_s_total": (1.0, "tok/s"),
    }.get(name, (1.0, ""))

    def text(value: float) -> str:
        return f"{number(value * factor)} {unit}" if unit else show(value, one.unit)

    exact = one.low is None or one.high is None or one.low == one.high
    return text(one.value), "" if exact else f"{text(one.low or 0.0)} .. {text(one.high or 0.0)}"
