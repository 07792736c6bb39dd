"""The predicted field as a figure."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from diffsr_toolkit.plots import plot_field
from helpers.figures import line_labelled
from theory.prf import PRF
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

SCHEDULE = NoiseSchedule.linear()


def test_field_is_shaded_and_the_optimum_marked():
    prf = PRF(SCHEDULE, PowerLaw(2e-4, 2.6))
    prediction = prf.predict(3.0)
    ax = Figure().subplots()
    plot_field(ax, SCHEDULE, prf, prediction)
    (band,) = ax.patches
    left, right = band.get_x(), band.get_x() + band.get_width()
    assert (left, right) == pytest.approx((prediction.t_low, prediction.t_high))
    assert line_labelled(ax, "predicted optimum").get_xdata()[0] == prediction.t_opt
    snr = line_labelled(ax, "SNR of the schedule")
    np.testing.assert_allclose(snr.get_ydata(), SCHEDULE.snr(snr.get_xdata()))
    assert ax.get_yscale() == "log"
    (twin,) = [other for other in ax.figure.axes if other is not ax]
    curves = {line.get_label(): line for line in twin.lines}
    t = curves["realism deficit"].get_xdata()
    np.testing.assert_allclose(curves["realism deficit"].get_ydata(), prf.realism_deficit(t, 3.0))
    np.testing.assert_allclose(curves["signature loss"].get_ydata(), prf.signature_loss(t, 3.0))


def test_an_empty_field_is_said_and_not_shaded():
    prf = PRF(SCHEDULE, PowerLaw(2e-4, 2.6), eps_realism=0.01, eps_signature=0.01)
    prediction = prf.predict(16.0)
    assert not prediction.is_open
    ax = Figure().subplots()
    plot_field(ax, SCHEDULE, None, prediction)
    assert not ax.patches
    assert "field empty" in ax.get_title()
    assert "recoverable field" not in ax.get_legend_handles_labels()[1]


@pytest.mark.parametrize(
    "schedule",
    [NoiseSchedule.flow_matching(), NoiseSchedule.karras(), NoiseSchedule.cosine()],
    ids=lambda s: s.name,
)
def test_field_draws_on_every_schedule(schedule):
    figure = Figure()
    prf = PRF(schedule, PowerLaw(2e-4, 2.6))
    plot_field(figure.subplots(), schedule, prf, prf.predict(4.0))
    figure.canvas.draw()
