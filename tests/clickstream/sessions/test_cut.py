"""The order that sessions are cut in: by visitor, then time, then place in the log."""

from __future__ import annotations

from importlib import import_module

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

_in_order = import_module("clickstream.sessions.cut")._in_order
VISITORS = st.sampled_from([0, 1, 2, 70_000, 1 << 40, (1 << 62) - 1])
MOMENTS = st.sampled_from([-1, 0, 1, 999_999, 1_000_000, 1 << 50])
"""Microseconds: ties, neighbours, and moments before 1970 and far from all others."""


@given(st.lists(st.tuples(VISITORS, MOMENTS), max_size=40))
def test_order_is_by_visitor_then_time_then_place_whatever_their_numbers(
    requests: list[tuple[int, int]],
) -> None:
    """Where visitor and place fit into one number, and where they don't."""
    visitor, at = np.array(requests, np.int64).reshape(-1, 2).T

    visitors, order = _in_order(visitor, at)

    expected = sorted(range(len(requests)), key=lambda place: (requests[place], place))
    assert order.tolist() == expected
    assert visitors.tolist() == visitor[expected].tolist()
