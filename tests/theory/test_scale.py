"""Scales: what passes, as which pair, and that every refusal names value, limit and remedy."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import theory
from theory.errors import ScaleError
from theory.scale import ScalePair, as_scale

factors = st.one_of(
    st.floats(1, 1e300),
    st.integers(1, 10**300),
    st.fractions(1, 10**6),
    st.floats(1, 2.0**100, width=32).map(np.float32),
    st.integers(1, 2**62).map(np.int64),
)
pairs = st.tuples(factors, factors)
forms = st.sampled_from([tuple, list, lambda pair: np.array(pair, dtype=object)])


@given(factors)
def test_one_number_counts_for_both_axes(factor):
    assert as_scale(factor) == (float(factor), float(factor))


@given(pairs, forms)
def test_two_numbers_count_for_an_axis_each(pair, form):
    parsed = as_scale(form(pair))
    assert parsed == (float(pair[0]), float(pair[1])) == (parsed.y, parsed.x)
    assert type(parsed) is ScalePair and type(parsed.y) is type(parsed.x) is float


@given(pairs)
def test_parsing_twice_changes_nothing(pair):
    parsed = as_scale(pair)
    assert as_scale(parsed) is parsed


def test_a_pair_that_was_parsed_is_not_checked_again():
    unchecked = ScalePair(0.5, math.nan)
    assert as_scale(unchecked) is unchecked


@pytest.mark.parametrize(
    ("scale", "pair"),
    [
        (np.array(2.5), (2.5, 2.5)),
        (np.array(3), (3, 3)),
        (np.array([2, 3]), (2, 3)),
        (np.array([2.5, 3], dtype=np.float32), (2.5, 3)),
        (np.float16(2.5), (2.5, 2.5)),
        (Fraction(7, 2), (3.5, 3.5)),
        ([np.int32(2), 3.5], (2, 3.5)),
        (range(2, 4), (2, 3)),
        (1, (1, 1)),
    ],
)
def test_numbers_of_every_kind_are_numbers(scale, pair):
    assert as_scale(scale) == pair


@given(st.one_of(st.floats(max_value=1, exclude_max=True), st.just(math.nan), st.just(math.inf)), pairs)
def test_what_does_not_enlarge_is_refused(bad, pair):
    for scale in (bad, (bad, pair[0]), (pair[1], bad), np.array([bad, 2.0]), np.float64(bad)):
        with pytest.raises(ScaleError, match=r"scale = .*finite and >= 1; give a number of at least 1"):
            as_scale(scale)


@pytest.mark.parametrize("digits", [400, 6000], ids=str)
def test_whole_numbers_too_large_for_a_float_are_refused(digits):
    # Python spells out the shorter one alone.
    for scale in (10**digits, -(10**digits), (2, 10**digits), Fraction(10**digits)):
        with pytest.raises(ScaleError, match=r"scale = .*finite and >= 1"):
            as_scale(scale)


@pytest.mark.parametrize(
    "scale",
    [
        "2.7", b"2", bytearray(b"\x02\x03"), "27", ("2", 2), None, 2 + 0j, Decimal("2.7"), object(), {2, 3},
        True, (True, 2), (2, True), [True, True], np.True_, (np.True_, 2), np.array(True), np.array([True, True]),
        np.array("2.7"), np.array(["2", "3"]), np.array([2, 3j]), np.full((2, 2), 2.0), ((2, 3), (2, 3)), (2, None),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(scale):
    with pytest.raises(
        ScaleError, match=r"(?s)scale = .*not a real number.*give a number of at least 1"
    ) as refusal:
        as_scale(scale)
    assert repr(scale) in str(refusal.value)


@pytest.mark.parametrize(
    ("scale", "count"),
    [((), "0 values"), ((2,), "1 value;"), ([2, 2, 2], "3 values"), (np.array([2.0]), "1 value;")],
)
def test_other_counts_than_one_number_or_two_are_refused(scale, count):
    with pytest.raises(ScaleError, match=rf"scale = .* has {count}.*two, \(s_y, s_x\)"):
        as_scale(scale)


def test_the_package_offers_it():
    assert theory.as_scale is as_scale
