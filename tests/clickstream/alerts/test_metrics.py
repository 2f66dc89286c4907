"""Metrics are those of the state that `status` shows, for CloudWatch and for Prometheus."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.lakes import aws_session

from clickstream.alerts.lake_state import LakeState
from clickstream.alerts.metrics import (
    HEALTH_METRICS,
    RunFigures,
    lake_metrics,
    measure_metrics,
    report_metrics,
)
from clickstream.core.hours import Hour, hour_range
from clickstream.dashboard.web.metric_routes import MetricsText, render_metrics
from clickstream.lake import open_lake, refer_to_lake
from clickstream.lake.pull_states import PullState
from clickstream.pipeline.proof.freshness import (
    Freshness,
    FreshnessLimits,
    LakeRecords,
    PublishedHour,
    measure_freshness,
)
from clickstream.pipeline.proof.verify_record import record_verification
from clickstream.settings import Settings

NOW = datetime(2026, 11, 26, 13, 5, tzinfo=UTC)
SINCE = Hour.of(NOW).minus(30)
RUN = RunFigures(lines_pulled=1200, lines_rejected=3, late_lines=7, seconds=41.5)
UNIT_SUFFIX = re.compile("_(minutes|hours|days|milliseconds|percent|kilobytes|megabytes)(_|$)")
"""Units that Prometheus' naming rules replace by base units: seconds, bytes, ratio."""

DOCS = Path(__file__).parents[3] / "docs"


def freshness(hours_behind: int, pulls: list[tuple[int, str]]) -> Freshness:
    """A lake whose newest hour ended some hours and 5 minutes ago; pulls by age and failure."""
    built = PublishedHour(NOW, "scheduled", is_current=True)
    newest = Hour.of(NOW).minus(1 + hours_behind)
    sources = [
        PullState(
            f"web-{number}",
            pulled_at=int((NOW - timedelta(minutes=age)).timestamp()),
            newest_line_at=int(NOW.timestamp()),
            failed_at=int(NOW.timestamp()) if failure else None,
            failure=failure,
        )
        for number, (age, failure) in enumerate(pulls)
    ]
    published = dict.fromkeys(hour_range(SINCE, newest), built)
    return measure_freshness(
        LakeRecords(SINCE, published, {}, {}, [], sources), NOW, FreshnessLimits()
    )


FAILURES = st.sampled_from(["", "Connection refused. (CS-202)"])


@given(st.integers(0, 9), st.lists(st.tuples(st.integers(0, 90), FAILURES), max_size=3))
def test_metrics_agree_with_status(hours: int, pulls: list[tuple[int, str]]) -> None:
    found = freshness(hours, pulls)
    values = measure_metrics(LakeState(found), None).values
    assert (values["HoursBehind"] > 3) == found.is_late
    assert values["HoursBehind"] == pytest.approx(hours + 5 / 60)
    unreachable = [one for one in found.problems if "can't be pulled" in one.sentence]
    assert values["SourcesUnreachable"] == len(unreachable)
    assert values.get("OldestUnpulledMinutes") == max((age for age, _ in pulls), default=None)


def test_an_empty_lake_has_no_age_and_a_run_completes_the_names() -> None:
    empty = measure_freshness(LakeRecords(SINCE, {}, {}, {}, [], []), NOW, FreshnessLimits())
    values = measure_metrics(LakeState(empty), None).values
    assert values == {"OpenProblems": 0, "NotKnown": 2, "SourcesUnreachable": 0}
    known = measure_metrics(LakeState(freshness(0, [(1, "")])), RUN, verify_findings=2)
    assert [one.name for one, _ in known.known()] == [one.name for one in HEALTH_METRICS]
    assert [one.name for one in known] == [one.name for one in HEALTH_METRICS if one.unit]
    assert known.values["RunSeconds"] == 41.5
    text = (DOCS / "monitoring.md").read_text()
    names = {one.gauge: f"`{one.name}`" if one.unit else "–" for one in HEALTH_METRICS}
    assert all(f"| {name} | `{gauge}` |" in text for gauge, name in names.items())


def parse(text: str) -> dict[str, tuple[str, float]]:
    """Parse Prometheus' text format as its documentation defines it; return labels and values."""
    names, samples = r"[a-zA-Z_:][a-zA-Z0-9_:]*", {}
    label = r'[a-zA-Z_][a-zA-Z0-9_]*="((?:[^"\\\n]|\\[\\"n])*)"'
    assert text.endswith("\n")
    lines = text.removesuffix("\n").split("\n")
    for help_, type_, sample in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        found = re.fullmatch(rf"({names})\{{{label}\}} (\S+)", sample)
        assert found, sample
        assert re.fullmatch(rf"# HELP {found[1]} [^\\\n]+", help_), help_
        assert type_ == f"# TYPE {found[1]} gauge"
        assert found[1] not in samples
        samples[found[1]] = (found[2], float(found[3]))
    return samples


@given(st.text('a"\\\né{}:', min_size=1))
def test_the_text_is_in_prometheus_format_for_every_name_of_a_site(site: str) -> None:
    known = measure_metrics(LakeState(freshness(2, [(7, "")])), RUN, verify_findings=0)
    samples = parse(render_metrics(known, site))
    labels = {label for label, _ in samples.values()}
    escaped = site.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    assert labels == {escaped}
    assert samples["clickstream_oldest_unpulled_seconds"][1] == 420
    assert samples["clickstream_lines_pulled"][1] == 1200


def test_names_of_prometheus_have_base_units_and_no_suffix_of_another_type() -> None:
    names = {one.gauge for one in HEALTH_METRICS}
    assert len(names) == len(HEALTH_METRICS)
    # The only name with another unit: the pipeline counts in hours.
    assert {one for one in names if UNIT_SUFFIX.search(one)} == {"clickstream_hours_behind"}
    assert not [one for one in names if re.search("_(total|count|sum|bucket|info)$", one)]


def test_a_lake_is_measured_once_a_minute_and_a_failure_is_kept_as_long(
    lake_settings: Settings,
) -> None:
    lake, now = refer_to_lake(lake_settings, aws_session()), [NOW]
    text = MetricsText(lake, lambda: now[0])
    failure, status = text.answer()
    assert (failure.endswith("(CS-402)\n"), status) == (True, 503)
    open_lake(lake_settings, lake.session)
    now[0] = NOW + timedelta(seconds=59)
    assert text.answer() == (failure, 503)

    def answer_after(seconds: int, run: RunFigures) -> float:
        report_metrics(lake, run, NOW)
        assert lake_metrics(lake, NOW).values["LinesPulled"] == run.lines_pulled
        now[0] += timedelta(seconds=seconds)
        shown, ok = text.answer()
        assert ok == 200
        return parse(shown)["clickstream_lines_pulled"][1]

    assert answer_after(1, RUN) == 1200
    more = replace(RUN, lines_pulled=1300)
    assert answer_after(59, more) == 1200
    with text._measuring:  # another thread measures
        assert answer_after(1, more) == 1200
    assert answer_after(0, more) == 1300
    record_verification(lake, "hours", SINCE, SINCE.next, [SINCE.next], NOW)
    assert lake_metrics(lake, NOW).values["VerifyFindings"] == 1
