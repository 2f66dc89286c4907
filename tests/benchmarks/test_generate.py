"""The benchmark's log is what it says it is, and contestants that say they are exact are."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.contest import contest
from benchmarks.contestants import CONTESTANTS, PARSE, WHOLE, Contestant
from benchmarks.generate import HOUR, generate, planted_in, zipped

from clickstream import parse
from clickstream.core.hours import Hour

LINES = 20_000

pytestmark = pytest.mark.deep

# Polars is no requirement of the tests, and what is a command is no part of ours.
HERE = [one for one in CONTESTANTS if not one.is_command and one.module != "polars"]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bench") / "access.log"
    generate(made, LINES)
    return made


def test_one_seed_makes_one_log(log: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.log", tmp_path / "other.log"
    assert generate(again, LINES) == planted_in(log)
    generate(other, LINES, seed=8)
    assert again.read_bytes() == log.read_bytes() != other.read_bytes()
    assert zipped(again).read_bytes() == zipped(log).read_bytes()


def test_every_line_is_a_request_or_one_of_the_planted_rejects(log: Path) -> None:
    parsed, planted = parse.parse(log.read_bytes(), "combined"), planted_in(log)
    assert parsed.lines == planted.lines == LINES
    assert len(parsed.requests) == planted.requests
    reasons = {"empty": "empty line", "cut": "cut short", "foreign": "not an access-log line"}
    found = parsed.rejects["reason"].value_counts()
    assert {name: found[reason] for name, reason in reasons.items()} == planted.broken
    assert min(*planted.broken.values(), *planted.odd.values()) > 0


def test_the_log_is_one_hour_in_order(log: Path) -> None:
    at = parse.parse(log.read_bytes(), "combined").requests["at"]
    hour = Hour.parse(HOUR)
    assert at.is_monotonic_increasing
    assert at.between(hour.naive, hour.next.naive, inclusive="left").all()


def _of(group: str) -> list[Contestant]:
    return [one for one in HERE if one.group == group]


@pytest.mark.parametrize("one", _of(PARSE), ids=lambda one: one.name)
def test_contestants_parse_what_was_planted(one: Contestant, log: Path, tmp_path: Path) -> None:
    planted = planted_in(log)
    lost = 0 if one.exact else planted.odd["not utf-8"]
    assert contest(one.work, zipped(log), tmp_path)["counts"] == [planted.requests - lost]


def test_the_whole_way_ends_at_the_same_rows(tmp_path: Path) -> None:
    log = tmp_path / "ascii.log"
    generate(log, 900)  # too short for anything planted, so that nothing is dropped
    counts = [tuple(contest(one.work, zipped(log), tmp_path)["counts"]) for one in _of(WHOLE)]
    assert len(counts) > 1
    assert len(set(counts)) == 1


def test_stages_of_the_whole_pipeline_are_measured_without_imports(
    log: Path, tmp_path: Path
) -> None:
    stages = contest("ours:clickstream", zipped(log), tmp_path)["stages"]
    assert list(stages)[:3] == ["compile rules", "read", "parse"]
