"""What is read from a request's target, and what is left out."""

from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.clean.builders import KEY, RULES, line, requests, row
from tests.support.cases import each_case

from clickstream.clean import clean
from clickstream.clean.known_sites import CLICK_IDS, PLATFORM_OF
from clickstream.clean.urls import Target, TargetRules, extension, split_target

KEPT = TargetRules(frozenset({"page", "q"}))
TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
any_text = st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", {"path": "/"}),
        ("/menu?", {"path": "/menu"}),
        ("/a%20b/", {"path": "/a%20b/", "page": "/a%20b"}),
        ("/?page=2&other=secret&q=a+b", {"query": "page=2&q=a+b"}),
        ("/?q=2&page=1&q=", {"query": "q=2&page=1&q="}),
        ("/?q=caf%C3%A9", {"query": "q=caf%C3%A9"}),
        ("/?q=caf%E9", {"query": "q=caf%E9"}),
        ("/?q=é", {"query": "q=%C3%A9"}),
        ("/?q=a?b", {"query": "q=a%3Fb"}),
        ("/?q=a;b", {"query": "q=a%3Bb"}),
        ("/?&&=&q", {"query": "q="}),
        ("/?page=1&amp;q=2", {"query": "page=1&q=2"}),
        ("/?page=1&amp;gclid=x", {"query": "page=1", "click_platform": "google ads"}),
        ("/a#top?q=1", {"path": "/a"}),
        ("http://cafe.example/menu?q=1", {"path": "/menu", "query": "q=1"}),
        ("https://cafe.example", {"path": "/"}),
        ("*", {"path": "*", "page": "*"}),
        ("/a;jsessionid=1A2B?q=1", {"path": "/a", "query": "q=1"}),
        ("/(S(lit3py55t21z5v55vlm25s55))/a.aspx", {"path": "/a.aspx"}),
    ],
)
def test_a_target_is_split_into_path_page_and_kept_parameters(
    target: str, expected: dict[str, Any]
) -> None:
    path = expected.setdefault("path", "/")
    assert split_target(target, KEPT) == Target(**{"page": path, **expected})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("utm_source=news+letter&utm_medium=e%2Dmail", ("news letter", "e-mail")),
        ("utm_campaign=50%2525+off", (None, None, "50%25 off")),
        ("utm_campaign=spring%2520sale", (None, None, "spring%20sale")),
        ("utm_source=&utm_medium=a&utm_medium=b", (None, "a")),
        ("utm_source=caf%E9", (r"caf\xe9",)),
        ("utm_source=+Cafe%20", ("Cafe",)),
        ("UTM_Source=a&Utm_Medium=B", ("a", "B")),
        ("utm_source=a&amp;utm_medium=b&amp;utm_campaign=c", ("a", "b", "c")),
        ("utm_source=a;utm_medium=b;c", ("a", "b;c")),
        ("utm_term=caf%C3%A9&utm_content=top", (None, None, None, "café", "top")),
        ("utm%5Fsource=a", ("a",)),
        ("q=utm_source%3Da", ()),
    ],
)
def test_campaign_tags_are_decoded_and_the_first_of_each_counts(
    query: str, expected: tuple[str | None, ...]
) -> None:
    target = split_target("/?" + query, TargetRules())
    found = tuple(getattr(target, tag) for tag in TAGS)
    assert found == expected + (None,) * (len(TAGS) - len(expected))


def escaped(text: str, *, upper: bool) -> str:
    """Every byte escaped, in the given case of hex."""
    escapes = [f"%{byte:02X}" if upper else f"%{byte:02x}" for byte in text.encode()]
    return "".join(escapes)


@given(any_text)
def test_every_spelling_of_a_campaign_is_one_campaign(name: str) -> None:
    spellings = (
        quote(name, safe=""),
        quote_plus(name),
        *(escaped(name, upper=u) for u in (False, True)),
    )
    found = {split_target(f"/?utm_campaign={text}", KEPT).utm_campaign for text in spellings}
    assert found == {name.strip() or None}


names = st.sampled_from(["page", "q", "other", "utm_source", "é"])


@given(st.lists(st.tuples(names, any_text)))
def test_kept_parameters_say_the_same_as_before(pairs: list[tuple[str, str]]) -> None:
    target = split_target("/?" + urlencode(pairs), KEPT)
    kept = [pair for pair in pairs if pair[0] in KEPT.query_parameters]
    assert parse_qsl(target.query or "", keep_blank_values=True) == kept


@given(any_text)
def test_no_target_makes_it_fail(text: str) -> None:
    target = split_target(text, KEPT)
    assert target.path
    assert target.page
    assert "?" not in target.path


@each_case("name, platform", CLICK_IDS.items())
def test_a_click_id_gives_its_platform_away_and_nothing_else(name: str, platform: str) -> None:
    """Even where the parameter is listed among those to keep."""
    rules = TargetRules(frozenset({name, name.upper()}))
    for spelling in (name, name.upper()):
        target = split_target(f"/?{spelling}=Secret-Value", rules)
        assert target == Target("/", "/", click_platform=platform)
    assert split_target(f"/?{name}=", rules).click_platform is None


def test_every_click_id_has_one_platform_and_ads_come_first() -> None:
    parameters = [name for one in PLATFORM_OF.values() for name in one.parameters]
    assert len(parameters) == len(set(parameters)) == len(CLICK_IDS)
    assert all(name == name.lower() for name in parameters)
    assert split_target("/?fbclid=x&gclid=y", KEPT).click_platform == "google ads"


@pytest.mark.parametrize("name", ["PHPSESSID", "JSESSIONID", "ASPSESSIONIDQQ", "sid", "session_id"])
@given(value=st.text("abcdefghijkl0123456789", min_size=8))
def test_session_ids_never_come_out(name: str, value: str) -> None:
    rules = TargetRules(frozenset({name}))
    for text in (
        f"/a?{name}={value}",
        f"/a;{name}={value}",
        f"/a;{name}={value}/b",
        f"/(S({value}))/",
    ):
        assert value not in repr(split_target(text, rules))


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a.CSS", "css"), ("/a.b/c", ""), ("/a.tar.gz", "gz"), ("/.env", "env"), ("/a.", "")],
)
def test_the_extension_is_what_follows_the_last_dot_of_the_file_name(
    path: str, expected: str
) -> None:
    assert extension(path) == expected


def test_a_labelled_request_has_all_parts_of_its_target() -> None:
    labelled = clean(
        requests(
            line("/menu?q=tea&sid=1&utm_source=x", referrer="https://a.example/"),
            line("/menu", referrer="https://cafe.example/"),
        ),
        RULES,
        KEY,
    )
    first, second = row(labelled, 0), row(labelled, 1)
    assert (first["path"], first["query"], first["utm_source"]) == ("/menu", "q=tea", "x")
    assert (first["referrer_domain"], second["referrer_domain"]) == ("a.example", None)
    assert (second["query"], second["utm_source"]) == (None, None)
