"""A training run being answered: its question and layout, and what of them is told in words and plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from accord.api.train_request import Completed, TrainAsk
from accord.api.train_sites import across, joined
from accord.base.array import Array
from accord.base.units import show
from accord.catalog.load import Catalog
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.planner.plan import Metric
from accord.planner.train_search import Found
from accord.report.train_result import Failing, Layout, Other
from accord.training.estimate import TrainEstimate
from accord.training.request import RECOMPUTE, SCHEDULES
from accord.uncertainty.figure import Figure

STEP = (
    "step_s", "tokens_per_s_total", "tokens_per_s_per_chip", "model_flop_per_s_per_chip",
    "hardware_flop_per_s_per_chip", "mfu", "hfu", "mfu_own_peak",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """A question and its layouts: what all that follows is calculated from. layouts: of one site."""

    ask: TrainAsk
    catalog: Catalog
    done: Completed
    spec: ModelSpec
    machine: Machine
    efficiency: Efficiency
    layouts: Found

    @property
    def found(self) -> TrainEstimate:
        """The best layout, of one site."""
        return self.layouts.best

    @property
    def chips(self) -> int:
        """Of the whole job."""
        assert self.done.request.chips is not None, "completed before"
        return self.done.request.chips

    def metrics(self, found: TrainEstimate) -> dict[str, Array]:
        """Metrics of a step, of all sites."""
        own = {name: found.metrics[name] for name in STEP}
        sites = self.ask.sites
        return own if sites is None else joined(own, across(found, sites), sites.sites)


@dataclass(frozen=True, slots=True)
class Whole:
    """A run from its start to its end; days: None where it does not get on."""

    metrics: dict[str, Metric]
    parts: dict[str, float]
    failures: Failing
    days: Metric | None
    said: tuple[str, ...]
    cost: dict[str, float]


def title_of(run: Run) -> str:
    """The question in a line."""
    chips = f"{run.chips:,} chip{'' if run.chips == 1 else 's'} of {run.machine.id}"
    tokens = run.done.request.tokens
    length = f", {show(tokens, '1', 4)} token{'' if tokens == 1.0 else 's'}" if tokens is not None else ""
    places = f", {run.ask.sites.sites} sites" if run.ask.sites is not None else ""
    return f"{run.spec.id} on {chips}{places}{length}"


def layout_of(run: Run, found: TrainEstimate | None = None) -> Layout:
    """A layout in words; found: of one site, the best if omitted."""
    found = run.found if found is None else found
    lay, job = found.layouts, found.job
    sites = run.ask.sites.sites if run.ask.sites is not None else 1
    whole = {name: int(getattr(lay, name)[0]) for name in ("tp", "cp", "pp", "dp", "ep", "vp", "zero")}
    return Layout(
        **whole, micro_batch=int(lay.micro[0]), micro_batches=float(lay.micro_batches(job)[0]),
        recompute=RECOMPUTE[int(lay.recompute[0])], schedule=SCHEDULES[int(lay.schedule[0])],
        sequence_parallel=bool(lay.sp[0] > 0.0), offload=bool(lay.offload[0] > 0.0), precision=job.precision,
        seq=int(job.seq), global_batch=job.global_batch * sites, devices=int(lay.devices[0]) * sites,
        chips=run.chips, sites=sites,
    )  # fmt: skip


def others_of(run: Run, most: int) -> tuple[Other, ...]:
    """The next best layouts; steps of one site."""
    return tuple(
        Other(layout=layout_of(run, one.estimate), step_s=one.step_s,
              used_bytes=float(one.estimate.memory.used_bytes[0]))
        for one in run.layouts.ranked[1 : most + 1]
    )  # fmt: skip


def searched_of(run: Run) -> dict[str, int]:
    """How many layouts were looked at, fitted, and were run by timeline."""
    found = run.layouts
    return {"evaluated": found.evaluated, "fitted": found.fitted, "timed": len(found.ranked)}


def memory_of(found: TrainEstimate) -> dict[str, float]:
    """Bytes of the fullest device by part, used, free and capacity."""
    one = found.memory
    names = (*one.__dataclass_fields__, "used_bytes", "free_bytes")
    return {name: float(getattr(one, name)[0]) for name in names}


def conventions_of(run: Run, whole: Whole | None) -> dict[str, str]:
    """What the names of metrics mean here."""
    metrics, job = run.found.metrics, run.found.job
    peak, own = (float(metrics["model_flop_per_s_per_chip"][0] / metrics[name][0]) for name in ("mfu", "mfu_own_peak"))
    found = {
        "mfu": "model FLOP per second over the peak; nothing computed again is counted",
        "hfu": "the same with what is computed again (recomputation)",
        "causal": "attention counted as half of the square, for what a causal mask leaves",
        "recompute": RECOMPUTE[int(run.found.layouts.recompute[0])],
        "peak": f"dense bf16, {peak / 1e12:,.4g} TFLOP/s a chip",
        "own_peak": f"dense {job.precision}, {own / 1e12:,.4g} TFLOP/s a chip",
    }
    found["power"] = "of the system under load as stated" + (
        "; while sites wait for one another, at rest" if run.ask.sites is not None else ""
    )
    if whole is not None:
        found |= {
            "days": "elapsed: steps, interruptions, and time outside steps (evaluation, ramps, stops by hand)",
            "chip_hours": "chips of the job times elapsed hours; spares are not in it",
            "effective_training_time": "productive time over productive time and what interruptions cost",
            "spares": "chips that stand by are in no chip-hours, power, energy or cost",
            "energy": "power at the racks over all of the elapsed time",
        }
    return found


def ends_of(ask: TrainAsk, whole: Whole | None) -> dict[str, str]:
    """First and last day, where a first one is given."""
    if ask.start is None or whole is None or whole.days is None:
        return {}
    names = {"end": whole.days.value, "end_low": whole.days.low, "end_high": whole.days.high}
    found = {"start": ask.start.isoformat()}
    for name, days in names.items():
        try:
            found[name] = (ask.start + timedelta(days=days)).isoformat() if days is not None else "open"
        except OverflowError:
            found[name] = "after the year 9999"
    return found


def limits_of(ask: TrainAsk, load_w: Figure | None, chips: int) -> list[dict[str, object]]:
    """Whether the power feed is enough. load_w: of a chip while it computes."""
    if ask.power_w is None:
        return []
    if load_w is None:
        return [
            {"name": "power", "limit": ask.power_w, "unit": "W", "met": False, "said": "no source states the power"}
        ]
    need, fed = chips * load_w.value, int(ask.power_w / load_w.value)
    said = f"{show(need, 'W')} at the racks under load, and {show(ask.power_w, 'W')} are fed: enough for {fed:,} chips"
    return [{"name": "power", "limit": ask.power_w, "value": need, "unit": "W", "met": need <= ask.power_w,
             "chips": fed, "said": said}]  # fmt: skip
