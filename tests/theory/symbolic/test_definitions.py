"""Definitions compute what their formulas say, and the code uses the names of the table."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import symbolic
from theory.bounds import gaussian_kl, kl_bound
from theory.gaussian import flow_limit
from theory.prf import ClosedForm, critical_scale, realism_threshold, signature_threshold
from theory.spectra import PowerLaw
from theory.symbolic import S, definitions, h, notation, r
from theory.symbolic.definitions import DEFINITIONS, Definition
from theory.symbolic.notation import NOTATION

ROOT = Path(__file__).resolve().parents[3]
WORDS = {entry.name: entry for entry in DEFINITIONS}
DEMANDED = {
    "low-level fidelity",
    "high-level signature",
    "realism deficit",
    "signature loss",
    "recoverable field",
    "lower end of the field",
    "upper end of the field",
    "optimum",
    "critical scale",
    "regenerated share",
    "mismatch",
}


def test_every_word_is_defined_once():
    names = [entry.name for entry in DEFINITIONS]
    assert len(set(names)) == len(names) and set(names) >= DEMANDED


@pytest.mark.parametrize("entry", DEFINITIONS, ids=lambda entry: entry.name)
def test_its_function_exists(entry):
    found = entry.resolve()
    assert callable(found) or isinstance(found, property)


@pytest.mark.parametrize("entry", DEFINITIONS, ids=lambda entry: entry.name)
def test_its_sentence_is_one(entry):
    assert entry.sentence.endswith(".") and ". " not in entry.sentence
    assert entry.latex().startswith(entry.symbol)


@settings(deadline=None, max_examples=30)
@given(value=st.floats(1e-6, 1e6))
@pytest.mark.parametrize(
    "name", ["realism deficit", "low-level fidelity", "signature loss", "high-level signature"]
)
def test_losses_are_their_formulas(name, value):
    entry = WORDS[name]
    # 1 - sqrt(r / (1 + r)) cancels in the formula as it is written, not in the function.
    assert float(entry.resolve()(value)) == pytest.approx(float(entry.numeric(r)(value)), rel=1e-6, abs=1e-14)


@settings(deadline=None, max_examples=30)
@given(power=st.floats(1e-3, 1e3), kept=st.floats(0.01, 0.99), snr=st.floats(1e-2, 1e4))
def test_mismatch_is_its_formula_and_below_its_bound(power, kept, snr):
    value = float(WORDS["mismatch"].numeric(S, h, symbolic.snr)(power, kept, snr))
    assert float(gaussian_kl(snr, kept, power)) == pytest.approx(value, rel=1e-6, abs=1e-9)
    assert value <= float(kl_bound(snr, (1 - kept) ** 2 * power)) * (1 + 1e-9) + 1e-12


@settings(deadline=None, max_examples=30)
@given(
    scale=st.floats(1.01, 15),
    amplitude=st.floats(-6, 0).map(lambda x: 10.0**x),
    exponent=st.floats(0.5, 4),
    c=st.floats(0.1, 20),
    eps=st.floats(0.01, 0.6),
)
def test_field_is_its_formulas(scale, amplitude, exponent, c, eps):
    law = PowerLaw(amplitude, exponent)
    form = ClosedForm(law, (scale, scale), c, eps, eps, 1 / 32)
    values = {
        symbolic.scale: scale,
        symbolic.amplitude: amplitude,
        symbolic.exponent: exponent,
        symbolic.constant: c,
        symbolic.c_realism: realism_threshold(eps),
        symbolic.c_signature: signature_threshold(eps),
        symbolic.signature_frequency: 1 / 32,
    }
    expected = {
        "lower end of the field": form.snr_low,
        "upper end of the field": form.snr_high,
        "optimum": form.snr_opt,
        "critical scale": critical_scale(law, eps, eps, 1 / 32),
    }
    for name, value in expected.items():
        found = WORDS[name].numeric(*values)(*values.values())
        assert float(found) == pytest.approx(value, rel=1e-9), name


@settings(deadline=None, max_examples=30)
@given(power=st.floats(1e-4, 1e2), sigma=st.floats(1e-2, 10))
def test_ideal_regenerated_share_is_as_the_sentence_says(power, sigma):
    made = float(flow_limit(sigma, power).output_power(0.0, power)) / power
    assert "1 / (1 + r)" in WORDS["regenerated share"].sentence
    assert made == pytest.approx(1 / (1 + power / sigma**2), rel=1e-9)


def test_latex_only_definitions_point_to_their_function():
    with pytest.raises(TypeError, match=r"call theory\.prf\.PRF\.predict"):
        WORDS["recoverable field"].numeric()


def identifiers() -> set[str]:
    """Names that the code binds or reads: variables, arguments, attributes, functions, keywords."""
    found: set[str] = set()
    tables = {Path(notation.__file__), Path(definitions.__file__)}
    for folder in ("theory", "diffsr_toolkit"):
        for path in (ROOT / folder).rglob("*.py"):
            if path in tables:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                for field in ("id", "arg", "attr", "name"):
                    value = getattr(node, field, None)
                    if isinstance(value, str):
                        found.add(value)
    return found


def test_the_code_uses_the_names_of_the_table():
    assert {row.code for row in NOTATION} - identifiers() == set()
    assert "sigma_noise_level_of_nobody" not in identifiers()


def test_symbols_and_names_are_unique():
    assert len({row.symbol for row in NOTATION}) == len({row.code for row in NOTATION}) == len(NOTATION)


@pytest.mark.parametrize("module", [definitions, notation])
def test_tables_have_rows_of_equal_length(module):
    lines = module.to_markdown().splitlines()
    assert len(lines) == 2 + len(DEFINITIONS if module is definitions else NOTATION)
    assert len({line.count("|") for line in lines}) == 1
    assert all(line.count("$") % 2 == 0 for line in lines)
    assert "\\\\" not in module.to_markdown()


def test_a_definition_renders_its_formula():
    x = sp.Symbol("x", positive=True)
    entry = Definition("root", "q", sp.sqrt(x), "theory.prf.PRF", "A root.")
    assert entry.latex() == r"q = \sqrt{x}"
    assert float(entry.numeric(x)(4.0)) == 2.0
    assert np.all(entry.numeric(x)(np.array([1.0, 9.0])) == [1.0, 3.0])
