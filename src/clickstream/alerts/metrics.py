"""Metrics: numbers about the state of a lake and its last run, for programs of monitoring.

Only `measure_metrics` computes them, from the state that `clickstream status` shows. CloudWatch
gets them at the end of a run (`report_metrics`), and Prometheus from `/metrics` of the dashboard
(`lake_metrics`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickstream.alerts.lake_state import LakeState, read_lake_state
from clickstream.lake import Lake, aws_errors
from clickstream.lake.cloudwatch import Datum, put_metrics
from clickstream.lake.records import RecordStore
from clickstream.pipeline.proof.verify_record import read_verify_record


@dataclass(frozen=True)
class HealthMetric:
    """A metric: its name and unit in CloudWatch, its name in Prometheus, and its meaning.

    Prometheus alone gets a metric without a unit: CloudWatch bills each one, and has its alarms.

    Prometheus' base unit of time is the second: its value is `scale` times that of CloudWatch.
    """

    name: str
    unit: str
    gauge: str
    meaning: str
    scale: int = 1


HEALTH_METRICS = (
    HealthMetric(
        "OpenProblems",
        "",
        "clickstream_open_problems",
        "Open problems: incidents, and what else is late, missing or can't be read.",
    ),
    HealthMetric(
        "NotKnown",
        "",
        "clickstream_not_known",
        "What can't be determined: a source without a pull or settings, or whether alerts hold.",
    ),
    HealthMetric(
        "HoursBehind",
        "None",
        "clickstream_hours_behind",
        "Hours since the end of the newest published hour.",
    ),
    HealthMetric(
        "LinesPulled",
        "Count",
        "clickstream_lines_pulled",
        "Lines that the last run pulled.",
    ),
    HealthMetric(
        "LinesRejected",
        "Count",
        "clickstream_lines_rejected",
        "Rejected lines of the hours that the last run published.",
    ),
    HealthMetric(
        "SourcesUnreachable",
        "Count",
        "clickstream_sources_unreachable",
        "Hosts whose newest pull failed.",
    ),
    HealthMetric(
        "OldestUnpulledMinutes",
        "None",
        "clickstream_oldest_unpulled_seconds",
        "Time since the last successful pull of the host that was not pulled for the longest time.",
        60,
    ),
    HealthMetric(
        "LateLines",
        "Count",
        "clickstream_late_lines",
        "Late lines of the hours that the last run published.",
    ),
    HealthMetric(
        "RunSeconds", "Seconds", "clickstream_run_seconds", "Duration of the last run in seconds."
    ),
    HealthMetric(
        "VerifyFindings",
        "Count",
        "clickstream_verify_findings",
        "Findings of the last verification of the lake.",
    ),
)


@dataclass(frozen=True)
class RunFigures:
    """What a run did: the lines that it pulled, and its duration.

    `lines_rejected` and `late_lines` are those of the hours that it published.
    """

    lines_pulled: int
    lines_rejected: int
    late_lines: int
    seconds: float


RUNS = RecordStore("health/", RunFigures)
"""The record `run` has the figures of the last run."""


@dataclass(frozen=True)
class Metrics:
    """The known values of HEALTH_METRICS by name; iterating gives the data for CloudWatch."""

    values: Mapping[str, float]

    def __iter__(self) -> Iterator[Datum]:
        """Yield name, unit and value of each metric of CloudWatch that is known."""
        for metric, value in self.known():
            if metric.unit:
                yield Datum(metric.name, metric.unit, value)

    def known(self) -> Iterator[tuple[HealthMetric, float]]:
        """Yield the metrics that are known, with their values."""
        for metric in HEALTH_METRICS:
            if metric.name in self.values:
                yield metric, self.values[metric.name]


def measure_metrics(
    state: LakeState, run: RunFigures | None, verify_findings: int | None = None
) -> Metrics:
    """Compute the metrics of a lake; a value that is not known is left out.

    `run` are the figures of its last run, and `verify_findings` those of its last verification.
    """
    freshness = state.freshness
    assert freshness is not None  # noqa: S101  `read_lake_state` has read it
    now = freshness.now
    pulled = [host.pulled_at for host in freshness.sources if host.pulled_at]
    values = {
        "OpenProblems": state.open,
        "NotKnown": len(state.doubts),
        "HoursBehind": None if freshness.lag is None else freshness.lag / timedelta(hours=1),
        "SourcesUnreachable": sum(bool(host.failure) for host in freshness.sources),
        "OldestUnpulledMinutes": (
            max(now - min(pulled), timedelta()) / timedelta(minutes=1) if pulled else None
        ),
        "VerifyFindings": verify_findings,
    }
    if run:
        values |= {
            "LinesPulled": run.lines_pulled,
            "LinesRejected": run.lines_rejected,
            "LateLines": run.late_lines,
            "RunSeconds": run.seconds,
        }
    return Metrics({name: float(value) for name, value in values.items() if value is not None})


@aws_errors.translate_errors()
def lake_metrics(lake: Lake, now: datetime) -> Metrics:
    """Read the state of a lake, and measure its metrics at `now`, an aware time."""
    return _measure(lake, read_lake_state(lake, now))


def _measure(lake: Lake, state: LakeState) -> Metrics:
    run, verified = RUNS.read(lake, "run"), read_verify_record(lake)
    findings = verified.findings if verified else None
    return measure_metrics(state, run.value if run else None, findings)


@aws_errors.translate_errors()
def report_metrics(lake: Lake, run: RunFigures, now: datetime) -> LakeState:
    """Store the figures of a run that ends, and send the metrics to CloudWatch.

    Return the state of the lake that they were measured from.
    """
    RUNS.put(lake, "run", run)
    state = read_lake_state(lake, now)
    put_metrics(lake, _measure(lake, state), now)
    return state
