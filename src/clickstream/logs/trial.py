"""`clickstream try`: report on log files directly, without AWS and without Airflow.

The facts of the lines are computed into a copy like that of `clickstream open`, and the figures are
the answers to the dashboard's questions. The result is a page for people, or JSON for programs. The
CLI calls `run_trial`.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from clickstream.clean.hosts import count_hosts, requests_of_site
from clickstream.core import dictionary_encoding
from clickstream.core.terminal import SafeConsole
from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.dimensions import SUSPICION
from clickstream.dashboard.ask.fact_copy import FactCopy, Snapshot
from clickstream.dashboard.ask.folding import OTHER, fold
from clickstream.dashboard.ask.question import EVER, PEOPLE_ONLY, build_question
from clickstream.dashboard.ask.view import Filter
from clickstream.logs.date_tables import DateTables
from clickstream.logs.lines_by_date import VISITOR_KEY, LinesByDate
from clickstream.logs.log_file import SmallFile
from clickstream.logs.log_set import LogFacts, LogSet
from clickstream.logs.read_logs import place_of_line, print_problems, source_of
from clickstream.logs.trial_page import NOT_LOGGED, show
from clickstream.parse.frames import Parsed
from clickstream.settings import Settings
from clickstream.tables import BALANCE, HITS

FIGURES = {
    "lines": "Lines read; each is either parsed or rejected.",
    "parsed": "Lines that could be parsed, without other_hosts.",
    "rejected": "Lines that could not be parsed, by reason.",
    "hosts": "Lines that could be parsed, by virtual host or Host header, if it is logged.",
    "other_hosts": "Lines to other hosts than those of [site] hosts, which no other figure counts.",
    "balance": "Parsed lines by category of the line balance, each counted once. A request"
    " for an asset counts as an asset, and a health check as a health check, also if a bot sent"
    " it; all other requests of bots count as bots.",
    "by_status": "Parsed lines by HTTP status.",
    "errors": "Parsed lines with a 4xx or 5xx status by kind of client; the sums equal those of "
    "by_status. The kinds are assets (requested by people or bots), bots, people, and others: "
    "health checks, and files for robots that no known bot requested.",
    "bytes": "Sum of the logged sizes.",
    "clients": "Different client addresses, bots included.",
    "visitors": "Different visitors with at least one session. A visitor is a pair of client "
    "address and user agent, until the visitor keys change (docs/privacy.md).",
    "suspected": "Visitors who are left out as suspected machines: they have a browser's user "
    "agent, but come in groups that people do not explain (docs/people.md). The largest groups are "
    "listed, summed over the dates, with the reason of the date with most of them.",
    "sessions": "People's sessions with at least one page view. A session is a sequence of "
    "requests of a visitor, of all kinds, without a pause of more than 30 minutes (or the timeout "
    "of the settings).",
    "page_views": "Page requests of these sessions. page_requests in the balance also counts those "
    "of sessions with a bot verdict in another hour.",
    "median_session_seconds": "Median length of the sessions; null if there are none.",
    "engaged_sessions": "Sessions that were longer than 10 seconds, had two page views, or met a "
    "goal.",
    "goals": "Number of sessions that met each goal of the settings.",
    "by_hour_utc": "Parsed lines by UTC hour.",
    "channels": "The sessions by channel. The channel of a session is that of its last "
    "request that has a channel. If no request has one, it is Direct, or not "
    "logged if the log has no referrer field.",
    "devices": "The sessions by kind of device.",
    "countries": "The sessions by country. Countries with fewer than ten visitors are counted "
    "together as few visitors. Empty without a database of places.",
    "top_pages": "The page views by page.",
    "top_referrers": "The page views by the site that referred their session.",
    "own_domain": "The site's own domain, in addition to those of the settings; its pages do not "
    "count as referrers. It is inferred from the asset requests with a referrer (sample) and the "
    "number of them whose referrer is a page of the domain (requests); null if none was inferred.",
    "campaigns": "Requests with utm tags (hits, bots included, without assets), and the page "
    "requests of people among them (page_views).",
    "bots": "Requests of bots, without assets and health checks, by class and by reason.",
    "first_at": "Time of the earliest parsed line, UTC.",
    "last_at": "Time of the latest parsed line, UTC.",
    "cpu_seconds": "Processor time of the report, in seconds.",
}
"""All keys of the JSON report, and what each counts."""

TOP = 10
"""Limit of the entries of a ranking."""

CLIENTS = ("people", "bots", "assets", "others")
"""The kinds of clients whose errors are counted separately."""

VIEWS = (
    "session_facts",
    "page_view_facts",
    "goal_facts",
    "hour_facts",
    "bot_facts",
    "reject_facts",
    "people_facts",
    "cohort_facts",
)
"""The fact views that the figures are in."""


def run_trial(
    paths: Sequence[str],
    log_format: str,
    as_json: bool,
    console: Console,
    settings: Settings | None = None,
) -> int:
    """Read the logs, all together as one log, and print the report to `console`.

    `paths` are files, directories of logs, or `-` for stdin; a file that is named twice is read
    once. `log_format` is a name of `parse.FORMATS` or of the settings, or `auto` to detect the
    format of each file. `settings` has the site's own domains and the rules of cleaning and
    sessions; without it, the defaults apply. A file in a directory is skipped if it is empty, or if
    neither its lines nor its name are those of an access log (see `collect.is_named_access_log`).

    Returns the exit code: 0 if all other files were read completely, else 1. Each problem is one
    message on stderr, after the report on everything that could be read.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    errors = SafeConsole(stderr=True)
    figures, logs = read_figures(paths, log_format, settings or Settings(), errors)
    if figures and as_json:
        figures["cpu_seconds"] = round(time.process_time() - cpu_began, 3)
        report = {key: figures[key] for key in FIGURES}
        console.file.write(json.dumps(report, indent=2) + "\n")
    elif figures:
        show(figures, logs, time.perf_counter() - began, console)
    return print_problems(logs.read, errors)


