"""What is believed before any row is seen: judgements where no table speaks, and how far a row may move a number.

A judgement is a value with the standard deviation of its logarithm. A shift multiplies every number under a
name, in one entry of the calibration and in those that inherit from it: kernels in a running engine are
slower than the same kernels in a loop, by a factor that chips of a family share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GENERIC = "generic"
ENGINES = ("vllm", "sglang", "tensorrt-llm")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A number nobody measured. unit: how it is written; log_sd: of its logarithm [1]; note: what it is."""

    value: float
    unit: str
    log_sd: float
    note: str


JUDGEMENTS: Mapping[str, Judgement] = {
    "launch_s": Judgement(2e-6, "s", 0.5, "gap and ramp of one element-wise kernel in a captured graph"),
    "launch_eager_s": Judgement(8e-6, "s", 0.4, "host launch of one kernel without a captured graph"),
    "vector.memory": Judgement(0.5, "1", 0.4, "share of memory bandwidth of element-wise kernels"),
    "linear.compute": Judgement(0.3, "1", 0.5, "share of the 16-bit peak, recurrent attention in chunks"),
    "linear.memory": Judgement(0.6, "1", 0.3, "share of memory bandwidth, state of recurrent attention"),
    "conversion.compute": Judgement(
        0.4, "1", 0.4, "share of the compute rate kept when stored numbers are widened on load"
    ),
    "conversion.memory": Judgement(
        0.75, "1", 0.2, "share of the memory rate kept when stored numbers are widened on load"
    ),
    "overlap.slowdown": Judgement(1.1, "1", 0.05, "slower device work while exchanges run on its cores"),
    "memory.runtime_share": Judgement(0.03, "1", 0.4, "context, graphs and communication buffers of the runtime"),
    "pool.software_rate": Judgement(0.95e9, "B/s", 0.3, "looking up and gathering blocks of a pooled cache, a device"),
    "engine.iteration_s": Judgement(2.5e-3, "s", 0.5, "scheduler, sampling and hand-over outside the layers"),
    "engine.async_s": Judgement(5e-4, "s", 0.6, "what is left between steps where the host works ahead"),
    "engine.sequence_s": Judgement(4e-6, "s", 0.8, "host work per running request and iteration"),
    "engine.draft_s": Judgement(3e-4, "s", 0.6, "host work per draft pass"),
    "engine.expert_skew.prefill": Judgement(0.5, "1", 0.5, "coefficient of variation of expert popularity, prefill"),
    "engine.expert_skew.decode": Judgement(0.5, "1", 0.5, "coefficient of variation of expert popularity, decode"),
    "send.base_s.scale-up": Judgement(5e-6, "s", 0.5, "latency of a transfer inside a domain"),
    "reduce.base_s.scale-out": Judgement(30e-6, "s", 0.5, "latency of an all-reduce across domains"),
    "residual.unmeasured": Judgement(
        0.2, "1", 0.3, "further standard deviation of ln(predicted / measured) on a chip whose family nobody measured"
    ),
    **{
        f"residual.{kind}": Judgement(sd, "1", 0.3, "standard deviation of ln(predicted / measured) beyond parameters")
        for kind, sd in (
            ("kernel", 0.25),
            ("pool", 0.2),
            ("split", 0.3),
            ("serve", 0.35),
            ("offline", 0.35),
            ("flood", 0.6),
            ("wait", 0.7),
        )
    },
}
_FAMILIES: Mapping[str, str] = {
    "gemm": "dense products", "grouped": "expert products in order", "fused": "expert products that sort their rows",
    "attention_prefill": "attention over prompts", "attention_decode": "attention over a cache of keys and values",
    "mla_decode": "attention over a cache of latents",
}  # fmt: skip
_PARTS: Mapping[str, str] = {
    "compute": "share of the peak rate", "memory": "share of memory bandwidth", "launch_s": "fixed time of a kernel",
    "walk": "output numbers whose first tile walks alone",
}  # fmt: skip
EXACT: Mapping[str, Judgement] = {
    "reduce.share.switch": Judgement(0.0, "1", 0.0, "no sums in the switch unless a family is known for them"),
}
EXPERTS = tuple(f"{fmt}.{engine}" for fmt in ("bf16", "fp8") for engine in ENGINES)
EXPERTS_SD = 0.12  # of an engine's own kernels of experts between the release in the tables and those that served rows
ENGINE_SD: Mapping[str, float] = {"engine.iteration_s": 0.4, "engine.sequence_s": 0.6}  # between engines


NOTES: Mapping[str, str] = {
    **{name: one.note for name, one in {**JUDGEMENTS, **EXACT}.items()},
    **{f"{family}.{part}": f"{words}, {what}" for family, what in _FAMILIES.items() for part, words in _PARTS.items()},
    "link.scale-up": "payload over nominal rate between devices of one domain",
    "link.scale-out": "payload over nominal rate between domains",
    "reduce.base_s.scale-up": "latency of an all-reduce inside a domain",
    "reduce.chunk_s": "fixed time of one chunk of an all-reduce",
    "reduce.per_doubling_s": "added latency of an all-reduce per doubling of ranks",
    "reduce.local": "a sum's bytes that pass on the device itself, in payloads at the rate of the link",
    "reduce.share.switch": "share of the nominal rate that sums inside the switch reach",
    "dispatch.base_s": "latency of an all-to-all send",
    "combine.base_s": "latency of an all-to-all return",
    "exchange.share": "share of the link rate inside a domain that many messages reach",
    "exchange.per_doubling_s": "added latency of an exchange per doubling of ranks",
    "exchange.layout_s": "added latency in prefill, where ranks agree on sizes first",
    "exchange.local": "passes over each token on its own device, in messages at the rate of the link",
    "send.base_s.scale-out": "latency of a transfer between domains",
    "residual": "standard deviation of ln(predicted / measured) beyond the parameters, on sources left out",
}


