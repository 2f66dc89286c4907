"""Parameters that advertisers and mailers append to a link, and the platform each gives away.

A click id is made for one click of one person, so only the platform is kept, never the value.
"""

from __future__ import annotations

from dataclasses import dataclass

PAID = "cpc"
"""The medium of a paid click, as Google Ads and Microsoft Advertising name it."""


@dataclass(frozen=True)
class Platform:
    """Who appends a click id: its name, and the source and medium the id alone stands for."""

    name: str
    source: str
    medium: str
    parameters: str

    @property
    def outranks_referrer(self) -> bool:
        """Whether the id alone tells how someone came: by an ad, an affiliate or a mailing.

        Ids of networks and search engines stay in links that are passed on or indexed.
        """
        return self.medium not in ("social", "organic")


# Ads come before what is appended to any link: a link from an ad may be shared afterwards.
# Facebook and Pinterest tag every outgoing link, so their ids alone are no sign of an ad.
PLATFORMS = (
    Platform("google ads", "google", PAID, "gclid gbraid wbraid gad_source gad_campaignid"),
    Platform("google display", "google", "display", "dclid"),
    Platform("microsoft ads", "bing", PAID, "msclkid"),
    Platform("yandex direct", "yandex", PAID, "yclid"),
    Platform("tiktok ads", "tiktok", PAID, "ttclid"),
    Platform("twitter ads", "twitter", PAID, "twclid"),
    Platform("linkedin ads", "linkedin", PAID, "li_fat_id"),
    Platform("snapchat ads", "snapchat", PAID, "sccid"),
    Platform("reddit ads", "reddit", PAID, "rdt_cid"),
    Platform("quora ads", "quora", PAID, "qclid"),
    Platform("taboola", "taboola", PAID, "tblci"),
    Platform("outbrain", "outbrain", PAID, "obclid ob_click_id"),
    Platform("awin", "awin", "affiliate", "awc"),
    Platform("cj", "cj", "affiliate", "cjevent"),
    Platform("impact", "impact", "affiliate", "irclickid"),
    Platform("rakuten", "rakuten", "affiliate", "ransiteid"),
    Platform("mailchimp", "mailchimp", "email", "mc_eid mc_cid"),
    Platform("hubspot", "hubspot", "email", "_hsenc _hsmi"),
    Platform("klaviyo", "klaviyo", "email", "_kx"),
    Platform("marketo", "marketo", "email", "mkt_tok"),
    Platform("facebook", "facebook", "social", "fbclid"),
    Platform("instagram", "instagram", "social", "igshid igsh"),
    Platform("pinterest", "pinterest", "social", "epik"),
    Platform("yandex", "yandex", "organic", "ysclid"),
    Platform("google merchant center", "google", "organic", "srsltid"),
)

PLATFORM_OF = {one.name: one for one in PLATFORMS}
"""Every platform by its name."""

CLICK_IDS = {parameter: one.name for one in PLATFORMS for parameter in one.parameters.split()}
"""The platform's name for every parameter, written lower-case, in order of precedence."""
