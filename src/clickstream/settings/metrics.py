"""The section of the settings for metrics, which programs of monitoring read."""

from __future__ import annotations

from pydantic import Field

from clickstream.settings.base import Section
from clickstream.settings.values import Network


class MetricsSettings(Section):
    """Metrics of the runs, for CloudWatch and Prometheus. No setting here affects any row."""

    namespace: str = Field(
        "",
        description="Namespace of CloudWatch to which each run sends its metrics; if empty, none "
        "are sent. `clickstream aws deploy` sets it on the host.",
        pattern=r"^[A-Za-z0-9._#/-]{0,255}$",
    )
    networks: tuple[Network, ...] = Field(
        (),
        description="Networks from which /metrics of the dashboard can be read without a login, "
        "such as 10.0.0.0/16, as from the dashboard's own machine.",
    )
