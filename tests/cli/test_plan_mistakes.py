"""What ``accord plan`` and ``accord size`` say to a mistake: what, where, how to mend; nothing printed or written."""

from __future__ import annotations

import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from tests.cli.planned import BASE, FEW, H200, MACHINE, WORK, Capture, envelope, plans, refused

from accord.cli.main import main

OTHER = ("--model", "llama-3.1-8b", "--system")
CM, RUBIN = "huawei-cloudmatrix-384", "nvidia-vera-rubin-nvl144"
MISTAKES: list[tuple[tuple[str, ...], str]] = [
    ((), "error: --model is missing\nhint: name one: accord catalog list models\n"),
    (MACHINE[:2], "error: --system is missing\nhint: name one or more, or all: accord catalog list systems\n"),
    ((*OTHER, "nvidia-hgx-h20"), "error: --system: no system is called 'nvidia-hgx-h20'\nhint: did you mean"),
    ((*OTHER, ","), "error: --system: ',' names no system\nhint: name one or more, or all\n"),
    ((*OTHER, f"{H200},{H200}"), "error: --system: no system, or one twice\nhint: name each system once\n"),
    ((*BASE, "--engine", "vlm"), "error: --engine: no engine is called 'vlm'\nhint: "),
    ((*BASE, "--engine", "mindie"), "error: --engine: mindie does not run on chips of nvidia\nhint: it is for huawei;"),
    ((*BASE, "--weights", "fp3"), "error: number format 'fp3' is not known\nhint: use one of "),
    ((*BASE, "--kv", "fp3"), "error: number format 'fp3' is not known\nhint: use one of "),
    ((*BASE, "--chips", "0"), "error: Invalid value for '--chips': 0 is not in the range x>=1\n"),
    ((*BASE, "--ttft", "5"), "error: Invalid value for '--ttft': value is '5', a number without a unit"),
    ((*BASE, "--ttft", "p95:2s"), "error: Invalid value for '--ttft': 'p95:2s' is no limit; write '1000ms'"),
    ((*BASE, "--ttft", "-1s"), "error: Invalid value for '--ttft': '-1s' is not above 0 s\n"),
    ((*BASE, "--tpot", "1kW"), "error: Invalid value for '--tpot': value is '1kW', a power; this takes seconds"),
    ((*BASE, "--e2el", ""), "error: Invalid value for '--e2el': '' is no limit"),
    ((*BASE, "--ttft", "1s", "--ttft", "2s"), "error: --ttft: 'ttft' has two limits\nhint: give one\n"),
    ((*BASE, "--confidence", "0.4"), "error: Invalid value for '--confidence': 0.4 is not in the range"),
    ((*BASE, "--confidence", "nan"), "error: --confidence: nan is no confidence\n"),
    ((*BASE, "--confidence", "0.95", "--no-intervals"), "error: --confidence: a confidence without intervals\nhint: "),
    ((*BASE, "--max-load", "0"), "error: Invalid value for '--max-load': "),
    ((*BASE, "--level", "2"), "error: Invalid value for '--level': '2' is no share"),
    ((*BASE, "--isl", "0"), "error: --isl: 0 tokens\nhint: give 1 or more\n"),
    ((*BASE, "--osl", "-3"), "error: --osl: -3 tokens\n"),
    ((*BASE, "--isl", "nan"), "error: --isl: nan is no number to plan with\n"),
    ((*BASE, "--goodput", "inf"), "error: --goodput: inf is no number to plan with\nhint: give a finite one\n"),
    ((*BASE, "--power-kw", "nan"), "error: --power-kw: nan is no number"),
    ((*BASE, "--tp", "0"), "error: --tp: 0 is none\nhint: give 1 or more\n"),
    ((*BASE, "--tp", "2,"), "error: Invalid value for '--tp': '2,' has nothing between two commas or at an end\n"),
    ((*BASE, "--batch", "0,8"), "error: --batch: 0 is none\n"),
    ((*BASE, "--max-num-batched-tokens", "0"), "error: --max-num-batched-tokens: 0 is none\n"),
    ((*BASE, "--microbatches", "3"), "error: --microbatches: 3 microbatches\nhint: 1, 2, or 0"),
    ((*BASE, "--mtp-tokens", "-1"), "error: Invalid value for '--mtp-tokens': -1 is below 0"),
    ((*BASE, "--mtp-accept", "1.5"), "error: Invalid value for '--mtp-accept': 1.5 is not in the range"),
    ((*BASE, "--reuse", "1.5"), "error: --reuse: a share of 1.5\nhint: write 0.7 for 70 %; "),
    ((*BASE, "--reuse", "0.5,1.0"), "error: --reuse: a share of 1\n"),
    ((*BASE, "--engine-version", "newest"), "error: --engine-version: 'newest' is no version\nhint: write a release"),
    ((*BASE, "--checkpoint", "no/such/a.sqlite"), "error: --checkpoint: there is no folder 'no/such'\nhint: make it"),
    ((*BASE, "--ttft", "p100:1s"), "error: Invalid value for '--ttft': 'p100:1s' is no limit; write '1000ms'"),
    ((*OTHER, "nvidia-h200-sxm"), "error: --system: 'nvidia-h200-sxm' is a chip, not a system\nhint: systems of it: "),
    ((*BASE, "--mode", "split"), "error: Invalid value for '--mode': 'split' is none of aggregated, disaggregated\n"),
    ((*BASE, "--mixed"), "error: --mixed: one system is not mixed\nhint: name two with --system\n"),
    ((*BASE, "--mixed", "--mode", "aggregated"), "error: --mixed: one pool is not mixed\n"),
    ((*BASE, "--objective", "speed"), "error: Invalid value for '--objective': 'speed' is none of goodput, cost"),
    ((*BASE, "--objective", "cost,cost"), "error: --objective: 2 objectives\nhint: name one, two or three different"),
    ((*BASE, "--objective", "cost,ttft,tpot,chips"), "error: --objective: 4 objectives\n"),
    ((*BASE, "--trace", "a", "--workload", "chat"), "error: --workload: --trace and --workload at once: two loads\n"),
    ((*BASE, "--simulate", "2"), "error: --simulate: a simulation without a load\nhint: give --trace or --workload\n"),
    ((*BASE, "--requests", "9"), "error: --requests: nothing is simulated without a load\n"),
    ((*BASE, "--seed", "1"), "error: --seed: nothing is simulated without a load\n"),
    ((*BASE, "--pace", "plan"), "error: --pace: nothing is simulated without a load\n"),
    ((*BASE, "--rate", "5"), "error: --rate: the rate of no load\nhint: give --trace or"),
    ((*BASE, "--format", "mooncake"), "error: --format: the format of no trace\nhint: give --trace FILE\n"),
    ((*BASE, "--workload", "chat=x"), "error: 'chat=x' is no 'profile=requests a second'\n"),
    ((*BASE, "--exclude-origin", "usa"), "error: --exclude-origin: 'usa' is no country\nhint: two capitals"),
    ((*BASE, "--exclude-scope", "any"), "error: --exclude-scope: nothing is excluded\n"),
    ((*BASE, "--date", "soon"), "error: --date: 'soon' is no day\nhint: write 2026-03-01\n"),
    ((*BASE, "--from", "Germany"), "error: --from: 'GERMANY' is no country\nhint: two letters of ISO 3166"),
    ((*BASE, "--to", "EUR"), "error: --to: 'EUR' is no country\n"),
    ((*BASE, "--workers", "2"), "error: --workers: one process works alone\nhint: add --executor processes\n"),
    ((*BASE, "--ray-address", "auto"), "error: --ray-address: a cluster that is not asked\nhint: add --executor ray\n"),
    ((*BASE, "--executor", "slurm"), "error: Invalid value for '--executor': 'slurm' is not one of"),
    ((*BASE, "--tornado", "cost.pdf"), "error: --tornado: 'cost.pdf' is no picture\nhint: name it .svg or .png\n"),
    ((*BASE, "--tornado", "no/such/cost.svg"), "error: --tornado: there is no folder 'no/such'\nhint: make it first\n"),
    ((*MACHINE, "--matrix", "--fleet", "8"), "error: --matrix and --fleet at once: two questions\n"),
    (("--matrix", "--ttft", "1s"), "error: --ttft: --matrix does not look at it\nhint: leave it out\n"),
    (("--matrix", "--tpot", "p90:1s"), "error: --tpot: --matrix takes one limit on the mean\n"),
    (("--matrix", "--engine", "vllm,sglang"), "error: --engine: several engines\n"),
    (("--matrix", "--isl", "0.2"), "error: --isl: 0.2 tokens\n"),
    (("--fleet", "100"), "error: --fleet: a fleet needs one --model and one --system\n"),
    (("--fleet", "0"), "error: Invalid value for '--fleet': 0 is not in the range x>=1\n"),
    (("--fleet", "8", *MACHINE, "--date", "2026-01-01"), "error: --date: --fleet does not look at it\n"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), MISTAKES, ids=[" ".join(words[-4:]) for words, _ in MISTAKES])
