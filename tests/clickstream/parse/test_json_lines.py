"""JSON lines by the names of several servers, and what is not a request among them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.assertions import assert_same
from tests.support.examples import many_examples

from clickstream.parse import concat, parse
from clickstream.parse.frames import Parsed

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


@many_examples
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


def with_one_reader_less(data: bytes) -> Parsed:
    """What the standard library's reader of JSON makes of the lines by itself."""

    def refuse(line: bytes) -> None:
        raise ValueError(line)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orjson.loads", refuse)
        return parse(data, "json")


VALUES = st.sampled_from(
    [
        *(b'"200"', b"200", b"200.0", b"-0", b"-0.0", b"1e3", b"1E400", b"NaN", b"Infinity"),
        *(b"18446744073709551616", b"700000000000000000123", b"1795150800123456789", b"01", b"1."),
        *(b"true", b"null", b"[]", b"[1]", b'{"a": {}}', b'""', b'"-"', b'"\\ud800"', b'"\\u00e9"'),
        *(b'"\\q"', rb'"\xe9"', b'"\xe9"', b'"\xed\xa0\x80"', b'"\\u0000"', b'"\x00"', b'"a\tb"'),
        *(b'"GET / HTTP/1.1"', b'"20/Nov/2026:05:00:00 +0000"', b"[" * 1100 + b"]" * 1100),
    ]
)
KEYS = st.sampled_from(
    [*CAFE, "ts", "TIME", "status", "Status", "uri", "size", "host", "DNT", "request", "headers"]
)
PAIRS = st.tuples(KEYS.map(lambda key: json.dumps(key).encode()), VALUES)
ODD_LINES = st.builds(
    lambda pairs, end: (
        json.dumps(CAFE).encode()[:-1] + b"".join(b", %b: %b" % pair for pair in pairs) + end
    ),
    st.lists(PAIRS, max_size=3),
    st.sampled_from([b"}", b"} ", b"}}", b"", b"\r", b"} {}"]),
)


# Lines of one shape, but for what a text or a number may hold.
ODD_TEXTS = [
    *('"a"', r'"\""', r'"\"\""', r'"\\"', r'"\\\""', r'"\/"', r'"\u00e9"', r'"\x"', r'"\q"'),
    *('"\u00e9"', '"\t"', '"', '""', '"?"', "200", "null"),
]
ODD_NUMBERS = ["200", "2e2", "02", "-0", "1.", ".1", "", " 7", "7 ", "+1", "1,", "null", '"7"']
TEXTS = st.text(max_size=3).map(json.dumps) | st.sampled_from(ODD_TEXTS)
NUMBERS = st.integers().map(str) | st.sampled_from(ODD_NUMBERS)


def spelled(line: str) -> bytes:
    """The line's bytes; a question mark is one that is not UTF-8."""
    return line.encode("utf-8", "surrogatepass").replace(b"?", b"\xe9")


def lines_of(make: Callable[..., bytes], **parts: st.SearchStrategy[str]) -> Any:
    """Lines of one shape, but for some of their parts."""
    return st.fixed_dictionaries({}, optional=parts).map(lambda chosen: make(**chosen))


def shaped(
    text: str = '"a"',
    nested: str = '"b"',
    number: str = "7",
    status: str = "200",
    agent: str = '"UA"',
    key: str = "size",
    ok: str = "true",
) -> bytes:
    return spelled(
        f'{{"ip": "192.0.2.7", "x": [{nested}, {{"a": {text}}}], "time": "2026-11-20T05:00:00Z", '
        f'"status": {status}, "{key}":{number} ,"ok": {ok},"path": {text}, "agent": {agent}, '
        f'"n": {number}, "dnt": 1}}'
    )


SHAPED_LINES = lines_of(
    shaped,
    **{"text": TEXTS, "nested": TEXTS, "agent": TEXTS, "number": NUMBERS, "status": NUMBERS},
    **{"key": st.sampled_from(["sizf", "time"]), "ok": st.sampled_from(["null", "none"])},
)


def nested(
    agent: str = '["UA"]', status: str = "200", client: str = '"192.0.2.7"', key: str = "Referer"
) -> bytes:
    """A line of Caddy's."""
    return spelled(
        f'{{"ts":1795150800.25,"request":{{"client_ip":{client},"uri":"/a","uri":"/b","tls":'
        f'{{"proto":"h2"}},"headers":{{"User-Agent":{agent},"{key}":["/c","/d"]}}}},'
        f'"status":{status}}}'
    )


