"""The records of `combined_lines`, as servers write them in the other formats."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

import pandas as pd
from hypothesis import strategies as st
from tests.clickstream.parse.combined_lines import Record, records

from clickstream.parse import Parsed

_UNCODED = "!$&'()*+,-./:;=?@_"
COLUMNS = (
    *("date", "time", "s-ip", "cs-method", "cs-uri-stem", "cs-uri-query", "c-ip", "cs-version"),
    *("cs(User-Agent)", "cs(Referer)", "sc-status", "sc-bytes"),
)


def host_line(record: Record) -> bytes:
    """As Apache's vhost_combined."""
    return b"www.example.com:443 " + record.line


def json_line(record: Record) -> bytes:
    """As nginx with `escape=json`."""
    return json.dumps(
        {
            "time_local": record.at.strftime("%d/%b/%Y:%H:%M:%S %z"),
            "remote_addr": record.client,
            "request": f"{record.method} {record.target} {record.protocol}",
            "status": record.status,
            "body_bytes_sent": "" if record.size is None else str(record.size),
            "http_referer": record.referrer,
            "http_user_agent": record.user_agent,
            "upstream": ["anything", {"else": None}],
        },
        ensure_ascii=False,
    ).encode()


def fields_line(columns: Sequence[str]) -> bytes:
    return f"#Fields: {' '.join(columns)}".encode()


def w3c_line(record: Record, columns: Sequence[str]) -> bytes:
    """As IIS: spaces become `+`, nothing becomes `-`."""
    at, (stem, _, query) = record.utc, record.target.partition("?")
    values = {
        "date": at.strftime("%Y-%m-%d"),
        "time": at.strftime("%H:%M:%S"),
        "s-ip": "192.0.2.200",
        "cs-method": record.method,
        "cs-uri-stem": stem,
        "cs-uri-query": query or "-",
        "c-ip": record.client,
        "cs-version": record.protocol,
        "cs(User-Agent)": record.user_agent.replace(" ", "+"),
        "cs(Referer)": record.referrer.replace(" ", "+"),
        "sc-status": str(record.status),
        "sc-bytes": "-" if record.size is None else str(record.size),
    }
    return " ".join(values[column] for column in columns).encode()


CLOUDFRONT = (
    *("date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)"),
    *("cs-uri-stem", "sc-status", "cs(Referer)", "cs(User-Agent)", "cs-uri-query"),
    *("cs-protocol-version", "x-host-header", "x-forwarded-for"),
)


def cloudfront_line(record: Record, times_coded: int = 1) -> bytes:
    """As CloudFront: tabs between values, and what is special in them percent-coded.

    The user agent is coded `times_coded` times.
    """
    at, (stem, _, query) = record.utc, record.target.partition("?")
    agent = record.user_agent
    for _ in range(times_coded):
        agent = quote(agent, safe=_UNCODED)
    values = {
        "date": at.strftime("%Y-%m-%d"),
        "time": at.strftime("%H:%M:%S"),
        "x-edge-location": "FRA2-C1",
        "sc-bytes": "-" if record.size is None else str(record.size),
        "c-ip": record.client,
        "cs-method": record.method,
        "cs(Host)": "d111111abcdef8.cloudfront.net",
        "cs-uri-stem": quote(stem, safe=_UNCODED),
        "sc-status": str(record.status),
        "cs(Referer)": quote(record.referrer, safe=_UNCODED),
        "cs(User-Agent)": agent,
        "cs-uri-query": quote(query, safe=_UNCODED) or "-",
        "cs-protocol-version": record.protocol,
        "x-host-header": "www.example.com",
        "x-forwarded-for": "-",
    }
    return "\t".join(values[column] for column in CLOUDFRONT).encode()


def assert_read_back(
    parsed: Parsed, written: Sequence[Record], logged: Sequence[str] = ("referrer", "user_agent")
) -> None:
    """Each record is a request again, field by field, and nothing else is.

    `logged` are those of the fields in the default that the format has.
    """
    assert parsed.rejects.empty
    for record, row in zip(written, parsed.requests.itertuples(), strict=True):
        assert row.at == record.utc
        assert pd.isna(row.bytes) if record.size is None else row.bytes == record.size
        for name in ("client", "method", "target", "protocol", "status"):
            assert getattr(row, name) == getattr(record, name)
        for name in ("referrer", "user_agent"):
            assert getattr(row, name) == (getattr(record, name) if name in logged else "")


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
