"""JSON lines by the names of several servers, and what is not a request among them."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clickstream.parse.combined_lines import Record, records
from tests.clickstream.parse.other_lines import json_line
from tests.support.shared_data import shared

from clickstream.parse import detect, parse

CAFE = {
    "time": "2026-11-20T05:00:00.123Z",
    "remoteIP": "192.0.2.7",
    "request": "/cafe/menu.php",
    "query": "?item=1",
    "method": "GET",
    "status": "200",
    "userAgent": "Mozilla/5.0",
    "referer": "-",
    "city": "Seattle",
    "region": "Washington",
    "country": "United States",
    "coordinates": "47.6,-122.3",
}


def read(**changes: Any) -> pd.Series:
    parsed = parse(json.dumps(CAFE | changes).encode(), "json")
    assert parsed.rejects.empty
    row: pd.Series = parsed.requests.iloc[0]
    return row


@settings(max_examples=50, deadline=None)
@given(st.lists(records, max_size=6))
def test_a_record_that_was_written_is_read_back(written: list[Record]) -> None:
    parsed = parse(b"".join(json_line(record) + b"\n" for record in written), "json")
    assert parsed.rejects.empty
    for record, row in zip(written, parsed.requests.itertuples(), strict=True):
        assert row.at == record.utc
        assert pd.isna(row.bytes) if record.size is None else row.bytes == record.size
        for name in ("client", "method", "target", "protocol", "status", "referrer", "user_agent"):
            assert getattr(row, name) == getattr(record, name)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*CAFE, "ts", "uri", "size", "headers"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_values_of_any_kind_are_read_or_refused(changes: dict[str, Any]) -> None:
    parsed = parse(json.dumps(CAFE | changes).encode(), "json")
    assert (parsed.lines, len(parsed.requests) + len(parsed.rejects)) == (1, 1)


def test_the_cafes_own_names() -> None:
    row = read()
    assert row["at"] == pd.Timestamp("2026-11-20 05:00:00")
    assert (row["client"], row["method"], row["status"]) == ("192.0.2.7", "GET", 200)
    assert row["target"] == "/cafe/menu.php?item=1"
    assert pd.isna(row["bytes"])
    assert pd.isna(row["referrer"])


@pytest.mark.parametrize(
    "time",
    [
        *("2026-11-20T06:00:00+01:00", "2026-11-20 05:00:00", "20/Nov/2026:06:00:00 +0100"),
        *(
            1795150800,
            1795150800.9,
            1795150800123,
            "1795150800.123",
            "2026-11-20T05:00:00.123456789Z",
        ),
    ],
)
def test_times_as_servers_spell_them(time: str | float) -> None:
    assert read(time=time)["at"] == pd.Timestamp("2026-11-20 05:00:00")


def test_what_is_not_logged_is_told_from_nothing() -> None:
    some = {key: CAFE[key] for key in ("time", "remoteIP", "request", "status")}
    row = parse(json.dumps(some).encode(), "json").requests.iloc[0]
    assert row[["method", "protocol", "referrer", "user_agent"]].tolist() == [""] * 4
    assert pd.isna(read(userAgent="")["user_agent"])


def test_bytes_that_apache_escapes_keep_their_spelling() -> None:
    line = json.dumps(CAFE).encode().replace(b"menu.php", rb"caf\xe9\\x")
    assert parse(line, "json").requests["target"].tolist() == [r"/cafe/caf\xe9\x?item=1"]


def test_a_client_can_not_choose_the_status_by_a_header() -> None:
    caddy = {
        "ts": 1795150800,
        "status": 404,
        "request": {
            "client_ip": "192.0.2.7",
            "method": "GET",
            "uri": "/a",
            "headers": {"Status": ["200"], "Ts": ["5"], "User-Agent": ["UA"]},
        },
    }
    row = parse(json.dumps(caddy).encode(), "json").requests.iloc[0]
    assert (row["status"], row["user_agent"], row["target"]) == (404, "UA", "/a")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b" ", "empty line"),
        (b"# comment", "not an access-log line"),
        (json.dumps(CAFE).encode()[:50], "cut short"),
        (b'{"time": }', "fields do not fit the format"),
        (b'{"a":' * 100_000, "cut short"),
        (json.dumps({**CAFE, "remoteIP": None}).encode(), "fields do not fit the format"),
        (json.dumps({**CAFE, "status": "OK"}).encode(), "fields do not fit the format"),
        (json.dumps({**CAFE, "status": True}).encode(), "fields do not fit the format"),
        (json.dumps({**CAFE, "time": None}).encode(), "fields do not fit the format"),
        (json.dumps({**CAFE, "time": "2026-11-20"}).encode(), "impossible time"),
        (json.dumps({**CAFE, "time": "2026-02-30T05:00:00Z"}).encode(), "impossible time"),
        (json.dumps({**CAFE, "time": float("inf")}).encode(), "impossible time"),
    ],
)
def test_bad_line_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    good = json.dumps(CAFE).encode()
    parsed = parse(b"\n".join([good, line, good]), "json")
    assert parsed.requests["line_number"].tolist() == [1, 3]
    assert parsed.rejects["reason"].tolist() == [reason]


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("server", "lines", "first"),
    [
        ("nginx", 2, ("2013-10-10 14:52:00", 192)),
        ("caddy", 3, ("2023-12-23 23:17:54", 3609)),
        ("traefik", 1, ("2023-08-11 11:39:21", 15)),
    ],
)
def test_samples_of_servers(server: str, lines: int, first: tuple[str, int]) -> None:
    data = shared("format-samples", f"{server}_json.log").read_bytes()
    assert detect(data).name == "json"
    requests = parse(data, "json").requests
    assert requests["client"].tolist() == ["1.2.3.4"] * lines
    assert (requests["at"][0], requests["bytes"][0]) == (pd.Timestamp(first[0]), first[1])
    assert requests[["target", "user_agent"]].notna().all(axis=None)
