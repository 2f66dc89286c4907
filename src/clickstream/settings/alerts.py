"""Section `[alerts]`: channels of alerts, and the limits of their rules."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from clickstream.settings.values import MailAddress, OptionalMailAddress, Section

SECRETS = ("alerts.webhook", "alerts.mail_password")
"""Settings whose values no message shows."""

Share = Annotated[float, Field(gt=0, le=1)]


class AlertSettings(Section):
    """Alerts about incidents. Without a channel nothing is sent; incidents are still kept."""

    sns_topic: str = Field(
        "",
        description="ARN of the SNS topic that alerts are published to.",
        pattern=r"^(arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+)?$",
    )
    webhook: SecretStr | None = Field(
        None,
        description="Address of a webhook that accepts Slack's messages. It is a secret: set "
        "CLICKSTREAM_ALERTS__WEBHOOK.",
    )
    recipients: tuple[MailAddress, ...] = Field(
        (), description="Addresses that alerts are mailed to."
    )
    sender: OptionalMailAddress = Field("", description="Sender of the mails.")
    mail_server: str = Field(
        "",
        description="Server of the mails, such as smtp://alerts@mail.example:587, or smtps:// for "
        "TLS from the start. The user, if any, precedes the @.",
        pattern=r"^(smtps?://([^\s/:]+@)?[^\s/:@]+:\d{1,5})?$",
    )
    mail_password: SecretStr | None = Field(
        None,
        description="Password of the server's user. Set CLICKSTREAM_ALERTS__MAIL_PASSWORD.",
    )
    airflow_url: str = Field(
        "",
        description="Address of Airflow, such as http://localhost:8080. `clickstream watch` asks "
        "it for the scheduler's heartbeat.",
        pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$",
    )
    outage_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        10, description="Minutes for which AWS or Airflow may be silent."
    )
    directory: str = Field(
        "var/alerts", description="Directory in which `clickstream watch` keeps its state."
    )
    hours_behind: Annotated[int, Field(ge=1, le=720)] = Field(
        3, description="Age in hours of the newest published hour at which an incident opens."
    )
    reject_share: Share = Field(
        0.05, description="Share of lines of the last 3 published hours that can't be read."
    )
    error_share: Share = Field(
        0.05,
        description="Share of people's requests of the last 3 published hours that the server "
        "fails (5xx), of a page or of the site.",
    )
    bot_share: Share = Field(
        0.9, description="Share of bots among the lines of the last 24 published hours."
    )
    disk_percent: Annotated[int, Field(ge=1, le=100)] = Field(
        90, description="Use of the disk with temporary files, in percent."
    )
    expiry_days: Annotated[int, Field(ge=1, le=365)] = Field(
        14, description="Days before a certificate or a key expires."
    )

    @model_validator(mode="after")
    def _check_mail(self) -> AlertSettings:
        """Refuse recipients without a server or a sender: no mail could be sent."""
        if self.recipients and not (self.mail_server and self.sender):
            message = "recipients need mail_server and sender"
            raise PydanticCustomError("alert_mail", message)
        return self

    @model_validator(mode="after")
    def _check_webhook(self) -> AlertSettings:
        """Refuse another address than one of http; the message does not show it."""
        if self.webhook and not self.webhook.get_secret_value().startswith(("https://", "http://")):
            raise PydanticCustomError("alert_webhook", "webhook must begin with https://")
        return self
