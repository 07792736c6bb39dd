"""The lecture: sympy proves every step, and every step reaches the page."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import sympy as sp

from theory import lecture, symbolic
from theory.lecture.__main__ import main
from theory.lecture.signal import Lambda, beta_slope, root, root_slope
from theory.prf import missing_deficit, optimal_weight, surviving_loss
from theory.symbolic import Identity, r

STEPS = lecture.identities()


def test_chapters_cover_the_theory():
    titles = " ".join(chapter.title.lower() for chapter in lecture.chapters())
    for word in (
        "signal-to-noise", "schedules", "denoiser", "regenerated", "posterior", "realism deficit", "weight",
        "critical scale", "timesteps", "sensitivities", "bounds for any data", "asymmetric",
    ):  # fmt: skip
        assert word in titles
    assert sum(len(chapter.steps) for chapter in lecture.chapters()) == len(STEPS) > 90


@pytest.mark.parametrize("name", STEPS)
def test_step_holds(name):
    step = STEPS[name]
    assert step.left != step.right, "says nothing"
    assert step.holds()


def numbers(*expressions):
    rng = np.random.default_rng(1)
    free = sorted(set().union(*(e.free_symbols for e in expressions)), key=str)
    return {symbol: sp.Float(float(rng.uniform(0.2, 0.8)), 30) for symbol in free}


def is_numeric(step):
    return not step.left.has(sp.Limit, sp.Sum, sp.Integral, sp.Function("Lambda")) and not step.right.has(
        sp.oo
    )


@pytest.mark.parametrize("name", [name for name, step in STEPS.items() if is_numeric(step)])
def test_step_holds_in_numbers(name):
    # A second opinion, without any simplification.
    left, right = STEPS[name].left.doit(), STEPS[name].right.doit()
    values = numbers(left, right)
    difference = abs(sp.N(left.subs(values) - right.subs(values), 20))
    assert difference < 1e-12 * (1 + abs(sp.N(right.subs(values), 20)))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sp.sqrt(1 + r), 1 + r / 2),
        (sp.Derivative(r**3, r), 2 * r**2),
        (sp.Limit(sp.sin(r) / r, r, 0), sp.Integer(0)),
        (sp.Limit(1 / r, r, 0), sp.Integer(1)),
        (sp.log(r), sp.log(2 * r)),
    ],
)
def test_a_false_step_does_not_hold(left, right):
    assert not Identity("wrong", left, right).holds()


ABBREVIATIONS = {
    beta_slope: (symbolic.beta_end - symbolic.beta_start) / (symbolic.timesteps - 1),
    root: sp.sqrt(symbolic.beta_start),
    root_slope: symbolic.root_slope(),
    Lambda: sp.log(1 + 1 / symbolic.snr),
    sp.Symbol("alphabar", positive=True): symbolic.snr / (1 + symbolic.snr),
    sp.Symbol("sigma", positive=True): symbolic.snr ** sp.Rational(-1, 2),
    sp.Symbol("o", positive=True): sp.Rational(8, 1000),
    sp.Symbol("varphi_0", positive=True): sp.pi * sp.Rational(8, 1000) / (2 + sp.Rational(16, 1000)),
}


@pytest.mark.parametrize("family", symbolic.FAMILIES)
def test_printed_timesteps_are_the_compiled_ones(family):
    printed = {name: result for chapter in lecture.chapters() for name, result in chapter.results.items()}
    values = symbolic.defaults(family)
    snr = np.geomspace(1e-2, 1e4, 50)
    short = symbolic.numeric(printed[f"t_{family}"].value.subs(ABBREVIATIONS), symbolic.snr, values=values)
    full = symbolic.numeric(symbolic.t_of_snr(family), symbolic.snr, values=values)
    np.testing.assert_allclose(short(snr), full(snr), rtol=1e-9, atol=1e-7)
    scale = np.linspace(1.2, 12, 20)
    law = {symbolic.amplitude: 2e-4, symbolic.exponent: 2.7, symbolic.constant: 1.3}
    optimum = printed[f"t_opt_{family}"].value.subs(ABBREVIATIONS)
    short = symbolic.numeric(optimum, symbolic.scale, values=values | law)
    full = symbolic.numeric(symbolic.t_optimal(family), symbolic.scale, values=values | law)
    np.testing.assert_allclose(short(scale), full(scale), rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("family", symbolic.FAMILIES)
def test_printed_slopes_are_the_compiled_ones(family):
    printed = {name: result for chapter in lecture.chapters() for name, result in chapter.results.items()}
    law = {symbolic.amplitude: 2e-4, symbolic.exponent: 2.7, symbolic.constant: 1.3}
    values, s = symbolic.defaults(family) | law, 3.4
    full = float(symbolic.numeric(symbolic.dt_ds(family), symbolic.scale, values=values)(s))
    t = float(symbolic.numeric(symbolic.t_optimal(family), symbolic.scale, values=values)(s))
    kind = family if family in ("flow_matching", "karras") else "variance_preserving"
    value = printed[f"dt_ds_{kind}"].value
    snr = symbolic.snr_of_t(family) if kind == "variance_preserving" else sp.Integer(1)
    total = sp.log(1 + 1 / snr)
    extra = {
        "t^*": t,
        "sigma^*": float(symbolic.snr_optimal().subs(law).subs(symbolic.scale, s)) ** -0.5,
        "beta(t^*)": float(sp.diff(total, symbolic.t).subs(values).subs(symbolic.t, t)),
    }
    found = value.subs({x: extra[x.name] for x in value.free_symbols if x.name in extra})
    assert float(found.subs(values).subs(symbolic.scale, s)) == pytest.approx(full, rel=1e-9)


@pytest.mark.parametrize("c", [0.4, 1.0, 7.0])
def test_printed_losses_and_weight_are_the_numeric_ones(c):
    printed = {
        name: result.value for chapter in lecture.chapters() for name, result in chapter.results.items()
    }
    assert float(printed["realism_deficit"].subs(r, c)) == pytest.approx(float(missing_deficit(c)))
    assert float(printed["signature_loss"].subs(r, c)) == pytest.approx(float(surviving_loss(c)))
    elementary = float(printed["weight_at_exponent_2"].subs(symbolic.constant, c))
    assert elementary == pytest.approx(optimal_weight(c, 2.0), rel=1e-6)
    values = {symbolic.constant: c, symbolic.exponent: sp.Rational(5, 2)}
    assert float(printed["weight"].subs(values).evalf()) == pytest.approx(optimal_weight(c, 2.5), rel=1e-6)


def outside_formulas(text):
    return re.sub(r"\$[^$]*\$", "", text)


def test_prose_survives_latex():
    for chapter in lecture.chapters():
        for text in [
            chapter.text,
            *(item.statement for item in (*chapter.results.values(), *chapter.steps.values())),
        ]:
            assert text.count("$") % 2 == 0 and text.count("`") % 2 == 0
            prose = re.sub(r"`[^`]*`", "", outside_formulas(text))
            assert not set(prose) & set("_^\\%#&{}~"), prose


def test_latex_is_a_whole_document():
    document = lecture.to_latex()
    body = re.sub(r"\\[{}]", "", document)
    depth = 0
    for character in body:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", document):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == [] and document.count(r"\begin{document}") == 1
    assert body.count(r"\left") == body.count(r"\right")
    assert "own derivation" in document
    # A starred letter raised to a power needs its braces: x^*^2 is no TeX.
    assert "^*^" not in document


@pytest.mark.parametrize("render", [lecture.to_latex, lecture.to_markdown, lecture.to_text])
def test_every_result_and_step_is_printed(render):
    page = render()
    for chapter in lecture.chapters():
        assert chapter.title in page
        for item in (*chapter.results.values(), *chapter.steps.values()):
            parts = (
                [item.text()]
                if render is lecture.to_text
                else [symbolic.latex(item.left), symbolic.latex(item.right)]
                if isinstance(item, Identity)
                else [item.name, symbolic.latex(item.value)]
            )
            assert item.statement in page or "`" in item.statement
            assert all(part in page for part in parts)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_compiles(tmp_path):
    (tmp_path / "lecture.tex").write_text(lecture.to_latex(), encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "lecture.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0


def test_command_writes_what_the_suffix_says(tmp_path, capsys):
    for name, expected in (("a.tex", lecture.to_latex()), ("a.md", lecture.to_markdown())):
        assert main(["--out", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_text(encoding="utf-8") == expected
    assert main(["--format", "text"]) == 0
    assert capsys.readouterr().out == lecture.to_text()
    assert main(["--out", str(tmp_path / "none" / "a.tex")]) == 1
    assert "Choose another --out" in capsys.readouterr().err


def test_import_builds_nothing():
    program = "import sys, theory.lecture; print(theory.lecture.chapters.cache_info().misses, 'scipy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["0", "False"]
