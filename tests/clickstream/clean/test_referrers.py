"""Hosts and known sources of referrers, and the own domain that referrers show."""

from __future__ import annotations

import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case
from tests.support.shared_data import shared

from clickstream.clean import known_sites
from clickstream.clean.data import read_csv
from clickstream.clean.known_sites import SOURCE_CATEGORIES
from clickstream.clean.referrers import (
    LEAST_SAMPLE,
    OwnDomain,
    Referrer,
    category_of,
    infer_own_domain,
    named_source,
    referrer_of,
)

OWN = ("cafe.example",)


@each_case(
    "referrer, host",
    [
        ("https://www.Google.com/search?q=cake", "www.google.com"),
        ("https://example.org:8443/a", "example.org"),
        ("https://example.org./", "example.org"),
        ("https://user:secret@example.org/", "example.org"),
        ("https://google.com@example.org/", "example.org"),
        ("HTTPS://EXAMPLE.ORG", "example.org"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("ios-app://544007664/vnd.youtube/x", "544007664"),
        ("http://192.0.2.7:8080/", "192.0.2.7"),
        ("http://[2001:DB8:0::1]/", "2001:db8::1"),
        ("http://[fe80::1%25eth0]/", "fe80::1"),
        ("http://bücher.example/", "xn--bcher-kva.example"),
        ("http://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("http://my_blog.example/", "my_blog.example"),
        ("https://notcafe.example/", "notcafe.example"),
        ("https://cafe.example.evil.example/", "cafe.example.evil.example"),
        ("https://cafe.example/menu", None),
        ("https://www.CAFE.example/menu", None),
        ("http://evil.example\\@google.com/", None),
        ("chrome-extension://abcdefgh/", None),
        ("file:///C:/page.html", None),
        ("data:text/html,x", None),
        ("/menu", None),
        ("about:blank", None),
        ("example.org", None),
        ("-", None),
        ("", None),
        ("http://[", None),
        ("http://[x]/", None),
        ("http://<script>/", None),
        ("http://a b.example/", None),
        ("http://a..example/", None),
        ("https://", None),
    ],
)
def test_a_referrer_from_another_site_has_the_host_of_its_address(
    referrer: str, host: str | None
) -> None:
    found = referrer_of(referrer, OWN)
    assert (found and found.domain) == host


@each_case(
    "referrer, source, category",
    [
        ("https://www.google.com/", "google", "search"),
        ("https://www.google.co.uk/", "google", "search"),
        ("http://images.google.com.hk/imgres", "google", "search"),
        ("https://google.de/", "google", "search"),
        ("https://mail.google.com/", "gmail", "email"),
        ("https://docs.google.com/a", "google docs", "other"),
        ("https://gemini.google.com/app", "gemini", "ai assistant"),
        ("https://shopping.google.com/", "google shopping", "shopping"),
        ("https://r.search.yahoo.com/", "yahoo", "search"),
        ("https://mail.yahoo.com/", "yahoo mail", "email"),
        ("https://cn.bing.com/", "bing", "search"),
        ("https://duckduckgo.com/", "duckduckgo", "search"),
        ("https://l.facebook.com/l.php", "facebook", "social"),
        ("https://t.co/x", "twitter", "social"),
        ("https://out.reddit.com/", "reddit", "social"),
        ("https://www.pinterest.co.uk/", "pinterest", "social"),
        ("https://m.youtube.com/watch", "youtube", "video"),
        ("https://www.amazon.co.jp/", "amazon", "shopping"),
        ("https://chatgpt.com/", "chatgpt", "ai assistant"),
        ("https://www.perplexity.ai/", "perplexity", "ai assistant"),
        ("android-app://com.google.android.googlequicksearchbox/", "google", "search"),
        ("android-app://com.google.android.gm", "gmail", "email"),
        ("android-app://com.linkedin.android/", "linkedin", "social"),
        ("android-app://com.example.shop/", None, "app"),
        ("ios-app://544007664/", "youtube", "video"),
        ("android-app://google.com/", None, "app"),
        ("https://com.reddit.frontpage/", None, "other"),
        ("https://google.com.example.org/", None, "other"),
        ("https://google.example/", None, "other"),
        ("https://notgoogle.com/", None, "other"),
        ("https://facebook.com.co.example/", None, "other"),
        ("https://example.org/", None, "other"),
        ("http://192.0.2.7/", None, "other"),
    ],
)
def test_a_referrer_has_its_known_source_and_category(
    referrer: str, source: str | None, category: str
) -> None:
    found = referrer_of(referrer, OWN)
    assert found
    assert (found.source, found.category) == (source, category)


@pytest.mark.parametrize(
    ("tag", "source"),
    [
        ("Facebook", "facebook"),
        ("fb", "facebook"),
        ("m.facebook.com", "facebook"),
        ("google", "google"),
        ("chatgpt.com", "chatgpt"),
        ("newsletter", None),
        ("", None),
        ("www.example.org", None),
    ],
)
def test_a_tag_names_a_source_by_name_alias_or_host(tag: str, source: str | None) -> None:
    alias = named_source(tag)
    assert (alias.source if alias else None) == source


@each_case(
    "host",
    [
        *("deref-gmx.net", "deref-gmx.at", "navigator.gmx.net", "lightmailer-bs.gmx.net"),
        *("3c.gmx.net", "mail.gmx.com", "deref-web.de", "deref-web-02.de", "3c-bap.web.de"),
        *("deref-1und1.de", "deref-mail.com", "mail.ionos.de", "email.ionos.co.uk"),
        *("email.t-online.de", "webmail.freenet.de", "vodafonemail.de", "my.mail.de"),
        *("messagerie.orange.fr", "mail01.orange.fr", "webmail.laposte.net", "webmail.sfr.fr"),
        *("zimbra.free.fr", "email.bluewin.ch", "rich-v01.bluewin.ch", "mail.infomaniak.com"),
        *("mail.tim.it", "webmail.libero.it", "mail.virgilio.it", "mail.tiscali.it"),
        *("mail.yahoo.com", "mail.yahoo.co.uk", "fr.mail.yahoo.com", "outlook.live.com"),
        *("mail.proton.me", "app.tuta.com", "mail.zoho.eu", "e.mail.ru", "mail.yandex.kz"),
        *("poczta.onet.pl", "email.seznam.cz", "mail.qq.com", "mail.aol.com", "webmail.ziggo.nl"),
        *("webmail.example.org", "webmail2.example.co.uk", "roundcube.example.com"),
    ],
)
def test_hosts_of_webmail_have_the_category_email(host: str) -> None:
    found = referrer_of(f"https://{host}/", ())
    assert found is not None
    assert found.category == "email"


@pytest.mark.parametrize(
    "host",
    ["mail.ru", "www.orange.fr", "web.de", "mailing.example.org", "email.de", "gmx.net.example"],
)
def test_a_portal_or_a_name_alike_is_no_webmail(host: str) -> None:
    found = referrer_of(f"https://{host}/", ())
    assert found is not None
    assert found.category == "other"


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("copilot.com", "copilot"),
        ("www.copilot.com", "copilot"),
        ("pplx.ai", "perplexity"),
        ("character.ai", "character.ai"),
    ],
)
def test_hosts_of_ai_assistants_are_known_sources(host: str, source: str) -> None:
    found = referrer_of(f"https://{host}/", ())
    assert found is not None
    assert (found.source, found.category) == (source, "ai assistant")


