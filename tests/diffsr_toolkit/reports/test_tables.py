"""Tables as text."""

from __future__ import annotations

import pandas as pd

from diffsr_toolkit.reports import TextTable, comparison_text, summary_text
from helpers.tables import sweep_rows


def test_the_best_of_a_metric_is_marked_in_its_direction():
    frame = pd.DataFrame(
        sweep_rows(metric="feature_distance", values={20.0: [0.5], 50.0: [0.4]}, t_pred=20.0, bicubic=0.6)
        + sweep_rows(values={20.0: [20.0], 50.0: [21.0]}, t_pred=20.0, bicubic=25.0)
    )
    table = comparison_text(frame)
    column = {name: i for i, name in enumerate(table.columns)}
    assert table.best == {(0, column["PSNR (Y)"]), (2, column["feature distance"])}
    assert table.first == {0}


def test_plain_tables_align_and_fit():
    text = str(TextTable(["name", "x"], [["a", "1.0"], ["long", "22.0"]], 1))
    assert text == "name     x\n----------\na      1.0\nlong  22.0"
    frame = pd.DataFrame(
        [
            row
            for image in ("astronaut", "chelsea")
            for metric in ("psnr_rgb", "psnr_y", "ssim", "lr_psnr", "feature_distance")
            for row in sweep_rows(image, 2.7, metric, {20.0: [20.0], 50.0: [21.0]}, 20.0, 25.0)
        ]
    )
    for table in (comparison_text(frame), summary_text(frame, per_scale=False)):
        assert max(map(len, str(table).splitlines())) <= 120
