"""A small table of cases, made up for tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

COLUMNS = (
    "case_id", "chip", "date", "destination", "consignee_hq", "transaction", "exporter", "item_type", "expected_eccn",
    "expected_outcome", "tpp", "applicable_die_area_mm2", "package_area_mm2", "performance_density",
    "io_bandwidth_gbs", "dram_bandwidth_gbs", "datacenter_marketed", "rule_id", "basis", "spec_basis", "source", "note",
)  # fmt: skip
_EVERY = {
    "chip": "Some Chip", "date": "2024-06-01", "destination": "CN", "consignee_hq": "CN",
    "transaction": "export_from_us", "exporter": "Nvidia", "item_type": "ic", "tpp": "3000",
    "applicable_die_area_mm2": "1000", "datacenter_marketed": "yes", "rule_id": "x", "basis": "derived",
    "source": "a source", "note": "a, note",
}  # fmt: skip
_CASES: tuple[dict[str, str], ...] = (
    {"case_id": "one", "expected_eccn": "3A090.b", "expected_outcome": "exception:NAC_notify|licence:required"},
    {
        "case_id": "two", "expected_eccn": "3A090.b", "expected_outcome": "no_licence", "destination": "DE",
        "consignee_hq": "DE", "basis": "official",
    },
    {
        "case_id": "three", "expected_eccn": "3A090.a", "expected_outcome": "licence:presumption_of_denial",
        "tpp": "900", "applicable_die_area_mm2": "900",
    },
)  # fmt: skip
ROWS: tuple[dict[str, str], ...] = tuple({**dict.fromkeys(COLUMNS, ""), **_EVERY, **case} for case in _CASES)


def write(rows: Sequence[dict[str, str]] = ROWS) -> str:
    """Rows that share their columns as a table."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
