"""The table of symbols that the code follows: one symbol, one name.

Noise levels are those of the coordinates ``x = x0 + sigma * noise``: ``sigma = snr ** -0.5`` throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.symbolic.markdown import markdown_table


@dataclass(frozen=True)
class Symbol:
    """A row of the table.

    Attributes
    ----------
    symbol : str
        LaTeX.
    code : str
        Identifier in ``theory`` and ``diffsr_toolkit``.
    meaning : str
    units : str
        Units and range.
    """

    symbol: str
    code: str
    meaning: str
    units: str


NOTATION: tuple[Symbol, ...] = (
    Symbol("x", "hr", "high-resolution image", "(C, H, W), values in [-1, 1]"),
    Symbol("y", "lr", "low-resolution image", "(C, h, w), values in [-1, 1]"),
    Symbol(r"\tilde{x}", "lr_up", "the low-resolution image enlarged to the size of hr", "as hr"),
    Symbol("s", "scale", "HR size over LR size, one number or (s_y, s_x)", "real, at least 1"),
    Symbol(
        r"E\lVert r\rVert^2",
        "residual_energy",
        "energy of x - x~, summed over the image",
        "squared values, >= 0",
    ),
    Symbol("t", "t", "timestep, a real number on the schedule's own axis", "t_min to t_max"),
    Symbol("T", "num_train_timesteps", "timesteps that the model was trained with", "whole, at least 2"),
    Symbol(r"\bar\alpha_t", "alphas_cumprod", "share of signal in a variance-preserving state", "(0, 1)"),
    Symbol(
        r"\mathrm{snr}",
        "snr",
        "signal-to-noise ratio of the state, all the theory needs of a schedule",
        "(0, inf)",
    ),
    Symbol(r"\sigma", "sigma", "noise level of x + sigma * noise, snr^(-1/2)", "in units of the image, >= 0"),
    Symbol(r"\eta", "eta", "share of ancestral noise: 0 is DDIM, 1 is DDPM", "[0, 1]"),
    Symbol("f", "frequency", "spatial frequency", "cycles per HR pixel, at most 1/2 on an axis"),
    Symbol("f_c", "cutoff", "first missing frequency, 1 / (2 s)", "cycles per HR pixel"),
    Symbol(
        "f_s", "signature_frequency", "up to which a picture's layout lives", "cycles per HR pixel, (0, 1/2]"
    ),
    Symbol(
        "S_f",
        "psd",
        "power spectral density, squared modulus of the FFT over N; white noise of variance v has v",
        "squared values",
    ),
    Symbol("S(f_c)", "cutoff_psd", "power at the first missing frequency", "squared values"),
    Symbol(
        "A", "amplitude", "of the power law A f^(-a): its power at one cycle per pixel", "squared values, > 0"
    ),
    Symbol("a", "exponent", "of the power law; photographs have 2 to 3", "real"),
    Symbol("H_f", "transfer", "gain of down-then-up (blur included) in place", "mostly [0, 1]"),
    Symbol(
        "N_f", "added", "power in lr_up that is not the original's own f: aliases, LR noise", "squared values"
    ),
    Symbol("r", "r", "snr S_f: how far a frequency stands out of the noise", "[0, inf)"),
    Symbol("R", "realism_deficit", "see the definitions", "[0, 1]"),
    Symbol("L", "signature_loss", "see the definitions", "[0, 1]"),
    Symbol(r"\epsilon_R", "eps_realism", "tolerance on R", "(0, 1)"),
    Symbol(r"\epsilon_L", "eps_signature", "tolerance on L", "(0, 1)"),
    Symbol("c", "c", "constant of the optimum, snr = c / S(f_c)", "(0, inf)"),
    Symbol("w", "weight", "of realism against signature in a metric, both as squared errors", "(0, inf)"),
    Symbol("t_{low}", "t_low", "lower end of the field", "timestep"),
    Symbol("t^*", "t_opt", "optimum", "timestep"),
    Symbol("t_{high}", "t_high", "upper end of the field", "timestep"),
    Symbol(r"s_{\max}", "critical_scale", "largest scale with an open field", "at least 1"),
    Symbol("K", "gain", "share of the original that comes back in place and phase", "mostly [0, 1]"),
    Symbol("P", "power", "power of a restoration over the original's", "at least K^2"),
    Symbol("D", "denoiser", "D(x, sigma), estimate of x0", "as hr"),
    Symbol(r"\mathrm{NFE}", "nfe", "network evaluations of one restoration", "whole, at least 1"),
)
"""In the order in which a reader meets them."""


def to_markdown() -> str:
    """The table in Markdown, symbols between dollar signs."""
    rows = [(f"${row.symbol}$", f"`{row.code}`", row.meaning, row.units) for row in NOTATION]
    return markdown_table(("symbol", "code", "meaning", "units and range"), rows)
