"""Images side by side, whole and enlarged."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from diffsr_toolkit.errors import ImageError
from diffsr_toolkit.plots import plot_comparison, to_array


def test_comparison_shows_every_image_whole_and_enlarged():
    hr = torch.zeros(3, 30, 40)
    hr[:, 12:18, 20:26] = torch.rand(3, 6, 6)
    low = torch.zeros(3, 10, 13)
    figure = plot_comparison(
        {"low": low, "restored": hr * 1.2, "original": hr}, {"restored": "31.2 dB"}, title="cat"
    )
    figure.canvas.draw()
    assert len(figure.axes) == 6
    titles = [ax.get_title() for ax in figure.axes[:3]]
    assert titles == ["low", "restored\n31.2 dB", "original"]
    assert figure.axes[0].images[0].get_array().shape[:2] == (10, 13)
    assert all(ax.images[0].get_extent() == [0, 40, 30, 0] for ax in figure.axes)
    # The most detailed square is enlarged.
    left, right = figure.axes[5].get_xlim()
    bottom, top = figure.axes[5].get_ylim()
    assert left <= 20 < 26 <= right
    assert top <= 12 < 18 <= bottom


def test_comparison_takes_a_crop_grey_images_and_pil():
    grey = Image.new("L", (40, 30), 128)
    figure = plot_comparison({"grey": grey}, crop=(2, 3, 10, 20))
    assert figure.axes[1].get_xlim() == (3, 23)
    assert figure.axes[1].get_ylim() == (12, 2)
    with pytest.raises(ImageError, match="outside"):
        plot_comparison({"grey": grey}, crop=(25, 0, 10, 10))
    with pytest.raises(ImageError, match="0 images"):
        plot_comparison({})


def test_arrays_are_in_the_unit_range():
    array = to_array(torch.tensor([-3.0, 0.0, 1.0]).view(1, 1, 3))
    assert array.tolist() == [[0.0, 0.5, 1.0]]
