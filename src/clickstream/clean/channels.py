"""Where a hit came from: its source, medium and channel.

Campaign tags say it first, then the id of an ad or a mailing, then the referrer. An ordered table
of rules, which a user may replace, makes a channel of that.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from clickstream.clean.data import read_text
from clickstream.clean.known_sites import PLATFORM_OF, SOURCE_CATEGORIES, Platform
from clickstream.clean.referrers import Referrer, category_of, named_source
from clickstream.clean.urls import Tags, Target
from clickstream.errors import InputError, UnusableRule
from clickstream.expressions import Expression

PAID_OTHER, DISPLAY = "Paid Other", "Display"
_TELLING = (PAID_OTHER, DISPLAY, "Email", "Affiliates", "SMS")
UNASSIGNED = "Unassigned"
"""The channel of an arrival that no rule takes, as in GA4."""

DEFAULT_CHANNEL_RULES = read_text("channel_rules.toml")

PATTERNS = ("source", "medium", "campaign", "click_platform")
"""What a rule may ask of an arrival by a regular expression; `category` is asked by its names."""


@dataclass(frozen=True)
class Evidence:
    """What the rules look at; an empty text where nothing is known."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    click_platform: str = ""
    category: str = "other"


@dataclass(frozen=True)
class Arrival:
    """Where a hit came from, all None when it does not say."""

    source: str | None = None
    medium: str | None = None
    channel: str | None = None


@dataclass(frozen=True)
class ChannelRule:
    """A channel and the conditions that must all hold: whole texts, compared without case."""

    channel: str
    patterns: tuple[tuple[str, Expression], ...] = ()
    categories: frozenset[str] = frozenset(SOURCE_CATEGORIES)

    def holds(self, evidence: Evidence) -> bool:
        """Whether every condition holds."""
        return evidence.category in self.categories and all(
            pattern.matches(getattr(evidence, name)) for name, pattern in self.patterns
        )


@dataclass(frozen=True, eq=False)  # told apart by identity: to compare all patterns takes long
class ChannelRules:
    """The rules in order; the first that holds decides."""

    rules: tuple[ChannelRule, ...]

    @classmethod
    def parse(cls, text: str) -> ChannelRules:
        """Rules from TOML, written as DEFAULT_CHANNEL_RULES is.

        Raises SettingsError that names the rule and what is allowed.
        """
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UnusableRule(f"The channel rules are not valid TOML: {error}.") from None
        rules = table.get("rules")
        if set(table) != {"rules"} or not isinstance(rules, list) or not rules:
            raise UnusableRule(
                f"The channel rules hold {sorted(table)}; give one list, `rules`, of at least one."
            )
        parsed = tuple(_rule(f"Channel rule {n}", rule) for n, rule in enumerate(rules, start=1))
        _check_order(parsed)
        return cls(parsed)

    def deciding(self, evidence: Evidence) -> int | None:
        """The position of the first rule that holds, None if none does."""
        return next((n for n, rule in enumerate(self.rules) if rule.holds(evidence)), None)

    def channel_of(self, evidence: Evidence) -> str:
        """The channel of the first rule that holds, else UNASSIGNED."""
        number = self.deciding(evidence)
        return UNASSIGNED if number is None else self.rules[number].channel


@lru_cache(maxsize=1 << 14)
def arrival(referrer: Referrer | None, target: Target | Tags, rules: ChannelRules) -> Arrival:
    """Where a hit came from, by its target's tags and by `referrer_of` its referrer.

    Source and medium are lower-case, known sources by one name (`fb` and `m.facebook.com` are
    facebook). A hit with no tag, no click id and no referrer from elsewhere has no arrival:
    whether its visitor came directly can only be told for a whole session.
    """
    evidence = evidence_of(referrer, target)
    if evidence is None:
        return Arrival()
    return Arrival(evidence.source or None, evidence.medium or None, rules.channel_of(evidence))


