"""What is read from a target and a referrer, and what is left out."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.clean.requests_made import KEY, RULES, line, requests, row

from clickstream.clean import clean
from clickstream.clean.urls import Target, extension, other_site, split_target

KEPT = frozenset({"page", "q"})


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", Target("/")),
        ("/menu?", Target("/menu")),
        ("/a%20b/", Target("/a%20b/")),
        ("/?page=2&sid=secret&q=a+b", Target("/", "page=2&q=a+b")),
        ("/?q=2&page=1&q=", Target("/", "q=2&page=1&q=")),
        ("/?q=caf%C3%A9", Target("/", "q=caf%C3%A9")),
        ("/?q=caf%E9", Target("/", "q=caf%E9")),
        ("/?q=é", Target("/", "q=%C3%A9")),
        ("/?q=a?b", Target("/", "q=a%3Fb")),
        ("/a#top?q=1", Target("/a")),
        ("http://cafe.example/menu?q=1", Target("/menu", "q=1")),
        ("https://cafe.example", Target("/")),
        ("*", Target("*")),
        (
            "/?utm_source=news+letter&utm_medium=e%2Dmail",
            Target("/", None, "news letter", "e-mail"),
        ),
        ("/?utm_campaign=50%2525+off", Target("/", None, None, None, "50%25 off")),
        ("/?utm_source=&utm_medium=a&utm_medium=b", Target("/", None, None, "a")),
        ("/?utm_source=caf%E9", Target("/", None, r"caf\xe9")),
        ("/?UTM_SOURCE=a&gclid=Cj0", Target("/")),
        ("/?&&=&q", Target("/", "q=")),
    ],
)
def test_target(target: str, expected: Target) -> None:
    assert split_target(target, KEPT) == expected


names = st.sampled_from(["page", "q", "sid", "utm_source", "é"])


@given(st.lists(st.tuples(names, st.text(st.characters(codec="utf-8")))))
def test_kept_parameters_say_the_same_as_before(pairs: list[tuple[str, str]]) -> None:
    target = split_target("/?" + urlencode(pairs), KEPT)
    kept = [pair for pair in pairs if pair[0] in KEPT]
    assert parse_qsl(target.query or "", keep_blank_values=True) == kept


@given(st.text())
def test_no_target_makes_it_fail(text: str) -> None:
    assert split_target(text, KEPT).path
    assert "?" not in split_target(text, KEPT).path


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://www.Google.com/search?q=cake", "www.google.com"),
        ("https://example.org:8443/a", "example.org"),
        ("https://example.org./", "example.org"),
        ("https://user:secret@example.org/", "example.org"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("https://cafe.example/menu", None),
        ("https://www.cafe.example/menu", None),
        ("https://notcafe.example/", "notcafe.example"),
        ("https://cafe.example.evil.example/", "cafe.example.evil.example"),
        ("/menu", None),
        ("about:blank", None),
        ("example.org", None),
        ("http://[", None),
        ("http://[x]/", None),
        ("http://<script>/", None),
        ("https://", None),
    ],
)
def test_referrer(referrer: str, host: str | None) -> None:
    assert other_site(referrer, ("cafe.example",)) == host


@given(st.text())
def test_no_referrer_makes_it_fail(text: str) -> None:
    for referrer in (text, "http://" + text):
        host = other_site(referrer, ())
        assert host is None or not set(host) & set(" /\\\"'<>")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a.CSS", "css"), ("/a.b/c", ""), ("/a.tar.gz", "gz"), ("/.env", "env"), ("/a.", "")],
)
def test_extension(path: str, expected: str) -> None:
    assert extension(path) == expected


def test_row_has_it_all() -> None:
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
