"""Every arrival has one channel, every rule of the table is needed, and the docs show the table."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.cases import each_case

from clickstream.clean.channels import (
    DEFAULT_CHANNEL_RULES,
    DEFAULT_CHANNELS,
    DISPLAY,
    UNASSIGNED,
    Arrival,
    ChannelRule,
    ChannelRules,
    Evidence,
    arrival,
)
from clickstream.clean.known_sites import (
    CLICK_IDS,
    PLATFORM_OF,
    SOURCE_CATEGORIES,
    aliases,
    category_of_source,
)
from clickstream.clean.referrers import named_source, referrer_of
from clickstream.clean.urls import TargetRules, split_target
from clickstream.core.errors import SettingsError

DOCS = Path(__file__).parents[3] / "docs" / "channels.md"
RULES = DEFAULT_CHANNELS.rules


def arrived(
    query: str = "", referrer: str = "-", rules: ChannelRules = DEFAULT_CHANNELS
) -> Arrival:
    """The arrival of a hit with this query and referrer on cafe.example."""
    target = split_target(f"/?{query}", TargetRules())
    return arrival(referrer_of(referrer, ("cafe.example",)), target, rules)


# For each rule, in order, an arrival that it takes and that no rule above it does.
EXAMPLES = [
    ("utm_source=(direct)&utm_medium=(none)", ""),
    ("utm_source=google&utm_medium=cpc&utm_campaign=Summer+Cross-Network", ""),
    ("utm_source=ebay&utm_medium=cpc", ""),
    ("utm_medium=cpc&utm_campaign=e-shop+2026", "https://www.google.com/"),
    ("gclid=x", ""),
    ("utm_source=fb&utm_medium=paid_social", ""),
    ("utm_source=youtube&utm_medium=cpv-cpc", ""),
    ("utm_source=partner&utm_medium=banner", ""),
    ("utm_source=partner&utm_medium=ppc", ""),
    ("", "https://www.amazon.de/"),
    ("utm_source=flyer&utm_medium=qr&utm_campaign=coffee-shop", ""),
    ("fbclid=x", "https://l.facebook.com/"),
    ("utm_source=influencer&utm_medium=social-media", ""),
    ("", "https://www.youtube.com/"),
    ("utm_source=partner&utm_medium=video-ad", ""),
    ("", "https://chatgpt.com/"),
    ("", "https://duckduckgo.com/"),
    ("utm_source=intranet&utm_medium=organic", ""),
    ("", "android-app://com.google.android.gm/"),
    ("", "https://example.org/"),
    ("utm_source=newsletter&utm_medium=november", ""),
    ("utm_source=crm&utm_medium=E-Mail", ""),
    ("utm_source=blog&utm_medium=affiliate", ""),
    ("utm_source=podcast&utm_medium=audio", ""),
    ("utm_source=sms&utm_medium=text", ""),
    ("utm_source=crm&utm_medium=sms", ""),
    ("utm_source=firebase&utm_medium=app-message", ""),
    ("utm_source=crm&utm_medium=web-push", ""),
]


@each_case("number, rule", [*enumerate(RULES)])
def test_each_rule_takes_its_example_and_no_rule_above_does(number: int, rule: ChannelRule) -> None:
    above = ChannelRules((*RULES[:number], ChannelRule("below")))
    assert arrived(*EXAMPLES[number], rules=above).channel == "below"
    assert arrived(*EXAMPLES[number], rules=ChannelRules((rule,))).channel == rule.channel
    assert len(EXAMPLES) == len(RULES)


@each_case(
    "query, referrer, expected",
    [
        ("", "", (None, None, None)),
        ("q=1", "https://www.cafe.example/menu", (None, None, None)),
        ("", "https://www.google.de/", ("google", "organic", "Organic Search")),
        ("", "https://www.example.org/a", ("example.org", "referral", "Referral")),
        ("", "android-app://com.example.news/", ("com.example.news", "referral", "Referral")),
        ("", "https://mail.google.com/", ("gmail", "referral", "Email")),
        ("gclid=x", "https://www.google.de/", ("google", "cpc", "Paid Search")),
        ("gclid=x", "https://www.cafe.example/", ("google", "cpc", "Paid Search")),
        ("msclkid=x", "", ("bing", "cpc", "Paid Search")),
        ("dclid=x", "", ("google", "display", "Display")),
        ("ttclid=x", "", ("tiktok", "cpc", "Paid Social")),
        ("fbclid=x", "", ("facebook", "social", "Organic Social")),
        ("fbclid=x", "https://l.instagram.com/", ("instagram", "referral", "Organic Social")),
        ("fbclid=x", "https://www.google.com/", ("google", "organic", "Organic Search")),
        ("fbclid=x&utm_source=fb&utm_medium=paid", "", ("facebook", "paid", "Paid Social")),
        ("fbclid=x&utm_source=crm", "", ("crm", None, UNASSIGNED)),
        ("msclkid=x&utm_source=crm", "", ("crm", "cpc", "Paid Other")),
        ("mc_eid=x", "https://mail.google.com/", ("mailchimp", "email", "Email")),
        ("awc=x", "https://coupons.example/", ("awin", "affiliate", "Affiliates")),
        ("gclid=x&utm_campaign=Spring", "", ("google", "cpc", "Paid Search")),
        ("gclid=x&utm_source=Google", "", ("google", "cpc", "Paid Search")),
        ("utm_source=News&utm_medium=Email", "https://t.co/", ("news", "email", "Email")),
        ("utm_campaign=Spring", "https://t.co/", ("twitter", "referral", "Organic Social")),
        ("utm_campaign=Spring", "", (None, None, UNASSIGNED)),
        ("utm_source=feedburner&utm_medium=feed", "", ("feedburner", "feed", UNASSIGNED)),
        ("utm_source=chatgpt.com", "", ("chatgpt", None, "AI Assistants")),
        ("utm_source=google_ads", "", ("google", "cpc", "Paid Search")),
        ("utm_source=adwords", "", ("google", "cpc", "Paid Search")),
        ("utm_source=google-ads", "", ("google", "cpc", "Paid Search")),
        ("utm_source=fb-ads", "", ("facebook", "cpc", "Paid Social")),
        ("utm_source=facebook-ads", "", ("facebook", "cpc", "Paid Social")),
        ("utm_source=google&utm_medium=pmax", "", ("google", "cpc", "Paid Search")),
        ("gad_source=1&utm_medium=pmax", "", ("google", "cpc", "Paid Search")),
        ("gclid=x&utm_source=google&utm_medium=organic", "", ("google", "cpc", "Paid Search")),
        ("gclid=x&utm_source=crm&utm_medium=email", "", ("crm", "email", "Email")),
        ("gclid=x&utm_source=crm&utm_medium=app", "", ("crm", "cpc", "Paid Other")),
        ("dclid=x&utm_source=paper&utm_medium=referral", "", ("paper", "display", "Display")),
        ("utm_source=google_ads&utm_medium=banner", "", ("google", "banner", "Display")),
        ("utm_source=threads", "", ("threads", None, "Organic Social")),
        ("utm_source=leads", "", ("leads", None, UNASSIGNED)),
        ("awc=x&utm_source=blog&utm_medium=email", "", ("blog", "email", "Email")),
    ],
)
def test_an_arrival_has_its_source_medium_and_channel(
    query: str, referrer: str, expected: tuple[str | None, ...]
) -> None:
    assert arrived(query, referrer) == Arrival(*expected)


evidence = st.builds(
    Evidence,
    source=st.sampled_from(["", "google", "(direct)", "newsletter", "sms", "firebase"]) | st.text(),
    medium=st.sampled_from(["", "cpc", "CPM", "(none)", "organic", "email", "sm"]) | st.text(),
    campaign=st.sampled_from(["", "shop", "workshop", "cross-network"]) | st.text(),
    click_platform=st.sampled_from(["", "google ads", "facebook"]),
    category=st.sampled_from(SOURCE_CATEGORIES),
)


@given(evidence)
def test_exactly_one_channel_for_whatever_comes(found: Evidence) -> None:
    holding = [rule.channel for rule in RULES if rule.holds(found)]
    assert DEFAULT_CHANNELS.channel_of(found) == (holding[0] if holding else UNASSIGNED)


@given(evidence, st.permutations(range(len(RULES))))
def test_only_the_order_of_rules_that_hold_matters(found: Evidence, order: list[int]) -> None:
    """Rules that do not overlap on an arrival may change places without changing it."""
    holding = iter([number for number in range(len(RULES)) if RULES[number].holds(found)])
    fixed = [next(holding) if RULES[number].holds(found) else number for number in order]
    moved = ChannelRules(tuple(RULES[number] for number in fixed))
    assert moved.channel_of(found) == DEFAULT_CHANNELS.channel_of(found)


ADVERTISING = [name for name, one in CLICK_IDS.items() if PLATFORM_OF[one].is_advertising]
PAID = {DISPLAY, *(rule.channel for rule in RULES if rule.channel.startswith("Paid "))}
SOURCES = {*category_of_source(), *aliases()} - {
    "google ads",
    *(name for name, alias in aliases().items() if alias.medium),
}
"""Names of sources, save those that name ads."""


@given(
    st.sampled_from(ADVERTISING),
    st.dictionaries(st.sampled_from(["utm_source", "utm_medium"]), st.text(min_size=1)),
    st.sampled_from(["", "https://www.google.com/", "https://mail.google.com/"]),
)
def test_a_click_id_of_an_ad_is_paid_whatever_else_the_tags_say(
    parameter: str, more: dict[str, str], referrer: str
) -> None:
    """Save a mailing, an affiliate or an SMS, which may link to an ad's landing page."""
    assume(not re.search("mail|newsletter|affiliate|sms", str(more.get("utm_medium")), re.I))
    found = arrived(urlencode({parameter: "x", **more}), referrer)
    assert found.channel in PAID


