"""Fields with a known spectrum."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from helpers.fields import gaussian_field


@pytest.fixture(scope="session")
def make_field() -> Callable:
    return gaussian_field
