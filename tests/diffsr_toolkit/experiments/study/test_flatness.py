"""How wide the wells of the expected metric are, and that they are the model-aware level's."""

from __future__ import annotations

import numpy as np
import pytest

from diffsr_toolkit.experiments.study import Well, common_width, wells
from diffsr_toolkit.models import load_card
from diffsr_toolkit.prediction import Predictor
from diffsr_toolkit.settings import PAIR, SamplingSettings


def test_a_well_is_as_wide_as_its_parabola():
    t = np.linspace(1, 100, 991)
    well = Well((2.0, 2.0), t, 1 + 1e-4 * (t - 30) ** 2)
    assert well.t_best == pytest.approx(30)
    np.testing.assert_allclose(well.width, (20, 40), atol=0.11)
    falling = Well((2.0, 2.0), t, 2 - t / 1000)
    assert falling.t_best == 100 and falling.width[1] == 100
    assert common_width([well, Well((4.0, 4.0), t, well.cost)]) == well.width
    assert common_width([well, falling]) is None


@pytest.mark.parametrize("settings", [SamplingSettings(), SamplingSettings(consistency=False), PAIR], ids=str)
@pytest.mark.parametrize("scale", [1.6, 4.0])
def test_wells_are_the_model_aware_level_s(settings, scale):
    card = load_card("embedded")
    predictor = Predictor(card.schedule, card)
    (well,) = wells(predictor, [scale], settings, points=400)
    assert np.all(np.diff(well.t) > 0)
    prf = predictor.field(card.spectrum, level="model_aware", settings=settings)
    optimum = prf.predict(scale).t_opt
    # A well with a flat or double bottom leaves the place of its minimum some room, its cost none.
    assert well.width[0] < optimum < well.width[1]
    assert np.interp(optimum, well.t, well.cost) == pytest.approx(well.cost.min(), rel=1e-5)
