"""The sections of the settings: each setting with its default and description."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from clickstream.core.expressions import Expression
from clickstream.settings.alerts import AlertSettings
from clickstream.settings.dashboard import DashboardSettings, DigestSettings
from clickstream.settings.holdouts import HoldoutSettings
from clickstream.settings.labels import (
    BotSettings,
    ChannelSettings,
    CleanSettings,
    PageSettings,
    PeopleSettings,
)
from clickstream.settings.privacy import PrivacySettings
from clickstream.settings.sales import SalesSettings
from clickstream.settings.sources import CollectSettings, SourceSettings
from clickstream.settings.spark import SparkSettings
from clickstream.settings.values import (
    BucketName,
    GoalName,
    Network,
    RegularExpression,
    Section,
    SiteHost,
    TimeZone,
)

# Section `[orders]`: how orders are matched to visits.

ORDER_GROUP, AMOUNT_GROUP = "order", "amount"


def _with_groups(text: str) -> str:
    """Refuse an expression without the group of the number, and one with unknown groups."""
    groups = {*Expression(text).groups} if text else {ORDER_GROUP}
    if ORDER_GROUP not in groups:
        message = "it lacks the named group of the number: write it as (?P<order>…)"
        raise PydanticCustomError("order_group", message)
    if unknown := sorted(groups - {ORDER_GROUP, AMOUNT_GROUP}):
        message = "it has the group {group}; the named groups are order and amount"
        raise PydanticCustomError("order_group", message, {"group": unknown[0]})
    return text


OrderExpression = Annotated[RegularExpression, AfterValidator(_with_groups)]


class OrderSettings(Section):
    """How the orders of `[[sales]]` are matched to visits."""

    number: OrderExpression = Field(
        "",
        description="Regular expression that finds the number of an order in the path and query of "
        "the page that confirms it, as the group `(?P<order>…)`, and optionally its amount, as "
        "`(?P<amount>…)`. If empty, no order has a number in the log.",
    )
    match_by_time: bool = Field(
        False,
        description="Whether an order without a number in the log is matched to a sent form of the "
        "same time, if no other order and no other visit fits. It needs `form`.",
    )
    form: RegularExpression = Field(
        "",
        description="Regular expression that finds the path to which the form of an order is sent, "
        "such as `^/processOrder\\.php$`.",
    )
    time_tolerance_seconds: Annotated[int, Field(ge=0, le=60)] = Field(
        5, description="Seconds by which the times of such a pair may differ."
    )
    window_hours: Annotated[int, Field(ge=1, le=48)] = Field(
        24,
        description="Hours after the time of an order within which its confirmation is looked for.",
    )
    attribution_days: Annotated[int, Field(ge=1, le=30)] = Field(
        7,
        description="Days before the visit of an order within which earlier visits share its "
        "credit. Visitors are recognized for `[privacy] key_days` at most, so a long window is "
        "often cut.",
    )

    @model_validator(mode="after")
    def _check_form(self) -> OrderSettings:
        """Refuse to compare orders with all forms: those of a cart would be visits of orders."""
        if self.match_by_time and not self.form:
            message = "match_by_time needs form, the path to which the form of an order is sent"
            raise PydanticCustomError("order_form", message)
        return self


# Section `[locations]`: candidates for a new café, and how far customers travel.


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    """Refuse a range whose limits are the wrong way round, or no distances."""
    if not 0 < limits[0] < limits[1] <= 500:
        message = "write two distances in kilometres, the smaller one first, as in [8, 25]"
        raise PydanticCustomError("location_range", message)
    return limits


class LocationSettings(Section):
    """What `clickstream locations` assumes. No setting here affects the rows of an hour."""

    candidates: str = Field(
        "candidates.csv", description="CSV file of the candidates for a new café."
    )
    distance_km: Annotated[tuple[float, float], AfterValidator(_ascending)] = Field(
        (8.0, 25.0),
        description="Distance in kilometres over which the attraction of a café falls to 37 %, as "
        "the smallest and the largest that are likely. It counts if fewer than two cafés have "
        "orders by place.",
    )


# The section of the settings for metrics, which programs of monitoring read.


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


MAX_TIMEOUT_SECONDS = 28_800
"""Largest session timeout that may be set. Builds look this far into neighbouring hours."""

_SHAPING: dict[str, Any] = {
    "site": {"name", "domains", "hosts"},
    "orders": {"number"},
    **dict.fromkeys(("sessions", "clean", "pages", "channels", "bots"), True),
    **dict.fromkeys(("formats", "goals", "funnel"), True),
    "privacy": {"key_days"},
}
"""Settings that affect the rows of an hour."""

_NOT_SHAPING: dict[str, Any] = {"bots": {"robots_file"}}


class SiteSettings(Section):
    """The site whose logs are processed."""

    name: str = Field("site", description="Name of the site in every table.", min_length=1)
    title: str = Field("", description="Name of the site on the dashboard; `name` if not set.")
    domains: tuple[str, ...] = Field(
        (),
        description="The site's own domains; a referrer from one of them is internal. If empty, "
        "one domain is inferred from the lines: docs/channels.md.",
    )
    hosts: tuple[SiteHost, ...] = Field(
        (),
        description="The virtual hosts of the site, if the logs also have those of other sites: "
        "names such as www.example.com, or *.example.com for all subdomains. Requests to other "
        "hosts are counted in the hour ledger only. If empty, all hosts are the site's.",
    )
    time_zone: TimeZone = Field(
        "UTC",
        description="The IANA time zone, such as Europe/London, of the days and hours that the "
        "dashboard shows. Tables stay in UTC.",
    )


QUERY_RESULTS = "athena-results/"
"""Prefix of the results of Athena's queries in the lake's bucket."""


LOCAL_BUCKET = "clickstream-lake"
"""The bucket at an endpoint such as the local AWS, if the settings name none."""


class LakeSettings(Section):
    """Where the data is stored on AWS."""

    bucket: BucketName = Field(
        "",
        description="S3 bucket of the lake. If empty, it is clickstream-ACCOUNT-REGION, or "
        f"{LOCAL_BUCKET} with an endpoint.",
    )
    database: str = Field(
        "clickstream", description="Glue database of the tables and views.", pattern=r"^[a-z0-9_]+$"
    )
    workgroup: str = Field("primary", description="Athena workgroup that queries run in.")
    key_secret: str = Field(
        "clickstream/visitor-keys",
        description="Prefix of the names of the visitor keys and the customers' secret in Secrets "
        "Manager.",
    )

    @property
    def local_bucket(self) -> str:
        """The bucket at an endpoint such as the local AWS, where no other account has buckets."""
        return self.bucket or LOCAL_BUCKET


class AwsSettings(Section):
    """How the pipeline connects to AWS. If a value is empty, boto3 finds it in its environment."""

    endpoint_url: str = Field(
        "", description="Endpoint for all AWS services; AWS_ENDPOINT_URL if not set."
    )
    region: str = Field("", description="AWS region.")
    timeout_seconds: Annotated[int, Field(ge=1, le=300)] = Field(
        30,
        description="Seconds that a request waits for data from AWS before it is sent again; it is "
        "sent at most 5 times.",
    )


class SessionSettings(Section):
    """When a session ends."""

    timeout_seconds: Annotated[int, Field(ge=300, le=MAX_TIMEOUT_SECONDS)] = Field(
        1800,
        description="Longest pause in a session, in seconds; a longer pause ends it (GA4: 30 "
        "minutes).",
    )
    cap_hours: Annotated[int, Field(ge=1, le=23)] = Field(
        12, description="A session that has lasted this number of hours ends at the next 00:00 UTC."
    )

    @model_validator(mode="after")
    def _check_cap(self) -> SessionSettings:
        """Refuse a cap with which a session that begins soon after a midnight passes the next one.

        Soon means within the timeout: the requests before may belong to a session that ended there.
        """
        if self.cap_hours * 3600 + self.timeout_seconds > 24 * 3600:
            longest = (24 * 3600 - self.timeout_seconds) // 3600
            message = (
                "cap_hours and timeout_seconds together are more than 24 hours: with "
                "timeout_seconds = {timeout_seconds}, set cap_hours to {longest} or less"
            )
            context = {"timeout_seconds": self.timeout_seconds, "longest": longest}
            raise PydanticCustomError("cap_and_timeout", message, context)
        return self


class GoalSettings(Section):
    """A goal: a kind of request that makes a session a conversion."""

    page: RegularExpression = Field(
        description="Regular expression that matches the whole page name, as in the column page "
        "of hits."
    )
    kind: Literal[
        "page",
        "asset",
        "download",
        "redirect",
        "client_error",
        "server_error",
        "health_check",
        "api",
        "other",
    ] = Field("page", description="Kind of the request; submitted forms are of kind other.")
    method: str | None = Field(
        None, description="HTTP method, such as POST; any method if not set."
    )
    status: Annotated[int, Field(ge=100, le=599)] | None = Field(
        None, description="HTTP status; any status if not set."
    )


class FunnelStepSettings(GoalSettings):
    """A step of the funnel, which a session reaches only after the step before it."""

    name: str = Field(description="Name of the step.", min_length=1)


class GeoIpSettings(Section):
    """Where places and operators of networks are looked up by address."""

    database: str = Field(
        "", description="City database in MaxMind's format: a file, or a directory of files."
    )
    asn_database: str = Field(
        "",
        description="Database of the autonomous systems that operate networks: the file of "
        "`make geoip`, or an ASN database in MaxMind's format.",
    )


class BuildSettings(Section):
    """How runs choose their hours."""

    catch_up_hours: Annotated[int, Field(ge=0, le=720)] = Field(
        24,
        description="A run also builds the hours that are not built yet, up to this number of "
        "hours before its own hour.",
    )
    sql_directory: str = Field(
        "include/sql",
        description="Directory of the SQL of the views. Without this directory, those that come "
        "with the library are used.",
    )


LEAST_RAW_DAYS = 35
"""Fewest days to keep raw lines. Runs catch up at most 30 days, a change of an hour reaches at most
2 more days, and the lines of a host that was unreachable for up to 35 days are still added."""


class MaintenanceSettings(Section):
    """Maintenance of the lake. No setting here affects the rows of an hour."""

    compact_after_hours: Annotated[int, Field(ge=0, le=720)] = Field(
        2, description="Hours after the end of a day at which its data files are compacted."
    )
    snapshot_days: Annotated[int, Field(ge=1, le=3660)] = Field(
        7,
        description="Days after which Iceberg snapshots expire; time travel queries reach back "
        "this number of days.",
    )
    grace_days: Annotated[int, Field(ge=1, le=366)] = Field(
        3,
        description="Days after which orphan files, staged rows and query results are deleted; "
        "must be longer than any task takes.",
    )
    raw_days: Annotated[int, Field(ge=0, le=3660)] = Field(
        0,
        description="Days for which raw lines are kept, 35 or more; 0 keeps them forever. Hours "
        "without raw lines can't be built again.",
    )

    @field_validator("raw_days")
    @classmethod
    def _check_raw_days(cls, days: int) -> int:
        """Refuse fewer days than builds may need; docs/maintenance.md explains the number."""
        if 0 < days < LEAST_RAW_DAYS:
            raise PydanticCustomError("raw_days", f"set 0, or {LEAST_RAW_DAYS} or more")
        return days


class Settings(Section):
    """All settings. Relative paths start from `directory`."""

    site: SiteSettings = SiteSettings()
    sources: tuple[SourceSettings, ...] = Field(
        (), description="Places from which log files are pulled."
    )
    collect: CollectSettings = CollectSettings()
    sales: tuple[SalesSettings, ...] = Field(
        (), description="Shop databases and CSV files that sales are read from."
    )
    orders: OrderSettings = OrderSettings()
    holdouts: tuple[HoldoutSettings, ...] = Field(
        (), description="Tests in which campaigns are switched off in some regions."
    )
    locations: LocationSettings = LocationSettings()
    lake: LakeSettings = LakeSettings()
    aws: AwsSettings = AwsSettings()
    sessions: SessionSettings = SessionSettings()
    goals: dict[GoalName, GoalSettings] = Field(
        {},
        description="Requests that the site wants, such as a sent order. Each goal is a section"
        " `[goals.NAME]`.",
    )
    funnel: tuple[FunnelStepSettings, ...] = Field(
        (), description="Steps on the way to a goal, in order, at most nine.", max_length=9
    )
    clean: CleanSettings = CleanSettings()
    pages: PageSettings = PageSettings()
    channels: ChannelSettings = ChannelSettings()
    bots: BotSettings = BotSettings()
    people: PeopleSettings = PeopleSettings()
    geoip: GeoIpSettings = GeoIpSettings()
    privacy: PrivacySettings = PrivacySettings()
    formats: dict[str, str] = Field(
        {},
        description="Your own log formats by name: an Apache LogFormat, an nginx log_format, or an"
        " object with the keys of JSON lines.",
    )
    build: BuildSettings = BuildSettings()
    maintenance: MaintenanceSettings = MaintenanceSettings()
    spark: SparkSettings = SparkSettings()
    dashboard: DashboardSettings = DashboardSettings()
    digest: DigestSettings = DigestSettings()
    alerts: AlertSettings = AlertSettings()
    metrics: MetricsSettings = MetricsSettings()
    directory: Path = Field(Path(), exclude=True, strict=False)

    @property
    def sales_currency(self) -> str:
        """The currency of all sources of sales; empty without sales, or with several currencies."""
        codes = {source.currency for source in self.sales}
        return codes.pop() if len(codes) == 1 else ""

    def resolve(self, path: str) -> Path:
        """Make a path of the settings absolute, relative to the directory of the settings file."""
        return self.directory / Path(path).expanduser()

    @property
    def sql_directory(self) -> Path:
        """The directory of the views: that of the settings, or else the one of the library."""
        chosen = self.resolve(self.build.sql_directory)
        if chosen.is_dir() or "sql_directory" in self.build.model_fields_set:
            return chosen
        package = Path(__file__).parents[1]
        packaged = package / "sql"  # in a wheel; an editable install has the repository
        return packaged if packaged.is_dir() else package.parents[1] / "include" / "sql"

    def describe(self) -> Iterator[tuple[str, str, str]]:
        """Yield every setting as (name, value as JSON, description), in the order of the file."""
        for name in public(type(self)):
            section = getattr(self, name)
            if isinstance(section, Section):
                for key in public(type(section)):
                    value = json.dumps(section.model_dump(mode="json")[key], ensure_ascii=False)
                    meaning = type(section).model_fields[key].description or ""
                    yield f"{name}.{key}", value, meaning
            else:
                plain = json.dumps(self.model_dump(mode="json")[name], ensure_ascii=False)
                yield name, plain, type(self).model_fields[name].description or ""

    def result_digest(self) -> str:
        """Settings digest: a hash of the settings that affect an hour's rows, in 16 hex digits."""
        shaping = self.model_dump_json(include=_SHAPING, exclude=_NOT_SHAPING)
        return hashlib.blake2b(shaping.encode(), digest_size=8).hexdigest()

    def shaping_values(self) -> dict[str, Any]:
        """Return the settings that affect an hour's rows, as JSON values by `section.name`."""
        sections = self.model_dump(mode="json", include=_SHAPING, exclude=_NOT_SHAPING)
        return {
            f"{section}.{name}" if name else section: value
            for section, values in sections.items()
            for name, value in (values if isinstance(values, dict) else {"": values}).items()
        }


def public(model: type[BaseModel]) -> list[str]:
    """Names of the settings of a section that a file may set."""
    return [name for name, field in model.model_fields.items() if not field.exclude]