def test_the_tables_contradict_themselves_nowhere() -> None:
    """A host belongs to one source, and a name to one category."""
    mail = [row for row in read_csv("mail_hosts.csv") if row["source"]]
    sites = [*read_csv("known_sites.csv"), *({"category": "email", **row} for row in mail)]
    for category in {row["category"] for row in sites}:
        names = [row["source"] for row in sites if row["category"] == category]
        assert names == sorted(names), f"{category} is out of order"
    names = [row["source"] for row in sites]
    hosts = [host for row in sites for host in row["hosts"].split()]
    assert all(row["hosts"] for row in sites)
    assert {row["category"] for row in sites} == set(SOURCE_CATEGORIES) - {"app"}
    assert len(names) == len(set(names))
    assert len(hosts) == len(set(hosts))
    assert all(text == text.lower() for text in (*hosts, *names))
    assert set(known_sites.source_of_app().values()) <= set(names)
    assert {alias.source for alias in known_sites.aliases().values()} <= set(names)


@given(st.text())
def test_no_referrer_makes_it_fail(text: str) -> None:
    for referrer in (text, "http://" + text, "android-app://" + text):
        found = referrer_of(referrer, ())
        assert found is None or not set(found.domain) & set(" /\\\"'<>@")
        assert found is None or found.category in SOURCE_CATEGORIES
    alias = named_source(text)
    assert category_of(alias.source if alias else None) in SOURCE_CATEGORIES


