"""Every rule that the fuzzer checks holds for the input it begins with."""

from __future__ import annotations

import pytest
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

CHEAP = ("values",)
"""Targets whose seeds are tried in `make test`."""


@pytest.mark.parametrize(
    "target",
    [name if name in CHEAP else pytest.param(name, marks=pytest.mark.deep) for name in TARGETS],
)
def test_the_seeds_of_a_target_break_no_rule(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)
