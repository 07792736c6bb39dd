"""How a sweep was measured, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from diffsr_toolkit.columns import SETTINGS
from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.stats import SHORT, restorations

_SPACINGS = {"log_snr": "uniform in log-SNR", "timestep": "uniform in timestep"}


def protocol_lines(frame: pd.DataFrame, more: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values of all that a reader needs to measure the same again.

    Parameters
    ----------
    frame : pandas.DataFrame
        What ``DiffSR.sweep`` returns.
    more : mapping
        Said first; what the table itself tells is left out of it.
    """
    diffsr = restorations(frame)
    t = diffsr["t"]
    told = {*SETTINGS, "metrics", "seeds"}
    return [
        *((str(key).capitalize(), str(value)) for key, value in more.items() if key not in told),
        ("Images", ", ".join(dict.fromkeys(frame["image"]))),
        *_settings(diffsr),
        ("Seeds", _listed(diffsr["seed"])),
        ("Timesteps measured", f"{t.nunique()} in all, from {t.min():.4g} to {t.max():.4g}"),
        ("Kernel", ", ".join(dict.fromkeys(frame["kernel"]))),
        *(_metric(str(name), rows) for name, rows in frame.groupby("metric", sort=False)),
    ]


def _settings(diffsr: pd.DataFrame) -> list[tuple[str, str]]:
    """Of the columns of ``SamplingSettings`` those that the table has; one made long ago may lack some."""
    words: dict[str, tuple[str, Callable[[pd.Series], str]]] = {
        "steps": (
            "Steps",
            lambda values: (
                f"{_listed(values)} (network evaluations of one restoration: {_listed(diffsr['nfe'])})"
            ),
        ),
        "eta": ("Eta", lambda values: f"{_listed(values)} (0 is DDIM, 1 is DDPM)"),
        "spacing": (
            "Spacing of the steps",
            lambda values: ", ".join(_SPACINGS[name] for name in values.unique()),
        ),
        "samples": ("Samples averaged", _listed),
        "consistency": ("Consistency", _consistency),
    }
    told = []
    for name in SETTINGS:
        title, say = words[name]
        if name in diffsr:
            told.append((title, say(diffsr[name])))
    return told


def _consistency(values: pd.Series) -> str:
    projected = "every estimate of the reverse process is back-projected onto the low-resolution image"
    states = sorted(set(values), reverse=True)
    return " and ".join(projected if state else "off: plain Diff-SR" for state in states)


def _listed(values: pd.Series) -> str:
    return ", ".join(f"{value:g}" for value in sorted(values.unique()))


def _metric(name: str, rows: pd.DataFrame) -> tuple[str, str]:
    metric = METRICS[name]
    low, high = rows["shave"].min(), rows["shave"].max()
    border = f"{low}" if low == high else f"{low} to {high}"
    border = f"{border} border pixels left out" if high else "no border left out"
    short = SHORT.get(name, name)
    long = "" if metric.label.startswith(short) else f"{metric.label}: "
    against = "the low-resolution image" if metric.reference == "lr" else "the original"
    better = "higher" if metric.higher_is_better else "lower"
    how = f"{rows['channel'].iloc[0]} in {rows['value_range'].iloc[0]}, against {against}"
    return short, f"{long}{how}, {border}; {better} is better"
