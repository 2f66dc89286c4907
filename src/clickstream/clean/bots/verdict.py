"""Bot verdicts: a class, and a reason that begins with the layer that found the bot."""

from __future__ import annotations

from dataclasses import dataclass

SEARCH_ENGINE = "search engine"
AI_TRAINING = "ai training"
AI_SEARCH = "ai search"
AI_USER = "ai user"
SEO = "seo"
ADVERTISING = "advertising"
MONITOR = "monitor"
FEED_READER = "feed reader"
LINK_PREVIEW = "link preview"
ARCHIVER = "archiver"
SCANNER = "scanner"
TOOL = "tool"
SIGNED_AGENT = "signed agent"
OWN_EQUIPMENT = "own equipment"
OTHER = "other"

BOT_CLASSES = (
    SEARCH_ENGINE,
    AI_TRAINING,
    AI_SEARCH,
    AI_USER,
    SEO,
    ADVERTISING,
    MONITOR,
    FEED_READER,
    LINK_PREVIEW,
    ARCHIVER,
    SCANNER,
    TOOL,
    SIGNED_AGENT,
    OWN_EQUIPMENT,
    OTHER,
)
"""All classes of bots; docs/bots.md describes each."""


@dataclass(frozen=True)
class Verdict:
    """A class (one of BOT_CLASSES) and the reason, such as "user agent: Googlebot"."""

    bot_class: str
    reason: str


NO_USER_AGENT = Verdict(TOOL, "user agent: none given")
"""The verdict on a request without a user agent; every browser sends one."""
