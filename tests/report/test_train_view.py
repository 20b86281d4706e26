"""How numbers of a training run are written."""

from __future__ import annotations

import msgspec
import pytest

from accord.planner.plan import Metric
from accord.report.train_view import _band, counted_words, lasting, quantity


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0123, "12.3 ms"), (90.0, "90 s"), (125.0, "2.08 min"), (1872.0, "31.2 min"), (7200.0, "2 h"),
     (172_800.0, "2 days"), (5.6e6, "64.8 days")],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


@pytest.mark.parametrize(
    ("value", "name", "unit", "words"),
    [
        (0.3894, "mfu", "1", "38.9 %"), (65.7, "days", "d", "65.7 days"), (0.5, "days", "d", "12 h"),
        (4.19e6, "energy_kwh", "kWh", "4.19 GWh"), (1.068e6, "co2_kg", "kgCO2e", "1,068 t CO2e"),
        (3.03e6, "", "tok/s", "3.03 Mtok/s"), (1478.2, "", "tok/s", "1,478 tok/s"),
        (3.39e6, "", "h", "3.39 million h"), (6.79e6, "", "USD", "6.79 million USD"),
        (385e12, "", "FLOP/s", "385 TFLOP/s"),
    ],
)  # fmt: skip
def test_metrics(value: float, name: str, unit: str, words: str) -> None:
    assert quantity(value, name, unit) == words


def test_both_ends_are_written_in_one_scale() -> None:
    band = Metric(value=1.2e6, unit="USD", low=774_236.0, high=1.69e6)
    assert _band(band, "cost_usd") == "0.774 to 1.69 million USD"
    assert _band(msgspec.structs.replace(band, high=None), "cost_usd") == "774,236 USD and more"
    assert _band(Metric(value=2.0, unit="d", low=1.0, high=3.0), "days") == "24 h to 3 days"


def test_counts_have_their_plural() -> None:
    assert counted_words(1.0, "micro-batch") == "1 micro-batch"
    assert counted_words(128.0, "micro-batch") == "128 micro-batches"
    assert counted_words(2.0, "site") == "2 sites"
