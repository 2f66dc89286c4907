"""The sections of the settings: each setting with its default and description."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from clickstream.errors import InputError
from clickstream.expressions import Expression
from clickstream.settings.section import Section
from clickstream.settings.sources import Collect, Source

FORMATS = (
    *("combined_forwarded", "common_forwarded", "combined", "common", "ovh", "main", "gandi"),
    *("icecast2", "traefik_clf", "alb", "elb", "s3", "haproxy", "combined_vhost", "common_vhost"),
    *("w3c", "json"),
)
"""Names of the built-in log formats."""

MAX_TIMEOUT_SECONDS = 28_800
"""Largest session timeout that may be set. Builds look this far into neighbouring hours."""

_SHAPING: dict[str, Any] = {
    "site": {"name", "domains"},
    **dict.fromkeys(("sessions", "clean", "pages", "channels", "bots"), True),
    **dict.fromkeys(("places", "formats", "goals", "funnel"), True),
    "privacy": {"key_days"},
}
"""Settings that affect the rows of an hour."""


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        message = "it is no network in CIDR notation, such as 10.0.0.0/16"
        raise PydanticCustomError("network", message) from None
    return text


def is_mail_address(text: str) -> bool:
    """Whether a text is one address that a mail header may contain: `Ana <ana@cafe.example>`."""
    name, at, domain = parseaddr(text)[1].rpartition("@")
    return bool(name and at and domain) and text.isprintable()


def _mail_address(text: str) -> str:
    if not is_mail_address(text):
        raise PydanticCustomError("mail_address", "it is no address, such as owner@cafe.example")
    return text


MailAddress = Annotated[str, AfterValidator(_mail_address)]


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        message = "it is no time zone of the IANA database, such as Europe/London"
        raise PydanticCustomError("time_zone", message)
    return name


class Site(Section):
    """The site whose logs are processed."""

    name: str = Field("cafe", description="Name of the site in every table.", min_length=1)
    title: str = Field(
        "", description="Name of the site as people read it, on the dashboard; the name if not set."
    )
    domains: tuple[str, ...] = Field(
        (),
        description="The site's own domains: a referrer from one of them is internal. If empty, "
        "one is inferred from the lines: docs/channels.md.",
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC",
        description="The IANA time zone, such as Europe/London, of the days and hours that the "
        "dashboard shows. Tables stay in UTC.",
    )


class Lake(Section):
    """Where the data is stored on AWS."""

    bucket: str = Field("clickstream-lake", description="S3 bucket of the lake.", min_length=3)
    database: str = Field(
        "clickstream", description="Glue database of the tables and views.", pattern=r"^[a-z0-9_]+$"
    )
    workgroup: str = Field("primary", description="Athena workgroup that queries run in.")
    key_secret: str = Field(
        "clickstream/visitor-keys",
        description="What the names of the visitor keys in Secrets Manager begin with.",
    )


class Aws(Section):
    """How the pipeline connects to AWS; boto3 and its environment provide empty values."""

    endpoint_url: str = Field(
        "", description="Another endpoint for every service; AWS_ENDPOINT_URL if not set."
    )
    region: str = Field("", description="AWS region.")
    timeout_seconds: Annotated[int, Field(ge=1, le=300)] = Field(
        30, description="A request that AWS is silent on for so long is made again, up to 5 times."
    )


class Sessions(Section):
    """When a session ends."""

    timeout_seconds: Annotated[int, Field(ge=300, le=MAX_TIMEOUT_SECONDS)] = Field(
        1800, description="A longer silence than this ends a session (GA4: 30 minutes)."
    )
    cap_hours: Annotated[int, Field(ge=1, le=23)] = Field(
        12, description="A session that has lasted this long ends at the next 00:00 UTC."
    )

    @model_validator(mode="after")
    def _check_that_histories_meet(self) -> Sessions:
        """Refuse a cap with which a session that ended at one midnight could pass the next one."""
        if self.cap_hours * 3600 + self.timeout_seconds > 24 * 3600:
            longest = (24 * 3600 - self.timeout_seconds) // 3600
            message = (
                "cap_hours and timeout_seconds together are more than 24 hours: with "
                "timeout_seconds = {timeout_seconds}, set cap_hours to {longest} or less"
            )
            context = {"timeout_seconds": self.timeout_seconds, "longest": longest}
            raise PydanticCustomError("cap_and_timeout", message, context)
        return self


def _expression(text: str) -> str:
    try:
        Expression(text)
    except InputError as error:
        message = "it is no regular expression: {reason}"
        raise PydanticCustomError("expression", message, {"reason": str(error)}) from None
    return text


class Goal(Section):
    """A goal: a kind of request that makes a session a conversion."""

    page: Annotated[str, AfterValidator(_expression)] = Field(
        description="A regular expression that the whole name of the page, as in hits, matches."
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
    ] = Field("page", description="The kind of request; other holds forms sent.")
    method: str | None = Field(None, description="The HTTP method, such as POST; any if not set.")
    status: Annotated[int, Field(ge=100, le=599)] | None = Field(
        None, description="The HTTP status; any if not set."
    )


class Step(Goal):
    """A step of the funnel, which a session reaches only after the step before it."""

    name: str = Field(description="Name of the step.", min_length=1)


GoalName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Clean(Section):
    """How requests are labelled."""

    asset_extensions: tuple[str, ...] | None = Field(
        None, description="Endings of paths of static assets; those of docs/cleaning.md if not set."
    )
    download_extensions: tuple[str, ...] | None = Field(
        None, description="Endings of paths of files to download; as above if not set."
    )
    api_prefixes: tuple[str, ...] | None = Field(
        None, description="Beginnings of paths of an API; as above if not set."
    )
    health_check_paths: tuple[str, ...] | None = Field(
        None, description="Paths that ask whether the server is well; as above if not set."
    )
    query_parameters: tuple[str, ...] = Field(
        (), description="Query parameters that are kept; every other one is dropped."
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Networks whose X-Forwarded-For is believed, like 10.0.0.0/8."
    )
    longest_line_bytes: Annotated[int, Field(ge=4_096, le=1 << 20)] = Field(
        65_536,
        description="A line of more bytes than this is a reject, and no format is tried on it.",
    )


class Pages(Section):
    """How page names are made from paths."""

    ignore_case: bool = Field(False, description="Whether /Menu and /menu are one page.")
    fold_ids: bool = Field(
        True, description="Whether numbers and UUIDs in paths are folded to {id}."
    )
    rules: tuple[tuple[str, str], ...] = Field(
        (), description="Own rules, in order: pairs of a regular expression and what replaces it."
    )


class Channels(Section):
    """How sources and mediums are grouped to channels."""

    rules: str = Field("", description="File with channel rules; the built-in ones if not set.")


class Bots(Section):
    """How bots are recognised besides their user agents."""

    crawlers: dict[str, str] = Field(
        {},
        description="Files with the networks of crawlers, by the name in their user agents.",
    )
    datacenters: dict[str, str] = Field(
        {}, description="Files with networks of datacenters, where nobody browses from, by name."
    )
    people: dict[str, str] = Field(
        {}, description="Files with networks of people in datacenters, such as VPNs, by name."
    )
    own_networks: tuple[str, ...] = Field(
        (),
        description="Networks and addresses of the site's own equipment, like 192.0.2.8: bots of "
        "the class own equipment.",
    )
    own_user_agents: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="Parts of the user agents of the site's own equipment, in any case, like "
        "MenuTablet: the same.",
    )
    robots_txt: bool = Field(
        True, description="Whether who asks for robots.txt before anything else is a bot."
    )
    scanner_paths: Annotated[int, Field(ge=1)] = Field(
        2, description="As many different paths that only scanners seek give a bot away."
    )
    pages_in_a_minute: Annotated[int, Field(ge=1)] = Field(
        60, description="More page views of a visitor than these in 60 seconds are a bot's."
    )
    pages_without_asset: Annotated[int, Field(ge=1)] = Field(
        20, description="As many page views in an hour without any asset are a bot's."
    )
    pages_without_referrer: Annotated[int, Field(ge=1)] = Field(
        50, description="As many different pages in an hour, all without referrer, are a bot's."
    )


class GeoIp(Section):
    """Where places are looked up by address."""

    database: str = Field(
        "", description="City database in MaxMind's format: a file, or a directory of them."
    )


class Privacy(Section):
    """How long visitor keys are used and kept."""

    key_days: Annotated[int, Field(ge=1, le=366)] = Field(
        30, description="Days after which visitors get new ids; 1 for the strict."
    )
    replay_days: Annotated[int, Field(ge=1, le=3660)] = Field(
        90, description="Days after its period that a visitor key is destroyed."
    )


class Build(Section):
    """How runs choose their hours."""

    catch_up_hours: Annotated[int, Field(ge=0, le=720)] = Field(
        24, description="A run also builds earlier unbuilt hours, at most this far back."
    )
    sql_directory: str = Field("include/sql", description="Where the views' SQL is kept.")


LEAST_RAW_DAYS = 35
"""Fewest days to keep raw lines. Runs catch up at most 30 days, a change of an hour reaches at most
2 more days, and the lines of a host that was unreachable for up to 35 days are still added."""


class Maintenance(Section):
    """Maintenance of the lake. No setting here affects the rows of an hour."""

    compact_after_hours: Annotated[int, Field(ge=0, le=720)] = Field(
        2, description="Hours after its end that a day's data files become one."
    )
    snapshot_days: Annotated[int, Field(ge=1, le=3660)] = Field(
        7, description="Days back that queries can travel in time."
    )
    grace_days: Annotated[int, Field(ge=1, le=366)] = Field(
        3,
        description="Age at which files that nothing refers to, staged rows and query results are "
        "deleted; longer than any task takes.",
    )
    raw_days: Annotated[int, Field(ge=0, le=3660)] = Field(
        0,
        description="Days that raw lines are kept, 35 or more; 0 keeps them for good. Hours "
        "without raw lines can't be built again.",
    )

    @field_validator("raw_days")
    @classmethod
    def _check_raw_days(cls, days: int) -> int:
        """Refuse fewer days than an hour may be built after: docs/maintenance.md has the sum."""
        if 0 < days < LEAST_RAW_DAYS:
            raise PydanticCustomError("raw_days", f"set 0, or {LEAST_RAW_DAYS} or more")
        return days


class Dashboard(Section):
    """The owner's dashboard. No setting here affects the rows of an hour."""

    engine: Literal["local", "athena"] = Field(
        "local",
        description="What answers: a local copy of the fact tables, or Athena for every panel.",
    )
    language: str = Field(
        "en",
        description="Language of the pages, of numbers and dates, such as en-GB.",
        pattern=r"^[a-z]{2,3}([-_][A-Za-z0-9]+)*$",
    )
    directory: str = Field(
        "var/dashboard",
        description="Where accounts, notes, saved views, share links and the local copy are kept.",
    )
    hosts: tuple[str, ...] = Field(
        (),
        description="Names that browsers reach the dashboard by, beside localhost and 127.0.0.1, "
        "such as that of a proxy in front of it.",
    )
    url: str = Field(
        "",
        description="Where browsers reach the dashboard, such as https://dashboard.example. Links "
        "in mails and in Airflow and share links lead there; without it, mails have no links.",
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$",
    )
    load_balancer: str = Field(
        "",
        description="ARN of the Application Load Balancer in front of the dashboard that "
        "authenticates its users. Logins that it has signed are accepted, others are not.",
        pattern=r"^(arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/app/\S+)?$",
    )
    proxy_header: str = Field(
        "",
        description="Header in which a proxy names the user that it has authenticated, such as "
        "X-Forwarded-User; it is accepted from proxy_networks only.",
        pattern=r"^([A-Za-z0-9-]+)?$",
    )
    proxy_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        (), description="Networks of the proxies whose headers are accepted, such as 10.0.0.0/16."
    )
    keep_days: Annotated[int, Field(ge=1, le=3660)] = Field(
        800, description="Days that fact tables and their copies go back."
    )
    monthly_targets: dict[GoalName, Annotated[int, Field(ge=1)]] = Field(
        {}, description="How often a goal should be met in a calendar month, by its name."
    )
    order_goal: GoalName = Field("order", description="The goal that is an order.")
    item_pages: Annotated[str, AfterValidator(_expression)] = Field(
        "",
        description="A regular expression that the names of the pages of single menu items match "
        "as a whole; the Orders page shows how often their visitors order.",
    )

    @model_validator(mode="after")
    def _check_proxy(self) -> Dashboard:
        """Refuse a header without networks, because it would never be accepted."""
        if self.proxy_header and not self.proxy_networks:
            message = "proxy_header needs proxy_networks, the networks that it is accepted from"
            raise PydanticCustomError("proxy_header", message)
        return self


