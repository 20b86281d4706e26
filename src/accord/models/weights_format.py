"""Which number format a checkpoint is released in, from its type and quantisation keys."""

from __future__ import annotations

from collections.abc import Iterator

from accord.base.errors import ModelConfigError
from accord.models.config_fields import Fields, describe

PLAIN = {"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "float32": "fp32", "float8_e4m3fn": "fp8"}
"""``torch_dtype`` to format; ``float`` and ``auto`` say nothing."""

FIXED = {
    "fp8": "fp8",
    "fbgemm_fp8": "fp8",
    "mxfp4": "mxfp4",
    "mxfp8": "mxfp8",
    "nvfp4": "fp4",
    "w8a8": "int8",
    "ascend": "int8",
    "smoothquant": "int8",
}
"""Quantisation methods with one format."""

BY_BITS = {4: "int4", 8: "int8"}
WITH_BITS = ("awq", "gptq", "auto-round", "autoround", "hqq")
"""Methods that state their width in ``bits``."""


def plain_format(f: Fields, outer: Fields) -> str:
    """Format of unquantised weights: ``torch_dtype`` or ``dtype``, bf16 when not stated. Raises ModelConfigError."""
    for fields in (f, outer):
        for key in ("torch_dtype", "dtype"):
            if not fields.has(key):
                continue
            word = fields.word(key).removeprefix("torch.")
            if word in PLAIN:
                return PLAIN[word]
            if word not in ("float", "auto"):
                raise fields.wrong(key, f"one of {', '.join(PLAIN)}, float, auto")
    return "bf16"


def _compressed_tensors(quant: Fields) -> str:
    """Format under ``compressed-tensors``: bits and kind of the first weight group."""
    groups = quant.child("config_groups")
    for key in groups.values if groups is not None else ():
        group = groups.child(key) if groups is not None and isinstance(key, str) else None
        weights = group.child("weights") if group is not None else None
        if weights is not None:
            kind = weights.word("type", "int")
            bits = weights.integer("num_bits", high=32)
            name = {("int", 4): "int4", ("int", 8): "int8", ("float", 8): "fp8", ("float", 4): "fp4"}.get((kind, bits))
            if name is None:
                raise ModelConfigError(
                    f"{weights.name('num_bits')} is {bits} with type {describe(kind)}; "
                    "supported are int 4, int 8, float 8 and float 4"
                )
            return name
    raise quant.wrong("config_groups", "an object with at least one group that states its weights")


def _bits_format(quant: Fields) -> str:
    """Format of a method that states ``bits`` (under either usual key)."""
    key = "w_bit" if quant.has("w_bit") else "bits"
    bits = quant.integer(key, high=32)
    if bits not in BY_BITS:
        raise quant.wrong(key, "4 or 8")
    return BY_BITS[bits]


def quantised_format(quant: Fields) -> str:
    """Format of the quantised weights. Raises ModelConfigError for a method not known here."""
    method = quant.word("quant_method").lower()
    if method in FIXED:
        return FIXED[method]
    if method in WITH_BITS:
        return _bits_format(quant)
    if method == "bitsandbytes":
        return "int4" if quant.flag("load_in_4bit") else "int8"
    if method in ("compressed-tensors", "compressed_tensors"):
        return _compressed_tensors(quant)
    if method == "modelopt":
        algorithm = quant.word("quant_algo", "FP8").upper()
        known = {"FP8": "fp8", "NVFP4": "fp4", "MXFP4": "mxfp4", "W4A16": "int4", "W8A16": "int8"}
        if algorithm not in known:
            raise quant.wrong("quant_algo", f"one of {', '.join(known)}")
        return known[algorithm]
    names = [*FIXED, *WITH_BITS, "bitsandbytes", "compressed-tensors", "modelopt"]
    raise quant.wrong("quant_method", f"one of {', '.join(names)}")


def _left_out(quant: Fields) -> Iterator[str]:
    """Names of the modules the quantisation leaves alone."""
    for key in ("modules_to_not_convert", "ignore", "ignored_layers"):
        value = quant.values.get(key)
        if isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, str))


def formats(f: Fields, outer: Fields) -> tuple[str, str]:
    """Formats of the checkpoint: of most weights, and of all but the routed experts where that differs (else "").

    f: the text model's keys; outer: the file's top level. Raises ModelConfigError.
    """
    plain = plain_format(f, outer)
    quant = f.child("quantization_config") or outer.child("quantization_config")
    base = quantised_format(quant) if quant is not None else plain
    if f.has("expert_dtype"):
        word = f.word("expert_dtype").lower()
        experts = {"fp4": "mxfp4", "mxfp4": "mxfp4", "fp8": "fp8", "bf16": "bf16", "bfloat16": "bf16"}
        if word not in experts:
            raise f.wrong("expert_dtype", f"one of {', '.join(experts)}")
        return (experts[word], base) if experts[word] != base else (base, "")
    if quant is not None and base != plain and any("self_attn" in name for name in _left_out(quant)):
        return base, plain
    return base, ""
