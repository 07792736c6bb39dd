"""From a scale, an image and a model's card to the predicted field: no network, no weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from diffsr_toolkit.errors import ToolkitError
from diffsr_toolkit.models import ModelCard
from diffsr_toolkit.prediction.sensitivities import has_sensitivity, sensitivity
from diffsr_toolkit.prediction.spectra import image_spectrum, told_degradation
from diffsr_toolkit.settings import SamplingSettings
from theory.degradation import BICUBIC, Degradation
from theory.prf import PRF, Level, ModelAware, OnPaper, Prediction, Spectral
from theory.scale import Scale, as_scale
from theory.schedules import NoiseSchedule
from theory.spectra import PowerLaw

DEFAULTS = SamplingSettings()


@dataclass(frozen=True)
class Predictor:
    """Predicts on a schedule what a model's card tells.

    Attributes
    ----------
    schedule : NoiseSchedule
        On which timesteps are told; the card's own, or another on which the same network is used.
    card : ModelCard

    Examples
    --------
    >>> from diffsr_toolkit.models import load_card
    >>> card = load_card("embedded")
    >>> prediction = Predictor(card.schedule, card).predict(2.7)
    """

    schedule: NoiseSchedule
    card: ModelCard

    def predict(
        self,
        scale: Scale,
        lr: Any = None,
        degradation: Degradation | str | None = None,
        *,
        level: Level | None = None,
        metric: str = "feature_distance",
        settings: SamplingSettings = DEFAULTS,
    ) -> Prediction:
        """Predict t_low, t_opt, t_high and the critical scale.

        Parameters
        ----------
        scale : float or (sy, sx)
            At least 1.
        lr : array_like of shape (C, h, w), optional
            The low-resolution image in [-1, 1], whose spectrum is extrapolated; by default the card's mean spectrum
            is used.
        degradation : "bicubic", "auto" or theory.Degradation, optional
            How the low-resolution image came about. "auto" tells blur, noise and JPEG compression from the image.
            What happened besides the kernel (in ``theory.Degradation``) is answered at the spectral level.
        level : {"closed_form", "spectral", "model_aware"}
            Power law on paper; true kernel with the exact Gaussian chain; or what this model was measured to
            give back. By default the last, where that was measured and the metric allows it, else the first.
        metric : str
            The metric whose optimum is predicted.
        settings : SamplingSettings
            Of the restoration that is meant: the optimum differs.

        Raises
        ------
        ToolkitError
            When the scale, the degradation, the metric or the level cannot be used.
        """
        pair, note = as_scale(scale), ""
        if degradation is None or degradation == "bicubic":
            degradation = BICUBIC
        if degradation == "auto":
            degradation, told, note = told_degradation(lr, pair, self.card.spectrum)
            spectrum = self.pooled(told)
        elif isinstance(degradation, Degradation):
            spectrum = self.card.spectrum if lr is None else self.expected_spectrum(lr, pair, degradation)
        else:
            raise ToolkitError(
                f"degradation={degradation!r} is unknown: use 'bicubic', 'auto' or a theory.Degradation(blur_sigma, "
                "noise_std, jpeg_quality)"
            )
        if degradation != BICUBIC:
            # On paper every degradation is an ideal low-pass; only the spectral level knows what else happened.
            level = "spectral"
        prf = self.field(spectrum, level=level, metric=metric, settings=settings, degradation=degradation)
        prediction = prf.predict(pair)
        return replace(prediction, note=note) if note else prediction

    def field(
        self,
        spectrum: PowerLaw,
        *,
        level: Level | None = None,
        metric: str = "feature_distance",
        settings: SamplingSettings = DEFAULTS,
        degradation: Degradation = BICUBIC,
    ) -> PRF:
        """The calibrated recoverable field of a spectrum, for predictions and for its curves.

        Without a level it is the best informed one that answers: "model_aware" where a response was measured with such
        settings and the metric's sensitivity is known, else "closed_form".
        """
        constants = self.card.constants_for(settings).of(metric)
        # Asked for by name, a response that is missing is an error; by default another level answers.
        find = self.card.matching_response if level == "model_aware" else self.card.response_for
        response = find(settings)
        if level is None:
            level = "model_aware" if response is not None and has_sensitivity(metric) else "closed_form"
        c = float(constants["c"])
        known: OnPaper | Spectral | ModelAware
        if level == "model_aware" and response is not None:
            known = ModelAware(response, sensitivity(metric, float(constants["excess"])))
        elif level == "spectral":
            known = Spectral(c=c, weight=float(constants["weight"]), degradation=degradation)
        elif level == "closed_form":
            known = OnPaper(c=c)
        else:
            raise ToolkitError(
                f"level={level!r} is unknown: choose among closed_form, spectral and model_aware"
            )
        return PRF(self.schedule, spectrum, known, eps_realism=self.card.eps_realism, metric=metric)

    def image_spectrum(self, lr: Any, scale: Scale, degradation: Degradation = BICUBIC) -> PowerLaw:
        """Power law that the low-resolution image ``(C, h, w)`` alone tells; the card's where it tells none."""
        return image_spectrum(lr, as_scale(scale), self.card.spectrum, degradation)

    def expected_spectrum(self, lr: Any, scale: Scale, degradation: Degradation = BICUBIC) -> PowerLaw:
        """The spectrum to predict with: `image_spectrum`, partially pooled with the card's."""
        return self.pooled(self.image_spectrum(lr, scale, degradation))

    def pooled(self, law: PowerLaw) -> PowerLaw:
        """An image's law drawn towards the card's by the calibrated share; see ``theory.PowerLaw.pooled``."""
        return law.pooled(self.card.spectrum, self.card.image_share)
