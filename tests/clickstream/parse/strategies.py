"""Records, lines, logs and format strings as hypothesis draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st
from tests.clickstream.parse.builders import (
    COLUMNS,
    Record,
    fields_line,
    host_line,
    json_line,
    w3c_line,
)

from clickstream.parse.formats import FORMATS


def quoted(*, spaces: bool) -> st.SearchStrategy[str]:
    """What a log holds between two quotes: quotes and backslashes are escaped."""
    banned = '"\\\n\r' + ("" if spaces else " ")
    plain = st.characters(codec="utf-8", exclude_characters=banned)
    escaped = st.sampled_from([r"\"", r"\\", r"\x22", r"\xE9", r"\t"])
    text = st.lists(plain | escaped, min_size=1, max_size=12).map("".join)
    return text.filter(lambda t: t != "-")


clients = st.one_of(
    st.ip_addresses().map(str), st.sampled_from(["crawl-7.example.net", "2001:db8::1"])
)
users = st.sampled_from(["-", "barista", "john doe", "a [b] c", r"o\"neil", "[20/Nov/2026]", '""'])
offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
times = st.datetimes(
    datetime(1990, 1, 2),
    datetime(2100, 12, 30),
    timezones=offsets,
).map(lambda t: t.replace(microsecond=0))
records = st.builds(
    Record,
    client=clients,
    user=users,
    at=times,
    method=st.sampled_from(["GET", "POST", "HEAD", "PROPFIND"]),
    target=quoted(spaces=True),
    protocol=st.sampled_from(["HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3"]),
    status=st.integers(100, 599),
    size=st.none() | st.integers(0, 10**18 - 1),
    referrer=quoted(spaces=True),
    user_agent=quoted(spaces=True),
)


def _word(extra: str = "") -> st.SearchStrategy[str]:
    """Text without what W3C logs give a meaning: white space, quotes, `+`; never only `-`."""
    banned = '"+?#' + "".join(map(chr, range(33))) + extra
    text = st.text(st.characters(codec="utf-8", exclude_characters=banned), min_size=1, max_size=9)
    return text.filter(lambda word: word != "-")


_words = st.lists(_word(), min_size=1, max_size=3).map(" ".join)
w3c_records = st.builds(
    lambda record, stem, query, referrer, agent: Record(
        **{
            **vars(record),
            "target": f"/{stem}{query}",
            "referrer": referrer,
            "user_agent": agent,
        }
    ),
    records,
    _word(),
    st.just("") | _word().map(lambda word: f"?{word}"),
    _words,
    _words,
)
column_orders = st.permutations(COLUMNS)
w3c_lines = column_orders.map(fields_line) | st.builds(
    w3c_line, w3c_records, st.just(COLUMNS) | column_orders
)


def record_of(name: str) -> st.SearchStrategy[Record]:
    """Records that the format has a spelling for."""
    return w3c_records if name == "w3c" else records


formats = st.sampled_from(sorted(FORMATS))
lines = records.map(lambda record: record.line)
others = records.map(host_line) | records.map(json_line) | w3c_lines
# Lines that were right once: a byte or two replaced, dropped or doubled somewhere.
damage = st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=2))
damaged = st.builds(
    lambda line, d: line[: d[0]] + d[2] + line[d[0] + d[1] :], lines | others, damage
)
# Bytes that mean something in a log come often, so that broken lines look almost right.
noise = st.lists(
    st.sampled_from([b'"', b"\\", b" ", b"\n", b"\r", b"[", b"] ", b"-", b"200", b"\x00", b"\xe9"])
    | st.binary(max_size=3),
    max_size=20,
).map(b"".join)
logs = st.lists(lines | others | damaged | noise, max_size=8).map(b"\n".join)


def _time(spelled: str) -> Callable[[Record], str]:
    return lambda record: record.at.strftime(spelled)


def _iso(record: Record) -> str:
    zone = record.at.strftime("%z")
    return record.at.strftime("%Y-%m-%dT%H:%M:%S") + f"{zone[:3]}:{zone[3:]}"


def _epoch(record: Record) -> str:
    return str(int(record.at.timestamp()))


def _size(record: Record) -> str:
    return "-" if record.size is None else str(record.size)


@dataclass(frozen=True)
class Made:
    """A field of a format string, and what a server writes for it."""

    directive: str
    write: Callable[[Record], str]


_MUST: dict[str, dict[str, list[Made]]] = {
    "apache": {
        "client": [Made("%h", lambda r: r.client), Made("%{c}a", lambda r: r.client)],
        "time": [
            Made("%t", _time("[%d/%b/%Y:%H:%M:%S %z]")),
            Made("[%{%d/%b/%Y %T}t.%{usec_frac}t %{%z}t]", _time("[%d/%b/%Y %H:%M:%S.000007 %z]")),
            Made("%{%Y-%m-%d}t|%{%H:%M:%S}t|%{%z}t", _time("%Y-%m-%d|%H:%M:%S|%z")),
            Made("%{begin:%e %B %Y %R %z}t", _time("%e %B %Y %H:%M %z")),
            Made("%{sec}t", _epoch),
            Made("%{usec}t", lambda r: _epoch(r) + "000999"),
        ],
        "request": [
            Made('"%r"', lambda r: f'"{r.method} {r.target} {r.protocol}"'),
            Made('"%m %U%q %H"', lambda r: f'"{r.method} {r.target} {r.protocol}"'),
        ],
        "status": [Made("%>s", lambda r: str(r.status)), Made("%s", lambda r: str(r.status))],
        "size": [Made("%b", _size), Made("%O", _size)],
    },
    "nginx": {
        "client": [Made("$remote_addr", lambda r: r.client)],
        "time": [
            Made("[$time_local]", _time("[%d/%b/%Y:%H:%M:%S %z]")),
            Made('"$time_iso8601"', lambda r: f'"{_iso(r)}"'),
            Made("$time_iso8601", _iso),
            Made("${msec}", lambda r: _epoch(r) + ".999"),
        ],
        "request": [
            Made('"$request"', lambda r: f'"{r.method} {r.target} {r.protocol}"'),
            Made(
                '"$request_method" "$request_uri" "$server_protocol"',
                lambda r: f'"{r.method}" "{r.target}" "{r.protocol}"',
            ),
        ],
        "status": [Made("$status", lambda r: str(r.status))],
        "size": [Made("$body_bytes_sent", _size)],
    },
}
_MAY: dict[str, dict[str, Made]] = {
    "apache": {
        "referrer": Made('"%{Referer}i"', lambda r: f'"{r.referrer}"'),
        "user_agent": Made('"%{user-agent}i"', lambda r: f'"{r.user_agent}"'),
        "host": Made("%v:%p", lambda _: "www.example.com:443"),
        "forwarded": Made("%{X-Forwarded-For}i", lambda _: "198.51.100.9, 203.0.113.4"),
        "": Made("%D", lambda _: "1807"),
        "user": Made("%u", lambda _: "barista"),
    },
    "nginx": {
        "referrer": Made('"$http_referer"', lambda r: f'"{r.referrer}"'),
        "user_agent": Made('"$http_user_agent"', lambda r: f'"{r.user_agent}"'),
        "host": Made("$host", lambda _: "www.example.com"),
        "forwarded": Made('"$http_x_forwarded_for"', lambda _: '"198.51.100.9, 203.0.113.4"'),
        "": Made("$upstream_addr", lambda _: "10.0.0.1:80, 10.0.0.2:80 : unix:/tmp/a"),
        "user": Made("$remote_user", lambda _: "barista"),
    },
}


@dataclass(frozen=True)
class Written:
    """A format string, and how its server writes a record."""

    text: str
    fields: tuple[tuple[str, Made], ...]
    between: str

    def line(self, record: Record) -> bytes:
        return self.between.join(made.write(record) for _, made in self.fields).encode()

    @property
    def has(self) -> set[str]:
        return {name for name, _ in self.fields}


def _named(name: str, some: list[Made]) -> st.SearchStrategy[tuple[str, Made]]:
    return st.tuples(st.just(name), st.sampled_from(some))


def _written(server: str) -> st.SearchStrategy[Written]:
    must = st.tuples(*(_named(name, some) for name, some in _MUST[server].items()))
    may = st.lists(st.sampled_from([*_MAY[server].items()]), unique_by=lambda item: item[0])
    fields = st.tuples(must, may).flatmap(lambda both: st.permutations([*both[0], *both[1]]))
    return st.builds(_joined, fields, st.sampled_from([" ", "\t", " - ", " <> "]))


def _joined(fields: list[tuple[str, Made]], between: str) -> Written:
    text = between.join(made.directive for _, made in fields)
    return Written(text, tuple(fields), between)


written_formats = _written("apache") | _written("nginx")
"""Formats that log what is needed and some more, in any order."""
plain_records = st.builds(
    lambda record, target: Record(**{**vars(record), "target": f"/{target}"}),
    records,
    quoted(spaces=False).filter(lambda target: "?" not in target),
)
"""Records whose target is a path without spaces."""
