"""Systems without a plan, and questions without one: what is said, in the tables and in JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.planned import BASE, FEW, H200, MACHINE, WORK, Capture, envelope, plans, trace

from accord.cli.main import main
from accord.cli.plan_words import joined

CM, RUBIN, HELIOS, H100 = "huawei-cloudmatrix-384", "nvidia-vera-rubin-nvl144", "amd-helios", "nvidia-hgx-h100-8"
MANY = ("--model", "llama-3.1-8b", "--system", f"{H200},{CM},{RUBIN},{HELIOS},{H100}", *WORK, *FEW)
QUICK = ("--mode", "aggregated")


def shown(capsys: Capture, *words: str, code: int = 0) -> str:
    assert main(["plan", *words]) == code
    return capsys.readouterr().out


# Systems


def test_every_system_that_is_asked_has_its_line(capsys: Capture) -> None:
    words = (*MANY, *QUICK, "--exclude-origin", "CN", "--power-kw", "11.5")
    body = envelope(capsys, *words)
    assert {one.holdings[0].system for one in plans(body)} <= {H200, H100}
    without = {one["system"]: one["reason"] for one in body["result"]["without"]}
    answered = {one["holdings"][0]["system"] for one in body["result"]["by_system"]}
    assert set(without) | answered == {H200, CM, RUBIN, HELIOS, H100} and not set(without) & answered
    assert without[CM].startswith("excluded by origin (yes: ")
    assert without[HELIOS] == "the entry names no chip" and "not published" in without[RUBIN]
    for system in (CM, RUBIN, HELIOS):
        assert any(text.startswith(f"{system}: ") for text in body["warnings"])
    table = shown(capsys, *words).partition("Best of each system\n")[2].partition("\n\n")[0]
    assert f"{HELIOS} " in table and "  no plan: the entry names no chip" in table and "tok/s/chip" in table
    assert [line for line in table.splitlines() if len(line) > 120] == []


def test_the_table_stands_where_one_of_two_has_a_plan_or_none(capsys: Capture) -> None:
    two = ("--model", "llama-3.1-8b", "--system", f"{H200},{H100}", *WORK, *FEW, *QUICK)
    body = envelope(capsys, *two, "--tpot", "1us", code=1)
    assert [one["reason"] for one in body["result"]["without"]] == ["the limit on tpot"] * 2
    told = shown(capsys, *two, "--tpot", "1us", code=1)
    assert "\nBest of each system\n" in told and told.count("no plan: the limit on tpot\n") == 2
    assert "\nBest of each system\n" not in shown(capsys, *BASE, *QUICK)


def test_whole_machines_are_compared_and_that_is_said(capsys: Capture) -> None:
    two = ("--model", "llama-3.1-8b", "--system", f"{H200},{H100}", *WORK, *FEW, *QUICK)

    def warned(*words: str) -> bool:
        return any("compared as whole machines" in text for text in envelope(capsys, *words)["warnings"])

    assert warned(*two) and warned(*two, "--objective", "tpot")
    assert not warned(*BASE, *QUICK) and not warned(*two, "--chips", "8") and not warned(*two, "--goodput", "5")
    assert not warned(*two, "--objective", "cost")


def test_remarks_mark_their_rows(capsys: Capture) -> None:
    two = (
        "--model",
        "llama-3.1-8b",
        "--system",
        f"{H200},{CM}",
        *WORK,
        "--batch",
        "8",
        *QUICK,
        "--weights",
        "fp8,bf16",
    )
    told = shown(capsys, *two, "--tpot", "50ms")
    assert "\n? something of it is not known, substituted or assumed: --json says what, under 'unknown'\n" in told


# Questions


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--objective", "carbon"), "the objective carbon is not known of any system: a PUE and emissions of"),
        (("--objective", "energy", "--tpot", "9ms"), "the objective energy is not known of any system: a PUE is"),
        (("--racks", "5", "--tpot", "9ms"), "--racks cannot be kept, for no source states the number of racks"),
        (("--tpot", "1us", "--ttft", "1us"), "limits would have to give way by more than 4,096 times; without any"),
        (("--tp", "3"), "nothing of what may be varied can be run, mostly for: attention heads not divisible by tp ("),
        (("--tp", "3", "--tpot", "9ms", "--chips", "8"), "nothing of what may be varied can be run, whatever the"),
    ],
)  # fmt: skip
def test_why_there_is_none(words: tuple[str, ...], why: str, capsys: Capture) -> None:
    body = envelope(capsys, *BASE, *QUICK, *words, code=1)
    found = body["result"]
    assert found["relaxations"] == [] and found["why_none"][0].startswith(why)
    told = shown(capsys, *BASE, *QUICK, *words, code=1)
    assert "\nNo plan\n" in told and "no limit is to blame" not in told
    assert " ".join(" ".join(found["why_none"]).split()) in " ".join(told.split())


def test_one_remark_says_that_no_place_is_given() -> None:
    texts = ["a: no place and no tariff is given: x", "a: owned", "a: no place and no PUE is given: y",
             "b: no place and no carbon is given: z"]  # fmt: skip
    assert joined(texts) == [
        "a: no place is given: the price of energy and PUE have no figures (give [place] in a --scenario, or --to)",
        "a: owned",
        "b: no place is given: emissions has no figure (give [place] in a --scenario, or --to)",
    ]


# What is shown of figures


def test_the_rate_that_was_offered_stands_beside_the_goodput(tmp_path: Path, capsys: Capture) -> None:
    told = shown(capsys, *MACHINE, *FEW, *QUICK, "--trace", trace(tmp_path), "--tpot", "30ms", "--simulate", "1")
    table = told.partition("Simulated request by request\n")[2].partition("\n\n")[0]
    assert "\noffered [req/s] " in table and "\ngoodput [req/s] " in table


def test_what_says_nothing_is_left_out(capsys: Capture) -> None:
    two = shown(capsys, *BASE, "--mode", "disaggregated", "--tpot", "p90:30ms")
    assert "time per output token [ms]" in two and "90 % of requests within [ms]" not in two
    assert "90 % of requests within [ms]" in shown(capsys, *BASE, *QUICK, "--tpot", "p90:30ms")
    one = shown(capsys, *BASE, *QUICK, "--osl", "1")
    assert "time per output token" not in one and "time to first token" in one


def test_the_cost_says_what_utilisation_it_assumes(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('[money]\nmode = "rent"\nutilisation = 0.7\n')
    told = shown(capsys, *BASE, *QUICK, "--scenario", str(file))
    assert "\nUSD per M output tokens: every hour is paid for, and chips are under load for 70 % of the time" in told


# A matrix and a fleet with a scenario


@pytest.mark.parametrize("words", [("--matrix",), ("--fleet", "8")])
def test_keys_that_a_matrix_does_not_look_at_are_passed_over(
    words: tuple[str, ...], tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(f'[plan]\nmodel = "llama-3.1-8b"\nsystem = "{H100}"\nchips = 8\nttft = "1s"\ntpot = "40ms"\n')
    body = envelope(capsys, *words, "--scenario", str(file))
    assert f"{words[0]} does not look at these keys of [plan]: chips, ttft" in body["warnings"]
    assert body["inputs"]["tpot_s"] == 0.04
    assert main(["plan", *words, "--scenario", str(file), "--chips", "8"]) == 2
    assert f"--chips: {words[0]} does not look at it" in capsys.readouterr().err
    if words[0] == "--fleet":
        assert sum("no place" in text for text in body["warnings"]) == 1
