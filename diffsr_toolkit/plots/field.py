"""The predicted field as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from diffsr_toolkit.plots.style import BLUE, GREEN, ORANGE, VERMILION, tidy, timestep_axis
from diffsr_toolkit.stats import scale_label

if TYPE_CHECKING:
    from theory.prf import Field, Prediction
    from theory.schedules import NoiseSchedule


def plot_field(
    ax: Axes, schedule: NoiseSchedule, prf: Field | None, prediction: Prediction, *, legend: bool = True
) -> None:
    """SNR over the schedule, with the recoverable field shaded and the predicted optimum marked.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its right-hand twin gets the two losses, in [0, 1].
    schedule : NoiseSchedule
    prf : theory.prf.Field or None
        Whose realism deficit and signature loss are drawn; None leaves them out.
    prediction : Prediction
    legend : bool
    """
    # From the first timestep with a place on a logarithmic axis.
    start = max(schedule.t_min, min(1.0, schedule.t_max / 1000))
    t = np.geomspace(start, schedule.t_max, 400)
    snr = np.asarray(schedule.snr(t), dtype=np.float64)
    visible = snr > 0
    ax.plot(t[visible], snr[visible], color="0.15", linewidth=1.8, label="SNR of the schedule")
    ax.set(xscale="log", yscale="log", xlim=(start, schedule.t_max))
    title = f"scale {scale_label(*prediction.scale)}: predicted t = {prediction.t_opt:.3g}, "
    if prediction.is_open:
        low, high = max(prediction.t_low, start), max(prediction.t_high, start)
        ax.axvspan(low, high, color=BLUE, alpha=0.18, linewidth=0, label="recoverable field")
        title += f"field {prediction.t_low:.3g} to {prediction.t_high:.3g}"
    else:
        title += f"field empty (closes at scale {prediction.critical_scale:.3g})"
    where = max(prediction.t_opt, start)
    ax.axvline(where, color=ORANGE, linewidth=1.8, linestyle="--", label="predicted optimum")
    ax.plot([where], [prediction.snr_opt], "o", color=ORANGE, markeredgecolor="white", markersize=8, zorder=5)
    timestep_axis(ax)
    ax.set_ylabel("signal-to-noise ratio")
    ax.set_title(title, fontsize="small")
    handles, labels = ax.get_legend_handles_labels()
    if prf is not None:
        twin = ax.twinx()
        for values, colour, style, name in (
            (prf.realism_deficit(t, prediction.scale), VERMILION, ":", "realism deficit"),
            (prf.signature_loss(t, prediction.scale), GREEN, "-.", "signature loss"),
        ):
            (line,) = twin.plot(t, values, color=colour, linestyle=style, linewidth=1.6, label=name)
            handles.append(line)
            labels.append(name)
        twin.set(ylim=(0, 1.02), ylabel="loss, 0 to 1")
        twin.spines["top"].set_visible(False)
    tidy(ax)
    if legend:
        ax.legend(handles, labels, fontsize="small", loc="lower left", framealpha=0.9)
