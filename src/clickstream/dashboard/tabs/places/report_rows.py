"""The candidates of the page of locations as texts, beside those of the stored run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clickstream.dashboard.charts.intervals import IntervalAxis, IntervalTick
from clickstream.dashboard.formats import NO_VALUE, Formats
from clickstream.dashboard.tabs.places.stored_plan import PlannedCandidate
from clickstream.dashboard.tabs.places.what_if import short_number
from clickstream.insight.location_plan import CafeCandidate, DrawInterval


@dataclass(frozen=True)
class ComparedText:
    """A value as text, that of the stored run if it differs, and the interval of the value."""

    text: str
    before: str = ""
    interval: str = ""


@dataclass(frozen=True)
class ReportRow:
    """A candidate as texts. `strip` is the interval of what is ranked, in per cent of the chart.

    `place` is the nearest town, empty if it is the candidate itself. `strip_before` is that of the
    stored run, if the candidate was computed.
    """

    rank: ComparedText
    name: str
    place: str
    orders: ComparedText
    own_share: ComparedText
    top_share: ComparedText
    result: ComparedText
    break_even: ComparedText
    flags: str
    strip: DrawInterval
    strip_before: DrawInterval | None


@dataclass(frozen=True)
class EnteredRow:
    """What is assumed about a candidate, as texts."""

    name: str
    rent: ComparedText
    margin: ComparedText
    opening: str
    attraction: ComparedText
    competition: str


@dataclass(frozen=True)
class ReportRanking:
    """All candidates, the best first, and the axis of their intervals."""

    rows: Sequence[ReportRow]
    entered: Sequence[EnteredRow]
    is_by_money: bool
    has_money: bool
    ticks: Sequence[IntervalTick]
    zero_at: float


def build_ranking(
    formats: Formats,
    stored: Sequence[PlannedCandidate],
    computed: Sequence[PlannedCandidate],
    is_by_money: bool,
) -> ReportRanking:
    """Show the candidates of a run; if others were computed, show them beside those of the run.

    `is_by_money` is about the candidates that are shown.
    """
    before = {one.candidate.name: one for one in stored}
    pairs = [_Pair(formats, before[one.candidate.name], one) for one in computed or stored]
    both = [*stored, *computed]
    axis = IntervalAxis.of_intervals([one.ranked_by(is_by_money) for one in both])
    return ReportRanking(
        rows=[_row(pair, axis, is_by_money, bool(computed)) for pair in pairs],
        entered=[_entered(pair) for pair in pairs],
        is_by_money=is_by_money,
        has_money=any(one.result_cents for one in both),
        ticks=axis.ticks(formats.whole_money if is_by_money else formats.short_count),
        zero_at=axis.place(0),
    )


@dataclass(frozen=True)
class _Pair:
    """A candidate in the stored run, and in the plan that is shown."""

    formats: Formats
    before: PlannedCandidate
    now: PlannedCandidate

    def text(self, text_of: Callable[[PlannedCandidate], str]) -> ComparedText:
        """Format a value of both."""
        text, before = text_of(self.now), text_of(self.before)
        return ComparedText(text, before if before != text else "")

    def interval(
        self,
        interval_of: Callable[[PlannedCandidate], DrawInterval | None],
        text_of: Callable[[float], str],
    ) -> ComparedText:
        """Format the middle of an interval of both, and the interval of what is shown."""

        def middle(one: PlannedCandidate) -> str:
            found = interval_of(one)
            return text_of(found.middle) if found else NO_VALUE

        compared, shown = self.text(middle), interval_of(self.now)
        ends = f"{text_of(shown.low)} – {text_of(shown.high)}" if shown else ""
        return ComparedText(compared.text, compared.before, ends)

    def entered(self, text_of: Callable[[CafeCandidate], str]) -> ComparedText:
        """Format a value that is entered."""
        return self.text(lambda one: text_of(one.candidate))


def _row(pair: _Pair, axis: IntervalAxis, is_by_money: bool, is_computed: bool) -> ReportRow:
    formats, now = pair.formats, pair.now
    before = pair.before.ranked_by(is_by_money)
    has_before = is_computed and not (is_by_money and pair.before.result_cents is None)
    return ReportRow(
        rank=pair.text(lambda one: formats.count(one.rank)),
        name=now.candidate.name,
        place="" if pair.before.place.startswith(now.candidate.name) else pair.before.place,
        orders=pair.interval(lambda one: one.orders, formats.count),
        own_share=pair.text(lambda one: formats.share(one.own_share, 0)),
        top_share=pair.text(lambda one: formats.share(one.top_share, 0)),
        result=pair.interval(lambda one: one.result_cents, formats.whole_money),
        break_even=pair.text(lambda one: formats.share(one.break_even, 0)),
        flags=now.flags,
        strip=axis.place_interval(now.ranked_by(is_by_money)),
        strip_before=axis.place_interval(before) if has_before else None,
    )


def _entered(pair: _Pair) -> EnteredRow:
    formats, one = pair.formats, pair.now.candidate
    return EnteredRow(
        name=one.name,
        rent=pair.entered(lambda one: _money(formats, one.rent_cents)),
        margin=pair.entered(lambda one: formats.share(one.margin, 0)),
        opening=_opening(formats, one),
        attraction=pair.entered(lambda one: short_number(formats, one.attraction)),
        competition=short_number(formats, one.competition),
    )


def _money(formats: Formats, cents: int | None) -> str:
    return NO_VALUE if cents is None else formats.whole_money(cents)


def _opening(formats: Formats, one: CafeCandidate) -> str:
    if not one.opening_cents:
        return formats.whole_money(0)
    return formats.plural(
        "%(money)s over %(number)s month",
        "%(money)s over %(number)s months",
        one.payback_months,
        money=formats.whole_money(one.opening_cents),
    )
