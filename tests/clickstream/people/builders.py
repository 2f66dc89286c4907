"""Builders of visitors of a date, and of the counts of earlier dates."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from clickstream.people import COUNT_COLUMNS, Habit, Proof, count_kinds, learn_habit

DATE = date(2026, 11, 20)
READS = {"page_views": "4", "rhythm": "32", "proof": Proof.STRONG}
LOOKS = {"page_views": "2", "rhythm": "16", "proof": Proof.WEAK}
LEAVES = {"page_views": "1", "rhythm": "none", "proof": Proof.NONE}
USUAL = {"device": "desktop", "channel": "Direct", "assets": "loaded", "landing_assets": "all"}
NOTHING = pd.DataFrame(columns=[*COUNT_COLUMNS])


def some(number: int, name: str, **fields: Any) -> pd.DataFrame:
    """Build visitors with equal fields, and agents, pages, networks and so on of many people."""
    count = np.arange(number)
    texts = {
        "network": [f"{name} {n}" for n in count],
        "operator": [f"operator {n % 6}" for n in count],
        "agent": [f"agent {n % 7}" for n in count],
        "protocol": [("HTTP/1.1", "HTTP/2.0")[n % 2] for n in count],
        "header_fields": ["Accept, Accept-Language, Sec-Fetch-Mode"] * number,
        "referrer": [""] * number,
        "landing_page": [f"/{n % 5}" for n in count],
        "hour": [f"{n % 24:02}" for n in count],
    }
    visitors = pd.DataFrame(texts, index=[f"{name}-{n:05}" for n in count])
    return visitors.assign(**USUAL).assign(**fields)


def crowd(number: int, name: str, proved: float = 0.55, **fields: Any) -> pd.DataFrame:
    """Build people of whom a share reads on, two thirds of these for longer."""
    strong, weak = round(number * proved * 2 / 3), round(number * proved / 3)
    rest = number - strong - weak
    groups = ((strong, READS), (weak, LOOKS), (rest, LEAVES))
    return pd.concat(
        some(size, f"{name}-{place}", **action, **fields)
        for place, (size, action) in enumerate(groups)
    )


def usual_people(number: int = 300) -> pd.DataFrame:
    """Build the people of a usual date: half come directly, half by a search."""
    half = number // 2
    search = {"channel": "Organic Search", "referrer": "www.google.com", "device": "mobile"}
    return pd.concat([crowd(half, "direct"), crowd(number - half, "search", **search)])


def usual_habit(dates: int = 14, number: int = 300) -> Habit:
    """Build the habit after some usual dates."""
    people = usual_people(number)
    everyone = pd.Series(1.0, people.index)
    counts = [
        count_kinds(DATE - timedelta(days), people, everyone).frame()
        for days in range(1, dates + 1)
    ]
    return learn_habit(pd.concat(counts, ignore_index=True), DATE)
