"""The noise injected: of the level asked for, keyed by seed and content alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.noise import image_generator, noise_like
from diffsr_toolkit.sampling import inject, inject_antithetic
from helpers.sampler import TOLERANCE, generators, start


def test_noise_of_an_image_does_not_depend_on_its_batch() -> None:
    first, second = start(0.2)
    batch = noise_like(start(), [image_generator(0, first), image_generator(0, second)])
    for image, noise in zip((first, second), batch, strict=True):
        alone = noise_like(image[None], [image_generator(0, image)])[0]
        torch.testing.assert_close(alone, noise, rtol=0, atol=0)
    assert not torch.equal(batch[0], batch[1])


def test_noise_does_not_depend_on_precision() -> None:
    image = start(0.2)[0]
    single = noise_like(image[None], [image_generator(3, image)])
    double = noise_like(image[None].double(), [image_generator(3, image.double())])
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=0, atol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no second device")
def test_noise_does_not_depend_on_the_device() -> None:
    image = start(0.2)[0]
    here = noise_like(image[None], [image_generator(3, image)])
    there = noise_like(image[None].cuda(), [image_generator(3, image.cuda())])
    torch.testing.assert_close(there.cpu(), here, rtol=0, atol=0)


def test_seed_and_content_key_the_noise() -> None:
    image = start(0.2)[0]
    keyed = {
        "zero": image_generator(0, image),
        "one": image_generator(1, image),
        "other draw": image_generator(0, image, 1),
        "other image": image_generator(0, -image),
        "other shape": image_generator(0, image.mT.reshape(3, 4, 16)),
    }
    draws = {float(torch.randn(1, generator=generator)) for generator in keyed.values()}
    assert len(draws) == len(keyed)
    again = image_generator(0, image.clone())
    assert again.initial_seed() == keyed["zero"].initial_seed()
    assert image_generator(np.int64(0), image).initial_seed() == again.initial_seed()


@pytest.mark.parametrize("seed", [0.5, "0", None])
def test_a_seed_must_be_a_whole_number(seed: object) -> None:
    with pytest.raises(ToolkitError, match="whole number"):
        image_generator(seed, start()[0])  # type: ignore[arg-type]


def test_injection_adds_noise_of_the_level_asked_for() -> None:
    image = torch.zeros(1, 3, 64, 64)
    noise = inject(image, 0.25, [torch.Generator().manual_seed(0)]) - image
    # 12288 values: the standard deviation's own is 0.6 %.
    assert float(noise.std()) == pytest.approx(0.25, rel=0.03)
    assert float(noise.mean()) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_antithetic_injection_cancels_in_pairs(count: int) -> None:
    image = start(0.2)[0].expand(count, -1, -1, -1)
    plain = inject(image, 0.5, generators(count)) - image
    paired = inject_antithetic(image, 0.5, generators(count)) - image
    torch.testing.assert_close(paired[0::2], plain[0::2], rtol=0, atol=0)
    torch.testing.assert_close(paired[1::2], -plain[0 : count - 1 : 2][: count // 2], **TOLERANCE)


@pytest.mark.parametrize("samples", [2, 3])
def test_antithetic_pairs_are_draws_of_one_image(samples: int) -> None:
    image = start(0.2)[:1].expand(2 * samples, -1, -1, -1)
    together = inject_antithetic(image, 0.5, generators(2 * samples), samples)
    alone = [
        inject_antithetic(image[:samples], 0.5, draws, samples)
        for draws in (generators(2 * samples)[:samples], generators(2 * samples)[samples:])
    ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=0)


@pytest.mark.parametrize("count", [1, 3])
def test_images_do_not_share_a_generator(count: int) -> None:
    with pytest.raises(ToolkitError, match=f"{count} generators for 2 images"):
        inject(start(), 0.5, generators(count))
