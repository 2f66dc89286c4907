"""Hours that are published as one: they follow on each other, and are as many as may be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clickstream.hours import Hour
from clickstream.pipeline.batches import pieces

FIRST = Hour.parse("2026-11-20T00")
MOST = 100


@given(st.dictionaries(st.integers(0, 23), st.integers(0, 2 * MOST)))
def test_pieces_are_whole_and_in_order_and_no_two_could_be_one(sizes: dict[int, int]) -> None:
    of_hour = {FIRST.plus(number): sizes[number] for number in sorted(sizes)}
    made = [*pieces([*of_hour], [*of_hour.values()], MOST)]
    assert [hour for piece in made for hour in piece] == [*of_hour]
    for piece in made:
        assert all(hour.next == following for hour, following in pairwise(piece))
        assert len(piece) == 1 or sum(of_hour[hour] for hour in piece) <= MOST
    for piece, following in pairwise(made):
        size = sum(of_hour[hour] for hour in (*piece, following[0]))
        assert piece[-1].next != following[0] or size > MOST
