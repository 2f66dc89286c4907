"""The sections of the settings for the owner: the dashboard and the weekly mail."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from clickstream.settings.values import (
    GoalName,
    MailAddress,
    Network,
    OptionalMailAddress,
    PageNames,
    RegularExpression,
    Section,
)

Icon = Literal["chart", "cup"]


class DashboardSettings(Section):
    """The owner's dashboard. No setting here affects the rows of an hour."""

    engine: Literal["local", "athena"] = Field(
        "local",
        description="Where the panels get their numbers: local for a local copy of the facts, "
        "athena for queries in Athena.",
    )
    language: str = Field(
        "en",
        description="English locale of numbers, dates and money, such as en-GB, en-US or en-AU.",
        pattern=r"^[a-z]{2,3}([-_][A-Za-z0-9]+)*$",
    )
    icon: Icon = Field(
        "chart", description="Icon of the pages beside the site's title: chart or cup."
    )
    directory: str = Field(
        "var/dashboard",
        description="Directory of accounts, notes, share links and the local copy.",
    )
    hosts: tuple[str, ...] = Field(
        (),
        description="Host names in the addresses of the dashboard besides localhost and "
        "127.0.0.1, such as that of a proxy in front of it.",
    )
    url: str = Field(
        "",
        description="Address of the dashboard for browsers, such as https://dashboard.example. "
        "Share links and the links in mails and in Airflow begin with it; without it, mails have "
        "no links.",
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$",
    )
    docs_url: str = Field(
        "",
        description="Address of the folder docs/ for browsers, such as "
        "https://git.example/cafe/blob/main/docs. With it, each task in Airflow has a link to its "
        "section of the runbook.",
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$",
    )
    load_balancer: str = Field(
        "",
        description="ARN of the Application Load Balancer in front of the dashboard that "
        "authenticates its users. Tokens that another load balancer signed are refused.",
        pattern=r"^(arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/app/\S+)?$",
    )
    proxy_header: str = Field(
        "",
        description="Header in which a proxy names the user that it has authenticated, such as "
        "X-Forwarded-User; it is accepted from proxy_networks only.",
        pattern=r"^([A-Za-z0-9-]+)?$",
    )
    proxy_networks: tuple[Network, ...] = Field(
        (), description="Networks of the proxies whose headers are accepted, such as 10.0.0.0/16."
    )
    keep_days: Annotated[int, Field(ge=1, le=3660)] = Field(
        800, description="Days for which the facts and the local copy are kept."
    )
    usual_band: Annotated[float, Field(gt=0, le=0.5)] = Field(
        0.2,
        description="A number is as usual if its change is within this share of the usual number, "
        "up or down, with a probability of 90 %.",
    )
    monthly_targets: dict[GoalName, Annotated[int, Field(ge=1)]] = Field(
        {}, description="Visits that should meet a goal in a calendar month, by the goal's name."
    )
    monthly_sales_target: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Net sales that a calendar month should have, in whole units of the currency.",
    )
    order_goal: GoalName = Field("order", description="The goal that is an order.")
    item_pages: RegularExpression = Field(
        "",
        description="Regular expression that matches the whole names of the pages of single menu "
        "items; the Orders page shows how often visits with these pages order.",
    )
    place_measures: tuple[str, ...] = Field(
        ("people",),
        description="Measures of the demographics that the Places page shows beside the orders of "
        "a place, such as people and median_age.",
    )

    page_names: PageNames = Field(
        {},
        description='Names of pages for the readers, such as "/cafe/menu.php" = "Menu". Pages and '
        "mails show the name in place of the page; CSV files and SQL keep the page.",
    )

    @model_validator(mode="after")
    def _check_proxy(self) -> DashboardSettings:
        """Refuse a header without networks, because it would never be accepted."""
        if self.proxy_header and not self.proxy_networks:
            message = "proxy_header needs proxy_networks, the networks from which it is accepted"
            raise PydanticCustomError("proxy_header", message)
        return self


class DigestSettings(Section):
    """The weekly mail, which the DAG `clickstream_digest` sends on Mondays."""

    recipients: tuple[MailAddress, ...] = Field(
        (), description="Addresses that the mail is sent to; without recipients no mail is sent."
    )
    sender: OptionalMailAddress = Field(
        "", description="Sender of the mail; from_email of the Airflow connection if not set."
    )
    connection: str = Field(
        "smtp_default", description="Airflow connection of type SMTP that sends the mail."
    )
