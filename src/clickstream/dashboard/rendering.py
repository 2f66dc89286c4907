"""HTML of the pages: the templates' environment, and what each template is given."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from clickstream.dashboard.details import Comparison, DetailPart
from clickstream.dashboard.formats import Formats
from clickstream.dashboard.goals import Pace
from clickstream.dashboard.lists import choices_of
from clickstream.dashboard.navigation import PATHS, TAB_LABELS, chips, navigation
from clickstream.dashboard.overview import build_overview
from clickstream.dashboard.page import Page
from clickstream.dashboard.panels import PANELS, Panel
from clickstream.dashboard.texts import mark
from clickstream.dashboard.trust import Trust, build_trust
from clickstream.dashboard.trust_line import trust_line

STATIC = ("page.css", "page.js", "login.css", "favicon.svg")


def read_static(name: str) -> bytes:
    """A file of static/."""
    return (files("clickstream.dashboard") / "static" / name).read_bytes()


ASSETS_DIGEST = hashlib.blake2b(b"".join(map(read_static, STATIC)), digest_size=5).hexdigest()
"""Digest of static/, which the URLs of its files carry."""


@dataclass(frozen=True)
class Renderer:
    """Renders pages in one language, for a site of a name."""

    formats: Formats
    site: str
    environment: Environment

    @classmethod
    def create(cls, formats: Formats, site: str) -> Renderer:
        """Set up the templates."""
        environment = Environment(
            loader=PackageLoader("clickstream.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals |= {
            "_": formats.text,
            "assets": ASSETS_DIGEST,
            "site": site,
            "language": str(formats.locale).replace("_", "-"),
            "count": formats.count,
            "share": formats.share,
            "signed": formats.signed,
            "panels": PANELS,
            "base": "",
        }
        return cls(formats, site, environment)

    def tab(self, page: Page) -> str:
        """The HTML of a tab."""
        text = page.formats.text
        changed_at = page.state.changed_at
        shown = changed_at.astimezone(page.zone) if changed_at else None
        common = {
            **navigation(page),
            "view": page.view,
            "tab_title": text(TAB_LABELS[page.view.tab]),
            "trust": trust_line(page),
            "version": str(page.state.version),
            "zone": page.zone.key.replace("_", " "),
            "facts_at": page.formats.moment(shown) if shown else "",
            "nothing": text(mark("No visit in this range. Choose another one, or clear filters.")),
        }
        build = _overview_values if page.view.tab == "overview" else _trust_values
        template = self.environment.get_template(f"{page.view.tab}.html")
        return template.render(**common, **build(page))

    def detail(
        self,
        page: Page,
        panel: Panel,
        parts: Sequence[DetailPart],
        comparison: Comparison | None,
    ) -> str:
        """The HTML of a panel's own page."""
        query = page.view.query
        back = f"../{PATHS[panel.tab].removeprefix('./')}{query}#{panel.name}"
        return self.environment.get_template("panel.html").render(
            base="../",
            view=page.view,
            title=page.formats.text(panel.title),
            span=page.days(page.period),
            chips=chips(page),
            metrics=panel.metrics(page.view),
            is_filtered=panel.is_filtered,
            parts=parts,
            comparison=comparison,
            back=back,
            csv=f"{panel.name}.csv{query}",
            ask_path=f"{panel.name}{query}",
            workgroup=page.settings.lake.workgroup,
        )

    def refusal(self, title: str, sentence: str, base: str) -> str:
        """The HTML of a page that can't be shown."""
        template = self.environment.get_template("refusal.html")
        return template.render(title=title, sentence=sentence, base=base)


def _overview_values(page: Page) -> dict[str, Any]:
    data = build_overview(page)
    text = page.formats.text
    compared = page.compared_dates if page.compared else None
    span = page.days(compared) if compared else ""
    grains = {"hour": mark("by hour"), "day": mark("by day"), "week": mark("by week")}
    return {
        "data": data,
        "compared_span": span,
        "trend_choices": [
            (grains[grain], query, grain == data.trend.grain) for grain, query in data.trend.grains
        ],
        "trend_label": f"{text(data.trend.metric.label)}, {data.trend.label}",
        "trend_rows": [row if compared else row[:2] for row in data.trend.rows],
        "times_choices": choices_of(page, "times"),
        "times_rows": [(name, *cells) for name, cells in data.times.table],
        "hours": [f"{hour:02}" for hour in range(24)],
        "moved_choices": choices_of(page, "moved"),
        "not_compared": _why_not_compared(page),
        "pace_text": lambda pace: _pace_text(page.formats, pace),
    }


def _why_not_compared(page: Page) -> str:
    whole = page.compared_dates
    if whole is None:
        return page.formats.text(mark("Nothing is compared; choose a comparison above."))
    return page.formats.text(
        mark("Too few hours of this range or of %(days)s are complete to compare them."),
        days=page.days(whole),
    )


def _pace_text(formats: Formats, pace: Pace) -> str:
    states = {
        "ahead": mark("this month %(reached)s of %(target)s, ahead: on course for %(projected)s"),
        "on pace": mark("this month %(reached)s of %(target)s, on pace for %(projected)s"),
        "behind": mark("this month %(reached)s of %(target)s, behind: on course for %(projected)s"),
    }
    return formats.text(
        states[pace.state],
        reached=formats.count(pace.reached),
        target=formats.count(pace.target),
        projected=formats.count(pace.projected),
    )


def _trust_values(page: Page) -> dict[str, Any]:
    data = build_trust(page)
    text = page.formats.text
    closed = mark("People, bots, assets and rejected lines add up to all lines.")
    broken = mark("The parts do not add up: run clickstream verify.")
    earlier = page.formats.plural(
        "%(number)s earlier day of the range is in the CSV file.",
        "%(number)s earlier days of the range are in the CSV file.",
        data.hours.days_left,
    )
    return {
        "data": data,
        "verdict": _verdict(page, data),
        "balance_told": text(closed if data.balance.is_closed else broken),
        "days_left": earlier,
        "nothing_published": text(mark("No hour of this range is published.")),
        "no_rejects": text(mark("Every line of this range could be read.")),
        "no_errors": text(mark("Nobody met an error in this range.")),
    }


def _verdict(page: Page, data: Trust) -> str:
    """One sentence that answers whether the numbers can be believed."""
    formats, coverage = page.formats, page.coverage
    if not coverage.published:
        return formats.text(mark("There are no numbers in this range."))
    if not data.balance.is_closed:
        return formats.text(mark("The line balance does not close; don't use these numbers."))
    if coverage.missing:
        return formats.plural(
            "%(number)s hour is missing; the other numbers add up to the last line.",
            "%(number)s hours are missing; the other numbers add up to the last line.",
            coverage.missing,
        )
    if coverage.incomplete:
        return formats.plural(
            "%(number)s hour lacks a server, so visits may be missing; all lines that came add up.",
            "%(number)s hours lack a server, so visits may be missing; all lines that came add up.",
            coverage.incomplete,
        )
    if coverage.total["waiting_lines"]:
        return formats.plural(
            "%(number)s line waits and is in no number; all others add up.",
            "%(number)s lines wait and are in no number; all others add up.",
            coverage.total["waiting_lines"],
        )
    hours = formats.count(coverage.published)
    return formats.text(
        mark("All %(lines)s lines of the %(hours)s published hours are accounted for."),
        lines=formats.count(coverage.total["lines"]),
        hours=hours,
    )