def test_a_malformed_call(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = refused(capsys, *words, "--json")
    assert code == 2 and said.startswith(message)
    assert "\nhint: " in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--model", "llama-9", "--system", H200), 3, "error: model 'llama-9' is not in the catalog\nhint: "),
        ((*BASE, "--to", "XX"), 3, "error: the catalog knows no country 'XX'\nhint: "),
        ((*BASE, "--exclude-origin", "XX"), 3, "error: --exclude-origin: the catalog knows no country 'XX'\nhint: "),
        ((*BASE, "--exclude-origin", "US"), 1, f"error: --exclude-origin: no system is left; {H200}: excluded by"),
        ((*OTHER, "amd-helios"), 1, "error: amd-helios: the entry names no chip\nhint: use a system whose entry"),
        ((*OTHER, "kunlun-tianchi"), 1, "error: kunlun-tianchi: "),
        ((*BASE, "--trace", "none.csv"), 3, "error: none.csv: cannot be read: No such file or directory\n"),
        ((*BASE, "--workload", "chta"), 3, "error: workload 'chta' is not in the catalog\nhint: "),
        ((*BASE, "--scenario", "none.toml"), 3, "error: none.toml: the scenario cannot be read: No such file"),
        (("--model", "gpt-4o", "--system", H200), 1, "error: gpt-4o: GPT-4o: the architecture is unpublished"),
        ((*OTHER, RUBIN), 1, "error: nvidia-rubin: memory bandwidth is not published\n"),
        (("--model", "none/config.json", "--system", H200), 3, "error: none/config.json: cannot be read"),
    ],
)  # fmt: skip
def test_other_refusals(
    words: tuple[str, ...], code: int, message: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found, said = refused(capsys, *words)
    assert (found, said[: len(message)]) == (code, message)
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_is_not_known_well_enough_among_others(capsys: Capture) -> None:
    body = envelope(capsys, *OTHER, f"{H200},{RUBIN}", *WORK, *FEW)
    assert {one.holdings[0].system for one in plans(body)} == {H200}
    assert body["result"]["refused"] == [f"{RUBIN}: nvidia-rubin: memory bandwidth is not published"]
    assert body["result"]["refused"][0] in body["warnings"]


def test_an_engine_of_another_vendor_is_said(capsys: Capture) -> None:
    body = envelope(capsys, *OTHER, f"{H200},{CM}", *WORK, "--batch", "8", "--engine", "vllm-ascend")
    assert {one.holdings[0].system for one in plans(body)} == {CM}
    assert f"{H200}: no named engine runs on it" in body["warnings"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "error: TRACE: is empty\n"),
        ("words\n", "error: TRACE:1: is of no known trace format\n"),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\nx,1\n", "error: TRACE:2: "),
    ],
)
def test_a_bad_trace(text: str, message: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(text)
    code, said = refused(capsys, *MACHINE, *FEW, "--trace", str(file))
    assert code == 3 and said.replace(str(file), "TRACE").startswith(message)


# Infeasible


def test_the_nearest_question_that_has_an_answer(capsys: Capture) -> None:
    words = (*BASE, "--goodput", "500", "--chips", "16", "--tpot", "9ms", "--ttft", "1s")
    body = envelope(capsys, *words, code=1)
    found = body["result"]
    assert found["feasible"] is False and found["plans"] == [] and found["metrics"] == {}
    assert found["cost_causes"] == [] and found["dependence"] is None
    factors = [one["factor"] for one in found["relaxations"]]
    assert factors == sorted(factors) and factors[0] > 1.0
    chips = next(one for one in found["relaxations"] if one["limit"] == "chips")
    assert chips["asked"] == 16.0 < chips["needed"] == chips["plan"]["metrics"]["chips"]["value"]
    known = {one["id"] for one in body["sources"]}
    assert any(name.startswith(f"systems/{H200}:") for name in known)
    more = [*words, "--chips", f"{chips['needed']:.0f}"]
    assert envelope(capsys, *more)["result"]["feasible"] is True
    fewer = next(one for one in found["relaxations"] if one["limit"] == "goodput")
    assert envelope(capsys, *words, "--goodput", f"{fewer['needed'] * 0.999}")["result"]["feasible"] is True


@pytest.mark.parametrize("held", [False, True], ids=["latencies and load", "all of them"])
def test_where_one_limit_is_not_enough_several_give_way(held: bool, capsys: Capture) -> None:
    def words(factor: float) -> tuple[str, ...]:
        limits = ("--tpot", f"{factor * 0.5}ms", "--ttft", f"{factor}ms", "--goodput", f"{100 / factor}")
        power = f"{2.0 * factor if held else 30.0}"  # two kilowatts hold no system, whatever is asked of it
        return (*BASE, "--mode", "aggregated", *limits, "--power-kw", power)

    (found,) = envelope(capsys, *words(1.0), code=1)["result"]["relaxations"]
    name = "all of them" if held else "latencies and load"
    assert found["limit"] == name and found["factor"] == found["needed"] > 2.0
    assert envelope(capsys, *words(found["factor"] * 1.001))["result"]["feasible"] is True
    assert envelope(capsys, *words(found["factor"] / 1.1), code=1)["result"]["feasible"] is False
    assert main(["plan", *words(1.0)]) == 1
    shown = capsys.readouterr().out
    assert f"\n{name} " in shown and "these give way together, each by this factor\n" in shown


def test_an_infeasible_question_has_a_table(capsys: Capture) -> None:
    assert main(["plan", *BASE, "--goodput", "500", "--chips", "16", "--tornado", "none.svg"]) == 1
    shown = capsys.readouterr()
    assert "\nNo plan keeps every limit\nlimit " in shown.out
    assert "limits   goodput at least 500 req/s; chips at most 16\n" in shown.out
    assert not Path("none.svg").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--tp", "3"), "attention heads not divisible by tp"),
        (("--isl", "1e9"), "memory"),
        (("--pp", "64", "--chips", "64", "--mode", "aggregated"), "more stages than layers"),
    ],
)
def test_what_cannot_be_run_at_all_says_why(words: tuple[str, ...], why: str, capsys: Capture) -> None:
    found = envelope(capsys, *BASE, *words, code=1)["result"]
    assert found["rejected"][why] > 0 and found["relaxations"] == []
    assert main(["plan", *BASE, *words]) == 1
    assert f"  {why} " in capsys.readouterr().out


