"""The page of the plan of locations: the stored run, or a plan with what-if values beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickstream.dashboard.formats import Formats
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.tabs.places.computed_plan import ComputedPlan, compute_plan
from clickstream.dashboard.tabs.places.explained_orders import ExplainedOrders, show_explanation
from clickstream.dashboard.tabs.places.report_rows import ReportRanking, build_ranking
from clickstream.dashboard.tabs.places.stored_plan import StoredPlan, newest_plan
from clickstream.dashboard.tabs.places.what_if import (
    FIELDS,
    WhatIf,
    WhatIfField,
    describe_what_if,
    parse_what_if,
)
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.location_texts import MISSING


@dataclass(frozen=True)
class WhatIfForm:
    """The form with its values as given in the URL.

    `planned` are the values of the chosen candidate in the stored run. `problems` are sentences
    about values that can't be used, and `assumed` says which values are used.
    """

    names: Sequence[str]
    fields: Mapping[str, WhatIfField]
    chosen: str
    given: Mapping[str, str]
    planned: Mapping[str, str]
    problems: Sequence[str]
    assumed: str


@dataclass(frozen=True)
class LocationReport:
    """The plan as texts: the dates of the run and of its orders, the form, and the results.

    `missing` says why nothing can be computed: then the rows are those of the run, and there is no
    explanation. `has_changed` says whether the orders have changed since the run.
    """

    day: str
    dates: str
    run_id: str
    form: WhatIfForm
    ranking: ReportRanking
    is_computed: bool
    explanation: ExplainedOrders | None
    notes: Sequence[str]
    missing: str
    has_changed: bool


def build_report(page: PageContext, query: Mapping[str, str]) -> LocationReport | None:
    """Build the report of the newest plan, with the what-if values of a URL; None without one."""
    stored = newest_plan(page)
    if stored is None:
        return None
    formats = page.formats
    names = [one.candidate.name for one in stored.candidates]
    what_if, problems = parse_what_if(query, names, formats)
    found = compute_plan(page, stored, what_if)
    computed = None if isinstance(found, str) else found
    beside = computed if what_if.has_values else None
    shown = beside or stored
    return LocationReport(
        day=formats.day(stored.day, with_year=True),
        dates=page.days(Period(stored.first, stored.last)),
        run_id=stored.run_id,
        form=_form(formats, stored, query, what_if, problems),
        ranking=build_ranking(formats, stored.candidates, beside.candidates if beside else ()),
        is_computed=beside is not None,
        explanation=_explain(formats, computed, what_if) if computed else None,
        notes=shown.notes,
        missing=MISSING[found] if isinstance(found, str) else "",
        has_changed=computed is not None and computed.has_changed,
    )


def _form(
    formats: Formats,
    stored: StoredPlan,
    query: Mapping[str, str],
    what_if: WhatIf,
    problems: Sequence[str],
) -> WhatIfForm:
    candidates = {one.candidate.name: one.candidate for one in stored.candidates}
    chosen = candidates.get(what_if.candidate)
    return WhatIfForm(
        names=[*candidates],
        fields=FIELDS,
        chosen=what_if.candidate,
        given={name: query.get(name, "").strip() for name in FIELDS},
        planned={"attraction": f"{chosen.attraction:.10g}"} if chosen else {},
        problems=problems,
        assumed=describe_what_if(formats, what_if),
    )


def _explain(formats: Formats, computed: ComputedPlan, what_if: WhatIf) -> ExplainedOrders:
    """Explain the chosen candidate, or else the first one."""
    by_name = {one.candidate.name: one.candidate for one in computed.candidates}
    first = computed.candidates[0].candidate
    return show_explanation(formats, computed.explain(by_name.get(what_if.candidate, first)))
