"""The route /metrics: the metrics of the lake in the text format of Prometheus."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from clickstream.core.errors import ClickstreamError
from clickstream.dashboard.access.guard import METRICS_PATH
from clickstream.lake import Lake

if TYPE_CHECKING:
    from clickstream.alerts.metrics import Metrics

MEDIA_TYPE = "text/plain; version=0.0.4"
KEPT = timedelta(minutes=1)
"""The lake is measured at most this often, however many programs ask."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Answer = tuple[str, HTTPStatus]


class MetricsText:
    """The metrics of a lake as text, from a measurement that is at most a minute old.

    A failure is kept for a minute, too. While a thread measures, the others get the answer before.
    """

    def __init__(self, lake: Lake, clock: Callable[[], datetime]) -> None:
        self._lake = lake
        self._clock = clock
        self._measuring = threading.Lock()
        self._measured_at: datetime | None = None
        self._answer: Answer = (
            "The first measurement is not complete.\n",
            HTTPStatus.SERVICE_UNAVAILABLE,
        )

    def answer(self) -> Answer:
        """Return the text and the status of the response."""
        now = self._clock()
        if self._measuring.acquire(blocking=False):
            try:
                if self._measured_at is None or now - self._measured_at >= KEPT:
                    self._answer = self._measure(now)
                    self._measured_at = now
            finally:
                self._measuring.release()
        return self._answer

    def _measure(self, now: datetime) -> Answer:
        # It imports pyiceberg, which the dashboard of log files does not need.
        from clickstream.alerts.metrics import lake_metrics

        try:
            metrics = lake_metrics(self._lake, now)
        except ClickstreamError as error:
            return f"{error.printed}\n", HTTPStatus.SERVICE_UNAVAILABLE
        return render_metrics(metrics, self._lake.settings.site.name), HTTPStatus.OK


def render_metrics(metrics: Metrics, site: str) -> str:
    """Return metrics in Prometheus' text format, version 0.0.4; all are gauges of a site."""
    return "".join(f"{line}\n" for line in _lines(metrics, site.translate(_ESCAPES)))


def _lines(metrics: Metrics, site: str) -> Iterator[str]:
    for metric, value in metrics.known():
        yield f"# HELP {metric.gauge} {metric.meaning}"
        yield f"# TYPE {metric.gauge} gauge"
        yield f'{metric.gauge}{{site="{site}"}} {value * metric.scale!r}'


def add_metrics_route(app: FastAPI, lake: Lake, clock: Callable[[], datetime]) -> None:
    """Add the route to the application."""
    measured = MetricsText(lake, clock)

    def show_metrics() -> PlainTextResponse:
        text, status = measured.answer()
        return PlainTextResponse(text, status, media_type=MEDIA_TYPE)

    app.add_api_route(METRICS_PATH, show_metrics)
