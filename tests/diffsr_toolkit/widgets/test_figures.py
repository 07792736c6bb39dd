"""What the explorer shows: figures as PNG, numbers and tables as HTML."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from diffsr_toolkit.widgets.figures import (
    FieldFigure,
    ReferenceFigure,
    facts_html,
    predicted_values,
    table_html,
)
from helpers.tables import sweep_rows
from theory.prf import PRF
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

PNG = b"\x89PNG"


@pytest.fixture
def frame() -> pd.DataFrame:
    rows = []
    for metric, values, bicubic in (
        ("psnr_y", {20.0: [25.0], 50.0: [24.0]}, 26.0),
        ("feature_distance", {20.0: [0.4], 50.0: [0.3]}, 0.9),
    ):
        rows += sweep_rows("cat", 2.0, metric, values, 50.0, bicubic, shave=2, kernel="bicubic")
    return pd.DataFrame(rows)


def test_the_best_of_a_column_is_bold_in_its_direction(frame: pd.DataFrame) -> None:
    body = table_html(frame, "feature_distance").split("<tbody>")[1]
    lines = [
        re.findall(r"<td( class=\"diffsr-best\")?>([^<]*)</td>", line) for line in body.split("</tr>")[:-1]
    ]
    bold = {(line[0][1], value) for line in lines for mark, value in line if mark}
    assert bold == {("bicubic", "26.00"), ("Diff-SR, predicted t", "0.300"), ("Diff-SR, best t", "0.300")}
    assert "Best t of 2 measured, by feature distance" in body and "without 2 border pixels" in body


def test_captions_hold_the_values_at_the_prediction(frame: pd.DataFrame) -> None:
    values = predicted_values(frame)
    assert list(values.values()) == [
        "PSNR (Y) 26, feature distance 0.9", "PSNR (Y) 24, feature distance 0.3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("t_opt", "shown"),
    [
        (0.0, "0"),
        (0.06375, "0.0638"),
        (12.344, "12.34"),
        (127.83, "127.8"),
        (1e7, "1e+07"),
        (math.inf, "∞"),
        (math.nan, "–"),
    ],
)
def test_facts_have_four_digits(t_opt: float, shown: str) -> None:
    prediction = PRF(NoiseSchedule.linear(), PowerLaw(2e-4, 2.6)).predict(4.0)
    facts = facts_html(replace(prediction, t_opt=t_opt), (10, 20), (40, 80))
    assert f'class="diffsr-t-opt">{shown}<' in facts
    assert "20 × 10 → 80 × 40" in facts


def test_a_figure_drawn_again_is_the_same() -> None:
    prf, field = PRF(NoiseSchedule.linear(), PowerLaw(2e-4, 2.6)), FieldFigure()
    first = field.draw(prf, prf.predict(4.0))
    assert first.startswith(PNG) and field.draw(prf, prf.predict(2.0)) != first
    assert field.draw(prf, prf.predict(4.0)) == first


def test_a_reference_is_drawn_when_its_curve_changes(frame: pd.DataFrame) -> None:
    reference = ReferenceFigure(frame)
    first = reference.draw("cat", 2.0, "psnr_y")
    assert reference.draw("cat", 3.0, "psnr_y") is first
    assert reference.draw("cat", 3.0, "feature_distance") != first
    nothing = ReferenceFigure(None).draw("cat", 2.0, "psnr_y")
    assert nothing.startswith(PNG) and reference.draw("cat", 2.0, "ssim") != nothing
