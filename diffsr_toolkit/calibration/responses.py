"""What a model really gives back: its regeneration and denoising curves, measured once on reference photographs.

The Gaussian theory lets an ideal denoiser regenerate a lost band completely. A network does what it learned: it may
sharpen edges (power that agrees with the original), invent texture (power that does not) or hand the blur back.
Both shares, per band of frequency relative to the cut-off and per noise level relative to the image's power there,
are what `theory.model_aware` predicts with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.images import Scale, as_scale, degrade, upsample
from diffsr_toolkit.sampling import Denoiser, image_generator, inject
from diffsr_toolkit.sweeps import Rows
from theory.prf import BANDS, ModelResponse
from theory.spectra import fit_power_law

if TYPE_CHECKING:
    from diffsr_toolkit.pipeline import DiffSR

Array = NDArray[np.float64]

SCALES: tuple[Scale, ...] = (1.5, 2.0, 3.0, 4.0, 6.0)
RATIOS = tuple(4.0**power for power in range(-4, 6))
"""Noise levels to measure at, as ``r_c = snr S(f_c)`` with each photograph's own power at the cut-off."""

LEVELS = tuple(0.01 * 2.0**power for power in range(9))
"""Noise levels of the denoising curve."""


def band_index(shape: tuple[int, int], scale: tuple[float, float]) -> NDArray[np.int64]:
    """Band of every FFT coefficient of an image of this shape, by ``nu = f / f_c``; -1 is DC.

    With unequal scales nu is ``hypot(2 s_y f_y, 2 s_x f_x)``.
    """
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None]
    nu = np.hypot(2 * scale[0] * fy, 2 * scale[1] * fx)
    index = np.digitize(nu, BANDS) - 1
    index[0, 0] = -1
    return index


def band_products(a: Tensor, b: Tensor, index: NDArray[np.int64]) -> Array:
    """Real cross-spectrum of two images ``(C, H, W)``, summed over each band; power where a is b.

    A Hann window keeps the borders from leaking into the high bands.
    """
    fa, fb = _spectrum(a), _spectrum(b)
    product = np.real(fa * np.conj(fb)).mean(axis=0)
    inside = index >= 0
    total = np.bincount(index[inside], weights=product[inside], minlength=len(BANDS) - 1)
    return np.asarray(total[: len(BANDS) - 1], dtype=np.float64)


def _spectrum(image: Tensor) -> NDArray[np.complex128]:
    x = np.asarray(image, dtype=np.float64)
    window = np.outer(*(np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in x.shape[-2:]))
    x = x - (x * window).sum(axis=(-2, -1), keepdims=True) / window.sum()
    return np.fft.fft2(x * window) / np.sqrt((window**2).sum())


def regeneration(
    sr: DiffSR,
    hr: Tensor,
    scales: Sequence[Scale] = SCALES,
    ratios: Sequence[float] = RATIOS,
    **sampler: Any,
) -> Rows:
    """Restore one photograph over scales and noise levels and measure each band against the original.

    Parameters
    ----------
    sr : DiffSR
    hr : Tensor
        ``(C, H, W)`` in [-1, 1].
    scales : sequence of float or (sy, sx)
    ratios : sequence of float
        Noise levels ``r_c = snr S(f_c)``; those outside the schedule are left out.
    **sampler
        Settings of ``DiffSR.restore``.

    Returns
    -------
    list of dict
        One row a scale, noise level and band: ``gain`` and ``power`` of the restoration relative to the original's
        power, and ``lr_up_power`` of the upsampled image.
    """
    rows = []
    low, high = (float(sr.schedule.snr(t)) for t in (sr.schedule.t_max, sr.schedule.t_min))
    # Some denoisers know less noise than the schedule has.
    low = max(low, getattr(sr.denoiser, "sigma_max", np.inf) ** -2)
    law = fit_power_law(hr.numpy())
    size = (hr.shape[-2], hr.shape[-1])
    for scale in scales:
        factors = as_scale(scale)
        cutoff = float(np.mean(law(0.5 / np.array(factors))))
        lr = degrade(hr, factors)
        lr_up = upsample(lr, size)
        index = band_index(size, factors)
        original, blurred = band_products(hr, hr, index), band_products(lr_up, lr_up, index)
        for ratio in ratios:
            if not low < ratio / cutoff < high:
                continue
            restored, _ = sr.restore(lr, size, float(sr.schedule.t_of_snr(ratio / cutoff)), **sampler)
            power, cross = band_products(restored, restored, index), band_products(restored, hr, index)
            rows += [
                {
                    "scale": float(np.sqrt(np.prod(factors))),
                    "ratio": ratio,
                    "band": int(band),
                    "gain": float(cross[band] / original[band]),
                    "power": float(power[band] / original[band]),
                    "lr_up_power": float(blurred[band] / original[band]),
                }
                for band in np.flatnonzero(original > 0)
            ]
    return rows


