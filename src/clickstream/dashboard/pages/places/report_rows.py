"""The candidates of the page of locations as texts, beside those of the stored run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clickstream.dashboard.charts.intervals import IntervalAxis, IntervalTick
from clickstream.dashboard.formats import Formats
from clickstream.dashboard.pages.places.stored_plan import PlannedCandidate
from clickstream.dashboard.pages.places.what_if import short_number
from clickstream.insight.location_plan import DrawInterval


@dataclass(frozen=True)
class ComparedText:
    """A value as text, that of the stored run if it differs, and the interval of the value."""

    text: str
    before: str = ""
    interval: str = ""


@dataclass(frozen=True)
class ReportRow:
    """A candidate as texts. `strip` is the interval of its orders, in per cent of the chart.

    `place` is the nearest town, empty if it is the candidate itself. `strip_before` is that of the
    stored run, if the candidate was computed.
    """

    rank: ComparedText
    name: str
    place: str
    orders: ComparedText
    own_share: ComparedText
    top_share: ComparedText
    flags: str
    strip: DrawInterval
    strip_before: DrawInterval | None


@dataclass(frozen=True)
class EnteredRow:
    """What is assumed about a candidate, as texts."""

    name: str
    attraction: ComparedText
    competition: str


@dataclass(frozen=True)
class ReportRanking:
    """All candidates, the best first, and the axis of their intervals."""

    rows: Sequence[ReportRow]
    entered: Sequence[EnteredRow]
    ticks: Sequence[IntervalTick]
    zero_at: float


def build_ranking(
    formats: Formats,
    stored: Sequence[PlannedCandidate],
    computed: Sequence[PlannedCandidate],
) -> ReportRanking:
    """Show the candidates of a run; if others were computed, show them beside those of the run."""
    before = {ranked.candidate.name: ranked for ranked in stored}
    pairs = [_Pair(formats, before[ranked.candidate.name], ranked) for ranked in computed or stored]
    axis = IntervalAxis.of_intervals([ranked.orders for ranked in (*stored, *computed)])
    return ReportRanking(
        rows=[_row(pair, axis, bool(computed)) for pair in pairs],
        entered=[_entered(pair) for pair in pairs],
        ticks=axis.ticks(formats.short_count),
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


def _row(pair: _Pair, axis: IntervalAxis, is_computed: bool) -> ReportRow:
    formats, now = pair.formats, pair.now
    low, _, high = map(formats.count, now.orders)
    return ReportRow(
        rank=pair.text(lambda ranked: formats.count(ranked.rank)),
        name=now.candidate.name,
        place="" if pair.before.place.startswith(now.candidate.name) else pair.before.place,
        orders=replace(
            pair.text(lambda ranked: formats.count(ranked.orders.middle)),
            interval=f"{low} – {high}",
        ),
        own_share=pair.text(lambda ranked: formats.share(ranked.own_share, 0)),
        top_share=pair.text(lambda ranked: formats.share(ranked.top_share, 0)),
        flags=now.flags,
        strip=axis.place_interval(now.orders),
        strip_before=axis.place_interval(pair.before.orders) if is_computed else None,
    )


def _entered(pair: _Pair) -> EnteredRow:
    formats, candidate = pair.formats, pair.now.candidate
    return EnteredRow(
        name=candidate.name,
        attraction=pair.text(lambda ranked: short_number(formats, ranked.candidate.attraction)),
        competition=short_number(formats, candidate.competition),
    )
