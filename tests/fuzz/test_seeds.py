"""Every rule that the fuzzer checks holds for the input it begins with."""

from __future__ import annotations

import pytest
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_of_a_target_break_no_rule(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)
