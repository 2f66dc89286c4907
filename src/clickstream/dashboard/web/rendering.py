"""Renders the pages: sets up the templates, and builds the values for each of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, PackageLoader

from clickstream.core.zone_names import name_zone
from clickstream.dashboard.ask.coverage import to_local
from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.entries.own_notes import LONGEST_TEXT
from clickstream.dashboard.formats import Formats
from clickstream.dashboard.pages.panels import PANELS, span_of, title_of
from clickstream.dashboard.sentences import find_sentences
from clickstream.dashboard.templates import template_environment
from clickstream.dashboard.web.filter_field import find_unmatched
from clickstream.dashboard.web.navigation import (
    chips,
    navigation,
    page_title,
    visits_frame,
)
from clickstream.dashboard.web.share_menu import (
    ShownLink,
    ShownLinks,
    list_values,
    share_menu,
)
from clickstream.dashboard.web.shown_rows import LONGEST_SEARCH
from clickstream.dashboard.widgets.addresses import PATHS
from clickstream.dashboard.widgets.chart_notes import own_notes, when_of
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.trust_line import trust_line
from clickstream.settings.dashboard import Icon

if TYPE_CHECKING:
    from clickstream.dashboard.pages.marketing.holdout_plan import PlanPage
    from clickstream.dashboard.pages.places.location_report import LocationReport
    from clickstream.dashboard.visits.listing import VisitList
    from clickstream.dashboard.visits.log_lines import VisitLines
    from clickstream.dashboard.visits.sample import SamplePage
    from clickstream.dashboard.visits.visit import VisitPage
    from clickstream.dashboard.web.details import Comparison, DetailPart

STATIC = ("page.css", "page.js", "visits.css", "plans.css", "login.css", "chart.svg", "cup.svg")


_LEFT_OUT = re.compile(rb"/\*.*?\*/\s*|^\s*//[^\n]*\n|^\s+", re.DOTALL | re.MULTILINE)
"""Comments, indentation and empty lines of style sheets and scripts: 1.2 kB of 13 kB gzipped."""


@cache
def read_static(name: str) -> bytes:
    """Read a file of static/; style sheets and scripts without comments and indentation."""
    content = (files("clickstream.dashboard") / "static" / name).read_bytes()
    return content if name.endswith(".svg") else _LEFT_OUT.sub(b"", content)


def read_icon_path(icon: Icon) -> str:
    """Return the path of an icon, which its file draws."""
    match = re.search(rb'<path d="([^"]+)"', read_static(f"{icon}.svg"))
    return match[1].decode() if match else ""


ASSETS_DIGEST = hashlib.blake2b(b"".join(map(read_static, STATIC)), digest_size=5).hexdigest()
"""Digest of static/, which is part of its files' URLs."""


def _sales_without_log(page: PageContext) -> dict[str, Any]:
    """Return the panels of a shop whose log is not pulled yet; those of orders on their page."""
    if not page.settings.sales:
        return {"ledger": None}
    orders, trust = (
        import_module(f"clickstream.dashboard.pages.{tab}.sales") for tab in ("orders", "trust")
    )
    has_orders = page.has_money and page.view.tab == "orders"
    return {
        "ledger": trust.build_sales(page),
        "sales_of_orders": orders.build_sales(page) if has_orders else None,
    }


