"""How people come to the site: by a search, a campaign's link, a post, another site, or directly.

A campaign's tags are written the ways real links write them: a space as `+` or as `%20`, click
ids before or after the tags.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

from clickstream.demo.cafe.weblog import NOWHERE, Source


class Campaign(NamedTuple):
    """One campaign: its tags, where its links stand, which page they lead to."""

    source: str
    medium: str
    name: str
    referrer: str
    landing: str
    click_id: str
    weight: int


CAMPAIGNS = (
    Campaign("newsletter", "email", "spring_cakes", "-", "product", "", 30),
    Campaign("newsletter", "email", "weekly news", "-", "post", "", 18),
    Campaign("google", "cpc", "cakes near me", "https://www.google.com/", "menu", "gclid", 26),
    Campaign("facebook", "paid_social", "spring_cakes", "https://l.facebook.com/", "product",
             "fbclid", 20),
    Campaign("instagram", "social", "café & friends", "https://l.instagram.com/", "home",
             "fbclid", 14),
    Campaign("flyer", "qr", "opening_week", "-", "short link", "", 8),
    Campaign("bing", "cpc", "coffee+cake", "https://www.bing.com/", "menu", "msclkid", 6),
)  # fmt: skip

SEARCHES: dict[str, int] = {
    "https://www.google.com/": 70,
    "https://www.bing.com/": 12,
    "https://duckduckgo.com/": 9,
    "https://www.ecosia.org/": 3,
    "https://search.example/find?q=caf%C3%A9+near+me": 2,
}
POSTS: dict[str, int] = {
    "https://www.instagram.com/": 20,
    "https://www.facebook.com/": 14,
    "https://www.reddit.com/r/coffee/comments/1abcd2/best_tart_in_town/": 8,
    "https://t.co/Xy7pQ2mK1d": 5,
    "https://chatgpt.com/": 6,
    "https://www.perplexity.ai/": 2,
}
PARTNERS: dict[str, int] = {
    "https://foodies.example/best-cakes?page=2": 5,
    "https://city-guide.example/brunch": 4,
    "http://blog.tart-lovers.example/2026/top-10": 2,
}

_CLICK_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


class Arrival(NamedTuple):
    """A way in: the step it leads to, the query and referrer it brings, what they stand for."""

    landing: str
    query: str
    referrer: str
    source: Source


DIRECTLY = Arrival("home", "", "-", NOWHERE)


def arrive(rng: Random) -> Arrival:
    """Any way in."""
    way = rng.choices(("direct", "search", "campaign", "post", "partner"), (34, 27, 24, 10, 5))[0]
    match way:
        case "search":
            pages = ("home", "menu", "product", "post", "missing")
            return _linked(rng, SEARCHES, rng.choices(pages, (8, 4, 4, 4, 1))[0])
        case "post":
            return _linked(rng, POSTS, rng.choice(("home", "product", "post")))
        case "partner":
            return _linked(rng, PARTNERS, rng.choice(("home", "product", "missing")))
        case "campaign":
            return _campaign(rng)
    landing = rng.choices(("home", "menu", "locations", "short link"), (6, 3, 1, 1))[0]
    return DIRECTLY._replace(landing=landing)


def _linked(rng: Random, sites: dict[str, int], landing: str) -> Arrival:
    referrer = rng.choices(list(sites), list(sites.values()))[0]
    is_facebook = "facebook" in referrer
    query = f"fbclid={_click_id(rng)}" if is_facebook else ""
    return Arrival(landing, query, referrer, Source(urlsplit(referrer).hostname))


def _campaign(rng: Random) -> Arrival:
    campaign = rng.choices(CAMPAIGNS, [c.weight for c in CAMPAIGNS])[0]
    encode = rng.choice((quote, quote_plus))
    tags = [
        f"utm_source={encode(campaign.source)}",
        f"utm_medium={encode(campaign.medium)}",
        f"utm_campaign={encode(campaign.name)}",
    ]
    if campaign.click_id:
        tags.insert(rng.choice((0, 3)), f"{campaign.click_id}={_click_id(rng)}")
    source = Source(
        urlsplit(campaign.referrer).hostname, campaign.source, campaign.medium, campaign.name
    )
    return Arrival(campaign.landing, "&".join(tags), campaign.referrer, source)


def _click_id(rng: Random) -> str:
    return "".join(rng.choices(_CLICK_ID_LETTERS, k=40))
