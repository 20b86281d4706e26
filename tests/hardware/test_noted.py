"""What a calculation read, and how it is known."""

from __future__ import annotations

from tests.fitted import fitted
from tests.rig import efficiency

from accord.catalog.calibration import Fit
from accord.hardware.noted import known, noting


def test_only_what_was_read_is_noted() -> None:
    watched, noted = noting(efficiency())
    assert watched.get("gemm.compute", "bf16") == efficiency().get("gemm.compute", "bf16")
    watched.fixed("gemm")
    assert noted.read == {"gemm.compute", "launch_s"}


def test_how_a_parameter_is_known() -> None:
    unsure = fitted(
        efficiency(),
        gemm__compute=Fit(log_sd=0.1, n=40, chips=("a", "b")),
        vector__memory=Fit(log_sd=0.5),
    )
    assert known(unsure, "a", "gemm.compute") == "measured on this chip"
    assert known(unsure, "c", "gemm.compute") == "transferred from a, b"
    assert known(unsure, "a", "vector.memory") == "assumed"
    assert known(unsure, "a", "engine.max_num_seqs") == "as stated"
