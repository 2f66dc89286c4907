"""Lines with a virtual host in front of the client, and lines that only look like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.builders import HEAD, TAIL, Record, host_line
from tests.clickstream.parse.strategies import records
from tests.support.shared_data import shared

from clickstream.parse import detect, parse

with_address = records.filter(lambda record: "." in record.client or ":" in record.client)


@given(st.lists(with_address, min_size=1, max_size=6))
def test_a_record_that_was_written_is_read_back(written: list[Record]) -> None:
    data = b"\n".join(map(host_line, written))
    assert detect(data).name == "combined_vhost"
    parsed = parse(data, "combined_vhost")
    assert parsed.rejects.empty
    assert parsed.requests["client"].tolist() == [record.client for record in written]
    assert parsed.requests["user_agent"].tolist() == [record.user_agent for record in written]
    assert parsed.requests["at"].tolist() == [record.utc for record in written]


def test_common_lines_with_a_host_are_detected_and_read() -> None:
    data = b"www.example.com " + HEAD + b'"GET /a HTTP/1.1" 200 10'
    assert detect(data).name == "common_vhost"
    row = parse(data, "common_vhost").requests.iloc[0]
    assert (row["client"], row["target"], row["referrer"]) == ("192.0.2.7", "/a", "")


@pytest.mark.parametrize("user", [b"-", b"john doe", b"a b c"])
def test_a_line_without_a_host_is_not_taken_for_one_with(user: bytes) -> None:
    line = HEAD.replace(b"- - [", b"- %b [" % user) + TAIL
    assert detect(line).name == "combined"
    assert parse(line, "combined_vhost").requests.empty


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "log_format"),
    [
        ("common_vhost.log", "common_vhost"),
        ("common_complete.log", "combined_vhost"),
        ("static_ignores.log", "combined_vhost"),
    ],
)
def test_sample_logs_with_virtual_hosts_are_detected_and_read_whole(
    name: str, log_format: str
) -> None:
    data = shared("format-samples", name).read_bytes()
    assert detect(data).name == log_format
    parsed = parse(data, log_format)
    assert parsed.rejects.empty
    assert parsed.requests["client"].str.endswith(".2.3.4").all()
