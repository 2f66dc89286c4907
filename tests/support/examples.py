"""How many examples a property tries: the same few in every run, or many and new ones."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("EXAMPLES", "1"))
"""EXAMPLES=20 tries twenty times as many, and others each time."""


def examples(few: int, **more: Any) -> settings:
    """So many examples, the same ones every time unless EXAMPLES asks for more."""
    return settings(
        max_examples=few * TIMES,
        derandomize=TIMES == 1,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        **more,
    )
