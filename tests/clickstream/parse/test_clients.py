"""The client that a server wrote is the client that is read, in whatever layout it wrote it."""

from __future__ import annotations

from itertools import cycle, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.builders import Record
from tests.clickstream.parse.strategies import records
from tests.support.cases import each_case
from tests.support.examples import examples

from clickstream.parse import detect, parse
from clickstream.parse.formats import compile_format

HOSTS = ("www.example.com:443", "www.example.com", "127.0.1.1:80", "cafe", "[2001:db8::2]:443")
CLIENTS = [f"198.51.{n // 250}.{n % 250 + 1}" for n in range(925)]
LAYOUTS = [*product((False, True), (False, True), ("combined", "common"))]
"""Whether there is a host, whether the client is a list of X-Forwarded-For, and what follows."""


def line(record: Record, host: str, via: str, tail: str) -> bytes:
    """A record, with a host in front and proxies behind the client, where there are any."""
    written = record.line
    if tail == "common":
        written = written.removesuffix(f' "{record.referrer}" "{record.user_agent}"'.encode())
    client = record.client + via
    return (f"{host} " if host else "").encode() + client.encode() + written[len(record.client) :]


hosts = st.sampled_from(HOSTS)
proxies = st.lists(st.sampled_from(["10.0.0.1", "2001:db8::9", "unknown"]), min_size=1).map(
    lambda some: "".join(f", {one}" for one in some)
)


@pytest.mark.parametrize(("has_host", "has_list", "tail"), LAYOUTS)
@examples(times=0.4)
@given(st.data())
def test_every_layout_gives_the_client_that_was_written(
    has_host: bool, has_list: bool, tail: str, data: st.DataObject
) -> None:
    written = data.draw(st.lists(records, min_size=1, max_size=4))
    log = b"\n".join(
        line(
            record,
            data.draw(hosts) if has_host else "",
            data.draw(proxies) if has_list else "",
            tail,
        )
        for record in written
    )
    parsed = parse(log, detect(log).name)
    assert parsed.rejects.empty
    assert parsed.requests["client"].tolist() == [record.client for record in written]


TAILS = {
    "combined": '- - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512 "-" "Mozilla/5.0"',
    "common": '- - [20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512',
}
MIXES = [("{}",), ("{}, 10.0.0.1",), ("{}", "{}, 10.0.0.1"), ("{}", "www.example.com:443 {}")]
MIXES += [("cafe.example {}", "{}", "{}", "{}, 10.0.0.1"), ("www.example.com {}, 10.0.0.1", "{}")]


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("mix", MIXES)
def test_925_clients_are_925_clients(mix: tuple[str, ...], tail: str) -> None:
    starts = [start.format(client) for start, client in zip(cycle(mix), CLIENTS, strict=False)]
    log = "\n".join(f"{start} {TAILS[tail]}" for start in starts).encode()
    parsed = parse(log, detect(log).name)
    assert parsed.rejects.empty
    assert parsed.requests["client"].tolist() == CLIENTS


@pytest.mark.parametrize("tail", TAILS)
def test_a_list_of_addresses_has_a_format_of_its_own(tail: str) -> None:
    single, several = (f"{start} {TAILS[tail]}\n" for start in ("192.0.2.7", "192.0.2.7, 10.0.0.1"))
    assert detect(single.encode()).name == tail
    assert detect((single + several).encode()).name == f"{tail}_forwarded"
    row = parse(several.encode(), f"{tail}_forwarded").requests.iloc[0]
    assert (row["client"], row["forwarded"]) == ("192.0.2.7", "192.0.2.7, 10.0.0.1")


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.7:4711, 10.0.0.1", "203.0.113.7"),
        ("[2001:db8::1]:4711, 10.0.0.1", "2001:db8::1"),
        ("unknown, 203.0.113.7", "203.0.113.7"),
        ("unknown, unknown", "unknown"),
    ],
)
def test_the_client_is_the_first_address_of_the_list(forwarded: str, client: str) -> None:
    parsed = parse(f"{forwarded} {TAILS['combined']}".encode(), "combined_forwarded")
    assert parsed.requests["client"].tolist() == [client]


NO_CLIENTS = ["192.0.2.7,", "a/b", "(null)", "<script>", "caf\u00e9", "1.2.3.4;", "'"]


@each_case("client", NO_CLIENTS)
@each_case(
    "text",
    [
        '%h %l %u %t "%r" %>s %b',
        '%h %t "%r" %>s %b %D',
        '%v %h %l %u %t "%r" %>s %b',
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$host"',
    ],
)
def test_what_is_neither_address_nor_name_is_no_client(text: str, client: str) -> None:
    head = {"%v": "cafe ", "$r": "", "%h": ""}[text[:2]] + client
    ident = "" if "%D" in text else "- - "
    line = f'{head} {ident}[20/Nov/2026:05:00:00 +0000] "GET /menu HTTP/1.1" 200 512'
    line += {"D": " 17", "b": "", '"': ' "x"'}[text[-1]]
    parsed = parse(line.encode(), compile_format("mine", text))
    assert parsed.rejects["reason"].tolist() == ["not an access-log line"]
    fine = parse(line.replace(client, "192.0.2.7", 1).encode(), compile_format("mine", text))
    assert fine.requests["client"].tolist() == ["192.0.2.7"]


@pytest.mark.parametrize("host", ["a/b", "<script>", "a,b", "-"])
def test_what_is_no_name_is_no_host(host: str) -> None:
    line = f"{host} 192.0.2.7 {TAILS['common']}".encode()
    own = compile_format("mine", '%v %h %l %u %t "%r" %>s %b')
    assert parse(line, own).requests.empty
    assert parse(line.replace(host.encode(), b"cafe.example", 1), own).rejects.empty
