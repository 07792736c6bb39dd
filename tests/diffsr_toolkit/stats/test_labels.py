"""Names for people cover what can be measured."""

from __future__ import annotations

from diffsr_toolkit.metrics import METRICS
from diffsr_toolkit.restoration import BASELINES
from diffsr_toolkit.stats import BASELINE_LABELS, SHORT, scale_label


def test_scale_labels():
    assert scale_label(2.7, 2.7) == "2.7"
    assert scale_label(2, 3.5) == "2 x 3.5"


def test_every_metric_and_baseline_has_a_name_of_its_own():
    assert SHORT.keys() == METRICS.keys() and len(set(SHORT.values())) == len(SHORT)
    assert BASELINE_LABELS.keys() == BASELINES.keys()
    assert len(set(BASELINE_LABELS.values())) == len(BASELINE_LABELS)
