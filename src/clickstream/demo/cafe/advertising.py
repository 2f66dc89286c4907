"""What the café's campaigns cause, and what remains of their visits where they are switched off.

A fixed share of the visits of each campaign would happen anyway, by another channel. The others are
caused by it: where it is switched off, they do not happen. Which ones depends only on the seed, the
client and the time of the arrival. So both logs, with and without a campaign, have all other visits
line by line.
"""

from __future__ import annotations

from datetime import UTC, datetime

from clickstream.demo.cafe.arrivals import CAMPAIGNS, DIRECTLY, SEARCHES, CafeArrival, arrive_from
from clickstream.demo.cafe.places import place_of
from clickstream.demo.cafe.rules import SECOND, CafeRules, dice
from clickstream.demo.cafe.weblog import Client

BY_NAME = {campaign.name: campaign for campaign in CAMPAIGNS}
_BY_SEARCH = {site.source: site for site in SEARCHES}


def caused_by(rules: CafeRules, client: Client, now: int, arrival: CafeArrival) -> str:
    """Return the campaign without which an arrival would not happen; empty if it would."""
    campaign = BY_NAME.get(arrival.source.utm_campaign or "")
    if campaign is None:
        return ""
    rng = dice(rules, f"{client.address} {now}", "arrival without the campaign")
    return "" if rng.random() < campaign.anyway else campaign.name


def is_switched_off(rules: CafeRules, client: Client, now: int, arrival: CafeArrival) -> bool:
    """Whether the campaign of an arrival is not shown at its time in the client's region."""
    name = arrival.source.utm_campaign
    pauses = [pause for pause in rules.advertising_off if name in pause.campaigns]
    if not pauses:
        return False
    region, day = place_of(client.address).region, datetime.fromtimestamp(now // SECOND, UTC).date()
    return any(region in pause.regions and pause.first <= day <= pause.last for pause in pauses)


def without_campaign(arrival: CafeArrival) -> CafeArrival:
    """Return the arrival of a person who comes anyway: by the same search engine, or directly."""
    site = _BY_SEARCH.get(arrival.source.source or "")
    unpaid = arrive_from(site, arrival.landing) if site else DIRECTLY
    return unpaid._replace(landing=arrival.landing, temper=arrival.temper)
