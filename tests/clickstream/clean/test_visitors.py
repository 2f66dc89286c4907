"""Visitor ids: the same for the same, different for the different, useless without the key."""

import re
from hashlib import blake2b

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.clean.builders import KEY, RULES, line, requests, table
from tests.support.examples import many_examples

from clickstream.clean import Cleaner, CleanRules, LookUps, NetworkSet, VisitorKeys, clean
from clickstream.clean.places import Place
from clickstream.clean.visitors import Hasher, hashed_form
from clickstream.core.errors import InputError

text = st.none() | st.text("ab\x00|\xff", max_size=4)
OTHER_KEY = KEY[::-1]


def labelled(*lines: str, rules: CleanRules = RULES, **columns: object) -> pd.DataFrame:
    """The lines as cleaned, where the log also had some more columns."""
    return clean(requests(*lines).assign(**columns), rules, KEY)


def category(*values: str | None) -> pd.Categorical:
    return pd.Categorical(pd.array(values, dtype="str"))


@many_examples
@given(st.lists(st.lists(text, max_size=4).map(tuple), min_size=1))
def test_no_two_lists_of_texts_make_the_same_bytes(lists: list[tuple[str | None, ...]]) -> None:
    made = {b"".join(map(hashed_form, one)) for one in lists}
    assert len(made) == len(set(lists))


def test_an_id_is_keyed_blake2b_of_lengths_and_texts() -> None:
    fields = b"".join(len(f).to_bytes(8, "big") + f for f in (b"cafe", b"192.0.2.1", "é".encode()))
    found = labelled(line(client="192.0.2.1", agent="é"))["visitor_id"].tolist()
    assert found == [blake2b(fields, key=KEY, digest_size=12).hexdigest()]
    assert re.fullmatch("[0-9a-f]{24}", found[0])
    assert found != [Hasher(OTHER_KEY)(fields)]


def test_visitors_are_told_apart_by_site_address_and_agent() -> None:
    clients, agents = ("192.0.2.1", "192.0.2.2", "host.example"), ("x", "y", "-")
    lines = [line(client=client, agent=agent) for client in clients for agent in agents]
    ids = labelled(*lines, *lines)["visitor_id"]
    assert ids[:9].nunique() == 9
    assert ids[:9].tolist() == ids[9:].tolist()
    elsewhere = labelled(*lines, rules=CleanRules("shop"))["visitor_id"]
    assert not set(ids) & set(elsewhere)


def test_an_id_does_not_depend_on_who_else_is_there() -> None:
    alone = labelled(line(client="192.0.2.9"))["visitor_id"].tolist()
    among = labelled(line(), line(client="192.0.2.9"), line(agent="-"))["visitor_id"].tolist()
    assert among[1:2] == alone


def test_an_id_is_that_of_the_client_behind_trusted_proxies() -> None:
    """A load balancer's address and a client's own say nothing: whose is told by the balancer."""
    rules = CleanRules("cafe", trusted=NetworkSet.of(("10.0.0.0/8",)))
    direct = labelled(line(client="192.0.2.1"), rules=rules)
    through = labelled(
        *(line(client="10.0.0.7"), line(client="10.9.0.1")),
        rules=rules,
        forwarded=category("203.0.113.9, 192.0.2.1", "192.0.2.1:4711"),
    )
    assert set(through["visitor_id"]) == set(direct["visitor_id"])
    spoofed = labelled(line(client="192.0.2.1"), rules=rules, forwarded=category("198.51.100.1"))
    assert spoofed["visitor_id"].tolist() == direct["visitor_id"].tolist()


def test_a_cookie_tells_visitors_apart_whatever_their_address() -> None:
    lines = (line(client="192.0.2.1"), line(client="192.0.2.2"), line(client="192.0.2.2"))
    ids = labelled(*lines, cookie=category("abc", "abc", None))["visitor_id"].tolist()
    assert ids[0] == ids[1] != ids[2]
    assert ids[2:] == labelled(line(client="192.0.2.2"))["visitor_id"].tolist()


def test_who_asks_not_to_be_tracked_is_known_for_one_hour_and_by_country_only() -> None:
    def place(_address: str) -> Place:
        return Place("FR", "IDF", "Paris", 48.9, 2.3, 20, "business")

    at = pd.to_datetime(["2026-11-20 05:10", "2026-11-20 05:50", "2026-11-20 06:01"])
    parsed = requests(line(), line(), line()).assign(at=at.astype("M8[us]"), opt_out=True)
    cleaner = Cleaner(RULES, VisitorKeys(KEY, OTHER_KEY), LookUps(place=place))
    cleaner.add(table(parsed))
    cleaner.add(table(requests(line())))
    found = cleaner.requests().frame()
    ids = found["visitor_id"].tolist()
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3, "not the same in the next hour, nor as without the wish"
    assert found["opted_out"].tolist() == [True, True, True, False]
    assert found["country"].tolist() == ["FR"] * 4
    for name in Place._fields[1:]:
        assert found[name].isna().tolist() == [True] * 3 + [False], name
    assert found["carried_as"].tolist()[:3] == ids[:3], "no session is followed over the hour"


def test_the_hour_after_a_change_of_keys_knows_both_ids() -> None:
    cleaner = Cleaner(RULES, VisitorKeys(KEY, OTHER_KEY))
    cleaner.add(table(requests(line())))
    found = cleaner.requests().frame()
    assert (
        found["visitor_id"].tolist() == clean(requests(line()), RULES, KEY)["visitor_id"].tolist()
    )
    old = clean(requests(line()), RULES, OTHER_KEY)["visitor_id"].tolist()
    assert found["carried_as"].tolist() == old


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_key_that_is_too_short_or_too_long_is_refused(length: int) -> None:
    with pytest.raises(InputError, match=f"key has {length} bytes"):
        VisitorKeys(b"k" * length)