def test_a_limit_that_holds_none_of_a_system_is_said(capsys: Capture) -> None:
    assert main(["plan", *BASE, "--power-kw", "1", "--tpot", "1us"]) == 1
    shown = capsys.readouterr()
    assert f"{H200}: the limit on power holds none of it" in shown.out


# Size


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (BASE, "error: --goodput: no load to size for\nhint: give --goodput, or a --trace with its rate\n"),
        ((*BASE, "--matrix"), "error: No such option '--matrix'."),
        ((*BASE, "--goodput", "0"), "error: Invalid value for '--goodput': 0.0 is not in the range x>0.0\n"),
    ],
)
def test_mistakes_of_size(words: tuple[str, ...], message: str, capsys: Capture) -> None:
    code, said = refused(capsys, *words, verb="size")
    assert code == 2 and said.startswith(message)


# Help


@pytest.mark.parametrize("verb", ["plan", "size"])
def test_help_lists_every_flag_in_its_section(verb: str, capsys: Capture) -> None:
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    titles = ["The question:", "Limits:", "What may be varied:", "The search and its answer:", "Output:"]
    places = [shown.index(f"\n{title}\n") for title in titles]
    assert places == sorted(places) and "RANGE" not in shown and f"accord {verb} --model" in shown
    context = import_module(f"accord.cli.verbs.{verb}").command
    for option in context.params:
        assert shown.count(f"  {option.opts[0]} ") >= 1, option.opts[0]
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize("verb", ["plan", "size"])
def test_help_loads_neither_catalog_nor_planner(verb: str) -> None:
    heavy = (
        "accord.api",
        "accord.catalog",
        "accord.inference",
        "accord.planner.search",
        "yaml",
        "rich",
        "ray",
        "scipy",
    )
    code = (
        "import sys; from accord.cli.main import main; main(sys.argv[1:]);"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, verb, "--help"], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["[]"]


@pytest.mark.parametrize("verb", ["plan", "size"])
def test_help_takes_little_processor_time(verb: str) -> None:
    assert min(_cpu_s(verb) for _ in range(5)) < 0.3  # the least of five: the machine may be busy


def _cpu_s(verb: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "accord", verb, "--help"], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