class Digest(Section):
    """The weekly mail, which the DAG `clickstream_digest` sends on Mondays."""

    recipients: tuple[MailAddress, ...] = Field(
        (), description="Who gets the mail; without recipients none is sent."
    )
    sender: Annotated[str, AfterValidator(lambda text: text and _mail_address(text))] = Field(
        "", description="Its sender; from_email of the Airflow connection if not set."
    )
    connection: str = Field(
        "smtp_default", description="The Airflow connection, of type SMTP, that it is sent through."
    )


CHANGED = {
    "sessions.gap_seconds": "sessions.gap_seconds is called sessions.timeout_seconds now.",
    "upkeep": "the section [upkeep] is called [maintenance] now.",
    "places": "the section [places] is called [geoip] now.",
    "build.cache_directory": "build.cache_directory has no effect any more; remove it.",
}
"""Messages on settings of earlier versions."""


class Settings(Section):
    """All settings. Relative paths start from `directory`."""

    site: Site = Site()
    sources: tuple[Source, ...] = Field((), description="Where log files are pulled from.")
    collect: Collect = Collect()
    lake: Lake = Lake()
    aws: Aws = Aws()
    sessions: Sessions = Sessions()
    goals: dict[GoalName, Goal] = Field(
        {}, description="What visitors are hoped to do: each goal a section `[goals.NAME]`."
    )
    funnel: tuple[Step, ...] = Field(
        (), description="The way to a goal: steps in order, nine at most.", max_length=9
    )
    clean: Clean = Clean()
    pages: Pages = Pages()
    channels: Channels = Channels()
    bots: Bots = Bots()
    geoip: GeoIp = GeoIp()
    privacy: Privacy = Privacy()
    formats: dict[str, str] = Field(
        {}, description="Own formats by name: an Apache LogFormat or an nginx log_format."
    )
    build: Build = Build()
    maintenance: Maintenance = Maintenance()
    dashboard: Dashboard = Dashboard()
    digest: Digest = Digest()
    directory: Path = Field(Path(), exclude=True, strict=False)

    def resolve(self, path: str) -> Path:
        """Make a path of the settings absolute, relative to the directory of the settings file."""
        return self.directory / Path(path).expanduser()

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
        shaping = self.model_dump_json(include=_SHAPING)
        return hashlib.blake2b(shaping.encode(), digest_size=8).hexdigest()


def public(model: type[BaseModel]) -> list[str]:
    """Names of the settings of a section that a file may set."""
    return [name for name, field in model.model_fields.items() if not field.exclude]