def response_of(
    photographs: Sequence[Rows], model: str = "", sampler: Mapping[str, Any] | None = None
) -> ModelResponse:
    """Average the rows of several photographs into what the theory takes.

    Not every photograph reaches every noise level, and photographs differ more than levels do, so plain means would
    compare different photographs. Each is therefore the sum of its own level and of an effect of the noise that all
    share, fitted by least squares. The noise moves the gain alike at all scales (`ModelResponse.spread`), so that
    effect is shared by the scales too.

    Parameters
    ----------
    photographs : sequence of list of dict
        What `regeneration` gave for each.
    model : str
    sampler : mapping, optional
        Settings that were measured.

    Raises
    ------
    ToolkitError
        When nothing was measured.
    """
    rows = [(number, row) for number, rows in enumerate(photographs) for row in rows]
    if not rows:
        raise ToolkitError(
            "0 restorations were measured: give photographs and noise levels within the schedule"
        )
    scales = sorted({row["scale"] for _, row in rows})
    ratios = sorted({row["ratio"] for _, row in rows})
    shape = (len(photographs), len(scales), len(ratios), len(BANDS) - 1)
    values = {key: np.full(shape, np.nan) for key in ("gain", "incoherent", "lr_up_power")}
    for number, row in rows:
        place = number, scales.index(row["scale"]), ratios.index(row["ratio"]), row["band"]
        values["gain"][place] = row["gain"]
        values["incoherent"][place] = max(row["power"] - row["gain"] ** 2, 0.0)
        values["lr_up_power"][place] = row["lr_up_power"]
    gain = np.stack([_levels(values["gain"][..., band]) for band in range(shape[-1])], axis=-1)
    separate = [
        [_levels(values["incoherent"][:, k : k + 1, :, band]) for band in range(shape[-1])]
        for k in range(len(scales))
    ]
    incoherent = np.stack([np.stack([plane[0] for plane in planes], axis=-1) for planes in separate])
    with np.errstate(invalid="ignore"):
        power = gain**2 + np.maximum(incoherent, 0)
    lr_up = _mean(_mean(values["lr_up_power"], axis=2), axis=0)
    return ModelResponse(
        np.array(scales),
        np.array(ratios),
        gain,
        power,
        lr_up,
        _spread(values["gain"]),
        model,
        dict(sampler or {}),
    )


