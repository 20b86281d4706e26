"""`accord policy`: classify, migrate and cases as people see them, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.policy import case_table

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
H20 = ("nvidia-h20", "--from", "US", "--to", "CN", "--date", "2025-05-01")


def answer(capsys: Capture, *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["policy", *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def refused(capsys: Capture, *words: str, code: int = 2) -> str:
    capsys.readouterr()
    assert main(["policy", *words]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err


def test_a_letter_whose_sender_is_not_told(capsys: Capture) -> None:
    body = answer(capsys, "classify", *H20)
    assert body["schema"] == "accord.policy.classify/1"
    assert body["inputs"]["from"] == "US"
    assert body["inputs"]["date"] == "2025-05-01"
    result = body["result"]
    assert result["item"] == {"id": "nvidia-h20", "kind": "chip", "name": "NVIDIA H20"}
    assert (result["eccn"], result["outcome"], result["deciding"]) == ("none", "depends:exporter", ["exporter"])
    named, others = result["branches"]
    assert named["field"] == "exporter"
    assert "nvidia" in named["words"]
    assert named["outcome"] == "licence:is_informed"
    assert (others["values"], others["outcome"]) == ("anybody else", "no_licence")
    tpp = result["facts"]["tpp"]
    assert (tpp["value"], tpp["unit"], tpp["basis"], tpp["assumed"]) == (2368.0, "1", "derived", False)
    assert tpp["low"] <= tpp["value"] <= tpp["high"]
    assert result["facts"]["io_bandwidth"]["value"] == 900e9
    margin = next(one for one in result["margins"] if (one["fact"], one["threshold"]) == ("tpp", 4800.0))
    assert margin["margin"] == pytest.approx(2368 / 4800 - 1)
    assert margin["rule"] == "us-ear-3a090-2024/3A090.a"
    assert [side["jurisdiction"] for side in result["sides"]["exporter"]] == ["us"]
    assert result["sides"]["importer"]["jurisdiction"] == "cn"
    letter = next(one for one in result["rules"] if one["instrument"] == "us-isinformed-2025-04")
    assert letter["verdict"] == "unknown"
    known = {source["id"] for source in body["sources"]}
    assert {cite["source"] for one in result["rules"] for cite in one["cites"]} <= known
    assert set(tpp["source"]) <= known
    assert len(result["digest"]) == 64
    assert "Not legal advice" in result["disclaimer"]
    assert "2025-05-01" in result["disclaimer"]
    said = " ".join(result["not_checked"])
    assert all(word in said for word in ("data protection", "sanctions", "tax", "contracts", "screened"))
    assert all(one["verdict"] != "false" for one in result["rules"])


def test_tables_say_the_same(capsys: Capture) -> None:
    assert main(["policy", "classify", *H20]) == 0
    shown = capsys.readouterr().out
    for words in (
        "depends:exporter", "anybody else -> no_licence", "2,368", "814 mm2", "4 TB/s", "900 GB/s",
        "near-by", "Not legal advice", "as of 2025-05-01", "(primary)", "https://", "Sources",
    ):  # fmt: skip
        assert words in shown
    assert main(["policy", "classify", *H20, "--explain"]) == 0
    assert "TPP 2,368 < 4,800 (51 % below)" in capsys.readouterr().out


def test_a_system_of_china_sent_to_malaysia(capsys: Capture) -> None:
    words = ("huawei-cloudmatrix-384", "--from", "CN", "--to", "MY", "--date", "2025-06-01")
    result = answer(capsys, "classify", *words)["result"]
    assert result["item"]["kind"] == "system"
    assert (result["eccn"], result["chip_eccn"]) == ("4A090(presumed)", "3A090(presumed)")
    assert result["outcome"] == "prohibited:GP10_presumption"
    assert [side["jurisdiction"] for side in result["sides"]["exporter"]] == ["us", "cn"]
    assert result["sides"]["importer"]["outcome"] == "no_rule"
    assert any("law of MY" in one for one in result["not_checked"])
    assert result["conditions"]


def test_explain_tells_rules_that_do_not_hold(capsys: Capture) -> None:
    few, many = (answer(capsys, "classify", *H20, *more)["result"]["rules"] for more in ((), ("--explain",)))
    assert len(many) > len(few)
    assert any(one["verdict"] == "false" for one in many)


def test_what_if_moves_a_threshold(capsys: Capture) -> None:
    words = ("amd-mi250x", "--from", "US", "--to", "CN", "--hq", "CN", "--exporter", "amd", "--date", "2025-05-01")
    plain = answer(capsys, "classify", *words)["result"]
    moved = answer(capsys, "classify", *words, "--what-if", "3A090.a.tpp=7000")["result"]
    assert (plain["eccn"], moved["eccn"]) == ("3A090.a", "3A090.b")
    assert moved["what_if"] == {"3A090.a.tpp": 7000.0}
    assert plain["digest"] != moved["digest"]
    assert "3A090.a.tpp" in refused(capsys, "classify", *words, "--what-if", "3A090.a.tp=7000")


def test_other_sources_that_would_flip_the_class_are_named(capsys: Capture, tmp_path: Path) -> None:
    words = ("nvidia-l20", "--from", "US", "--to", "CN", "--hq", "CN", "--exporter", "nvidia", "--date", "2024-03-01")
    chips = tmp_path / "chips"
    chips.mkdir()
    text = Path("src/accord/catalog/data/chips/nvidia-l20.yaml")
    source = (Path(__file__).parents[2] / text).read_text(encoding="utf-8")
    at = source.index("  die_area:")
    area = "  die_area: {value: 609 mm2, basis: estimate, source: ASSUMED, alternatives: [{value: 500 mm2, basis: estimate, source: ASSUMED}]}\n"  # noqa: E501
    rest = source[at:].split("\n", 1)[1]
    while rest.startswith("    "):
        rest = rest.split("\n", 1)[1]
    (chips / "nvidia-l20.yaml").write_text(source[:at] + area + rest, encoding="utf-8")
    result = answer(capsys, "classify", *words, "--catalog", str(tmp_path))["result"]
    assert result["eccn"] == "none"
    flip = result["other_sources"][0]
    assert (flip["fact"], flip["value"], flip["eccn"]) == ("die_area", 500.0, "3A090.b")
    assert main(["policy", "classify", *words, "--catalog", str(tmp_path)]) == 0
    assert "applicable die area 500 mm2 would make it 3A090.b" in capsys.readouterr().out


def test_an_unknown_area_is_told_by_a_bound(capsys: Capture) -> None:
    words = ("classify", "amd-mi308x", "--from", "US", "--to", "CN", "--hq", "CN", "--exporter", "dell")
    facts = ("--set", "tpp=2300", "--set", "io_bandwidth=100 GB/s", "--set", "dram_bandwidth=1 TB/s")
    known = answer(capsys, *words, *facts, "--date", "2024-06-01")["result"]
    assert known["facts"]["tpp"]["how"] == "given with the question"
    chip = ("classify", "nvidia-b30a", "--from", "US", "--to", "CN", "--hq", "CN", "--exporter", "nvidia")
    assert main(["policy", *chip, "--set", "tpp=3000", "--date", "2024-06-01"]) == 0
    shown = capsys.readouterr().out
    assert "not 3A090.b if the applicable die area is above" in shown
    assert "1,875 mm2" in shown  # 3000 / 1.6


def test_facts_of_the_question_go_first(capsys: Capture) -> None:
    result = answer(capsys, "classify", *H20, "--set", "performance_density=3.3", "--exporter", "dell")["result"]
    assert result["facts"]["performance_density"]["value"] == 3.3
    assert "die_area" not in result["facts"]
    assert result["eccn"] == "3A090.b"


def test_a_consignee_is_screened(capsys: Capture) -> None:
    words = (*H20, "--exporter", "nvidia", "--consignee")
    listed = answer(capsys, "classify", *words, "Huawei")["result"]
    assert listed["facts"]["consignee_listed"]["value"] == "yes"
    assert listed["hq"] == "CN"
    nobody = answer(capsys, "classify", "nvidia-h20", "--from", "US", "--to", "DE", "--hq", "DE", "--date",
                    "2024-06-01", "--exporter", "Foo", "--consignee", "Bar")  # fmt: skip
    assert nobody["result"]["outcome"] == "depends:consignee_listed"
    assert any("Foo" in one for one in nobody["warnings"])
    said = " ".join(nobody["result"]["not_checked"])
    assert "consignee Bar: not screened" in said
    assert "exporter Foo: not screened" in said


def test_history_and_migrate(capsys: Capture) -> None:
    words = ("nvidia-a100-sxm-80", "--from", "US", "--to", "CN", "--hq", "CN", "--exporter", "nvidia")
    result = answer(capsys, "migrate", *words)["result"]
    said = {(one["from"], one["eccn"], one["outcome"]) for one in result["periods"]}
    assert {
        (None, "not_3A090_yet", "no_licence"), ("2022-08-26", "not_3A090_yet", "licence:is_informed"),
        ("2022-10-21", "3A090", "licence:presumption_of_denial"),
        ("2023-11-17", "3A090.a", "licence:presumption_of_denial"), ("2026-01-15", "3A090.a", "licence:case_by_case"),
    } <= said  # fmt: skip
    assert result["last_checked"] >= "2026-11-22"
    assert main(["policy", "migrate", *words]) == 0
    shown = capsys.readouterr().out
    assert "until 2022-08-25" in shown
    assert "Not legal advice" in shown
    assert main(["policy", "classify", *words, "--date", "2025-01-01", "--history"]) == 0
    assert "through time" in capsys.readouterr().out


def test_a_picture(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "zones.svg"
    result = answer(capsys, "classify", *H20, "--plot", str(file))["result"]
    assert result["picture"] == str(file)
    words = [text.text for text in ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text")]
    assert "NVIDIA H20" in words
    assert {"3A090.a", "3A090.b", "none", "4,800", "5.92"} <= set(words)
    assert "--plot" in refused(capsys, "classify", *H20, "--plot", "zones.png")
    early = ("nvidia-a800-sxm", "--from", "US", "--to", "CN", "--date", "2023-01-01", "--plot", str(file))
    answer(capsys, "classify", *early)
    assert "I/O bandwidth" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nvidia-h20", "--from", "US"), "'current' law"),
        (("nvidia-h20", "--date", "2025-13-01"), "'2025-13-01' is no day"),
        (("nvidia-h20", "--date", "yesterday"), "write it as 2025-05-01"),
        (("nvidia-h20", "--date", "2025-05-01", "--to", "China"), "did you mean 'CN'?"),
        (("nvidia-h20", "--date", "2025-05-01", "--to", "cn"), "did you mean 'CN'?"),
        (("nvidia-h20", "--date", "2025-05-01", "--hq", "XX"), "'XX' is no country code"),
        (("nvidia-h20", "--date", "2025-05-01", "--set", "tp=3"), "did you mean 'tpp'?"),
        (("nvidia-h20", "--date", "2025-05-01", "--set", "tpp=many"), "--set tpp"),
        (("nvidia-h20", "--date", "2025-05-01", "--set", "tpp=-1"), "0 or more"),
        (("nvidia-h20", "--date", "2025-05-01", "--set", "tpp"), "NAME=VALUE"),
        (("nvidia-h20", "--date", "2025-05-01", "--set", "datacenter_marketed=perhaps"), "no value of it"),
        (("nvidia-h20", "--date", "2025-05-01", "--set", "designer_hq=USA"), "no country code"),
        (("nvidia-h20", "--date", "2025-05-01", "--set", "placed_on_market=soon"), "is no day"),
        (("nvidia-h20", "--date", "2025-05-01", "--what-if", "3A090.a.tpp=x"), "--what-if 3A090.a.tpp"),
        (("nvidia-h20", "--date", "2025-05-01", "--transaction", "reexprot"), "did you mean 'reexport'?"),
        (("nvidia-h20", "--date", "2025-05-01", "--transaction", "export_from_xx"), "no transaction"),
    ],
)
def test_mistakes_are_told_with_the_closest(words: tuple[str, ...], said: str, capsys: Capture) -> None:
    assert said in refused(capsys, "classify", *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--consignee", "bytedance", "--hq", "MY"), "--hq: MY contradicts the catalog: ByteDance"),
        (("--to", "CN", "--set", "destination=VN"), "--to CN and --set destination=VN contradict one another"),
        (("--exporter", "intel", "--set", "exporter=nvidia"), "contradict one another"),
        (("--set", "class=3A090.a"), "the class follows from the rules"),
        (("--from", "CN", "--to", "US", "--transaction", "export_from_us"), "export_from_us contradicts --from CN"),
        (("--from", "US", "--to", "CN", "--transaction", "import_into_us"), "import_into_us contradicts --to CN"),
        (("--from", "US", "--to", "CN", "--transaction", "reexport"), "reexport contradicts --from US --to CN"),
        (("--from", "SG", "--to", "CN", "--transaction", "domestic"), "domestic contradicts --from SG --to CN"),
        (("--set", "transaction=smuggled"), "no transaction is called 'smuggled'"),
        (("--set", "dram_bandwidth=8000"), "a number without a unit"),
        (("--set", "die_area=300"), "write it as, say, '814 mm2'"),
        (("--to", "UK"), "did you mean 'GB'?"),
        (("--to", "EU"), "'EU' is the European Union, not one country"),
        (("--plot", "no/such/folder/x.svg"), "there is no folder"),
        (("--name", "HBM"), "only an item that is described has a name"),
        (("--item", "memory", "--name", "HBM"), "in place of a chip or system"),
    ],
)
def test_what_contradicts_itself_is_refused(words: tuple[str, ...], said: str, capsys: Capture) -> None:
    assert said in refused(capsys, "classify", "nvidia-h20", "--date", "2025-05-01", *words)


def test_the_same_told_twice_is_no_contradiction(capsys: Capture) -> None:
    words = ("--set", "destination=CN", "--set", "exporter=nvidia", "--set", "hq=CN", "--date", "2025-05-01")
    plain = answer(capsys, "classify", *H20, "--hq", "CN", "--exporter", "nvidia")["result"]
    result = answer(capsys, "classify", "nvidia-h20", "--from", "US", *words, "--to", "CN")["result"]
    assert (result["outcome"], result["hq"]) == (plain["outcome"], "CN") == ("licence:is_informed", "CN")
    assert answer(capsys, "classify", "nvidia-h20", "--from", "US", *words)["result"]["to"] == "CN"


def test_an_item_that_is_described(capsys: Capture) -> None:
    words = ("--from", "CN", "--to", "US", "--date", "2026-12-01")
    body = answer(capsys, "classify", "--item", "material", "--name", "gallium", *words)
    assert (body["inputs"]["item"], body["inputs"]["name"]) == ("material", "gallium")
    assert body["result"]["outcome"] == "check:2026-11-27"
    assert any("may be others" in one for one in body["warnings"])
    memory = ("--from", "US", "--to", "CN", "--hq", "CN", "--date", "2025-02-01", "--item", "memory", "--name")
    stack = answer(
        capsys, "classify", *memory, "HBM3E stack", "--set", "dram_bandwidth=1.2 TB/s", "--set", "package_area=110 mm2"
    )["result"]
    assert (stack["eccn"], stack["outcome"]) == ("3A090.c", "licence:presumption_of_denial")
    assert stack["item"] == {"id": "HBM3E stack", "kind": "item", "name": "HBM3E stack"}
    small = answer(capsys, "classify", *memory, "LPDDR5X device", "--set", "dram_bandwidth=68 GB/s")["result"]
    assert (small["eccn"], small["outcome"]) == ("none", "no_licence")
    periods = answer(capsys, "migrate", "--item", "memory", "--name", "HBM2E", "--from", "US", "--to", "CN")["result"]
    assert [one["eccn"] for one in periods["periods"]][-1] == "3A090.c"
    assert "no kind of item" in refused(capsys, "classify", "--item", "ic", "--name", "x", "--date", "2025-01-01")
    assert "has no name" in refused(capsys, "classify", "--item", "memory", "--date", "2025-01-01")
    assert "no chip or system is named" in refused(capsys, "classify", "--date", "2025-01-01")
    plot = ("--item", "memory", "--name", "HBM", "--date", "2025-01-01", "--plot", "x.svg")
    assert "the picture is of chips" in refused(capsys, "classify", *plot)


def test_a_kind_of_item_that_no_rule_is_about(capsys: Capture) -> None:
    words = ("--item", "equipment", "--name", "EUV scanner", "--from", "US", "--to", "CN", "--date", "2025-01-01")
    result = answer(capsys, "classify", *words)["result"]
    said = "law of US on equipment: no rule here is about this kind of item"
    assert said in result["not_checked"]
    assert said in result["remarks"]
    assert result["sides"]["exporter"][0]["outcome"] == "no_rule"


@pytest.mark.parametrize(("day", "said"), [("2099-01-01", "may be others"), ("1999-01-01", "the first of the catalog")])
def test_days_of_which_the_catalog_knows_little(day: str, said: str, capsys: Capture) -> None:
    body = answer(capsys, "classify", "nvidia-h20", "--from", "US", "--to", "CN", "--date", day)
    assert any(said in one for one in body["warnings"])
    assert any(said in one for one in body["result"]["not_checked"])


def test_a_day_before_the_chip_was_announced(capsys: Capture) -> None:
    words = ("huawei-cloudmatrix-384", "--from", "CN", "--to", "MY")
    said = "before that there was none to trade"
    assert any(said in one for one in answer(capsys, "migrate", *words)["result"]["remarks"])
    early, late = (
        answer(capsys, "classify", *words, "--date", day)["result"]["remarks"] for day in ("2022-12-01", "2025-12-01")
    )
    assert any(said in one for one in early)
    assert not any(said in one for one in late)


def test_the_law_of_a_side_is_open_where_the_answer_is(capsys: Capture) -> None:
    words = ("nvidia-b30a", "--from", "US", "--to", "CN", "--date", "2026-02-01", "--hq", "CN", "--exporter", "nvidia")
    result = answer(capsys, "classify", *words, "--what-if", "us-ear-caseby-2026/case-by-case.tpp=40000")["result"]
    assert result["outcome"] == "depends:dram_bandwidth"
    assert result["sides"]["exporter"][0]["outcome"] == "depends:dram_bandwidth"


def test_the_review_policy_of_an_entry_is_told(capsys: Capture) -> None:
    words = ("nvidia-h20", "--from", "US", "--to", "CN", "--date", "2024-06-01", "--consignee", "huawei")
    body = answer(capsys, "classify", *words)
    entry = body["result"]["consignee"]["listings"][0]
    assert (entry["list"], entry["policy"]) == ("entity-list", "presumption of denial")
    assert {cite["source"] for cite in entry["cites"]} <= {source["id"] for source in body["sources"]}
    assert main(["policy", "classify", *words]) == 0
    assert "licences are reviewed with: presumption of denial" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("classify", "amd-mi308x", "--from", "TW", "--to", "US", "--date", "2026-02-01"),
        ("classify", "nvidia-h20", "--from", "US", "--to", "CN", "--date", "2026-02-01", "--explain", "--history"),
        ("migrate", "nvidia-h20", "--from", "US", "--to", "CN"), ("party", "huawei", "--date", "2025-01-01"),
    ],
)  # fmt: skip
def test_tables_fit_a_hundred_columns(words: tuple[str, ...], capsys: Capture) -> None:
    assert main(["policy", *words]) == 0
    wide = [line for line in capsys.readouterr().out.splitlines() if len(line) > 100]
    assert all("://" in line for line in wide)


def test_few_lines_stand_before_the_law(capsys: Capture) -> None:
    words = ("policy", "classify", "amd-mi308x", "--from", "TW", "--to", "US", "--date", "2026-02-01")
    assert main([*words]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert next(at for at, line in enumerate(shown) if line.startswith("law of US")) <= 10
    assert any("more lines with --explain" in line for line in shown)
    assert main([*words, "--explain"]) == 0
    assert "more lines with" not in capsys.readouterr().out


def test_unknown_items(capsys: Capture) -> None:
    said = refused(capsys, "classify", "nvidia-h2", "--date", "2025-05-01", code=3)
    assert "no chip or system is called 'nvidia-h2'" in said
    assert "did you mean 'nvidia-h20'?" in said
    said = refused(capsys, "classify", "H20", "--date", "2025-05-01", code=3)
    assert "did you mean 'nvidia-h20' or" in said
    assert "did you mean 'classify'?" in refused(capsys, "clasify")


def test_cases_of_a_table(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text(case_table.write(), encoding="utf-8")
    body = answer(capsys, "cases", str(file))
    summary = body["result"]["summary"]
    assert summary["cases"] == 3
    assert summary["both_correct"] == 2
    assert summary["by_basis"]["derived"] == {"cases": 2, "eccn_correct": 1, "outcome_correct": 1, "both_correct": 1}
    wrong = body["result"]["cases"][2]
    assert wrong["right"] == {"eccn": False, "outcome": False}
    assert wrong["got"] == {"eccn": "none", "outcome": "no_licence"}
    assert wrong["reason"] == "no rule holds"
    assert main(["policy", "cases", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "none (WRONG: 3A090.a)" in shown
    assert "Not checked: tax." in shown
    assert "tax" in body["result"]["not_checked"]
    file.write_text(f"\ufeff{case_table.write()}", encoding="utf-8")
    assert answer(capsys, "cases", str(file))["result"] == body["result"]
    assert "Not legal advice" in shown


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("tpp", "many", "tpp is 'many', no number above 0"),
        ("tpp", "-3", "tpp is '-3'"),
        ("date", "2025-02-30", "date is '2025-02-30', no day"),
        ("date", "", "date is empty"),
        ("destination", "China", "destination is 'China', no country code"),
        ("item_type", "chip", "item_type is 'chip'"),
        ("transaction", "smuggled", "transaction is 'smuggled'"),
        ("datacenter_marketed", "maybe", "datacenter_marketed is 'maybe'"),
        ("expected_eccn", "", "expected_eccn is empty"),
        ("destination", "UK", "destination is 'UK', no country code"),
    ],
)
def test_malformed_cells_name_row_and_column(
    column: str, value: str, said: str, capsys: Capture, tmp_path: Path
) -> None:
    rows = [dict(row) for row in case_table.ROWS]
    rows[1][column] = value
    file = tmp_path / "cases.csv"
    file.write_text(case_table.write(rows), encoding="utf-8")
    shown = refused(capsys, "cases", str(file), code=3)
    assert f"cases.csv:3: {said}" in shown


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("expected_eccn", "3A090.d"),
        ("expected_outcome", "licence:is_infromed"),
        ("expected_outcome", "depends:colour"),
    ],
)
def test_an_expected_word_that_no_rule_gives_is_told(column: str, value: str, capsys: Capture, tmp_path: Path) -> None:
    rows = [dict(row) for row in case_table.ROWS]
    rows[1][column] = value
    file = tmp_path / "cases.csv"
    file.write_text(case_table.write(rows), encoding="utf-8")
    body = answer(capsys, "cases", str(file))
    assert any(f"cases.csv:3: {column} is '{value}': no answer is called" in one for one in body["warnings"])


def test_other_words_for_a_kind_of_item(capsys: Capture, tmp_path: Path) -> None:
    rows = [{**row, "item_type": "GPU"} if row["item_type"] == "ic" else dict(row) for row in case_table.ROWS]
    file = tmp_path / "cases.csv"
    file.write_text(case_table.write(rows), encoding="utf-8")
    renamed = answer(capsys, "cases", str(file))["result"]["summary"]
    file.write_text(case_table.write([dict(row) for row in case_table.ROWS]), encoding="utf-8")
    assert renamed == answer(capsys, "cases", str(file))["result"]["summary"]


def test_malformed_files(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    said = refused(capsys, "cases", str(file), code=3)
    assert "cannot be read" in said
    assert "a table of cases (CSV)" in said
    header = case_table.write().splitlines()[0]
    file.write_text(f"{header}\n", encoding="utf-8")
    assert "a header and no case" in refused(capsys, "cases", str(file), code=3)
    file.write_text("", encoding="utf-8")
    assert "the table is empty" in refused(capsys, "cases", str(file), code=3)
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    assert refused(capsys, "cases", str(file), code=3).count("case_id") == 1
    file.write_text("case_id,chip\na,b\n", encoding="utf-8")
    assert "columns" in refused(capsys, "cases", str(file), code=3)
    file.write_text(case_table.write() + "one,two\n", encoding="utf-8")
    assert "more or fewer cells" in refused(capsys, "cases", str(file), code=3)


def test_help_of_the_group_loads_no_part_and_no_catalog() -> None:
    heavy = ("accord.api", "accord.catalog", "accord.cli.policy_classify", "accord.cli.policy_cases", "yaml", "rich")
    code = (
        "import sys; from accord.cli.main import main; main(sys.argv[1:]);"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    words = [sys.executable, "-c", code, "policy", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["[]"]
    for name in ("classify", "migrate", "check", "party", "cases"):
        assert f"  {name} " in done.stdout


def test_a_threshold_with_a_unit_says_it(capsys: Capture) -> None:
    asked = ("classify", "nvidia-h200-sxm", "--from", "US", "--to", "CN", "--hq", "CN", "--date", "2026-02-01")
    name = "us-ear-caseby-2026/case-by-case.dram_bandwidth"
    own, less = (
        answer(capsys, *asked, "--what-if", f"{name}={rate}")["result"]["outcome"] for rate in ("6500 GB/s", "4 TB/s")
    )
    assert (own, less) == ("licence:case_by_case", "licence:presumption_of_denial")
    assert "without a unit" in refused(capsys, *asked, "--what-if", f"{name}=6500")


def test_migrate_follows_the_lists_a_consignee_is_on(capsys: Capture) -> None:
    words = ("--from", "US", "--to", "CN", "--consignee", "inspur")
    periods = answer(capsys, "migrate", "nvidia-l40", *words)["result"]["periods"]
    assert "2023-03-02" in {period["from"] for period in periods}
