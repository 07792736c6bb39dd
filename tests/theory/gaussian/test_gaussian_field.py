"""The solvable model: its totals by hand, its alias groups against dense matrices, both against the limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.degradation import cubic_weights
from theory.errors import ScaleError, SpectrumError, ToolkitError
from theory.gaussian import (
    GaussianModel,
    LinearModel,
    alias_model,
    circular_weights,
    ideal_low_pass,
    radial_array,
    run_chain,
)
from theory.gaussian.alias_groups import AliasGroups
from theory.spectra import PowerLaw

SHAPE = (12, 10)
SIGMAS = np.array([0.6, 0.3, 0.1, 0.0])


def knee(f):
    return 2e-3 * (f**2 + 0.1**2) ** -1.2


def unitary(n):
    return np.fft.fft(np.eye(n), norm="ortho")


def dense(psd, lr_shape, **options):
    """The same periodic model as one matrix over pixels."""
    transform = np.kron(unitary(psd.shape[0]), unitary(psd.shape[1]))
    covariance = (transform.conj().T * psd.ravel()) @ transform
    sides = list(zip(psd.shape, lr_shape, strict=True))
    down = np.kron(*(circular_weights(high, low) for high, low in sides))
    up = np.kron(*(circular_weights(low, high) for high, low in sides))
    return LinearModel(covariance.real, down, up, **options)


def spectrum_of(covariance, shape):
    transform = np.kron(unitary(shape[0]), unitary(shape[1]))
    return np.real(np.einsum("ij,jk,ik->i", transform, covariance, transform.conj())).reshape(shape)


def coefficient_frechet(restoration):
    """Mean squared Frechet distance of the coefficients' own laws."""
    original = np.real(np.diagonal(restoration.model.covariance, axis1=-2, axis2=-1))
    return float(((np.sqrt(original) - np.sqrt(restoration.output_power)) ** 2).mean())


def test_ideal_low_pass_by_hand():
    psd = radial_array(knee, SHAPE)
    kept = ideal_low_pass(SHAPE, (2, 2.5))
    model = GaussianModel(psd, kept, np.zeros(SHAPE), SIGMAS, 0.4)
    chain = run_chain(SIGMAS, psd, 0.4)
    noise = chain.gain**2 * 0.36 + chain.variance
    lost = kept == 0
    np.testing.assert_allclose(model.output_power[lost], noise[lost])
    expected = np.where(lost, psd + noise, (1 - chain.gain) ** 2 * psd + noise).mean()
    assert model.mse == pytest.approx(expected)
    assert model.psnr == pytest.approx(10 * np.log10(4 / expected))
    assert model.frechet == pytest.approx(((np.sqrt(psd) - np.sqrt(model.output_power)) ** 2).mean())
    assert model.regenerated_share == pytest.approx(noise[lost].sum() / psd[lost].sum())
    np.testing.assert_allclose(model.gain, chain.gain * kept)
    np.testing.assert_allclose(model.variance, noise)
    inherited = np.sqrt(chain.gain**2 * psd / (chain.gain**2 * psd + noise))[~lost]
    loss = 1 - (psd[~lost] * inherited).sum() / psd[~lost].sum()
    assert model.signature_loss == pytest.approx(loss)


@pytest.mark.parametrize("lr_shape", [(6, 5), (4, 5), (6, 10), (8, 4), (7, 10)])
@pytest.mark.parametrize("iterations", [0, 2])
def test_alias_groups_are_the_dense_model(lr_shape, iterations):
    psd = radial_array(knee, SHAPE)
    blur = np.exp(-8 * np.hypot(np.fft.fftfreq(SHAPE[0])[:, None], np.fft.fftfreq(SHAPE[1])[None]) ** 2)
    model, groups = alias_model(psd, lr_shape, blur, 0.05)
    whole = dense(psd, lr_shape)
    transform = np.kron(unitary(SHAPE[0]), unitary(SHAPE[1]))
    blurring = np.real((transform.conj().T * blur.ravel()) @ transform)
    whole = LinearModel(whole.covariance, whole.down @ blurring, whole.up, 0.05, whole.down)
    few = model.restore(SIGMAS, 0.7, iterations, samples=3)
    all_ = whole.restore(SIGMAS, 0.7, iterations, samples=3)
    assert few.mse == pytest.approx(all_.mse, rel=1e-9)
    assert few.frechet == pytest.approx(all_.frechet, rel=1e-6)
    np.testing.assert_allclose(
        groups.scatter(few.output_power), spectrum_of(all_.covariance, SHAPE), rtol=1e-8
    )


@pytest.mark.parametrize("iterations", [0, 2])
@pytest.mark.parametrize("eta", [0.0, 0.7])
def test_paths_add_up_to_the_moments(iterations, eta):
    # As for the chain: unit inputs give every matrix of the sum.
    model = dense(radial_array(knee, (7, 6)), (4, 5))
    moments = model.restore(SIGMAS, eta, iterations)
    m, low, steps = model.up.shape[-2], model.up.shape[-1], len(SIGMAS) - 1
    one, nothing = np.eye(m), [np.zeros((m, m))] * steps
    from_state = model.follow(SIGMAS, eta, iterations, np.zeros((m, low)), one, nothing).T
    np.testing.assert_allclose(from_state, moments.state_gain, atol=1e-12)
    units = np.eye(low)
    from_lr = model.follow(SIGMAS, eta, iterations, units, units @ model.up.T, [np.zeros((low, m))] * steps).T
    np.testing.assert_allclose(from_lr, moments.from_lr, atol=1e-12)
    fresh = np.zeros((m, m))
    for drawn in range(steps):
        noises = [one * (step == drawn) for step in range(steps)]
        share = model.follow(SIGMAS, eta, iterations, np.zeros((m, low)), np.zeros((m, m)), noises).T
        fresh += share @ share.T
    np.testing.assert_allclose(fresh, moments.fresh, atol=1e-12)


