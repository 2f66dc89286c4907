"""State that the routes of the dashboard share: settings, facts, answers, entries, renderer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException

from clickstream.alerts.lake_state import UNSEEN, LakeState, read_state_to_show
from clickstream.dashboard.access.identity import NOBODY, Identity
from clickstream.dashboard.access.shares import Shares
from clickstream.dashboard.ask.answers import Answers, Refresher
from clickstream.dashboard.ask.dimensions import PLACE_MINIMUM
from clickstream.dashboard.ask.engines import (
    AnswerEngine,
    AthenaEngine,
    LocalEngine,
)
from clickstream.dashboard.ask.folding import SALES_COUNTED
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.entries.store import NO_NOTES, NoteStore
from clickstream.dashboard.formats import Formats, parse_locale
from clickstream.dashboard.log_notes import LogNotes
from clickstream.dashboard.visits.log_lines import LoggedVisit, VisitLines, read_log_lines
from clickstream.dashboard.web.rendered_pages import RenderedPages
from clickstream.dashboard.web.rendering import Renderer
from clickstream.dashboard.web.share_menu import ShownLinks
from clickstream.dashboard.widgets.notes import rotation_moments
from clickstream.dashboard.widgets.page import PageContext, version_of
from clickstream.lake import Lake, shared_session
from clickstream.settings import Settings

TOO_FEW = (
    "These dates and filters, or those before that they are compared with, have fewer than "
    "{number} visitors. They may be about one person, so share links do not show them: open a "
    "view of more dates or with fewer filters."
)

STATE_KEPT = timedelta(minutes=1)
"""The state of the lake is read at most this often."""

Clock = Callable[[], datetime]
ReadLines = Callable[[Sequence[LoggedVisit], int], VisitLines]
"""Reads the first lines of each visit."""


def present() -> datetime:
    """Return the current moment in UTC."""
    return datetime.now(UTC)


class DashboardService:
    """State that the routes share: settings, engine, answers and renderer."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock = present,
        lake: Lake | None = None,
        engine: AnswerEngine | None = None,
        read_lines: ReadLines | None = None,
        log_notes: Callable[[], LogNotes] = LogNotes,
    ) -> None:
        locale = parse_locale(settings.dashboard.language)
        self.settings = settings
        self.clock = clock
        self._lake = lake
        self.engine = engine or _engine(self.lake)
        self.read_lines: ReadLines = read_lines or (
            lambda visits, most: read_log_lines(self.lake, visits, most)
        )
        self.log_notes = log_notes
        self.answers = Answers(self.engine)
        self.pages = RenderedPages()
        self.lake_state = UNSEEN
        self._read_at: datetime | None = None
        has_lake = lake is not None or engine is None
        # The pages of log files have one reader, who needs new lines sooner than all pages.
        work = (self.warm_up, self._read_state) if has_lake else ()
        self.refresher = Refresher(self.engine, self.engine.poll_seconds, *work)
        self.formats = Formats(locale, settings.sales_currency)
        site, icon = settings.site.title or settings.site.name, settings.dashboard.icon
        self.renderer = Renderer.create(self.formats, site, icon)
        self.asking_athena = threading.Lock()
        directory = settings.resolve(settings.dashboard.directory)
        self.entries = NoteStore(directory)
        self.shares = Shares(directory, clock)

    @cached_property
    def lake(self) -> Lake:
        """The lake; the dashboard of log files has none, and needs no AWS session."""
        return self._lake or Lake(self.settings, shared_session())

    @contextlib.contextmanager
    def page(
        self,
        view: View,
        identity: Identity = NOBODY,
    ) -> Iterator[PageContext]:
        """Open the context of a page."""
        with self.engine.reader() as reader:
            state = reader.state
            zone = ZoneInfo(state.time_zone or self.settings.site.time_zone)
            now = self.clock().astimezone(zone).replace(tzinfo=None)
            ask = self.answers.asker(reader)
            entries = self.entries.read() if identity.sees_entries else NO_NOTES
            page = PageContext(
                view,
                ask,
                self.formats,
                now,
                self.settings,
                zone,
                state,
                self.refresher.problem,
                entries,
                identity=identity,
                engine=self.engine.name,
                lake_state=self._shown_state(identity),
                log_notes=self.log_notes(),
            )
            page = page.with_default_range().without_hidden_metrics()
            if identity.shared:
                refuse_few_visitors(page)
            yield page

    @contextlib.contextmanager
    def turn_at_athena(self) -> Iterator[None]:
        """Let one reader at a time ask Athena. Raises HTTPException 429 for the others."""
        if not self.asking_athena.acquire(blocking=False):
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{self.engine.name} is answering another question. Try again in a minute.",
            )
        try:
            yield
        finally:
            self.asking_athena.release()

    def render_tab(
        self,
        view: View,
        identity: Identity = NOBODY,
        shown_link: str = "",
    ) -> str:
        """Render a tab; `shown_link` is the id of a share link that was just made."""
        with self.page(view, identity) as page:
            shown = shown_link if identity.can_share else ""
            made = ShownLinks(self.shares, identity).link(shown) if shown else None
            return self.renderer.tab(page, made)

    def version(self, identity: Identity) -> str:
        """Return the version of the content that an identity sees."""
        with self.engine.reader() as reader:
            entries = self.entries.version() if identity.sees_entries else NO_NOTES.version
            return version_of(reader.state, entries, self._shown_state(identity))

    def _shown_state(self, identity: Identity) -> LakeState:
        return self.lake_state if identity.sees_entries else UNSEEN

    def _read_state(self) -> None:
        """Read the state of the lake, unless the last one is less than STATE_KEPT old."""
        now = self.clock()
        if self._read_at is not None and abs(now - self._read_at) < STATE_KEPT:
            return
        self._read_at, self.lake_state = now, read_state_to_show(self.lake, now)

    def start(self) -> None:
        """Start to refresh the facts in the background."""
        self.refresher.start()

    def stop(self) -> None:
        """Stop refreshing, and close the engine."""
        self.refresher.stop()
        self.engine.close()

    def warm_up(self) -> None:
        """Ask the questions of the default views, so that the first reader does not wait."""
        for tab in TABS:
            self.render_tab(View(tab=tab))


