"""Hosts have one spelling in the tables, and a site's own hosts choose its requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.clean.hosts import host_name, requests_of_site
from clickstream.clean.referrers import referrer_of
from clickstream.parse import parse

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


@given(NAMES, st.sampled_from(["", ":80", ":8443"]), st.booleans(), st.booleans())
def test_case_port_and_final_dot_make_no_difference(
    name: str, port: str, upper: bool, dot: bool
) -> None:
    logged = (name.upper() if upper else name) + "." * dot + port
    assert host_name(logged) == name


@given(st.text(max_size=300))
def test_any_text_is_a_host_in_its_own_spelling_or_none(text: str) -> None:
    found = host_name(text)
    assert found is None or (host_name(found) == found and len(found) <= 253)


@pytest.mark.parametrize(
    ("logged", "host"),
    [
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("[2001:0db8:0::0001]", "2001:db8::1"),
        ("fe80::1%eth0", None),
        ("192.0.2.7:80", "192.0.2.7"),
        ("BÜCHER.example:8080", "xn--bcher-kva.example"),
        ("_", None),
        ("-", None),
        ("", None),
        (None, None),
        ("a b", None),
        ("${jndi:ldap://x}", None),
        ("www.example.com/path", None),
        ("a" * 254, None),
    ],
)
def test_addresses_are_hosts_and_other_texts_are_not(logged: str | None, host: str | None) -> None:
    assert host_name(logged) == host


@given(NAMES)
def test_a_host_is_spelled_like_the_domain_of_a_referrer(name: str) -> None:
    referrer = referrer_of(f"https://{name}:443/menu", ())
    assert referrer is None or host_name(f"{name}:443") == referrer.domain


def lines_of(hosts: list[str]) -> bytes:
    form = '{host} 192.0.2.7 - - [20/Nov/2026:05:00:00 +0000] "GET /{n} HTTP/1.1" 200 5 "-" "UA"\n'
    return "".join(form.format(host=host, n=n) for n, host in enumerate(hosts)).encode()


@given(st.lists(NAMES, max_size=8), st.lists(NAMES, max_size=3), st.booleans())
def test_the_requests_of_a_site_are_those_to_its_hosts(
    logged: list[str], own: list[str], with_subdomains: bool
) -> None:
    table = parse(lines_of([f"{host}:80" for host in logged]), "combined_vhost").table
    hosts = [*own, *(["*.example"] if with_subdomains else [])]
    kept = requests_of_site(table, hosts)["line_number"].to_pylist()
    expected = [
        number
        for number, host in enumerate(logged, 1)
        if not hosts or host in own or (with_subdomains and host.endswith(".example"))
    ]
    assert kept == expected


def test_requests_without_a_host_are_the_sites() -> None:
    table = parse(lines_of(["", ""]).replace(b" 192", b"192"), "combined").table
    assert len(table) == 2
    assert requests_of_site(table, ["www.example.com"]) is table
