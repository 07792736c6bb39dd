"""The table of preconditionings: each row against the definition of what its network predicts."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffsr_toolkit.errors import ModelError
from diffsr_toolkit.models import PRECONDITIONINGS, edm, preconditioning_of

levels = st.floats(1e-3, 100)
numbers = st.floats(-3, 3)


def state(kind: str, sigma: float) -> tuple[float, float]:
    """Alpha and the noise's standard deviation of the family's own state."""
    alpha = 1 / (1 + sigma) if kind == "flow_prediction" else (1 + sigma**2) ** -0.5
    return alpha, alpha * sigma


@given(levels, numbers, numbers)
def test_a_network_that_predicts_its_target_gives_the_image(sigma: float, x0: float, noise: float) -> None:
    level, x = torch.tensor(sigma, dtype=torch.float64), x0 + sigma * noise
    for kind, row in PRECONDITIONINGS.items():
        alpha, deviation = state(kind, sigma)
        target = {
            "epsilon": noise,
            "sample": x0,
            "v_prediction": alpha * noise - deviation * x0,
            "flow_prediction": noise - x0,
        }[kind]
        assert float(row.c_in(level)) * x == pytest.approx(alpha * x0 + deviation * noise, abs=1e-9)
        found = float(row.c_skip(level)) * x + float(row.c_out(level)) * target
        assert found == pytest.approx(x0, abs=1e-7 * (1 + sigma))


@given(levels, st.floats(0.1, 2))
def test_edm_keeps_inputs_and_targets_at_unit_variance(sigma: float, data: float) -> None:
    """Karras et al. 2022, appendix B.6: var(c_in x) = 1, and the target (x0 - c_skip x) / c_out has variance 1."""
    row, level = edm(data), torch.tensor(sigma, dtype=torch.float64)
    skip, out, into = (float(part(level)) for part in (row.c_skip, row.c_out, row.c_in))
    assert into**2 * (data**2 + sigma**2) == pytest.approx(1)
    assert ((1 - skip) ** 2 * data**2 + skip**2 * sigma**2) / out**2 == pytest.approx(1)
    assert row.c_noise is not None and float(row.c_noise(level)) == pytest.approx(float(level.log()) / 4)


def test_edm_s_sign_follows_diffusers() -> None:
    level = torch.tensor([0.5])
    minus, plus = (preconditioning_of(kind, 0.5).c_out(level) for kind in ("v_prediction", "epsilon"))
    torch.testing.assert_close(minus, -plus)


@pytest.mark.parametrize("sigma_data", [None, 0.5])
def test_an_unknown_prediction_is_refused_with_the_choices(sigma_data: float | None) -> None:
    with pytest.raises(ModelError, match=r"'score'.*epsilon, sample, v_prediction, flow_prediction"):
        preconditioning_of("score", sigma_data)
