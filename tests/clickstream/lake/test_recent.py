"""What a process remembers of its staged objects is right, and bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clickstream.lake.recent import Recent

MOST = 10
objects = st.tuples(st.sampled_from("abcd"), st.binary(max_size=MOST + 2))


@given(st.lists(objects, max_size=20))
def test_the_last_objects_are_kept_up_to_a_size(some: list[tuple[str, bytes]]) -> None:
    recent = Recent(MOST)
    last: dict[str, bytes] = {}
    for key, body in some:
        recent.keep(key, body)
        last[key] = body
        kept = {one: there for one in last if (there := recent.get(one)) is not None}
        assert kept.items() <= last.items()
        assert sum(map(len, kept.values())) <= MOST
        assert (key in kept) == (len(body) <= MOST)
