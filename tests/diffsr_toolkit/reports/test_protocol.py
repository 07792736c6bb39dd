"""How a sweep was measured, in words."""

from __future__ import annotations

import pandas as pd
import pytest

from diffsr_toolkit.columns import SETTINGS
from diffsr_toolkit.reports.protocol import protocol_lines
from diffsr_toolkit.settings import PAIR, SamplingSettings
from helpers.tables import sweep_rows

MEASURED = {"channel": "Y", "value_range": "[0, 1]", "shave": 3, "kernel": "bicubic"}


def frame(settings):
    return pd.DataFrame(sweep_rows(values={20.0: [25.0, 26.0]}, **MEASURED, **settings.protocol()))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            PAIR,
            {"Steps": "5 (network evaluations of one restoration: 10)", "Eta": "1 (0 is DDIM, 1 is DDPM)"}
            | {"Spacing of the steps": "uniform in log-SNR", "Samples averaged": "2"},
        ),
        (
            SamplingSettings(spacing="timestep", consistency=False),
            {"Spacing of the steps": "uniform in timestep", "Consistency": "off: plain Diff-SR"},
        ),
    ],
)
def test_every_setting_is_told(settings, told):
    lines = dict(protocol_lines(frame(settings), {}))
    assert told.items() <= lines.items()
    assert lines["Seeds"] == "0, 1" and lines["Kernel"] == "bicubic"
    assert lines["PSNR (Y)"].startswith("Y in [0, 1], against the original, 3 border pixels left out")


def test_what_the_table_tells_is_not_said_twice():
    settings = SamplingSettings()
    lines = protocol_lines(
        frame(settings), {"model": "embedded", "metrics": ["psnr_y"], **settings.protocol()}
    )
    assert lines[0] == ("Model", "embedded")
    assert len(dict(lines)) == len(lines) == len(protocol_lines(frame(settings), {})) + 1


@pytest.mark.parametrize("column", SETTINGS)
def test_a_table_without_a_setting_says_nothing_of_it(column):
    whole = frame(SamplingSettings())
    less = [
        line
        for line in protocol_lines(whole, {})
        if line not in protocol_lines(whole.drop(columns=column), {})
    ]
    assert len(less) == 1


def test_a_table_of_both_says_both():
    both = pd.concat(
        [frame(SamplingSettings()), frame(SamplingSettings(consistency=False, spacing="timestep"))]
    )
    lines = dict(protocol_lines(both, {}))
    assert lines["Consistency"].endswith("low-resolution image and off: plain Diff-SR")
    assert lines["Spacing of the steps"] == "uniform in log-SNR, uniform in timestep"
