"""CloudWatch: the metrics of a run, sent in one request."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from clickstream.lake import aws_errors
from clickstream.lake.client import Lake


class Datum(NamedTuple):
    """The value of a metric; `unit` is one of CloudWatch's."""

    name: str
    unit: str
    value: float


@aws_errors.translate_errors()
def put_metrics(lake: Lake, metrics: Iterable[Datum], now: datetime) -> bool:
    """Send metrics with the time `now` (aware); return False if no namespace is set.

    Their only dimension is the site, because each combination of dimensions is paid as a metric.
    """
    namespace = lake.settings.metrics.namespace
    if not namespace:
        return False
    dimensions = [{"Name": "Site", "Value": dimension_value(lake.settings.site.name)}]
    data = [
        {
            "MetricName": metric.name,
            "Dimensions": dimensions,
            "Timestamp": now,
            "Value": metric.value,
            "Unit": metric.unit,
        }
        for metric in metrics
    ]
    lake.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)
    return True


def dimension_value(site: str) -> str:
    """Return the name of a site as a dimension, which has only ASCII: `caf%C3%A9` for `café`."""
    return quote(site, safe=" ")
