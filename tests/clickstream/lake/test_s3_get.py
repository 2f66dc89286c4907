"""Cached objects have their last bytes, and no more than the limit are cached."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clickstream.lake.s3_get import ObjectCache

MOST = 10
objects = st.tuples(st.sampled_from("abcd"), st.binary(max_size=MOST + 2))


@given(st.lists(objects, max_size=20))
def test_the_last_objects_are_kept_up_to_a_size(some: list[tuple[str, bytes]]) -> None:
    cache = ObjectCache(MOST)
    last: dict[str, bytes] = {}
    for key, body in some:
        cache.put(key, body)
        last[key] = body
        kept = {one: there for one in last if (there := cache.get(one)) is not None}
        assert kept.items() <= last.items()
        assert sum(map(len, kept.values())) <= MOST
        assert (key in kept) == (len(body) <= MOST)
