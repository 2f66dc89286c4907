"""The user agents of people and machines, each with its weight; most are in `user_agents.csv`."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random
from typing import NamedTuple


class Equipment(NamedTuple):
    """Device, browser and operating system of a person."""

    device: str
    browser: str
    os: str


TABLET = (
    "Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
"""User agent of the tablets that show the menu in partner shops day and night."""

MONITOR = "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"
WAVE_CRAWLER = (
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 "
    "(compatible; Bytespider; spider-feedback@bytedance.com)"
)
HIDDEN_CRAWLER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/127.0.0.0 Safari/537.36"
)
"""A browser's user agent that no person of the simulation has."""

with Path(__file__).with_name("user_agents.csv").open(encoding="utf-8", newline="") as _file:
    _ROWS = [*csv.DictReader(_file)]
BROWSERS, CRAWLERS, SCANNERS = (
    {row["user_agent"]: int(row["weight"]) for row in _ROWS if row["kind"] == kind}
    for kind in ("person", "crawler", "scanner")
)
EQUIPMENT = {
    row["user_agent"]: Equipment(row["device"], row["browser"], row["os"])
    for row in _ROWS
    if row["kind"] == "person"
} | {TABLET: Equipment("tablet", "Chrome", "Android")}
"""Equipment of each user agent of a person or tablet."""


def pick(rng: Random, table: dict[str, int]) -> str:
    """Choose one name of a table by its weights."""
    return rng.choices(list(table), list(table.values()))[0]
