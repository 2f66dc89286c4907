"""Divides the cases of an expensive test between `make test` and `make test-deep`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest


def first_in_make_test(cases: Iterable[Any], count: int = 2) -> list[Any]:
    """Return cases for `parametrize`: the first `count` for `make test`, the others are deep.

    A case of several values is a tuple.
    """
    rest = iter(cases)
    quick = list(islice(rest, count))
    return quick + [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.deep)
        for case in rest
    ]
