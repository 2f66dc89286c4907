"""How people come to the site: by a search, a campaign's link, a post, another site, or directly.

During the story (see `story`), the traffic of an e-mail campaign and of AI assistants grows. The
tags of campaigns have the variants of real links: a space is `+` or `%20`, and click ids are before
or after the tags.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

from clickstream.demo.cafe.weblog import NOWHERE, VisitSource


class Campaign(NamedTuple):
    """One campaign: its tags, referrer, landing page, channel and success.

    `weight` is its weight at the start of the story, and `growth` is added to it until the end.
    `anyway` is the share of its visits that would happen without it (see `advertising`). `temper`
    is how its visitors behave (see `people`).
    """

    source: str
    medium: str
    name: str
    referrer: str
    landing: str
    click_id: str
    channel: str
    weight: int
    anyway: float
    growth: int = 0
    temper: str = "usual"


CAMPAIGNS = (
    Campaign("newsletter", "email", "autumn_cakes", "-", "product", "", "Email",
             6, 0.3, growth=70, temper="eager"),
    Campaign("newsletter", "email", "weekly news", "-", "post", "", "Email", 18, 0.5),
    Campaign("google", "cpc", "cakes near me", "https://www.google.com/", "menu", "gclid",
             "Paid Search", 34, 0.2, temper="mistaken"),
    Campaign("facebook", "paid_social", "spring_cakes", "https://l.facebook.com/", "product",
             "fbclid", "Paid Social", 20, 0.1),
    Campaign("instagram", "social", "café & friends", "https://l.instagram.com/", "home",
             "fbclid", "Organic Social", 14, 0.6),
    Campaign("flyer", "qr", "opening_week", "-", "short link", "", "Unassigned", 8, 0.2),
    Campaign("bing", "cpc", "coffee+cake", "https://www.bing.com/", "menu", "msclkid",
             "Paid Search", 6, 0.8),
)  # fmt: skip


class ReferringSite(NamedTuple):
    """Another site with links to the café: their weight, and the expected channel and source."""

    referrer: str
    weight: int
    channel: str
    source: str
    medium: str = "referral"


SEARCHES = (
    ReferringSite("https://www.google.com/", 70, "Organic Search", "google", "organic"),
    ReferringSite("https://www.bing.com/", 12, "Organic Search", "bing", "organic"),
    ReferringSite("https://duckduckgo.com/", 9, "Organic Search", "duckduckgo", "organic"),
    ReferringSite("https://www.ecosia.org/", 3, "Organic Search", "ecosia", "organic"),
    ReferringSite(
        "https://search.example/find?q=caf%C3%A9+near+me", 2, "Referral", "search.example"
    ),
)
POSTS = (
    ReferringSite("https://www.instagram.com/", 20, "Organic Social", "instagram"),
    ReferringSite("https://www.facebook.com/", 14, "Organic Social", "facebook"),
    ReferringSite("https://www.reddit.com/r/coffee/comments/1abcd2/best_tart_in_town/", 8,
         "Organic Social", "reddit"),
    ReferringSite("https://t.co/Xy7pQ2mK1d", 5, "Organic Social", "twitter"),
)  # fmt: skip
ASSISTANTS = (
    ReferringSite("https://chatgpt.com/", 9, "AI Assistants", "chatgpt"),
    ReferringSite("https://www.perplexity.ai/", 4, "AI Assistants", "perplexity"),
    ReferringSite("https://claude.ai/", 3, "AI Assistants", "claude"),
    ReferringSite("https://copilot.microsoft.com/", 2, "AI Assistants", "copilot"),
)
PARTNERS = (
    ReferringSite("https://foodies.example/best-cakes?page=2", 5, "Referral", "foodies.example"),
    ReferringSite("https://city-guide.example/brunch", 4, "Referral", "city-guide.example"),
    ReferringSite(
        "http://blog.tart-lovers.example/2026/top-10", 2, "Referral", "blog.tart-lovers.example"
    ),
)

WAYS = {"direct": 34, "search": 27, "campaign": 24, "post": 9, "partner": 5, "assistant": 1}
"""Weight of each kind of arrival at the start of the story."""

GROWTH = {"campaign": 10, "assistant": 6}
"""What is added to the weight of a kind of arrival until the end of the story."""

_CLICK_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


class CafeArrival(NamedTuple):
    """An arrival: its first step, its query and referrer, and the expected source.

    `temper` is how the visitor behaves (see `people`).
    """

    landing: str
    query: str
    referrer: str
    source: VisitSource
    temper: str = "usual"


DIRECTLY = CafeArrival("home", "", "-", NOWHERE)


def arrive(rng: Random, progress: float = 0.0) -> CafeArrival:
    """Choose an arrival; `progress` is the progress of the story, from 0 to 1."""
    match rng.choices(list(WAYS), _weights_of_ways(progress))[0]:
        case "search":
            pages = ("home", "menu", "product", "post", "missing")
            return _arrive_by_link(rng, SEARCHES, rng.choices(pages, (8, 4, 4, 4, 1))[0])
        case "post":
            return _arrive_by_link(rng, POSTS, rng.choice(("home", "product", "post")))
        case "assistant":
            return _arrive_by_link(
                rng, ASSISTANTS, rng.choice(("menu", "locations", "product", "post"))
            )
        case "partner":
            return _arrive_by_link(rng, PARTNERS, rng.choice(("home", "product", "missing")))
        case "campaign":
            return _campaign(rng, progress)
    landing = rng.choices(("home", "menu", "locations", "short link"), (6, 3, 1, 1))[0]
    return DIRECTLY._replace(landing=landing)


def share_of_campaign(campaign: Campaign, progress: float) -> float:
    """Return the expected share of all arrivals that come by a campaign."""
    ways = dict(zip(WAYS, _weights_of_ways(progress), strict=True))
    weights = _weights_of_campaigns(progress)
    share = weights[CAMPAIGNS.index(campaign)] / sum(weights)
    return share * ways["campaign"] / sum(ways.values())


def _weights_of_ways(progress: float) -> list[float]:
    return [weight + GROWTH.get(way, 0) * progress for way, weight in WAYS.items()]


def _weights_of_campaigns(progress: float) -> list[float]:
    return [campaign.weight + campaign.growth * progress for campaign in CAMPAIGNS]


def _arrive_by_link(rng: Random, sites: tuple[ReferringSite, ...], landing: str) -> CafeArrival:
    site = rng.choices(sites, [site.weight for site in sites])[0]
    query = f"fbclid={_click_id(rng)}" if site.source == "facebook" else ""
    return arrive_from(site, landing)._replace(query=query)


def arrive_from(site: ReferringSite, landing: str) -> CafeArrival:
    """Return an arrival by a link of another site."""
    source = VisitSource(
        urlsplit(site.referrer).hostname,
        channel=site.channel,
        source=site.source,
        medium=site.medium,
    )
    return CafeArrival(landing, "", site.referrer, source)


def _campaign(rng: Random, progress: float) -> CafeArrival:
    campaign = rng.choices(CAMPAIGNS, _weights_of_campaigns(progress))[0]
    encode = rng.choice((quote, quote_plus))
    tags = [
        f"utm_source={encode(campaign.source)}",
        f"utm_medium={encode(campaign.medium)}",
        f"utm_campaign={encode(campaign.name)}",
    ]
    if campaign.click_id:
        tags.insert(rng.choice((0, 3)), f"{campaign.click_id}={_click_id(rng)}")
    source = VisitSource(
        urlsplit(campaign.referrer).hostname,
        campaign.source,
        campaign.medium,
        campaign.name,
        campaign.channel,
        campaign.source,
        campaign.medium,
    )
    landing, temper = campaign.landing, campaign.temper
    return CafeArrival(landing, "&".join(tags), campaign.referrer, source, temper)


def _click_id(rng: Random) -> str:
    return "".join(rng.choices(_CLICK_ID_LETTERS, k=40))