labels = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)


@given(labels, st.sampled_from(["http", "https"]), st.sampled_from(["", ":8080", ".", ".:443"]))
def test_a_subdomain_is_its_domain_and_a_look_alike_is_not(
    label: str, scheme: str, port: str
) -> None:
    for domain, source in (("ecosia.org", "ecosia"), ("claude.ai", "claude")):
        assert _source(f"{scheme}://{label}.{domain}{port}/x") == source
        assert _source(f"{scheme}://{label}{domain}{port}/") is None
        assert _source(f"{scheme}://{domain}.{label}.example{port}/") is None
        assert referrer_of(f"{scheme}://{label}.{domain}{port}/", (domain,)) is None


def test_own_domains_are_compared_in_their_normal_form() -> None:
    own = ("Bücher.example", "shop.example.", "")
    for host in ("bücher.example", "www.xn--bcher-kva.example", "SHOP.example"):
        assert referrer_of(f"https://{host}/", own) is None
    assert referrer_of("https://example/", own)


def _source(referrer: str) -> str | None:
    found = referrer_of(referrer, ())
    assert isinstance(found, Referrer)
    return found.source


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "categories", "least"),
    [
        ("AIAssistants.yml", {"ai assistant"}, 0.85),
        ("Socials.yml", {"social", "video"}, 0.9),
    ],
)
def test_a_list_kept_by_others_agrees(name: str, categories: set[str], least: float) -> None:
    """Much of it is gone from the web; what is known must be of the same category."""
    listed = yaml.safe_load(shared("search-and-social", name).read_text())
    hosts = [host for some in listed.values() for host in some if "/" not in host]
    found = [referrer_of(f"https://{host}/", ()) for host in hosts]
    known = [one.category for one in found if one and one.source]
    assert sum(category in categories for category in known) >= 0.98 * len(known)
    assert len(known) >= least * len(hosts)


DOMAINS = ("shop.example", "www.shop.example", "blog.example", "images.example", "127.0.0.1")
COUNTS = st.dictionaries(
    st.tuples(st.sampled_from(DOMAINS), st.sampled_from(("/", "/menu", "/menu?page=2"))),
    st.integers(1, 4 * LEAST_SAMPLE),
)


def referrers(counts: dict[tuple[str, str], int]) -> dict[str, int]:
    return {f"https://{domain}{path}": number for (domain, path), number in counts.items()}


@given(COUNTS)
def test_only_a_domain_with_more_than_half_of_a_large_sample_is_inferred(
    counts: dict[tuple[str, str], int],
) -> None:
    found = infer_own_domain(referrers(counts))
    sample = sum(counts.values())
    of_domain = {
        name: sum(n for (domain, _), n in counts.items() if domain.removeprefix("www.") == name)
        for name in ("shop.example", "blog.example", "images.example", "127.0.0.1")
    }
    expected = [
        OwnDomain(name, number, sample)
        for name, number in of_domain.items()
        if 2 * number > sample >= LEAST_SAMPLE
    ]
    assert [found] == (expected or [None])


@given(COUNTS, st.randoms())
def test_order_of_referrers_changes_nothing(counts: dict[tuple[str, str], int], random) -> None:
    shuffled = [*referrers(counts).items()]
    random.shuffle(shuffled)
    assert infer_own_domain(dict(shuffled)) == infer_own_domain(referrers(counts))


def test_sentence_names_evidence_and_remedy() -> None:
    assert OwnDomain("example.org", 1234, 1300).sentence == (
        "Own domain: example.org, inferred from 1,234 of 1,300 asset requests; "
        "set site.domains to use another one."
    )
