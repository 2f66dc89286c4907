"""Settings of the rules that label requests: kinds, page names, channels and bots."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from clickstream.settings.values import Network, Section


class CleanSettings(Section):
    """How requests are labelled."""

    asset_extensions: tuple[str, ...] | None = Field(
        None, description="Extensions of static assets; those of docs/cleaning.md if not set."
    )
    download_extensions: tuple[str, ...] | None = Field(
        None, description="Extensions of downloads; those of docs/cleaning.md if not set."
    )
    api_prefixes: tuple[str, ...] | None = Field(
        None, description="Path prefixes of APIs; those of docs/cleaning.md if not set."
    )
    health_check_paths: tuple[str, ...] | None = Field(
        None, description="Paths of health checks; those of docs/cleaning.md if not set."
    )
    query_parameters: tuple[str, ...] = Field(
        (), description="Query parameters that are kept; all others are dropped."
    )
    trusted_proxies: tuple[Network, ...] = Field(
        (), description="Networks of proxies whose X-Forwarded-For is trusted, such as 10.0.0.0/8."
    )
    longest_line_bytes: Annotated[int, Field(ge=4_096, le=1 << 20)] = Field(
        65_536,
        description="Limit of the bytes of a line; a longer line is a reject and is not parsed.",
    )


class PageSettings(Section):
    """How page names are made from paths."""

    ignore_case: bool = Field(False, description="Whether /Menu and /menu are the same page.")
    fold_ids: bool = Field(
        True, description="Whether ids in paths, such as numbers and UUIDs, are replaced by {id}."
    )
    rules: tuple[tuple[str, str], ...] = Field(
        (),
        description="Rules for page names, applied in order: pairs of a regular expression and "
        "its replacement.",
    )


class ChannelSettings(Section):
    """How sources and mediums are grouped into channels."""

    rules: str = Field("", description="File with channel rules; the built-in rules if not set.")


class PeopleSettings(Section):
    """Which suspected machines count as people."""

    kept_cohorts: tuple[str, ...] = Field(
        (),
        description="Labels of suspected cohorts that count as people, as in the table "
        "suspected_cohorts.",
    )


class BotSettings(Section):
    """How bots are recognised besides their user agents."""

    crawlers: dict[str, str] = Field(
        {},
        description="Files with the networks of crawlers, by the name at the beginning of their "
        "user agents.",
    )
    datacenters: dict[str, str] = Field(
        {},
        description="Files with the networks of datacenters, which no person browses from, by "
        "name.",
    )
    hosting: bool = Field(
        True,
        description="Whether a browser from a hosting network is a bot; needs geoip.asn_database.",
    )
    people: dict[str, str] = Field(
        {}, description="Files with networks of people inside datacenters, such as VPNs, by name."
    )
    agent_keys: str = Field(
        "",
        description="Directory with the public keys of signed agents: one file of the form"
        " HOST.json for each agent, with the JSON Web Key Set that the host publishes.",
    )
    own_networks: tuple[str, ...] = Field(
        (),
        description="Networks and addresses of the site's own equipment, such as 192.0.2.8. Its"
        " requests count as those of bots of the class own equipment.",
    )
    own_user_agents: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="Parts of the user agents of the site's own equipment, such as MenuTablet; "
        "upper and lower case are equal. Its requests count as those of bots of the"
        " class own equipment.",
    )
    robots_file: str = Field(
        "",
        description="File with the site's robots.txt; the Machines page of the dashboard compares "
        "the requests of bots with its rules. It affects no rows.",
    )
    robots_txt: bool = Field(
        True,
        description="Whether a visitor that requests robots.txt first, and no asset, is a bot.",
    )
    scanner_paths: Annotated[int, Field(ge=1)] = Field(
        2,
        description="A visitor that requests this number of different paths that only scanners "
        "request is a bot.",
    )
    pages_in_a_minute: Annotated[int, Field(ge=1)] = Field(
        60, description="A visitor with more page requests than this in any 60 seconds is a bot."
    )
    pages_without_asset: Annotated[int, Field(ge=1)] = Field(
        20,
        description="A visitor with this number of page requests in an hour, and no request for"
        " an asset, is a bot.",
    )
    pages_without_referrer: Annotated[int, Field(ge=1)] = Field(
        50,
        description="A visitor that requests this number of different pages in an hour, and "
        "never with a referrer, is a bot.",
    )