def read_figures(
    paths: Sequence[str], log_format: str, settings: Settings, errors: Console
) -> tuple[dict[str, Any] | None, LogFacts]:
    """Return the figures of logs, None if they have no line, and what was read.

    The arguments are those of `run_trial`. Progress bars are on `errors`, if it is a terminal. The
    figures are FIGURES without the processor time, and two of the page: `bounces`, the
    sessions with one page view, and `examples` with the path, the number and the text of a line for
    each reason of rejects.
    """
    log_set = LogSet(paths, settings, log_format)
    with closing(CountedLines(settings.site.hosts)) as lines:
        logs = log_set.read(errors, lines)
        if not lines.lines:
            return None, logs
        with (
            TemporaryDirectory(prefix="clickstream-") as directory,
            closing(FactCopy(Path(directory))) as copy,
        ):
            facts = log_set.compute(logs, VISITOR_KEY, errors, VIEWS, lines.count_hits)
            copy.replace(facts, date.min, logs.settings.site.time_zone, has_sums=False)
            with copy.snapshot() as snapshot:
                figures = figures_of_lines(snapshot, lines) | figures_of_people(snapshot, logs)
            return figures, logs


class CountedLines(LinesByDate):
    """Lines by date, and counts of them that no fact view has.

    `by_host` and `by_status` count requests, `bytes` sums their logged sizes, and `clients` has
    their addresses. `first_at` and `last_at` are naive UTC, None without a request. `examples` has
    the path, the number and the text of the first rejected line of each reason. `errors` counts
    hits by "4xx" or "5xx" and one of CLIENTS. `campaigns` counts hits by source, medium and
    campaign, and `campaign_views` the page requests of people among them. All but `by_host` are of
    the site's own hosts.
    """

    def __init__(self, hosts: Sequence[str] = ()) -> None:
        super().__init__(hosts)
        self.by_host: Counter[str] = Counter()
        self.by_status: Counter[int] = Counter()
        self.bytes = 0
        self.clients: set[str] = set()
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None
        self.examples: dict[str, tuple[str, int, str]] = {}
        self.errors: Counter[tuple[str, str]] = Counter()
        self.campaigns: Counter[tuple[str | None, ...]] = Counter()
        self.campaign_views: Counter[tuple[str | None, ...]] = Counter()

    def add(self, parsed: Parsed, *files: str | SmallFile) -> list[int]:
        """Add parsed lines of one file, given by its path, or of small files parsed together."""
        days = super().add(parsed, *files)
        self.by_host += count_hosts(parsed.table)
        reasons = dictionary_encoding.combine_chunks(parsed.refused["reason"])
        _, first = np.unique(dictionary_encoding.codes_of(reasons), return_index=True)
        for row in parsed.refused.take(pa.array(first)).to_pylist():
            if row["reason"] not in self.examples:
                path, number = place_of_line(row["line_number"], source_of(files))
                self.examples[row["reason"]] = path, number, row["line"]
        requests = requests_of_site(parsed.table, self._hosts)
        if len(requests):
            for count in pc.value_counts(requests["status"]).to_pylist():
                self.by_status[count["values"]] += count["counts"]
            self.bytes += pc.sum(requests["bytes"]).as_py() or 0
            self.clients.update(pc.unique(requests["client"]).drop_null().to_pylist())
            bounds = pc.min_max(requests["at"]).as_py()
            self.first_at = min(bounds["min"], self.first_at or bounds["min"])
            self.last_at = max(bounds["max"], self.last_at or bounds["max"])
        return days

    def count_hits(self, tables: DateTables) -> None:
        """Count the hits of some dates, which are the requests without those for assets."""
        columns = ["status", "kind", "is_bot", "utm_source", "utm_medium", "utm_campaign"]
        groups = tables[HITS].select(columns).unify_dictionaries().group_by(columns)
        counts = groups.aggregate([([], "count_all")]).select([*columns, "count_all"])
        for status, kind, is_bot, *tags, number in zip(*counts.to_pydict().values(), strict=True):
            client = "people" if kind in ("client_error", "server_error") else "others"
            is_of_bot = is_bot and kind != "health_check"
            self.errors[f"{status // 100}xx", "bots" if is_of_bot else client] += number
            if tags != [None, None, None]:
                self.campaigns[tuple(tags)] += number
                is_view = kind == "page" and not is_bot
                self.campaign_views[tuple(tags)] += number if is_view else 0


