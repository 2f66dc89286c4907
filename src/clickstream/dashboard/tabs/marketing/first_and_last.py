"""First and last channel: conversions by the channel of the visit, and of the first visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.charts.columns import bar_widths
from clickstream.dashboard.tabs.marketing.panels import CREDIT
from clickstream.dashboard.widgets.lists import value_name
from clickstream.dashboard.widgets.page import Page

MOST_CHANNELS = 16
"""Maximum number of channels, more than the rules define, so both columns have one total."""


@dataclass(frozen=True)
class Credit:
    """A channel: conversions of the visits it brought, and of the visitors it brought first."""

    name: str
    width: float
    last: int
    first: int
    query: str

    @property
    def step(self) -> int:
        """How many more conversions it has as the first channel than as the last."""
        return self.first - self.last


def build_credits(page: Page) -> list[Credit]:
    """Ask for the conversions of each channel as the last and as the first channel."""
    by_last, by_first = CREDIT.questions(page.view, page.period, page.key_days)
    last, first = (
        {name: int(number) for name, number in page.ask(question).rows}
        for question in (by_last, by_first)
    )
    pairs = {name: (last.get(name, 0), first.get(name, 0)) for name in (*last, *first)}
    found = sorted(
        (name for name in pairs if any(pairs[name])),
        key=lambda name: (-max(pairs[name]), str(name)),
    )[:MOST_CHANNELS]
    return _rows(page, found, pairs)


def _rows(
    page: Page, names: Sequence[str | None], pairs: dict[str | None, tuple[int, int]]
) -> list[Credit]:
    return [
        Credit(
            value_name(page, "channel", name),
            width,
            *pairs[name],
            page.view.with_filter("channel", name).query,
        )
        for name, width in zip(names, bar_widths([pairs[n][0] for n in names]), strict=True)
    ]
