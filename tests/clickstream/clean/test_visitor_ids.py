"""Visitor ids: the same for the same, different for the different, useless without the key."""

import re
from hashlib import blake2b

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clickstream.clean.requests_made import KEY

from clickstream.clean.visitors import visitor_ids
from clickstream.errors import InputError

text = st.none() | st.text("ab\x00|", max_size=4)


def column(*values: str | None) -> pd.Series:
    return pd.Series(pd.Categorical(pd.array(values, dtype="str")))


def ids(clients: list[str | None], agents: list[str | None], site: str = "cafe") -> list[str]:
    return list(visitor_ids(column(*clients), column(*agents), site, KEY))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(text, text), min_size=1))
def test_two_visitors_share_an_id_only_when_they_are_one(
    visitors: list[tuple[str | None, str | None]],
) -> None:
    found = ids([client for client, _ in visitors], [agent for _, agent in visitors])
    assert all(re.fullmatch("[0-9a-f]{24}", one) for one in found)
    assert len(set(zip(visitors, found, strict=True))) == len(set(visitors)) == len(set(found))


def test_fields_do_not_run_into_each_other() -> None:
    assert len(set(ids(["ab", "a", "", None, "ab"], ["c", "bc", "abc", "abc", None]))) == 5
    assert ids(["b"], ["c"], site="cafea") != ids(["ab"], ["c"], site="cafe")


def test_id_does_not_depend_on_who_else_is_there() -> None:
    alone = ids(["192.0.2.1"], ["x"])
    assert ids(["a", "192.0.2.1", None], ["y", "x", None])[1:2] == alone


def test_id_is_keyed_blake2b_of_lengths_and_texts() -> None:
    fields = b"".join(len(f).to_bytes(8, "big") + f for f in (b"cafe", b"192.0.2.1", "é".encode()))
    assert ids(["192.0.2.1"], ["é"]) == [blake2b(fields, key=KEY, digest_size=12).hexdigest()]
    other = visitor_ids(column("192.0.2.1"), column("é"), "cafe", KEY[::-1])
    assert list(other) != ids(["192.0.2.1"], ["é"])


@pytest.mark.parametrize("length", [0, 15, 65])
def test_key_that_is_too_short_or_too_long_is_refused(length: int) -> None:
    with pytest.raises(InputError, match=f"key of {length} bytes"):
        visitor_ids(column("a"), column("b"), "cafe", b"k" * length)
