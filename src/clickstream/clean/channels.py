"""Source, medium and channel of hits.

The evidence comes from the campaign tags of the link, then from the click id of an ad or a
mailing, then from the referrer. An ordered list of rules, which users can replace, maps this
evidence to a channel. See docs/channels.md.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from clickstream.clean.data import read_text
from clickstream.clean.known_sites import PLATFORM_OF, SOURCE_CATEGORIES, Platform
from clickstream.clean.referrers import Referrer, category_of, named_source
from clickstream.clean.urls import CampaignTags, Target
from clickstream.core.errors import InputError, UnusableRule
from clickstream.core.expressions import Expression

PAID_OTHER, DISPLAY = "Paid Other", "Display"
_TELLING = (PAID_OTHER, DISPLAY, "Email", "Affiliates", "SMS")
UNASSIGNED = "Unassigned"
"""The channel of an arrival that matches no rule, as in GA4."""

DEFAULT_CHANNEL_RULES = read_text("channel_rules.toml")

PATTERNS = ("source", "medium", "campaign", "click_platform")
"""The fields that a rule can match with a regular expression; `category` is matched by name."""


@dataclass(frozen=True)
class Evidence:
    """The facts about an arrival that the rules match; an empty text if unknown."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    click_platform: str = ""
    category: str = "other"


@dataclass(frozen=True)
class Arrival:
    """Source, medium and channel of a hit; all None if the hit has no evidence of them."""

    source: str | None = None
    medium: str | None = None
    channel: str | None = None


@dataclass(frozen=True)
class ChannelRule:
    """A channel and its conditions, which must all hold.

    The patterns must match whole texts; case is ignored.
    """

    channel: str
    patterns: tuple[tuple[str, Expression], ...] = ()
    categories: frozenset[str] = frozenset(SOURCE_CATEGORIES)

    def holds(self, evidence: Evidence) -> bool:
        """Return whether all conditions hold."""
        return evidence.category in self.categories and all(
            pattern.matches(getattr(evidence, name)) for name, pattern in self.patterns
        )


@dataclass(frozen=True, eq=False)  # a key of caches: comparing all patterns would be slow
class ChannelRules:
    """Channel rules in order; the first rule that holds decides."""

    rules: tuple[ChannelRule, ...]

    @classmethod
    def parse(cls, text: str) -> ChannelRules:
        """Parse rules from TOML in the format of `data/channel_rules.toml`.

        Raises SettingsError, which names the rule and the allowed values.
        """
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UnusableRule(f"The channel rules are not valid TOML: {error}.") from None
        rules = table.get("rules")
        if set(table) != {"rules"} or not isinstance(rules, list) or not rules:
            raise UnusableRule(
                f"The channel rules have the keys {sorted(table)}: write one list `rules` with at "
                "least one rule, and no other key."
            )
        parsed = tuple(_rule(f"Channel rule {n}", rule) for n, rule in enumerate(rules, start=1))
        for number, rule in enumerate(parsed[:-1], start=1):
            if not rule.patterns and rule.categories == frozenset(SOURCE_CATEGORIES):
                raise UnusableRule(
                    f"Channel rule {number} ({rule.channel}) has no condition, so no rule after it "
                    "can apply: move it to the end, or add a condition."
                )
        return cls(parsed)

    def deciding(self, evidence: Evidence) -> int | None:
        """Return the position of the first rule that holds, None if none does."""
        return next((n for n, rule in enumerate(self.rules) if rule.holds(evidence)), None)

    def channel_of(self, evidence: Evidence) -> str:
        """Return the channel of the first rule that holds, else UNASSIGNED."""
        number = self.deciding(evidence)
        return UNASSIGNED if number is None else self.rules[number].channel


@lru_cache(maxsize=1 << 14)
def arrival(
    referrer: Referrer | None, target: Target | CampaignTags, rules: ChannelRules
) -> Arrival:
    """Return source, medium and channel of a hit, from its target's tags and its referrer.

    `referrer` is the result of `referrer_of`. Source and medium are lower-case, and known sources
    have one name: `fb` and `m.facebook.com` are `facebook`. If a hit has no tag, no click id and no
    referrer of another site, all fields are None: only a whole session can be classified as Direct.
    """
    evidence = evidence_of(referrer, target)
    if evidence is None:
        return Arrival()
    return Arrival(evidence.source or None, evidence.medium or None, rules.channel_of(evidence))