@each_case("spelling", ["{} ads", "{}_ads", "{}-ads", "{}ads", "{}-ad", "ads-{}", "ads_{}"])
@each_case("medium", ["", "social", "organic", "referral", "video", "ppc"])
def test_a_source_that_names_its_ads_is_paid(spelling: str, medium: str) -> None:
    for source in SOURCES:
        name = spelling.format(source)
        for written in (name, name.upper()):
            found = arrived(urlencode({"utm_source": written, "utm_medium": medium}))
            assert found.channel in PAID, written
            alias = named_source(source)
            assert found.source == (alias.source if alias else None), written


def test_no_source_by_itself_names_ads() -> None:
    for source in SOURCES:
        assert arrived(urlencode({"utm_source": source})).channel not in PAID


@given(
    st.sampled_from(sorted(set(CLICK_IDS) - set(ADVERTISING))),
    st.sampled_from(["social", "organic", "email", "referral"]),
)
def test_a_click_id_of_no_ad_leaves_the_medium(parameter: str, medium: str) -> None:
    tagged = {"utm_source": "crm", "utm_medium": medium}
    assert arrived(urlencode({parameter: "x", **tagged})) == arrived(urlencode(tagged))


tags = st.dictionaries(
    st.sampled_from(["utm_source", "utm_medium", "utm_campaign", "x", *CLICK_IDS]), st.text()
)


