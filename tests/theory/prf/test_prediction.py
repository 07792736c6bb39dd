"""A prediction needs no more of its predictor than it says."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from theory.prf import Prediction
from theory.scale import ScalePair
from theory.schedules import NoiseSchedule


@dataclass(frozen=True)
class Fixed:
    """A predictor with a critical scale and no curves."""

    schedule: NoiseSchedule
    critical_scale: float

    def realism_deficit(self, t, scale):
        return 0.0 * t

    signature_loss = predicted_psnr = realism_deficit


OPEN = Prediction(
    t_low=40.0, t_opt=60.0, t_high=90.0, snr_low=9.0, snr_opt=5.0, snr_high=2.0, t_opt_interval=(60.0, 60.0),
    scale=ScalePair(2.0, 4.0), level="closed_form", metric="balance", prf=Fixed(NoiseSchedule.linear(), 6.5),
)  # fmt: skip


def test_it_speaks_for_any_predictor():
    assert OPEN.is_open and OPEN.critical_scale == 6.5 and OPEN.cutoff == 1 / 8
    assert OPEN.explanation.startswith("Frequencies above 0.12 cycles/pixel are missing at x2 by x4")
    assert "open from t = 40 to 90 (the field closes at x6.5)" in OPEN.explanation


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"t_opt": 30.0}, "prefers fidelity"),
        ({"t_opt": 95.0}, "prefers realism"),
        ({"t_low": 91.0}, "the field is empty, since missing detail needs t >= 91 and the signature t <= 90"),
        (
            {"t_low": 91.0, "level": "model_aware"},
            "no noise level lets this model better the upsampled image",
        ),
        ({"scale": ScalePair(1.0, 1.0), "t_opt": 0.0}, "At x1 nothing is missing"),
        ({"clipped": ("t_low", "t_opt")}, r"t_low and t_opt clipped to the schedule's range [0, 999]"),
        ({"t_opt_interval": (50.0, 70.0)}, "(68 % from 50 to 70)"),
        ({"note": "It is blurred."}, ". It is blurred."),
    ],
)
def test_the_explanation_says_it(changes, said):
    assert said in replace(OPEN, **changes).explanation
