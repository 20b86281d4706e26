"""Weights of a vision tower, where its keys say enough.

A tower is a stack of encoder layers with biases, a patch embedding, position embeddings and a projector into the
text model. Three spellings of the keys are read. A tower whose keys are absent or spelt otherwise counts as 0: it
is a few tenths of a per cent of the models it comes with, and a guess would look like a fact.
"""

from __future__ import annotations

from accord.models.config_fields import MAX_LAYERS, Fields


def _encoder(width: int, inner: int, layers: int) -> int:
    """Encoder layers: four square projections, a two-matrix block, two norms, biases throughout."""
    return layers * (4 * width * width + 4 * width + 2 * width * inner + inner + width + 4 * width)


def _has(f: Fields, *keys: str) -> bool:
    """Whether every key is there."""
    return all(f.has(key) for key in keys)


def _siglip(f: Fields, text_hidden: int) -> int:
    """Square images cut into patches, one projection into the text model; with pixel shuffle two before it."""
    width, patch = f.integer("hidden_size"), f.integer("patch_size", high=1_000)
    layers = _encoder(width, f.integer("intermediate_size"), f.integer("num_hidden_layers", high=MAX_LAYERS))
    image = f.integer("image_size", high=100_000)
    stem = 3 * patch * patch * width + width + (image // patch) ** 2 * width + 2 * width
    if _has(f, "projector_input_dim", "projector_output_dim", "vision_output_dim"):
        inner, out = f.integer("projector_input_dim"), f.integer("projector_output_dim")
        projector = f.integer("intermediate_size") * inner + inner * out + f.integer("vision_output_dim") * text_hidden
    else:
        projector = width * text_hidden + width
    return layers + stem + projector


def _merging(f: Fields) -> int:
    """Patches over time and space, neighbours merged and projected by a two-matrix block."""
    width, patch = f.integer("hidden_size"), f.integer("patch_size", high=1_000)
    layers = _encoder(width, f.integer("intermediate_size"), f.integer("depth", high=MAX_LAYERS))
    frames = f.integer("temporal_patch_size", high=100, default=1)
    colours = f.integer("in_channels", high=100, default=3)
    merged = width * f.integer("spatial_merge_size", high=100) ** 2
    stem = colours * frames * patch * patch * width + width
    stem += f.integer("num_position_embeddings", low=0, default=0) * width
    merger = merged * merged + merged + merged * f.integer("out_hidden_size") + f.integer("out_hidden_size")
    return layers + stem + merger + 2 * width


def _prefixed(f: Fields, text_hidden: int) -> int:
    """The same with keys that begin with ``vt_`` and a square merge."""
    width, patch = f.integer("vt_hidden_size"), f.integer("patch_size", high=1_000)
    layers = _encoder(width, f.integer("vt_intermediate_size"), f.integer("vt_num_hidden_layers", high=MAX_LAYERS))
    merged = 4 * width
    places = f.integer("init_pos_emb_height", high=10_000) * f.integer("init_pos_emb_width", high=10_000)
    stem = 3 * patch * patch * width + width + places * width
    return layers + stem + merged * merged + merged + merged * text_hidden + text_hidden + 2 * width


def vision_params(f: Fields, text_hidden: int) -> int:
    """Weights of the tower described by ``f`` and its projector into a text model ``text_hidden`` wide [1].

    Returns 0 when the keys needed are not all there. Raises ModelConfigError when one has a bad value.
    """
    if _has(f, "hidden_size", "num_hidden_layers", "intermediate_size", "patch_size", "image_size"):
        return _siglip(f, text_hidden)
    if _has(f, "hidden_size", "depth", "intermediate_size", "patch_size", "spatial_merge_size", "out_hidden_size"):
        return _merging(f)
    if _has(f, "vt_hidden_size", "vt_num_hidden_layers", "vt_intermediate_size", "patch_size") and _has(
        f, "init_pos_emb_height", "init_pos_emb_width"
    ):
        return _prefixed(f, text_hidden)
    return 0
