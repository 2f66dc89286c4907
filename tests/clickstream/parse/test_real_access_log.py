"""A real log against figures that two other programs found in it."""

import json
from typing import Any

import pytest
from tests.support.shared_data import shared

from clickstream.parse import Parsed, detect, event_hours, parse

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def log() -> bytes:
    return shared("elastic-apache-5000", "access.log").read_bytes()


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    path = shared("known-figures", "elastic-apache-first5000.json")
    figures: dict[str, Any] = json.loads(path.read_text())
    return figures


@pytest.fixture(scope="module")
def parsed(log: bytes) -> Parsed:
    return parse(log, detect(log).name)


def test_every_line_is_read(parsed: Parsed, known: dict[str, Any]) -> None:
    assert parsed.lines == len(parsed.requests) == known["parsed"] == 5000
    assert parsed.rejects.empty


def test_bytes(parsed: Parsed, known: dict[str, Any]) -> None:
    size = parsed.requests["bytes"]
    assert int(size.sum()) == known["bytes_sum"] == 1_312_869_333
    assert int(size.isna().sum()) == known["bytes_dash"] == 432


def test_status_and_method(parsed: Parsed, known: dict[str, Any]) -> None:
    status = parsed.requests["status"].value_counts()
    assert {str(code): count for code, count in status.items()} == known["by_status"]
    assert parsed.requests["method"].value_counts().to_dict() == known["by_method"]


def test_times(log: bytes, parsed: Parsed, known: dict[str, Any]) -> None:
    at = parsed.requests["at"]
    by_hour = at.dt.strftime("%H").value_counts().to_dict()
    assert by_hour == known["by_hour_of_day_utc"]
    assert (at.min().timestamp(), at.max().timestamp()) == (known["first_utc"], known["last_utc"])
    assert len(set(event_hours(log, "combined"))) == known["distinct_utc_hours"]


def test_distinct_clients_and_agents(parsed: Parsed, known: dict[str, Any]) -> None:
    requests = parsed.requests
    assert requests["client"].nunique() == known["distinct_hosts"]
    assert requests["user_agent"].nunique(dropna=False) == known["distinct_user_agents"]
    pairs = requests[["client", "user_agent"]].astype(object).drop_duplicates()
    assert len(pairs) == known["distinct_host_ua_keys"]


@pytest.mark.parametrize("column", ["target", "referrer", "client"])
def test_most_frequent_values(parsed: Parsed, known: dict[str, Any], column: str) -> None:
    name = {"target": "targets", "referrer": "referrers_not_dash", "client": "hosts"}[column]
    counts = parsed.requests[column].value_counts()
    for value, count in known[f"top10_{name}"]:
        assert counts[value] == count
    assert sorted(counts, reverse=True)[:10] == [count for _, count in known[f"top10_{name}"]]


@pytest.mark.parametrize(
    ("name", "log_format", "client"),
    [("common.log", "common", "1.2.3.4"), ("ncsa_extended.log", "combined", "1.2.3.4")],
)
def test_samples_of_other_servers(name: str, log_format: str, client: str) -> None:
    data = shared("format-samples", name).read_bytes()
    assert detect(data).name == log_format
    assert parse(data, log_format).requests["client"].tolist() == [client]
