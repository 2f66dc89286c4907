"""The base class of the sections of the settings, and the types of single values.

A value that is not allowed has a plain message.
"""

from __future__ import annotations

import re
from email.utils import getaddresses
from ipaddress import ip_network
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from clickstream.core.errors import InputError
from clickstream.core.expressions import Expression


class Section(BaseModel):
    """A section of the settings: immutable, strict about types, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        message = "it is not a network in CIDR notation, such as 10.0.0.0/16"
        raise PydanticCustomError("network", message) from None
    return text


def is_mail_address(text: str) -> bool:
    """Whether a text is one address that a mail header may contain: `Ana <ana@cafe.example>`."""
    addresses = getaddresses([text])
    if len(addresses) != 1 or not text.isprintable():
        return False
    name, at, domain = addresses[0][1].rpartition("@")
    return bool(name and at and domain)


def _mail_address(text: str) -> str:
    if not is_mail_address(text):
        raise PydanticCustomError(
            "mail_address", "it is not a mail address, such as owner@cafe.example"
        )
    return text


def _bucket_name(text: str) -> str:
    if 0 < len(text) < 3:
        message = "a name has 3 or more characters; empty is a name with account and region"
        raise PydanticCustomError("bucket_name", message)
    return text


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        message = "it is not a time zone of the IANA database, such as Europe/London"
        raise PydanticCustomError("time_zone", message)
    return name


def _expression(text: str) -> str:
    try:
        Expression(text)
    except InputError as error:
        message = "it is not a valid regular expression: {reason}"
        raise PydanticCustomError("expression", message, {"reason": str(error)}) from None
    return text


_SITE_HOST = re.compile(
    r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE
)


def _site_host(text: str) -> str:
    if not _SITE_HOST.fullmatch(text):
        message = "write a host without a port, such as www.example.com, or *.example.com"
        raise PydanticCustomError("site_host", message)
    return text.lower()


def _page_names(names: dict[str, str]) -> dict[str, str]:
    """Check the names of pages: a reader must know which page a name is."""
    pages: dict[str, str] = {}
    for page, name in names.items():
        if not page.startswith("/"):
            message = "the page {page} does not begin with /; write it as the column page has it"
            raise PydanticCustomError("page_names", message, {"page": repr(page)})
        if not name.strip() or not name.isprintable():
            message = "the page {page} needs a name of visible characters; write one or remove it"
            raise PydanticCustomError("page_names", message, {"page": page})
        if name in pages:
            message = "{first} and {page} have the same name {name}; give each page its own"
            context = {"first": pages[name], "page": page, "name": repr(name)}
            raise PydanticCustomError("page_names", message, context)
        pages[name] = page
    return names


BucketName = Annotated[str, AfterValidator(_bucket_name)]
SiteHost = Annotated[str, AfterValidator(_site_host)]
GoalName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
PageNames = Annotated[dict[str, str], AfterValidator(_page_names)]
OptionalMailAddress = Annotated[str, AfterValidator(lambda text: text and _mail_address(text))]
Network = Annotated[str, AfterValidator(_network)]
RegularExpression = Annotated[str, AfterValidator(_expression)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
