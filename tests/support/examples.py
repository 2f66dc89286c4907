"""How many examples a hypothesis property tries. No other module sets a number of examples.

A property needs only `@given`: the profile below holds for all. `@examples(times=...)` is for a
property that needs more (pure and cheap, with rare faults), or that can afford only fewer.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("EXAMPLES", "1"))
"""EXAMPLES=20 tries 20 times as many examples of every property, and other examples in each run."""

USUAL = 6
"""Number of examples of a property in `make test`."""

# A busy machine must not fail a property, so nothing here limits wall-clock time. Chance must not
# either: without EXAMPLES, all runs have the same examples.
settings.register_profile(
    "project",
    max_examples=USUAL * TIMES,
    derandomize=TIMES == 1,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("project")


def examples(*, times: float = 1, **more: Any) -> settings:
    """Return settings of a property with `times` the usual number of examples, at least one.

    `more` are further settings of hypothesis, such as `phases`.
    """
    return settings(max_examples=max(1, round(USUAL * times * TIMES)), **more)


many_examples = examples(times=5)
"""Settings of a pure property: an example costs about a millisecond, and a fault may be rare."""