def rank(
    facts: Snapshot, metric: str, by: str, *filters: Filter, limit: int | None = TOP
) -> dict[str, int]:
    """Return a metric by a dimension, the largest first.

    Small groups, which are counted together, come last. They need all groups, so no limit.
    """
    question = build_question((metric,), (by,), EVER, filters, limit)
    answer = fold(lambda asked: Answer(asked, facts.rows(asked)), question)
    names = {None: NOT_LOGGED if by == "channel" else "unknown", OTHER: "few visitors"}
    return {str(names.get(name, name)): number for name, number in answer.rows}


def figures_of_lines(facts: Snapshot, lines: CountedLines) -> dict[str, Any]:
    """Return the figures that count lines, and the examples of rejects."""
    names = (*BALANCE, "other_hosts", "rejected")
    sums = ", ".join(f"sum({name})::bigint" for name in names)
    [counts] = facts.cursor.execute(f"select {sums} from hour_facts").fetchall()  # noqa: S608
    balance = dict(zip(names, counts, strict=True))
    other_hosts, rejected = balance.pop("other_hosts"), balance.pop("rejected")
    parsed = "lines - rejected - other_hosts"
    hours = f"select hour_at, {parsed} from hour_facts where {parsed} > 0 order by 1"  # noqa: S608
    errors = {}
    for hundreds in ("4xx", "5xx"):
        errors[hundreds] = {client: lines.errors[hundreds, client] for client in CLIENTS}
        requests = sum(n for code, n in lines.by_status.items() if f"{code // 100}xx" == hundreds)
        errors[hundreds]["assets"] = requests - sum(errors[hundreds].values())
    ranked = sorted(
        lines.campaigns,
        key=lambda tags: (-lines.campaigns[tags], [(tag is None, tag) for tag in tags]),
    )
    campaigns = [
        dict(zip(("source", "medium", "campaign"), tags, strict=True))
        | {"hits": lines.campaigns[tags], "page_views": lines.campaign_views[tags]}
        for tags in ranked[:TOP]
    ]
    by_reason = rank(facts, "rejected_lines", "reject_reason")
    bot_reasons = rank(facts, "bot_requests", "bot_reason")
    return {
        "lines": lines.lines,
        "parsed": lines.lines - rejected - other_hosts,
        "rejected": {"total": rejected, "by_reason": by_reason},
        "hosts": dict(sorted(lines.by_host.items(), key=lambda host: (-host[1], host[0]))),
        "other_hosts": other_hosts,
        "balance": balance,
        "by_status": {str(status): n for status, n in sorted(lines.by_status.items())},
        "errors": errors,
        "bytes": lines.bytes,
        "clients": len(lines.clients),
        "by_hour_utc": {f"{at:%Y-%m-%dT%H}": n for at, n in facts.cursor.execute(hours).fetchall()},
        "campaigns": campaigns,
        "bots": {
            "requests": balance["bots"],
            "by_class": rank(facts, "bot_requests", "bot_class"),
            "top_reasons": [{"reason": name, "requests": n} for name, n in bot_reasons.items()],
        },
        "first_at": lines.first_at and f"{lines.first_at:%Y-%m-%dT%H:%M:%SZ}",
        "last_at": lines.last_at and f"{lines.last_at:%Y-%m-%dT%H:%M:%SZ}",
        "examples": lines.examples,
    }