def evidence_of(referrer: Referrer | None, target: Target | Tags) -> Evidence | None:
    """What the rules look at; None for a hit that does not say where it came from."""
    platform = PLATFORM_OF.get(target.click_platform or "")
    tagged = target.utm_source or target.utm_medium or target.utm_campaign
    if not (tagged or platform or referrer):
        return None
    source, medium, category = _by_link(referrer, platform)
    if target.utm_source:
        known = named_source(target.utm_source)
        source = known.source if known else target.utm_source.lower()
        category = category_of(known.source if known else None)
        medium = platform.medium if platform and platform.outranks_referrer else ""
    if target.utm_medium:
        medium = target.utm_medium.lower()
    medium = _paid_medium(medium, target, platform)
    return Evidence(
        source, medium, target.utm_campaign or "", target.click_platform or "", category
    )


def _paid_medium(medium: str, target: Target | Tags, platform: Platform | None) -> str:
    """The medium, or that of the ad which the click id or a tag names unless it is telling."""
    named = (named_source(tag) for tag in (target.utm_source, target.utm_medium) if tag)
    of_ads = [alias.medium for alias in named if alias and alias.medium]
    if platform and platform.is_advertising:
        of_ads.insert(0, platform.medium)
    return of_ads[0] if of_ads and not is_telling(medium) else medium


@lru_cache(maxsize=1 << 10)
def is_telling(medium: str) -> bool:
    """Whether a medium is one of ads, or of a mailing, an affiliate or an SMS, by our rules.

    A mailing may link to a page with the click id of an ad that somebody copied into it.
    """
    return DEFAULT_CHANNELS.channel_of(Evidence(medium=medium)) in _TELLING


def _by_link(referrer: Referrer | None, platform: Platform | None) -> tuple[str, str, str]:
    """Source, medium and category where no tag tells: from the click id or from the referrer."""
    if platform and (platform.outranks_referrer or not referrer):
        return platform.source, platform.medium, category_of(platform.source)
    if not referrer:
        return "", "", "other"
    medium = "organic" if referrer.category == "search" else "referral"
    return referrer.source or referrer.domain.removeprefix("www."), medium, referrer.category


def _rule(name: str, rule: Any) -> ChannelRule:
    if not isinstance(rule, dict) or not isinstance(rule.get("channel"), str):
        raise UnusableRule(f'{name} names no channel: write {{ channel = "…", … }}.')
    name = f"{name} ({rule['channel']})"
    if "sort" in rule:
        raise UnusableRule(f"{name} asks for sort, which is called category now: rename it.")
    unknown = sorted(set(rule) - {"channel", "category", *PATTERNS})
    if unknown:
        raise UnusableRule(
            f"{name} asks for {', '.join(unknown)}. Allowed are {', '.join(PATTERNS)} and category."
        )
    patterns = tuple((key, _pattern(name, key, rule[key])) for key in PATTERNS if key in rule)
    return ChannelRule(
        rule["channel"], patterns, _categories(name, rule.get("category", list(SOURCE_CATEGORIES)))
    )


def _pattern(name: str, key: str, text: Any) -> Expression:
    try:
        return Expression(text, ignores_case=True)
    except InputError as error:
        raise UnusableRule(
            f"{name} has {key} = {text!r}, which is no regular expression: {error}."
        ) from None


def _categories(name: str, value: Any) -> frozenset[str]:
    categories = value if isinstance(value, list) else [value]
    unknown = [one for one in categories if one not in SOURCE_CATEGORIES]
    if unknown or not categories:
        raise UnusableRule(
            f"{name} has category = {value!r}. Allowed are {', '.join(SOURCE_CATEGORIES)}."
        )
    return frozenset(categories)


def _check_order(rules: tuple[ChannelRule, ...]) -> None:
    """A rule without a condition takes everything, so it may only be the last."""
    for number, rule in enumerate(rules[:-1], start=1):
        if not rule.patterns and rule.categories == frozenset(SOURCE_CATEGORIES):
            raise UnusableRule(
                f"Channel rule {number} ({rule.channel}) has no condition, so that no rule below "
                "it can hold: put it last, or give it one."
            )


DEFAULT_CHANNELS = ChannelRules.parse(DEFAULT_CHANNEL_RULES)
"""The rules as GA4 has them, and AI assistants."""
