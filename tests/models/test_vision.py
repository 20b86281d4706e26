"""Vision towers are counted where their keys say enough."""

from __future__ import annotations

import pytest

from accord.base.errors import ModelConfigError
from accord.models.config_fields import Fields
from accord.models.vision import vision_params

SIGLIP: dict[str, object] = {
    "hidden_size": 1152,
    "image_size": 896,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "patch_size": 14,
}


def test_published_tower() -> None:
    """417M in Gemma 3's report (arXiv 2503.19786, table 1); the projector into the text model comes on top."""
    projector = 1152 * 5376 + 5376
    assert vision_params(Fields(SIGLIP), 5376) - projector == pytest.approx(417e6, rel=0.005)


def test_tower_with_pixel_shuffle() -> None:
    """Llama 4's tower and projectors, the difference between 107.8B and the 109B printed for Scout."""
    tower = SIGLIP | {"hidden_size": 1408, "intermediate_size": 5632, "num_hidden_layers": 34, "image_size": 336}
    tower |= {"projector_input_dim": 4096, "projector_output_dim": 4096, "vision_output_dim": 4096}
    assert 0.8e9 < vision_params(Fields(tower), 5120) < 0.9e9


def test_tower_with_other_keys_is_left_out() -> None:
    assert vision_params(Fields({}), 64) == 0
    assert vision_params(Fields({"hidden_size": 64, "blocks": 3}), 64) == 0


def test_bad_values_are_named() -> None:
    with pytest.raises(ModelConfigError, match="vision_config.patch_size is 'x'"):
        vision_params(Fields(SIGLIP | {"patch_size": "x"}, "vision_config"), 64)
