"""Divides the cases of an expensive test between the tier of the test and `make test-deep`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first_in_make_test(cases: Iterable[Any], count: int = 2) -> list[Any]:
    """Return cases for `parametrize`: the first `count`, and the others are deep.

    A case of several values is a tuple.
    """
    return [_case(one, is_deep=place >= count) for place, one in enumerate(cases)]


def one_of_each(number: int, cases: Iterable[Any]) -> list[Any]:
    """Return cases for `parametrize`: the first of each `number` cases, and the others are deep."""
    return [_case(one, is_deep=place % number > 0) for place, one in enumerate(cases)]


def _case(case: Any, is_deep: bool) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=[pytest.mark.deep] if is_deep else [])