@dataclass(frozen=True)
class Renderer:
    """Renders pages in one locale, for one site name."""

    formats: Formats
    site: str
    environment: Environment

    @classmethod
    def create(cls, formats: Formats, site: str, icon: Icon = "chart") -> Renderer:
        """Set up the templates."""
        web = PackageLoader("clickstream.dashboard.web")
        tabs = PackageLoader("clickstream.dashboard", "pages")
        environment = template_environment(ChoiceLoader([web, tabs]))
        environment.globals |= {
            "plural": formats.plural,
            "seconds": formats.seconds,
            "assets": ASSETS_DIGEST,
            "site": site,
            "icon_path": read_icon_path(icon),
            "language": formats.language,
            "count": formats.count,
            "share": formats.share,
            "signed": formats.signed,
            "decimal": formats.decimal,
            "panels": PANELS,
            "paths": PATHS,
            "base": "",
            "day_and_year": lambda moment: formats.day(moment.date(), with_year=True),
        }
        return cls(formats, site, environment)

    def tab(self, page: PageContext, made: ShownLink | None = None) -> str:
        """Render a tab; `made` is a new share link that the page offers to copy."""
        common = {
            **self._frame(page),
            "made": made,
            "says": find_sentences(page),
        }
        if page.is_lake_empty:
            template = self.environment.get_template("empty.html")
            return template.render(
                **common, sources=page.settings.sources, **_sales_without_log(page)
            )
        tab = page.view.tab
        # A tab is imported when it is opened: all tabs together take 0.1 s.
        values = import_module(f"clickstream.dashboard.pages.{tab}.values")
        build_values = getattr(values, f"{tab}_values")
        return self.environment.get_template(f"{tab}/page.html").render(
            **common, **build_values(page)
        )

    def _frame(self, page: PageContext) -> dict[str, Any]:
        """Build the values around the panels of a tab, and around the list of visits."""
        changed_at = page.state.changed_at
        shown = changed_at.astimezone(page.zone) if changed_at else None
        return {
            **navigation(page),
            "longest_text": LONGEST_TEXT,
            "entry_problem": page.entries.problem,
            **share_menu(page),
            "view": page.view,
            "hidden": page.hidden,
            "has_goals": page.has_goals,
            "shares_money": page.has_shop,
            "metric": page.metric,
            "identity": page.identity,
            "engine": page.engine,
            **_filter_values(page),
            "trust": trust_line(page),
            "version": page.version,
            "zone": name_zone(page.zone.key),
            "log_notes": page.log_notes,
            "facts_at": page.formats.moment(shown) if shown else "",
            "nothing": "No visits in this range. Choose another range, or clear the filters.",
        }

    def visits(self, page: PageContext, visit_list: VisitList, is_first: bool) -> str:
        """Render the list of the view's visits."""
        values = {**self._frame(page), **visits_frame(page)}
        return self.environment.get_template("visits.html").render(
            **values, visit_list=visit_list, is_first=is_first
        )

    def visit(self, page: PageContext, shown: VisitPage, lines: VisitLines | None) -> str:
        """Render the page of one visit, with its log lines if they were read."""
        return self.environment.get_template("visit.html").render(
            base="../",
            view=page.view,
            identity=page.identity,
            engine=page.engine,
            visit=shown,
            lines=lines,
            zone=name_zone(page.zone.key),
            workgroup=page.settings.lake.workgroup,
            **_line_values(page),
        )

    def sample(self, page: PageContext, sample: SamplePage) -> str:
        """Render the first log lines of some visits of the view."""
        values = {**self._frame(page), **visits_frame(page), **_line_values(page)}
        return self.environment.get_template("sample.html").render(
            **values, sample=sample, lines=sample.read
        )

    def plan(self, plan: PlanPage) -> str:
        """Render the plan of a holdout test."""
        back = f"{PATHS['marketing']}#credit"
        return self.environment.get_template("holdout_plan.html").render(back=back, plan=plan)

    def location_report(self, report: LocationReport | None) -> str:
        """Render the plan of locations; None says how to get one."""
        back = f"{PATHS['places']}#locations"
        template = self.environment.get_template("location_report.html")
        return template.render(back=back, report=report)

    def detail(
        self,
        page: PageContext,
        panel: Panel,
        parts: Sequence[DetailPart],
        comparison: Comparison | None,
        search: str = "",
    ) -> str:
        """Render a panel's own page; `search` is the text that its rows contain."""
        query = page.view.query
        back = f"../{PATHS[panel.tab].removeprefix('./')}{query}#{panel.name}"
        return self.environment.get_template("panel.html").render(
            base="../",
            view=page.view,
            identity=page.identity,
            engine=page.engine,
            panel_name=panel.name,
            title=title_of(page, panel),
            span=span_of(page, panel),
            chips=chips(page),
            metrics=[page.metric(metric.name) for metric in panel.metrics(page.view, page.hidden)],
            dimensions=panel.dimensions(page.view),
            is_filtered=panel.is_filtered,
            is_of_money=panel.is_of_money,
            parts=parts,
            search=search,
            longest_search=LONGEST_SEARCH,
            own_path=f"{panel.name}{query}",
            comparison=comparison,
            back=back,
            csv=f"{panel.name}.csv{query}",
            workgroup=page.settings.lake.workgroup,
            own_notes=[
                (when_of(page, note), note.text, note.account)
                for note in (own_notes(page) if panel.name == "trend" else ())
            ],
        )

    def shares(
        self, page: PageContext, links: ShownLinks, now: datetime, shown: str, withdrawn: str
    ) -> str:
        """Render the list of share links; `shown` and `withdrawn` are ids of links."""
        return self.environment.get_template("shares.html").render(
            made=links.link(shown) if shown else None,
            **list_values(page, links, now, withdrawn),
        )

    def refusal(self, title: str, sentence: str, base: str) -> str:
        """Render the page for a request that can't be answered."""
        template = self.environment.get_template("refusal.html")
        return template.render(title=title, sentence=sentence, base=base)


def _line_values(page: PageContext) -> dict[str, Any]:
    """Build the values of log lines."""
    return {
        "line_at": lambda line: page.formats.clock(to_local(line.at, page.zone)),
        "raw_days": page.settings.maintenance.raw_days,
    }


def _filter_values(page: PageContext) -> dict[str, Any]:
    """Build what the page says about its filters: in its title, aloud, and if one matches nothing.

    page.js puts `announcement` into the live region after it replaced the page.
    """
    title = page_title(page)
    if not page.view.filters:
        return {
            "tab_title": title,
            "announcement": f"{title}, {page.days(page.period)}",
            "unmatched": [],
        }
    visits = page.answer(("visits",)).single()["visits"] or 0
    counted = page.formats.plural("{number} visit", "{number} visits", visits)
    return {
        "tab_title": title,
        "announcement": f"{title}, {page.days(page.period)}: {counted}",
        "unmatched": find_unmatched(page, visits),
    }