def _mean(values: Array, axis: int) -> Array:
    """Mean of what is not nan; nan where nothing is."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=axis)
    count = known.sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _levels(values: Array, rounds: int = 100) -> Array:
    """Mean over photographs of shape (k, n), from (photographs, k, n) with gaps, by a two-way additive fit."""
    own = _mean(values, axis=2)
    effect = np.zeros(values.shape[2])
    for _ in range(rounds):
        shared = _mean((values - own[:, :, None]).reshape(-1, values.shape[2]), axis=0)
        effect = np.where(np.isnan(shared), np.nan, shared)
        own = _mean(values - effect, axis=2)
    # A scale that fewer photographs reach at all keeps only those.
    return np.asarray(_mean(own, axis=0)[:, None] + effect)


def _spread(gain: Array) -> float:
    """Standard deviation between scales of the noise's effect on the gain of the missing bands."""
    missing = gain[..., BANDS[:-1] >= 1]
    effects = []
    for k in range(missing.shape[1]):
        planes = [_levels(missing[:, k : k + 1, :, band])[0] for band in range(missing.shape[-1])]
        effects.append(np.stack(planes, axis=-1))
    table = np.stack(effects)
    common = np.isfinite(table).all(axis=0)
    if len(table) < 2 or not common.any():
        return 0.0
    # Against the noise level with most data, so that levels of different scales do not count.
    row = int(np.argmax(common.sum(axis=1)))
    change = (table - table[:, row : row + 1])[:, common]
    return float(change.std(axis=0).mean())


def stored_responses(folder: Path) -> tuple[ModelResponse, ...]:
    """Responses kept beside a model's weights in ``response.json``; none where there is no such file."""
    path = folder / "response.json"
    if not path.exists():
        return ()
    stored = json.loads(path.read_text())
    return tuple(ModelResponse.from_dict(response) for response in stored["samplers"])


def find_response(
    responses: Sequence[ModelResponse], samples: int = 1, consistency: bool = True
) -> ModelResponse | None:
    """The response that was measured with these settings: one restoration or a mean of several, consistent or not."""
    for response in responses:
        sampler = response.sampler
        if (sampler["samples"] > 1) == (samples > 1) and sampler["consistency"] == consistency:
            return response
    return None


def matching_response(
    responses: Sequence[ModelResponse], samples: int = 1, consistency: bool = True
) -> ModelResponse:
    """As `find_response`.

    Raises
    ------
    ToolkitError
        When there is none.
    """
    found = find_response(responses, samples, consistency)
    if found is None:
        raise ToolkitError(
            f"{len(responses)} responses of this model are known, none with samples={samples}, "
            f"consistency={consistency}: measure one (python -m diffsr_toolkit.calibration.respond), or choose the level "
            "'spectral'"
        )
    return found


def denoising(denoiser: Denoiser, hr: Tensor, levels: Sequence[float] = LEVELS, seed: int = 0) -> Rows:
    """The denoising curve of one photograph, beside the linear estimator's.

    Parameters
    ----------
    denoiser : callable
        ``D(x, sigma) -> x0``.
    hr : Tensor
        ``(C, H, W)`` in [-1, 1].
    levels : sequence of float
        Noise levels sigma.

    Returns
    -------
    list of dict
        One row a noise level and octave of frequency: ``ratio`` ``r = S_f / sigma^2``, and ``efficiency``, the
        squared error over the linear (Wiener) one, ``S_f / (1 + r)``: below 1 the network knows more than the
        spectrum does.
    """
    rows = []
    index = band_index((hr.shape[-2], hr.shape[-1]), (1.0, 1.0))
    counts = np.bincount(index[index >= 0], minlength=len(BANDS) - 1)
    psd = band_products(hr, hr, index) / np.maximum(counts[: len(BANDS) - 1], 1)
    for sigma in levels:
        noised = inject(hr[None], sigma, [image_generator(seed, hr)])
        error = denoiser(noised, torch.full((1,), sigma))[0].cpu() - hr
        squared = band_products(error, error, index) / np.maximum(counts[: len(BANDS) - 1], 1)
        for band in np.flatnonzero(psd > 0):
            ratio = psd[band] / sigma**2
            rows.append(
                {
                    "sigma": sigma,
                    "band": int(band),
                    "ratio": float(ratio),
                    "efficiency": float(squared[band] * (1 + ratio) / psd[band]),
                }
            )
    return rows
