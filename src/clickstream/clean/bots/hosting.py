"""Networks of hosting companies, for the second layer of bot detection.

People do not browse from rented servers, except through relays, VPNs and security services, which
have other networks. The operator of a network is an autonomous system (AS), with a number.
"""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.clean.bots.verdict import OTHER, Verdict
from clickstream.clean.data import read_csv

HOSTING = "hosting"
"""The role of networks that no person browses from. Networks of all other roles are people's."""

HOSTING_VERDICTS: Mapping[int, Verdict] = {
    int(row["asn"]): Verdict(OTHER, f"network: hosting, {row['name']} (AS{row['asn']})")
    for row in read_csv("hosting_networks.csv")
    if row["role"] == HOSTING
}
"""The verdict on a person's user agent from each hosting network, by the number of its AS."""

PROXY_BROWSERS = frozenset(row["browser"] for row in read_csv("proxy_browsers.csv"))
"""Browsers of people that come from servers of their maker; no hosting network makes them bots."""
