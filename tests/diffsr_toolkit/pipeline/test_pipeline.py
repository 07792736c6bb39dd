"""``DiffSR``: every kind of input, every size, and exact numbers."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from diffsr_toolkit import DiffSR, SamplingSettings
from diffsr_toolkit.images import degrade, kind, upsample
from diffsr_toolkit.sampling import State
from helpers.pipeline import LINEAR, Spy, picture, toolkit
from theory import NoiseSchedule, scale


def array(height: int = 9, width: int = 7) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


KINDS = {
    "pil rgb": (Image.fromarray(array()), lambda out: out.mode == "RGB" and out.size == (21, 27)),
    "pil grey": (
        Image.fromarray(array()[..., 0]),
        lambda out: out.mode == "L" and out.size == (21, 27),
    ),
    "pil alpha": (
        Image.fromarray(array()).convert("RGBA"),
        lambda out: out.mode == "RGBA" and out.size == (21, 27),
    ),
    "numpy uint8": (array(), lambda out: out.dtype == np.uint8 and out.shape == (27, 21, 3)),
    "numpy uint16 grey": (
        array()[..., 0].astype(np.uint16) * 257,
        lambda out: out.dtype == np.uint16 and out.shape == (27, 21),
    ),
    "numpy float32": (
        array().astype(np.float32) / 255,
        lambda out: out.dtype == np.float32 and out.shape == (27, 21, 3) and 0 <= out.min() <= out.max() <= 1,
    ),
    "tensor": (picture(), lambda out: out.dtype == torch.float32 and out.shape == (3, 27, 21)),
    "tensor batch of 1, double": (
        picture()[None].double(),
        lambda out: out.dtype == torch.float64 and out.shape == (1, 3, 27, 21),
    ),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_the_result_is_of_the_input_s_kind(kind: str, channels: int | None) -> None:
    image, check = KINDS[kind]
    result = toolkit(channels=channels).upscale(image, 3, t=50, steps=2)
    assert type(result.image) is type(image) or isinstance(image, Image.Image)
    assert check(result.image)
    assert result.scale == (3.0, 3.0)


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ({"scale": 2.7}, (24, 19)),
        ({"scale": 1}, (9, 7)),
        ({"scale": (2, 3.5)}, (18, 25)),
        ({"scale": np.float32(2.5)}, (23, 18)),
        ({"size": (20, 7)}, (20, 7)),
    ],
)
def test_scale_pair_and_size(arguments: dict[str, Any], size: tuple[int, int]) -> None:
    result = toolkit().upscale(picture(), **arguments, t=20, steps=1)
    assert result.image.shape == (3, *size)
    assert result.scale == (size[0] / 9, size[1] / 7)


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    sy=st.floats(1, 5),
    sx=st.floats(1, 5),
    t=st.floats(0, 999),
)
def test_any_size_any_scale_any_timestep(height: int, width: int, sy: float, sx: float, t: float) -> None:
    result = toolkit().upscale(picture(3, height, width), (sy, sx), t=t, steps=2)
    assert result.image.shape == (3, int(np.floor(height * sy + 0.5)), int(np.floor(width * sx + 0.5)))
    assert result.t == t
    assert float(result.image.abs().max()) <= 1


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (37, 23), (1, 40)])
@pytest.mark.parametrize("channels", [1, 3])
def test_odd_and_tiny_images_with_the_predicted_timestep(shape: tuple[int, int], channels: int) -> None:
    result = toolkit().upscale(picture(channels, *shape), 2.7, steps=2)
    assert result.prediction is not None
    assert result.t == result.prediction.t_opt
    assert result.prediction.scale == result.scale
    assert LINEAR.t_min <= result.t <= LINEAR.t_max


def test_a_perfect_denoiser_gives_the_original_back() -> None:
    hr = picture(3, 23, 37)
    for eta in (0.0, 1.0):
        out = toolkit(lambda x, sigma: hr[None]).upscale(degrade(hr, 2.7), size=(23, 37), t=300, eta=eta)
        torch.testing.assert_close(out.image, hr, rtol=0, atol=0)


def test_the_start_is_the_upsampled_image_plus_noise_of_the_level() -> None:
    spy, lr = Spy(), picture(3, 32, 32)
    result = toolkit(spy).upscale(lr, 2, t=200.5, steps=1)
    noise = (spy.inputs[0][0] - upsample(lr, (64, 64))) / LINEAR.sigma(200.5)
    # 12288 values: 3 % is five standard errors of the deviation.
    assert float(noise.std()) == pytest.approx(1, abs=0.03)
    assert float(noise.mean()) == pytest.approx(0, abs=0.05)
    assert spy.sigmas[0].item() == pytest.approx(result.sigma, rel=1e-7)


@pytest.mark.parametrize("steps", [1, 2, 10, 23])
def test_evaluations_are_counted_exactly(steps: int) -> None:
    spy = Spy()
    states: list[State] = []
    result = toolkit(spy).upscale(picture(), 2, t=123.4, steps=steps, callback=states.append)
    assert result.nfe == steps == len(spy.inputs)
    assert len(states) == steps + 1
    assert states[0].sigma == result.sigma
    assert states[-1].sigma == 0


def test_a_timestep_is_taken_exactly() -> None:
    results = {t: toolkit().upscale(picture(), 2, t=t) for t in (123, 123.4, 124)}
    for t, result in results.items():
        assert result.t == t
        assert result.sigma == LINEAR.sigma(float(t))
        assert result.snr == pytest.approx(LINEAR.snr(float(t)), rel=1e-12)
        assert result.prediction is None
    for first, second in itertools.combinations(results.values(), 2):
        assert not torch.equal(first.image, second.image)
    again = toolkit().upscale(picture(), 2, t=np.float64(123.4))
    assert torch.equal(again.image, results[123.4].image)


def test_the_predicted_timestep_is_the_same_given_as_a_number() -> None:
    sr = toolkit()
    predicted = sr.upscale(picture(3, 24, 24), 2.5)
    given = sr.upscale(picture(3, 24, 24), 2.5, t=predicted.t)
    assert torch.equal(predicted.image, given.image)
    assert sr.predict(2.5, picture(3, 24, 24)) == predicted.prediction


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_seeds(eta: float) -> None:
    def run(seed: int) -> torch.Tensor:
        return toolkit().upscale(picture(), 2, t=100, eta=eta, seed=seed).image

    assert torch.equal(run(0), run(0))
    assert not torch.equal(run(0), run(1))


def test_global_random_state_is_neither_used_nor_changed() -> None:
    torch.manual_seed(1)
    first = toolkit().upscale(picture(), 2, t=100, eta=1).image
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), after)
    torch.manual_seed(2)
    assert torch.equal(toolkit().upscale(picture(), 2, t=100, eta=1).image, first)


def test_a_grey_image_gets_three_channels_of_their_own_noise() -> None:
    spy, lr = Spy(3), picture(1)
    result = toolkit(spy).upscale(lr, 2, t=50, steps=1, consistency=False)
    given = spy.inputs[0][0]
    assert given.shape == (3, 18, 14)
    assert not torch.equal(given[0], given[1])
    torch.testing.assert_close(result.image, (0.5 * given).mean(0, keepdim=True))


def test_a_grey_model_restores_colour_plane_by_plane() -> None:
    spy, lr = Spy(1), picture(3)
    result = toolkit(spy).upscale(lr, 2, t=50, steps=1, consistency=False)
    given = spy.inputs[0]
    assert given.shape == (3, 1, 18, 14)
    assert spy.sigmas[0].shape == (3,)
    torch.testing.assert_close(result.image, 0.5 * given[:, 0])


def test_channels_are_the_denoiser_s_unless_told() -> None:
    assert toolkit(Spy(1)).denoiser.channels == 1
    assert toolkit(Spy(1), channels=3).denoiser.channels == 3
    assert toolkit().denoiser.channels is None


def test_clipping_is_last() -> None:
    sr = toolkit(lambda x, sigma: x * 0 + 7)
    result = sr.upscale(picture(), 2, t=50, consistency=False)
    assert torch.equal(result.image, torch.ones(3, 18, 14))
    restored, _ = sr.restorer.restore(picture(), (18, 14), 50, SamplingSettings(consistency=False))
    assert torch.equal(restored, torch.full((3, 18, 14), 7.0))


def test_consistency_undoes_the_denoiser_s_error_in_what_survived() -> None:
    lr = picture(3, 12, 10)

    def miss(consistency: bool) -> float:
        restored, _ = toolkit().restorer.restore(lr, (32, 27), 20, SamplingSettings(consistency=consistency))
        return float((degrade(restored, (32 / 12, 2.7)) - lr).square().mean().sqrt())

    assert miss(True) < 0.2 * miss(False)


def test_consistency_is_the_default() -> None:
    default = toolkit().upscale(picture(), 2, t=50).image
    assert torch.equal(default, toolkit().upscale(picture(), 2, t=50, consistency=True).image)
    assert not torch.equal(default, toolkit().upscale(picture(), 2, t=50, consistency=False).image)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_samples_are_averaged_and_each_does_not_depend_on_the_others(eta: float) -> None:
    last: list[State] = []
    restore, settings = toolkit().restorer.restore, SamplingSettings(steps=4, eta=eta)
    averaged, nfe = restore(picture(), (18, 14), 50, replace(settings, samples=3), callback=last.append)
    alone, _ = restore(picture(), (18, 14), 50, settings)
    assert nfe == 12
    torch.testing.assert_close(last[-1].x[0], alone, rtol=0, atol=0)
    torch.testing.assert_close(averaged, last[-1].x.mean(0), rtol=0, atol=0)
    assert not torch.equal(last[-1].x[0], last[-1].x[1])


def test_prediction_calls_no_network_and_follows_the_schedule() -> None:
    spy = Spy()
    image = picture(3, 32, 32)
    linear = toolkit(spy).predict(2.7, image)
    cosine = DiffSR(denoiser=spy, schedule=NoiseSchedule.cosine()).predict(2.7, image)
    assert spy.inputs == []
    assert linear.snr_opt == pytest.approx(LINEAR.snr(linear.t_opt))
    assert cosine.snr_opt == pytest.approx(linear.snr_opt)
    assert cosine.t_opt != linear.t_opt
    assert toolkit().predict(2.7).snr_opt != linear.snr_opt


def test_the_embedded_model_restores_a_smooth_image_faithfully() -> None:
    sr = DiffSR.from_pretrained("embedded", device="cpu")
    ramp = torch.linspace(-0.6, 0.6, 24).expand(3, 16, 24)
    result = sr.upscale(ramp, (2, 1.5), t=15.5, steps=2)
    assert result.nfe == 2
    assert result.image.shape == (3, 32, 36)
    error = (result.image - upsample(ramp, (32, 36))).square().mean().sqrt()
    assert float(error) < 0.5 * result.sigma
    x = torch.zeros(1, 3, 8, 8)
    assert sr.denoiser(x, torch.tensor([0.1])).shape == x.shape


def test_an_image_is_read_once_and_a_scale_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    count: Counter[str] = Counter()

    def counting(target: Any, name: str) -> None:
        original = getattr(target, name)

        def wrapped(*args: Any) -> Any:
            count[name] += 1
            return original(*args)

        monkeypatch.setattr(target, name, wrapped)

    counting(kind, "to_planes")
    counting(scale, "_factors")
    result = toolkit().upscale(array(24, 24), 2.7, steps=1)
    assert result.prediction is not None
    assert count == {"to_planes": 1, "_factors": 1}


def test_reprs_say_what_it_is_and_print_no_pixels() -> None:
    sr = toolkit(Spy(3), name="mine")
    assert repr(sr) == (
        "DiffSR('mine', FunctionDenoiser of 3 channels, linear schedule with t from 0 to 999, "
        "0 measured responses, on cpu)"
    )
    for image, told in (
        (array(), "ndarray of 18x14x3"),
        (Image.fromarray(array()), "Image of 14x18"),
        (picture(), "Tensor of 3x18x14"),
    ):
        text = repr(sr.upscale(image, 2, t=50.5, steps=1))
        assert told in text and "t=50.5 (given)" in text and "nfe=1" in text and len(text) < 200
    assert "(predicted)" in repr(sr.upscale(picture(), 2, steps=1))


def test_a_model_of_one_s_own_has_a_card_of_its_own_schedule() -> None:
    sr = DiffSR(Spy(), NoiseSchedule.cosine(), name="mine")
    assert (sr.card.name, sr.card.schedule, sr.card.channels) == ("mine", NoiseSchedule.cosine(), None)
    assert sr.card.description == "" and sr.card.responses == ()