@dataclass(frozen=True, slots=True)
class Shift:
    """One free factor. entry: where it applies, down to all that inherit; name: number it moves, with all suffixes.

    log_sd: of the factor's logarithm; None takes the number's own uncertainty (a family without tables)
    """

    entry: str
    name: str
    log_sd: float | None

    def moves(self, name: str) -> bool:
        """Whether it moves a number: its own and all its suffixes, and fused experts with grouped ones."""
        own = name.replace("fused.", "grouped.", 1) if name.startswith("fused.") else name
        return own == self.name or own.startswith(f"{self.name}.")


_EVERYWHERE: Mapping[str, float] = {
    "gemm.compute": 0.15, "gemm.memory": 0.1, "grouped.compute": 0.2, "grouped.memory": 0.15,
    "attention_decode.memory": 0.15, "attention_decode.compute": 0.4, "attention_prefill.compute": 0.2,
    "mla_decode.compute": 0.15, "mla_decode.memory": 0.15, "gemm.launch_s": 0.4, "grouped.launch_s": 0.4,
    "attention_decode.launch_s": 0.4, "mla_decode.launch_s": 0.4, "link.scale-up": 0.1, "link.scale-out": 0.15,
    "reduce.base_s.scale-up": 0.4, "dispatch.base_s": 0.3, "combine.base_s": 0.3,
}  # fmt: skip
_FAMILY: Mapping[str, float] = {
    "gemm.compute": 0.1, "gemm.memory": 0.1, "grouped.compute": 0.15, "grouped.memory": 0.1, "gemm.launch_s": 0.3,
    "grouped.launch_s": 0.3, "attention_decode.memory": 0.1, "attention_prefill.compute": 0.15,
    "conversion.compute": 0.2, "conversion.memory": 0.1, "vector.memory": 0.15,
}  # fmt: skip
_WITHOUT_TABLES = (
    "launch_s", "gemm.launch_s", "gemm.compute", "gemm.memory", "grouped.launch_s", "grouped.compute", "grouped.memory",
    "attention_decode.launch_s", "attention_decode.compute", "attention_decode.memory", "attention_prefill.compute",
    "mla_decode.launch_s", "mla_decode.compute", "mla_decode.memory", "vector.memory", "overlap.slowdown",
    "dispatch.base_s", "combine.base_s", "exchange.per_doubling_s", "exchange.share", "exchange.local",
    "exchange.layout_s", "conversion.compute", "conversion.memory", "gemm.walk", "grouped.walk",
)  # fmt: skip
_PLAIN = (
    "launch_s", "vector.memory", "conversion.compute", "conversion.memory", "overlap.slowdown", "engine.iteration_s",
    "engine.async_s",
    "engine.sequence_s", "engine.draft_s", "engine.expert_skew.prefill", "engine.expert_skew.decode",
)  # fmt: skip
_CARD: Mapping[str, float] = {
    "gemm.compute": 0.1, "gemm.memory": 0.1, "grouped.compute": 0.2, "grouped.memory": 0.15,
    "attention_decode.memory": 0.2, "attention_prefill.compute": 0.15, "vector.memory": 0.15,
    "link.scale-up": 0.45, "reduce.base_s.scale-up": 0.45,
}  # fmt: skip
# of the last generation: its tables are of one chip whose matrix units have twice the rate of its siblings'
_LONE: Mapping[str, float] = {"attention_decode.memory": 0.35, "attention_decode.compute": 0.6}
GENERATIONS = ("nvidia-ampere", "nvidia-hopper", "nvidia-blackwell", "nvidia-ada")
CARDS = ("nvidia-rtx-pro-6000-server",)  # of a generation whose other chips have other memory and other links
TABLED = (*GENERATIONS, *CARDS)
ASCEND, AMD = "ascend", "amd"
UNTABLED = (ASCEND, AMD)
_FEW_ROWS = ("gemm.launch_s", "gemm.compute", "gemm.memory", "attention_decode.memory", "vector.memory")


def shifts() -> tuple[Shift, ...]:
    """Every free factor of the fit to rows."""
    found = [Shift(GENERIC, name, JUDGEMENTS[name].log_sd) for name in _PLAIN]
    found += [Shift(GENERIC, name, sd) for name, sd in _EVERYWHERE.items()]
    found += [Shift(GENERIC, f"{name}.{engine}", sd) for name, sd in ENGINE_SD.items() for engine in ENGINES]
    found += [Shift(GENERIC, f"grouped.memory.{own}", EXPERTS_SD) for own in EXPERTS]
    found += [Shift(entry, name, sd) for entry in GENERATIONS[:-1] for name, sd in _FAMILY.items()]
    found += [Shift(GENERATIONS[-1], name, sd) for name, sd in {**_FAMILY, **_LONE}.items()]
    found += [Shift(entry, name, sd) for entry in CARDS for name, sd in _CARD.items()]
    found += [Shift(ASCEND, name, None) for name in _WITHOUT_TABLES]
    found += [Shift(AMD, name, None) for name in _FEW_ROWS]
    return tuple(found)
