"""Resampling: PIL's weights, and a transfer function that says what those weights do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.integrate import quad

from theory.degradation import (
    BICUBIC,
    Degradation,
    added_psd,
    channel,
    cubic_weights,
    down_transfer,
    lr_psd,
    transfer,
)
from theory.degradation.kernel import keys_kernel, keys_transform
from theory.errors import ScaleError, SpectrumError, ToolkitError
from theory.scale import as_scale
from theory.spectra import PowerLaw


@pytest.mark.parametrize("nu", [0.0, 1e-4, 0.013, 0.3, 0.5, 0.9, 1.0, 1.7, 2.4])
def test_transform_is_the_kernels(nu):
    expected = 2 * quad(lambda x: keys_kernel(x) * np.cos(2 * np.pi * nu * x), 0, 2, points=[1])[0]
    assert float(keys_transform(nu)) == pytest.approx(expected, abs=1e-10)


@settings(deadline=None, max_examples=100)
@given(n_in=st.integers(1, 70), n_out=st.integers(1, 70))
def test_weights_are_pils(n_in, n_out):
    row = np.random.default_rng(n_in * 71 + n_out).uniform(-1, 1, n_in).astype(np.float32)
    theirs = np.asarray(Image.fromarray(row[None]).resize((n_out, 1), Image.Resampling.BICUBIC))[0]
    weights = cubic_weights(n_in, n_out)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(weights @ row, theirs, atol=2e-6)


@pytest.mark.parametrize(("n", "m"), [(240, 120), (240, 60), (243, 90), (250, 160), (240, 37)])
def test_transfer_is_what_the_weights_do_to_a_wave(n, m):
    matrix = cubic_weights(m, n) @ cubic_weights(n, m)
    x, inner = np.arange(n), slice(n // 4, 3 * n // 4)
    f = np.linspace(0, 0.5, 26)[:-1]
    wave = np.exp(2j * np.pi * np.outer(x, f))
    measured = np.mean((matrix @ wave)[inner] / wave[inner], axis=0).real
    np.testing.assert_allclose(transfer(0.0, f, n / m), measured, atol=0.025)


def test_transfer_of_a_downsampling_alone():
    # A long wave keeps its amplitude, the cut-off itself about half.
    assert float(down_transfer(0.0, 3.0)) == 1
    assert float(down_transfer(0.5 / 3, 3.0)) == pytest.approx(0.4928, abs=1e-4)
    assert float(transfer(0.5 / 3, 0.0, 3.0)) == pytest.approx(0.4928**2, abs=1e-4)


@pytest.mark.parametrize("scale", [2, 3, (2, 4)])
def test_added_power_is_what_folding_and_noise_bring(make_field, scale):
    sy, sx = as_scale(scale)
    shape, rng = (96, 96), np.random.default_rng(0)
    law = PowerLaw(1e-3, 1.0)
    degradation = Degradation(noise_std=0.05)
    down_y, down_x = cubic_weights(96, int(96 / sy)), cubic_weights(96, int(96 / sx))
    up_y, up_x = cubic_weights(int(96 / sy), 96), cubic_weights(int(96 / sx), 96)
    power = np.zeros(shape)
    for _ in range(200):
        lr = down_y @ make_field(law, shape, rng) @ down_x.T
        lr_up = up_y @ (lr + 0.05 * rng.standard_normal(lr.shape)) @ up_x.T
        power += np.abs(np.fft.fft2(lr_up)) ** 2 / lr_up.size / 200
    fy, fx = np.fft.fftfreq(96)[:, None], np.fft.fftfreq(96)[None, :]
    gain = transfer(fy, fx, scale, degradation)
    expected = gain**2 * law(np.maximum(np.hypot(fy, fx), 1e-3)) + added_psd(fy, fx, scale, law, degradation)
    # Averages over blocks of the surviving band: single frequencies carry 7 % of sampling error.
    for low, high in ((4, 8), (8, 12), (12, 20)):
        rows, columns = (
            slice(int(low * 2 / sy), int(high * 2 / sy)),
            slice(int(low * 2 / sx), int(high * 2 / sx)),
        )
        assert power[rows, columns].mean() == pytest.approx(expected[rows, columns].mean(), rel=0.1)


def test_scale_one_is_the_identity():
    f = np.linspace(-0.5, 0.5, 11)
    law = PowerLaw(1.0, 2.0)
    np.testing.assert_array_equal(transfer(f, f[:, None], 1.0), 1)
    np.testing.assert_array_equal(added_psd(f, f[:, None], 1.0, law), 0)


def test_blur_is_a_gaussian_low_pass():
    f = np.linspace(0, 0.5, 6)
    expected = np.exp(-2 * (np.pi * 1.5 * f) ** 2)
    np.testing.assert_allclose(transfer(f, 0.0, 1.0, Degradation(blur_sigma=1.5)), expected)


def test_bad_lengths_and_degradations_are_refused():
    with pytest.raises(ScaleError, match="0 to 5"):
        cubic_weights(0, 5)
    with pytest.raises(ToolkitError, match="blur_sigma=-1"):
        Degradation(blur_sigma=-1)


@pytest.mark.parametrize("quality", [0, 101, 50.0, True, "50"])
def test_bad_qualities_are_refused(quality):
    with pytest.raises(ToolkitError, match="jpeg_quality from 1 to 100"):
        Degradation(jpeg_quality=quality)


def test_a_degradation_says_what_it_is():
    assert str(BICUBIC) == "bicubic"
    assert str(Degradation(1.5, 0.05, 40)) == "blur of 1.5 HR pixels, noise of 0.05, JPEG quality 40"


def test_compression_needs_the_spectrum():
    with pytest.raises(SpectrumError, match="JPEG quality 40 depends on the image"):
        transfer(0.0, 0.1, 2.0, Degradation(jpeg_quality=40))


FY, FX = np.meshgrid(np.linspace(-0.5, 0.5, 13), np.linspace(0, 0.5, 9), indexing="ij")
LAW = PowerLaw(5e-4, 2.5)


@settings(deadline=None, max_examples=40)
@given(scale=st.floats(1, 6), blur=st.floats(0, 3), noise=st.floats(0, 0.2))
def test_without_compression_the_channel_is_the_kernels(scale, blur, noise):
    degradation = Degradation(blur, noise)
    gain, added = channel(FY, FX, scale, LAW, degradation)
    kernel = down_transfer(FY, scale) ** 2 * down_transfer(FX, scale) ** 2
    np.testing.assert_array_equal(gain, transfer(FY, FX, scale, degradation))
    np.testing.assert_allclose(gain, kernel * np.exp(-2 * (np.pi * blur) ** 2 * (FY**2 + FX**2)), rtol=1e-12)
    np.testing.assert_array_equal(added, added_psd(FY, FX, scale, LAW, degradation))
    noiseless = added_psd(FY, FX, scale, LAW, Degradation(blur))
    np.testing.assert_allclose(added - noiseless, kernel * (scale * noise) ** 2, atol=1e-12 * added.max())


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1, 6), noise=st.floats(0, 0.1), quality=st.integers(2, 100))
def test_compression_takes_and_never_gives_signal(scale, noise, quality):
    gain, _ = channel(FY, FX, scale, LAW, Degradation(noise_std=noise))
    kept, added = channel(FY, FX, scale, LAW, Degradation(noise_std=noise, jpeg_quality=quality))
    worse, _ = channel(FY, FX, scale, LAW, Degradation(noise_std=noise, jpeg_quality=quality // 2))
    assert np.all(np.abs(kept) <= np.abs(gain) * 1.001 + 1e-12)
    assert np.all(np.abs(worse) <= np.abs(kept) + 1e-6)
    assert np.all(added >= 0)
    np.testing.assert_array_equal(
        transfer(FY, FX, scale, Degradation(noise_std=noise, jpeg_quality=quality), LAW), kept
    )


@pytest.mark.parametrize("scale", [1.0, 2.0, (2.0, 4.0)])
def test_spectrum_of_the_lr_image_is_that_of_real_ones(make_field, scale):
    sy, sx = as_scale(scale)
    rng, law = np.random.default_rng(4), PowerLaw(1e-3, 1.0)
    h, w = int(96 / sy), int(96 / sx)
    down_y, down_x, power = cubic_weights(96, h), cubic_weights(96, w), np.zeros((h, w))
    for _ in range(200):
        lr = down_y @ make_field(law, (96, 96), rng) @ down_x.T + 0.03 * rng.standard_normal((h, w))
        power += np.abs(np.fft.fft2(lr)) ** 2 / lr.size / 200
    fy, fx = np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None, :]
    expected = lr_psd(fy, fx, scale, law, Degradation(noise_std=0.03))
    blocks = [(slice(2, h // 4), slice(2, w // 4)), (slice(h // 4, h // 2), slice(w // 4, w // 2))]
    for block in blocks:
        assert power[block].mean() == pytest.approx(expected[block].mean(), rel=0.08)
