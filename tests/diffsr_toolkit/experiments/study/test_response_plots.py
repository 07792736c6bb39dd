"""The figures of responses and charges show what they are given, and nothing covers anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.experiments.study import Well, plot_denoising, plot_response, plot_sensitivity, plot_wells
from diffsr_toolkit.models import reference_card
from diffsr_toolkit.prediction import sensitivity
from diffsr_toolkit.settings import SamplingSettings
from helpers.figures import legend_is_clear
from theory.prf import BANDS, ModelResponse


@pytest.fixture(scope="module")
def response():
    k, n, m = 3, 6, len(BANDS) - 1
    gain = np.linspace(1, 0, m) * np.ones((k, n, 1)) + 0.01 * np.arange(k)[:, None, None]
    gain[0, 0, -2:] = np.nan
    power = gain**2 + 0.1
    sampler = SamplingSettings(consistency=False).protocol()
    return ModelResponse(
        np.array([1.5, 2, 4]), 4.0 ** np.arange(-2, 4), gain, power, power[:, 0] / 2, 0.0, "toy", sampler
    )


def test_response_has_a_thin_line_a_scale_and_their_mean(response):
    figure = plot_response(response)
    gain, power = figure.axes
    assert (gain.get_ylabel(), power.get_ylabel()) == ("gain K", "power P")
    curves = [line for line in gain.lines if len(line.get_xdata()) == len(BANDS) - 1]
    assert len(curves) == 4 * (3 + 1)
    thick = [line for line in curves if line.get_linewidth() == 2]
    np.testing.assert_allclose(thick[-1].get_ydata(), response.gain[:, -1].mean(axis=0))
    # A band that one scale lacks is the mean of the others.
    np.testing.assert_allclose(thick[0].get_ydata()[-1], response.gain[1:, 0, -1].mean())
    dashed = [line for line in power.lines if line.get_linestyle() == "--" and line.get_linewidth() == 2]
    np.testing.assert_allclose(dashed[0].get_ydata()[:-2], response.lr_up_power[:, :-2].mean(axis=0))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[0] == "$r_c$ = 0.062" and labels[-2:] == ["$r_c$ = 64", "upsampled image"]
    assert figure._suptitle.get_text() == "toy, 1 x 10 steps, eta 0, plain Diff-SR"
    assert legend_is_clear(figure)


def test_sensitivities_are_drawn_against_their_largest():
    metrics = ("feature_distance", "ssim", "psnr_rgb")
    law = reference_card().spectrum
    figure = plot_sensitivity([sensitivity(name, 1.0) for name in metrics], law)
    curves = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    assert [line.get_label() for line in curves] == ["feature distance", "SSIM", "PSNR (RGB)"]
    assert all(np.max(line.get_ydata()) == pytest.approx(1) for line in curves)
    stored = sensitivity("ssim", 1.0).octave
    np.testing.assert_allclose(curves[1].get_ydata(), stored / stored.max(), atol=1e-12)
    # PSNR charges the power of an octave: f^2 S(f).
    f = np.asarray(curves[2].get_xdata())
    power = f**2 * law(f)
    np.testing.assert_allclose(curves[2].get_ydata(), power / power.max())
    assert legend_is_clear(figure)
    with pytest.raises(ToolkitError, match="0 sensitivities"):
        plot_sensitivity([], law)


def test_wells_mark_their_best_and_width():
    t = np.geomspace(1, 500, 300)
    group = [Well((s, s), t, 0.8 + 0.05 * np.log(t / (10 * s)) ** 2) for s in (2.0, 4.0)]
    figure = plot_wells({"one": group, "two": group[:1]})
    left, right = figure.axes
    assert (left.get_title(), right.get_title()) == ("one", "two")
    marks = [line.get_xdata()[0] for line in left.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(marks, [20, 40], rtol=0.03)
    wide = [np.asarray(line.get_xdata()) for line in left.lines if line.get_linewidth() == 4]
    assert [(x[0], x[-1]) for x in wide] == [well.width for well in group]
    assert legend_is_clear(figure)
    for nothing in ({}, {"one": []}):
        with pytest.raises(ToolkitError, match="0 wells"):
            plot_wells(nothing)


def test_denoising_curve_beside_the_wiener_line():
    def card(**denoising):
        return replace(reference_card(), name="toy", denoising=denoising)

    (ax,) = plot_denoising(card(ratios=[0.01, 1, 100], efficiency=[1.5, 0.4, 0.8])).axes
    curve, wiener = ax.lines
    np.testing.assert_allclose(curve.get_data(), ([0.01, 1, 100], [1.5, 0.4, 0.8]))
    assert set(np.asarray(wiener.get_ydata())) == {1}
    for absent in (card(), card(ratios=[], efficiency=[]), card(ratios=[1, 2], efficiency=[1])):
        with pytest.raises(
            ToolkitError, match="'toy' holds no denoising curve: measure it with diffsr calibrate"
        ):
            plot_denoising(absent)