def evidence_of(referrer: Referrer | None, target: Target | CampaignTags) -> Evidence | None:
    """Return the facts that the rules match; None if a hit has no tag, click id or referrer."""
    platform = PLATFORM_OF.get(target.click_platform or "")
    tagged = target.utm_source or target.utm_medium or target.utm_campaign
    if not (tagged or platform or referrer):
        return None
    source, medium, category = _by_link(referrer, platform)
    if target.utm_source:
        alias = named_source(target.utm_source)
        source = alias.source if alias else target.utm_source.lower()
        category = category_of(alias.source if alias else None)
        medium = platform.medium if platform and platform.outranks_referrer else ""
    if target.utm_medium:
        medium = target.utm_medium.lower()
    medium = _paid_medium(medium, target, platform)
    return Evidence(
        source, medium, target.utm_campaign or "", target.click_platform or "", category
    )


def _paid_medium(medium: str, target: Target | CampaignTags, platform: Platform | None) -> str:
    """Return the medium of ads that the click id or a tag names, unless `medium` is specific."""
    named = (named_source(tag) for tag in (target.utm_source, target.utm_medium) if tag)
    of_ads = [alias.medium for alias in named if alias and alias.medium]
    if platform and platform.is_advertising:
        of_ads.insert(0, platform.medium)
    return of_ads[0] if of_ads and not is_telling(medium) else medium


@lru_cache(maxsize=1 << 10)
def is_telling(medium: str) -> bool:
    """Return whether the default rules classify a medium as ads, email, affiliates or SMS.

    Such a medium precedes a click id: a link in a mailing may contain the click id of an ad,
    because its author copied the link from an ad.
    """
    return DEFAULT_CHANNELS.channel_of(Evidence(medium=medium)) in _TELLING


def _by_link(referrer: Referrer | None, platform: Platform | None) -> tuple[str, str, str]:
    """Return source, medium and category from the click id or the referrer, without tags."""
    if platform and (platform.outranks_referrer or not referrer):
        return platform.source, platform.medium, category_of(platform.source)
    if not referrer:
        return "", "", "other"
    medium = "organic" if referrer.category == "search" else "referral"
    return referrer.source or referrer.domain.removeprefix("www."), medium, referrer.category


def _rule(name: str, rule: Any) -> ChannelRule:
    if not isinstance(rule, dict) or not isinstance(rule.get("channel"), str):
        raise UnusableRule(f'{name} has no channel: write {{ channel = "…", … }}.')
    name = f"{name} ({rule['channel']})"
    unknown = sorted(set(rule) - {"channel", "category", *PATTERNS})
    if unknown:
        raise UnusableRule(
            f"{name} has unknown conditions: {', '.join(unknown)}. Allowed are "
            f"{', '.join(PATTERNS)} and category."
        )
    patterns = tuple((key, _pattern(name, key, rule[key])) for key in PATTERNS if key in rule)
    category = rule.get("category", list(SOURCE_CATEGORIES))
    categories = category if isinstance(category, list) else [category]
    if not categories or any(category not in SOURCE_CATEGORIES for category in categories):
        raise UnusableRule(
            f"{name} has category = {category!r}. Allowed are {', '.join(SOURCE_CATEGORIES)}."
        )
    return ChannelRule(rule["channel"], patterns, frozenset(categories))


def _pattern(name: str, key: str, text: Any) -> Expression:
    try:
        return Expression(text, ignores_case=True)
    except InputError as error:
        raise UnusableRule(
            f"{name} has {key} = {text!r}, which is not a valid regular expression: {error}."
        ) from None


DEFAULT_CHANNELS = ChannelRules.parse(DEFAULT_CHANNEL_RULES)
"""GA4's default channel group, with AI assistants and webmail."""