_SESSIONS = f"""
select
    median(duration_seconds),
    count(*) filter (where is_engaged),
    count(*) filter (where is_bounce)
from session_facts
where {PEOPLE_ONLY}
"""  # noqa: S608
_COHORTS = f"""
select cohort, max_by(reason, suspected), sum(suspected)::bigint
from cohort_facts
group by cohort
having sum(suspected) > 0
order by 3 desc, 1
limit {TOP}
"""  # noqa: S608


def figures_of_people(facts: Snapshot, logs: LogFacts) -> dict[str, Any]:
    """Return the figures of visitors, of their sessions, and of suspected machines."""
    totals = build_question(("visitors", "visits", "page_views"), (), EVER)
    [(visitors, sessions, page_views)] = facts.rows(totals)
    [(median, engaged, bounces)] = facts.cursor.execute(_SESSIONS).fetchall()
    machines = build_question(("visitors",), (), EVER, [Filter(SUSPICION, ("machine",))])
    [(suspected,)] = facts.rows(machines)
    [(searched_dates,)] = facts.rows(build_question(("searched_dates",), (), EVER))
    cohorts = [
        dict(zip(("label", "reason", "visitors"), cohort, strict=True))
        for cohort in facts.cursor.execute(_COHORTS).fetchall()
    ]
    in_country = Filter("country", (None,), is_excluded=True)
    [(is_known,)] = facts.rows(build_question(("visits",), (), EVER, [in_country]))
    countries = rank(facts, "visits", "country", limit=None) if is_known else {}
    goals = rank(facts, "goal_visits", "goal", limit=None)
    pages = rank(facts, "views", "page")
    referred = Filter("referrer", (None,), is_excluded=True)
    referrers = rank(facts, "page_views", "referrer", referred)
    return {
        "visitors": visitors,
        "suspected": {
            "visitors": suspected,
            "searched_dates": searched_dates,
            "cohorts": cohorts,
        },
        "sessions": sessions,
        "page_views": page_views,
        "median_session_seconds": median,
        "engaged_sessions": engaged,
        "goals": {goal: goals.get(goal, 0) for goal in sorted(logs.settings.goals)},
        "channels": rank(facts, "visits", "channel"),
        "devices": rank(facts, "visits", "device"),
        "countries": dict(Counter(countries).most_common(TOP)),
        "top_pages": [{"page": page, "page_views": n} for page, n in pages.items()],
        "top_referrers": [{"domain": name, "page_views": n} for name, n in referrers.items()],
        "own_domain": vars(logs.own_domain) if logs.own_domain else None,
        "bounces": bounces,
    }