def refuse_few_visitors(page: PageContext) -> None:
    """Refuse a view that may be about one person, before anything else of it is computed.

    Its reader has no account. Without a visitor, there may be orders of visits of other dates.
    Raises HTTPException 403.
    """
    for period in filter(None, (page.period, page.compared)):
        people = _least_people(page, period)
        if not people and page.has_money:
            people = page.answer((SALES_COUNTED,), period=period).single()[SALES_COUNTED]
        if 0 < (people or 0) < PLACE_MINIMUM:
            sentence = TOO_FEW.format(number=PLACE_MINIMUM)
            raise HTTPException(HTTPStatus.FORBIDDEN, sentence)


def _least_people(page: PageContext, period: Period) -> int:
    """Return the visitors of the visitor key with the most of them.

    A person counts once for each key, so the sum over the keys may be about one person.
    """
    firsts = [period.first, *(at.date() for at in rotation_moments(page, period))]
    lasts = [*(first - timedelta(days=1) for first in firsts[1:]), period.last]
    parts = [
        replace(period, first=first, last=last, until_hour=until)
        for first, last, until in zip(
            firsts, lasts, [*[None] * (len(firsts) - 1), period.until_hour], strict=True
        )
        if first <= last
    ]
    return max(page.answer(("visitors",), period=part).single()["visitors"] or 0 for part in parts)


def _engine(lake: Lake) -> AnswerEngine:
    chosen = lake.settings.dashboard
    if chosen.engine == "athena":
        return AthenaEngine(lake)
    return LocalEngine(lake, lake.settings.resolve(chosen.directory))
