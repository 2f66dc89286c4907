"""Take log lines through the pipeline's own steps in memory, up to the suspected cohorts."""

from __future__ import annotations

from datetime import date

import pandas as pd

from clickstream.clean import Cleaner, CleanRules, VisitorKeys
from clickstream.core import dictionary_encoding
from clickstream.parse import parse
from clickstream.people import SiteHistory, Suspicion, find_suspects, visitors_of_date
from clickstream.sessions import SessionRules, cut, make_parts

KEY = b"key of this bench, 32 bytes long"


def parts_of_log(log: bytes, log_format: str, domain: str) -> pd.DataFrame:
    """Parse, clean and cut a log; returns its session parts by hour."""
    parsed = parse(log, log_format).table
    cleaner = Cleaner(CleanRules("site", (domain,)), VisitorKeys(KEY))
    cleaner.add(parsed)
    requests, rules = cleaner.requests(), SessionRules(1800, 12)
    cuts = cut(requests, rules, requests.columns["hour"])
    return dictionary_encoding.to_frame(make_parts(requests, cuts, rules))


class Days:
    """The dates of one site in their order; each is searched by the habit of those before."""

    def __init__(self) -> None:
        self._history = SiteHistory()

    def suspects(self, event_date: date, visitors: pd.DataFrame) -> Suspicion:
        """Find the suspects of a date by the habits before it."""
        return find_suspects(visitors, self._history.habit(event_date))

    def add(self, event_date: date, visitors: pd.DataFrame) -> Suspicion:
        """Find the suspects of a date, and let later dates learn from it."""
        suspicion = self.suspects(event_date, visitors)
        self._history.add(event_date, visitors, suspicion.visitors["share"])
        return suspicion


def visitors_of_log(log: bytes, log_format: str, domain: str) -> pd.DataFrame:
    """Return the visitors of a log of one date without bots; see `visitors_of_date`."""
    return visitors_of_date(parts_of_log(log, log_format, domain))