@given(tags, st.text() | st.sampled_from(["https://www.google.com/", "https://cafe.example/"]))
def test_a_hit_has_a_channel_exactly_when_it_says_something(
    query: dict[str, str], referrer: str
) -> None:
    found = arrived(urlencode(query), referrer)
    target = split_target("/?" + urlencode(query), TargetRules())
    said = (target.utm_source, target.utm_medium, target.utm_campaign, target.click_platform)
    other_site = referrer_of(referrer, ("cafe.example",))
    assert (found.channel is not None) == any((*said, other_site))
    assert found.channel in {None, UNASSIGNED, *(rule.channel for rule in RULES)}


@given(st.sampled_from(["google", "Facebook", "news letter", "crm"]), st.sampled_from("aZ9é& +"))
def test_spelling_of_a_tag_does_not_change_the_channel(source: str, more: str) -> None:
    encoded = urlencode({"utm_source": source, "utm_medium": "CPC", "utm_campaign": more})
    plain = arrived(encoded)
    assert arrived(encoded.replace("+", "%20")) == plain
    assert arrived(encoded.replace("CPC", "cpc").replace("&", "&amp;")) == plain
    assert arrived(re.sub("%..", lambda m: m[0].lower(), encoded)) == plain


def test_a_users_table_takes_the_place_of_ours() -> None:
    rules = ChannelRules.parse(
        """
        rules = [
          { channel = "Google Ads", click_platform = "google ads" },
          { channel = "Machines", category = ["search", "ai assistant"] },
          { channel = "Everything else" },
        ]
        """
    )
    assert arrived("gclid=x", rules=rules).channel == "Google Ads"
    assert arrived("", "https://claude.ai/", rules=rules).channel == "Machines"
    assert arrived("utm_source=x", rules=rules).channel == "Everything else"
    assert arrived("", rules=rules).channel is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rules = [", "not valid TOML"),
        ("", r"have the keys \[\]: write one list"),
        ("rules = []", "write one list"),
        ("rules = [{channel='a'}]\nmore = 1", r"have the keys \['more', 'rules'\]"),
        ("rules = ['a']", "Channel rule 1 has no channel"),
        ("rules = [{medium='a'}]", "Channel rule 1 has no channel"),
        (
            "rules = [{channel='A', mediun='a'}]",
            r"rule 1 \(A\) has unknown conditions: mediun. Allowed are source",
        ),
        ("rules = [{channel='A', medium='('}]", r"rule 1 \(A\) has medium = '\('"),
        ("rules = [{channel='A', medium=1}]", r"rule 1 \(A\) has medium = 1"),
        (
            "rules = [{channel='A', category='mail'}]",
            r"category = 'mail'. Allowed are search, social",
        ),
        ("rules = [{channel='A', category=[]}]", "Allowed are search"),
        ("rules = [{channel='A'}, {channel='B'}]", r"rule 1 \(A\) has no condition"),
    ],
)
def test_a_table_that_is_none_is_refused_by_rule(text: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        ChannelRules.parse(text)


def test_the_docs_show_the_table_and_every_click_id() -> None:
    text = DOCS.read_text()
    rules = DEFAULT_CHANNEL_RULES[DEFAULT_CHANNEL_RULES.index("rules = [") :]
    assert f"```toml\n{rules.strip()}\n```" in text
    listed = dict(re.findall(r"^\| `([^|]*)` \| ([^|]*?) \|", text, re.MULTILINE))
    shown = {name: platform for names, platform in listed.items() for name in names.split("`, `")}
    assert shown == CLICK_IDS
    assert all(f"`{category}`" in text for category in SOURCE_CATEGORIES)