@settings(deadline=None, max_examples=15)
@given(scale=st.floats(1.1, 4.0), eta=st.floats(0, 1), exponent=st.floats(1.5, 3.5))
def test_without_folding_the_groups_are_the_scalar_chain(scale, eta, exponent):
    law = PowerLaw(1e-3, exponent)
    psd = radial_array(law, SHAPE)
    kept = ideal_low_pass(SHAPE, scale)
    scalar = GaussianModel(psd, kept, np.zeros(SHAPE), SIGMAS, eta)
    one = np.eye(1)
    shape = (*SHAPE, 1, 1)
    linear = LinearModel(psd.reshape(shape), kept.reshape(shape), one + np.zeros(shape))
    result = linear.restore(SIGMAS, eta)
    np.testing.assert_allclose(result.output_power[..., 0], scalar.output_power, rtol=1e-9)
    assert result.mse == pytest.approx(scalar.mse)
    assert result.psnr == pytest.approx(scalar.psnr)
    assert result.frechet == pytest.approx(scalar.frechet, rel=1e-6)
    assert coefficient_frechet(result) == pytest.approx(scalar.frechet, rel=1e-6)


@pytest.mark.parametrize(("lr_side", "rel"), [(32, 2e-3), (24, 1e-3), (16, 1e-3)])
def test_the_transfer_function_agrees_with_true_aliasing(lr_side, rel):
    # The transfer function averages the phases of the two grids and stops after two folds.
    exact = alias_model(radial_array(knee, (64, 64)), (lr_side, lr_side))[0].restore(SIGMAS)
    model = GaussianModel.of(knee, (64, 64), 64 / lr_side, SIGMAS)
    assert model.mse == pytest.approx(exact.mse, rel=rel)
    assert model.frechet == pytest.approx(coefficient_frechet(exact), rel=0.02)


def test_frechet_of_the_whole_sees_correlations():
    result = alias_model(radial_array(knee, SHAPE), (6, 5))[0].restore(SIGMAS, 0.0, iterations=2)
    assert result.frechet > coefficient_frechet(result) > 0


def test_back_projection_keeps_what_the_lr_image_knows():
    psd = radial_array(knee, SHAPE)
    model, _ = alias_model(psd, (6, 5))
    error = {}
    for iterations in (0, 2, 200):
        result = model.restore(SIGMAS, 0.0, iterations)
        kept = model.down @ result.gain - model.down
        missed = kept @ model.covariance @ np.conj(np.swapaxes(kept, -1, -2))
        error[iterations] = float(np.real(np.trace(missed, axis1=-2, axis2=-1)).sum())
    assert error[200] < 1e-6 * error[2] < 1e-6 * error[0]


def test_averages_of_many_draws_lose_their_noise():
    model, _ = alias_model(radial_array(knee, SHAPE), (6, 5))
    single, many = model.restore(SIGMAS, 1.0), model.restore(SIGMAS, 1.0, samples=1000)
    np.testing.assert_allclose(many.noise, single.fresh / 1000, atol=1e-12)
    assert many.mse < single.mse


@pytest.mark.parametrize(("n_in", "n_out"), [(24, 12), (12, 24), (24, 9), (9, 24)])
def test_circular_weights(n_in, n_out):
    weights = circular_weights(n_in, n_out)
    np.testing.assert_allclose(weights.sum(1), 1)
    shift = np.gcd(n_in, n_out)
    rolled = np.roll(weights, (n_out // shift, n_in // shift), axis=(0, 1))
    np.testing.assert_allclose(rolled, weights, atol=1e-12)
    middle = n_out // 2
    np.testing.assert_allclose(weights[middle], cubic_weights(n_in, n_out)[middle], atol=1e-12)


def test_groups_come_back_to_the_grid():
    groups = AliasGroups((24, 20), (16, 5))
    assert groups.counts == (8, 5)
    grid = np.arange(480.0).reshape(24, 20)
    np.testing.assert_array_equal(groups.scatter(groups.gather(grid)), grid)
    # A group's frequencies differ by multiples of the number of groups.
    y, x = np.divmod(groups.gather(grid)[3, 2], 20)
    assert set(y % 8) == {3} and set(x % 5) == {2}


def test_what_is_no_model_is_refused():
    psd = radial_array(knee, SHAPE)
    with pytest.raises(SpectrumError, match="shapes"):
        GaussianModel(psd, psd[:3], psd, SIGMAS)
    with pytest.raises(SpectrumError, match="added must be finite"):
        GaussianModel(psd, psd, -psd, SIGMAS)
    with pytest.raises(SpectrumError, match="2-D array of finite"):
        alias_model(np.full(SHAPE, np.inf), (6, 5))
    with pytest.raises(ScaleError, match="each LR side"):
        AliasGroups((8, 8), (9, 4))
    with pytest.raises(ScaleError, match="outgrows"):
        circular_weights(24, 3)
    with pytest.raises(ToolkitError, match="iterations = -1"):
        alias_model(psd, (6, 5))[0].restore(SIGMAS, iterations=-1)
    whole = GaussianModel(psd, np.ones(SHAPE), np.zeros(SHAPE), SIGMAS)
    with pytest.raises(ToolkitError, match="No frequency is missing"):
        _ = whole.regenerated_share