LISTS = st.sampled_from(['["UA"]', "[]", "[7]", "[null]", '["a","b"]', '[["a"]]', '{"a":"b"}'])
NESTED_LINES = lines_of(
    nested,
    agent=LISTS | TEXTS,
    status=NUMBERS,
    client=TEXTS,
    key=st.sampled_from(["Dnt", "Status", "user-agent", "X-Forwarded-For"]),
)


@given(NESTED_LINES, st.lists(NESTED_LINES, max_size=6))
def test_what_is_nested_is_read_by_the_shape_as_by_itself(model: bytes, lines: list[bytes]) -> None:
    data = b"\n".join([model, *lines])
    assert_same(parse(data, "json"), with_one_reader_less(data))


def test_lines_of_few_shapes_need_no_reader_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clickstream.parse.json.json_lines._pick_values", None)
    some = [json.dumps(CAFE).encode(), nested(), nested(key="Dnt"), shaped(), shaped(text='"b"')]
    assert len(parse(b"\n".join(some * 3), "json").requests) == 15


@pytest.mark.parametrize("field", ["text", "nested", "agent", "number", "status", "key", "ok"])
@pytest.mark.parametrize("model", [shaped(), shaped(text=r'"\"\""', nested=r'"\""', agent=r'"\""')])
def test_a_line_that_differs_from_its_model_in_one_thing(field: str, model: bytes) -> None:
    odd = {"key": ["sizf", "time", "ok"], "ok": ["null", "none", "trud"]}
    values = odd.get(field, ODD_NUMBERS + ODD_TEXTS)
    more = [b" " + model, b"x" + model, model + b" ", model + b"}", model + model]
    data = b"\n".join([model, *(shaped(**{field: value}) for value in values), *more])
    assert_same(parse(data, "json"), with_one_reader_less(data))


@given(st.lists(SHAPED_LINES, max_size=6))
def test_lines_of_one_shape_are_read_as_each_by_itself(lines: list[bytes]) -> None:
    data = b"\n".join([shaped(), *lines])
    assert_same(parse(data, "json"), with_one_reader_less(data))


@given(st.lists(ODD_LINES | st.binary().map(lambda tail: b"{" + tail), max_size=4))
def test_the_fast_reader_is_only_a_faster_way_to_the_same(lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    assert_same(parse(data, "json"), with_one_reader_less(data))


@given(st.lists(ODD_LINES.map(lambda line: line.replace(b"\n", b"")), max_size=5))
def test_a_line_is_read_alike_in_any_company(lines: list[bytes]) -> None:
    together = parse(b"\n".join(lines), "json")
    alone = concat([parse(line + b"\n", "json", n) for n, line in enumerate(lines, 1)])
    assert_same(together, alone)


def test_json_lines_with_the_cafe_s_own_names_are_read() -> None:
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
def test_times_are_read_in_every_spelling_of_servers(time: str | float) -> None:
    assert read(time=time)["at"] == pd.Timestamp("2026-11-20 05:00:00")


@given(
    st.sampled_from(["05:00:00", "23:59:60", "05:00:61", "24:00:00"]),
    st.text("0123456789", max_size=9).map(".{}".format) | st.sampled_from(["", ",5", "..5"]),
    st.sampled_from(["", "Z", "+05:30", "-00:30", "+25:00", "z", "+0530"]),
)
def test_a_fraction_of_a_second_leaves_the_second(clock: str, fraction: str, zone: str) -> None:
    line = json.dumps({**CAFE, "time": f"2026-11-20T{clock}{fraction}{zone}"})
    alone, whole = parse(line.encode(), "json"), f"2026-11-20T{clock}{zone}"
    try:
        datetime.fromisoformat(f"2026-11-20T05:00:00{fraction}{zone}")
    except ValueError:
        assert alone.requests.empty
        return
    expected = parse(json.dumps({**CAFE, "time": whole}).encode(), "json").requests["at"]
    assert alone.requests["at"].tolist() == expected.tolist()


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
        (b'{"a":' * 10_000, "cut short"),
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
