"""Parameters that advertisers and mailers append to a link, and the platform each gives away.

A click id is made for one click of one person, so only the platform is kept, never the value. The
table is `click_ids.csv`, in order of precedence: ads come first, because a link from an ad may be
shared afterwards. Facebook and Pinterest append their ids to every outgoing link, so those ids are
no sign of an ad.
"""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.clean.known_sites import rows

PAID = "cpc"
"""The medium of a paid click, as Google Ads and Microsoft Advertising name it."""

ADVERTISING = (PAID, "display")
"""The mediums of platforms that sell ads."""


@dataclass(frozen=True)
class Platform:
    """Who appends a click id: its name, and the source and medium the id alone stands for."""

    name: str
    source: str
    medium: str
    parameters: tuple[str, ...]

    @property
    def is_advertising(self) -> bool:
        """Whether the id is appended to clicks on ads only."""
        return self.medium in ADVERTISING

    @property
    def outranks_referrer(self) -> bool:
        """Whether the id alone tells how someone came: by an ad, an affiliate or a mailing.

        Ids of networks and search engines stay in links that are passed on or indexed.
        """
        return self.medium not in ("social", "organic")


PLATFORMS = tuple(
    Platform(row["platform"], row["source"], row["medium"], tuple(row["parameters"].split()))
    for row in rows("click_ids.csv")
)
"""Every platform, in order of precedence."""

PLATFORM_OF = {one.name: one for one in PLATFORMS}
"""Every platform by its name."""

CLICK_IDS = {parameter: one.name for one in PLATFORMS for parameter in one.parameters}
"""The platform's name for every parameter, written lower-case, in order of precedence."""
