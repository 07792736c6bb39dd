from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from diffsr_toolkit.errors import ImageError, ModelError
from diffsr_toolkit.metrics.features import FeatureDistance, _network


@pytest.fixture(scope="module")
def photo() -> torch.Tensor:
    return torch.from_numpy(data.chelsea()[60:188, 100:228].copy()).permute(2, 0, 1).float() / 127.5 - 1


def noise(photo: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return torch.randn(photo.shape, generator=torch.Generator().manual_seed(seed))


def test_the_network_knows_a_cat():
    cat = torch.from_numpy(data.chelsea()[38:262, 100:324].copy()).permute(2, 0, 1).float()
    with torch.inference_mode():
        best = int(_network("cpu")((cat[None] - 127) / 128).argmax())
    assert best in range(281, 286)


def test_equal_images_are_at_distance_zero(photo):
    assert FeatureDistance()(photo[None], photo[None].clone()).tolist() == [0.0]


def test_it_is_positive_symmetric_and_bounded(photo):
    other = photo + 0.1 * noise(photo)
    distance = FeatureDistance()
    there, back = distance(photo[None], other[None]), distance(other[None], photo[None])
    assert there.shape == (1,)
    assert there.dtype == torch.float64
    assert torch.equal(there, back)
    assert 0 < float(there) < 20


def test_a_value_does_not_depend_on_its_batch(photo):
    others = torch.stack([photo + 0.1 * noise(photo, seed) for seed in range(3)])
    distance = FeatureDistance()
    together = distance(photo.expand(3, -1, -1, -1), others)
    alone = torch.cat([distance(photo[None], other[None]) for other in others])
    assert torch.equal(together, alone)
    assert len(set(together.tolist())) == 3


def test_it_grows_with_blur_and_with_noise(photo):
    distance = FeatureDistance()
    blurred = [torch.from_numpy(gaussian_filter(photo.numpy(), (0, s, s))) for s in (0.0, 0.5, 1.0, 2.0, 4.0)]
    noisy = [photo + amount * noise(photo) for amount in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)]
    for series in (blurred, noisy):
        values = [float(distance(photo[None], other[None])) for other in series]
        assert values[0] == 0
        assert np.all(np.diff(values) > 0), values


def test_it_follows_lpips_formula(photo):
    # The formula over the same taps, written out independently with hooks on the blocks' outputs.
    other = photo + 0.1 * noise(photo)
    network, kept = _network("cpu"), []
    hooks = [
        network._blocks[i].register_forward_hook(lambda *a: kept.append(a[2])) for i in (0, 2, 4, 10, 15)
    ]
    with torch.inference_mode():
        for image in (photo, other):
            network(((image[None] + 1) * 127.5 - 127) / 128)
    for hook in hooks:
        hook.remove()
    assert [k.shape[-1] for k in kept[:5]] == [64, 32, 16, 8, 4]
    expected = sum(
        (2 - 2 * torch.cosine_similarity(fx.double(), fy.double(), dim=1)).mean()
        for fx, fy in zip(kept[:5], kept[5:], strict=True)
    )
    assert float(FeatureDistance()(photo[None], other[None])) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (31, 33), (47, 65)])
def test_small_and_odd_sizes_work(photo, size):
    x = photo[None, :, : size[0], : size[1]]
    assert float(FeatureDistance()(x, x)) == 0
    assert float(FeatureDistance()(x, -x)) > 0


def test_one_channel_is_replicated(photo):
    x, y = photo[None, :1], (photo + 0.2 * noise(photo))[None, :1]
    distance = FeatureDistance()
    assert torch.equal(distance(x, y), distance(x.expand(-1, 3, -1, -1), y.expand(-1, 3, -1, -1)))


def test_it_never_calls_itself_lpips():
    assert FeatureDistance.name == "EfficientNet-Lite0 feature distance (LPIPS formula, unit weights)"


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (torch.zeros(1, 3, 40, 40), torch.zeros(1, 3, 40, 41)),
        (torch.zeros(3, 40, 40), torch.zeros(3, 40, 40)),
        (torch.zeros(1, 4, 40, 40), torch.zeros(1, 4, 40, 40)),
        (torch.zeros(1, 3, 40, 40), torch.full((1, 3, 40, 40), torch.nan)),
    ],
)
def test_unusable_images_are_refused(x, y):
    with pytest.raises(ImageError):
        FeatureDistance()(x, y)


def test_a_missing_package_is_named(monkeypatch, photo):
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite_pytorch", None)
    _network.cache_clear()
    with pytest.raises(ModelError, match="pip install efficientnet-lite-pytorch"):
        FeatureDistance()(photo[None], photo[None])
