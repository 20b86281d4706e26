"""Tables and plain data of what a plan depends on."""

from __future__ import annotations

import json

from accord.catalog.load import load_catalog
from accord.planner.dependence import Dependence, Weights, dependence, held
from accord.report.dependence import dependence_dict, dependence_tables
from accord.report.tables import to_text

CATALOG = load_catalog()
ORIGINS = tuple(CATALOG.origin(id) for id in CATALOG.ids("origins"))


def found(*systems: str) -> Dependence:
    """Whole systems that serve DeepSeek-V3."""
    machines = [CATALOG.system(id) for id in systems]
    holdings = [held(CATALOG.chip(one.chip or ""), one, int(one.chips.si) if one.chips else 1, 1e6) for one in machines]
    return dependence(holdings, ORIGINS, Weights(id="deepseek-v3", vendor="deepseek"), ["sglang", "mindie"])


BOTH = found("huawei-cloudmatrix-384", "nvidia-gb200-nvl72")


def test_tables_fit_the_page() -> None:
    for table in dependence_tables(BOTH)[:3]:
        assert max(len(line) for line in to_text(table).splitlines()) <= 100


def test_tables_name_parts_shares_embargoes_and_sources() -> None:
    parts, shares, embargoes, sources = dependence_tables(BOTH)
    text = to_text(parts)
    assert "huawei-ascend-910c\n  design                CN              100  HiSilicon (Huawei)" in text
    assert "Nobody makes any more, stock alone: hbm of huawei-ascend-910c." in text
    assert [row[0] for row in shares.rows] == ["CN", "US", "TW", "KR"]
    assert [row[0] for row in embargoes.rows if row[0]] == ["CN", "JP", "KR", "MX", "NL", "TW", "US"]
    assert "stops: design, packaging, software of huawei-ascend-910c" in to_text(embargoes)
    cited = {row[5] for row in parts.rows if row[5]}
    assert cited == {row[0] for row in sources.rows if row[0]}


def test_one_country_can_be_asked_for() -> None:
    _, _, embargoes, _ = dependence_tables(BOTH, ["KE"])
    assert [row[:3] for row in embargoes.rows] == [("KE", "keeps", "0")]


def test_a_chip_nobody_speaks_of_is_unknown() -> None:
    chip, system = CATALOG.chip("nvidia-gb200"), CATALOG.system("nvidia-gb200-nvl72")
    got = dependence([held(chip, system, 72)], [])
    parts, shares, embargoes, _ = dependence_tables(got, ["US"])
    assert {row[1] for row in parts.rows if row[1]} == {"unknown"}
    assert [row[0] for row in shares.rows] == ["unknown"]
    assert embargoes.rows[0][:3] == ("US", "unknown", "0 to 100")
    assert embargoes.rows[0][3].startswith("not known: design, fab, packaging, memory")


def test_plain_data_says_the_same() -> None:
    data = json.loads(json.dumps(dependence_dict(BOTH)))
    assert {one["country"] for one in data["embargoes"]} == set(BOTH.countries())
    china = next(one for one in data["embargoes"] if one["country"] == "CN")
    assert china["verdict"] == "stops"
    assert "design of huawei-ascend-910c" in china["removes"]
    assert data["from_stock_alone"] == ["hbm of huawei-ascend-910c"]
    assert set(data["capex_by_country"]) == {"CN", "US", "TW", "KR"}
    assert all(0.0 <= low <= high <= 1.0 for low, high in data["flop_by_country_of_fab"].values())
    fab = next(one for one in data["parts"] if one["component"] == "fab")
    assert fab["suppliers"][0]["source"]["url"].startswith("https://")
