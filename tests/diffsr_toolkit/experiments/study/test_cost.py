"""What a prediction costs."""

from __future__ import annotations

import pytest

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.experiments.study import NEEDS, method_title, prediction_cost
from diffsr_toolkit.models import load_card, reference_card
from diffsr_toolkit.prediction import Predictor


def test_every_level_has_a_cost():
    card = load_card("embedded")
    table = prediction_cost(Predictor(card.schedule, card), repeats=2)
    assert list(table["level"]) == [method_title(level) for level in NEEDS]
    assert (table["milliseconds"] > 0).all()
    with pytest.raises(ToolkitError, match="0 responses"):
        prediction_cost(Predictor(card.schedule, reference_card()))
