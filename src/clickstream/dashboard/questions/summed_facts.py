"""The tables of sums that the local copy keeps: sums of facts by date, and by one dimension.

`sum_tables` fills them, and `daily_sums` answers questions from them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.fact_views import GOALS, PAGE_VIEWS, SESSIONS, FactView
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.question import PEOPLE_ONLY
from clickstream.sql_values import sql_literal

VISITORS = "count(distinct visitor_id)"
"""SQL for the number of visitors, which is not the sum of its parts: see `SumTable.visitors`."""

_MEAN = re.compile(r"avg\(cast\((\w+) as double\)\)")
_AGGREGATE = re.compile(
    r"(?:count\(\*\)|count\(\w+\)|sum\(\w+(?: [*+] \w+)*\)|count\(distinct session_id\))"
    r"(?: filter \(where [^()]+\))?"
)
_WORD = re.compile(r"[a-z_]\w*")
_TEXT = re.compile(r"'[^']*'")
_FUNCTIONS = {
    "as",
    "case",
    "cast",
    "coalesce",
    "double",
    "end",
    "nullif",
    "then",
    "varchar",
    "when",
}
"""Words of SQL that combine sums and columns without a change of their rows."""
_KEYWORDS = {"count", "distinct", "sum", "filter", "where", "and", "or", "is", "not", "null"}

EARLIER_DAY, SECOND_DAY = "earlier_day", "second_earlier_day"
"""The columns with the two newest earlier dates on which the visitor came."""

FIRST_DAY = "first_day"
"""The column with the first date on which the visitor came."""


@cache
def _columns_of(dimension: str) -> tuple[str, ...]:
    """Return the columns of the fact view that a dimension is computed from."""
    words = _WORD.findall(_TEXT.sub("", DIMENSIONS[dimension].sql))
    return tuple(dict.fromkeys(word for word in words if word not in _FUNCTIONS))


def _with_sums(sql: str) -> str:
    """Return the SQL of a metric with sums and counts in place of averages."""
    return _MEAN.sub(r"cast(sum(\1) as double) / nullif(count(\1), 0)", sql)


@cache
def is_summable(metric: str) -> bool:
    """Whether a metric can be computed from sums and counts of parts."""
    rest = _AGGREGATE.sub("", _with_sums(METRICS[metric].sql))
    return set(_WORD.findall(rest)) <= _FUNCTIONS


@cache
def _aggregates(facts: FactView) -> Mapping[str, str]:
    """Return the columns of sums for a fact view: by the SQL of the aggregate, the name."""
    metrics = [one for one in METRICS.values() if one.facts is facts and is_summable(one.name)]
    found = {part for one in metrics for part in _AGGREGATE.findall(_with_sums(one.shown_sql))}
    return {part: f"sum_{number}" for number, part in enumerate(sorted(found | {"count(*)"}))}


MET_GOAL = "met_goal"
"""The column of a question's subquery: whether a visit met the main goal."""

PREFIX = "sums_of_"
"""How the names of the tables begin."""

DATES_OF_HOURS = "dates_of_hours"
"""The table with the dates of which the copy has sums by hour."""

ORDER = "visit_order"
"""The table with the previous visit of each visit, by the `earlier` columns of the tables."""


@dataclass(frozen=True)
class SumTable:
    """Sums of the rows of a fact view by local date, by one dimension or as a whole.

    With `by_hour`, they are also by local hour. With `has_visitors`, they are also by the date of
    the visitor's previous visit with the same value of the dimension (null before the first). The
    visits whose previous one is before a period are the first ones in it, one of each visitor. With
    `by_kind`, they are also by the dates that decide whether a visit is returning.
    """

    facts: FactView
    dimension: str = ""
    by_hour: bool = False
    has_visitors: bool = False
    by_kind: bool = False

    @property
    def name(self) -> str:
        """The table's name in the copy."""
        more = "_hour" * self.by_hour + "_visitors" * self.has_visitors + "_kind" * self.by_kind
        return f"{PREFIX}{self.facts.name}_by_{self.dimension or 'date'}{more}"

    @property
    def earlier(self) -> str:
        """The column with the date of the visitor's previous visit."""
        return f"earlier_by_{self.dimension or 'date'}"

    @property
    def order_columns(self) -> Sequence[str]:
        """The columns of the order of visits that it has."""
        return (self.earlier, EARLIER_DAY, SECOND_DAY) if self.by_kind else (self.earlier,)

    @property
    def columns(self) -> Sequence[str]:
        """The columns of the fact view that its dimension needs."""
        return _columns_of(self.dimension) if self.dimension else ()

    @property
    def inputs(self) -> set[str]:
        """All columns of the fact view that its rows are computed from."""
        words = {word for sql in _aggregates(self.facts) for word in _WORD.findall(sql)}
        return words - _KEYWORDS - {MET_GOAL} | {*self.columns}

    @property
    def name_of_hours(self) -> str:
        """The name of the table with the sums by hour of some dates; see `sum_tables`."""
        return f"{self.name}_and_hour"

    def select(
        self,
        condition: str,
        goal: str,
        *more: str,
        with_hour: bool = False,
        with_visitors: bool = True,
    ) -> str:
        """Return SQL that sums the rows of people in the fact view which meet a condition.

        `goal` is the main goal, whose visits are counted.
        """
        has_visitors = self.has_visitors and with_visitors
        keys = [self.facts.dated_by, "local_date", *(["local_hour"] if with_hour else [])]
        earlier = self.order_columns if has_visitors else ()
        keys += [*self.columns, *earlier, *more]
        sums = [f"{sql} as {name}" for sql, name in _aggregates(self.facts).items()]
        source = visits_with_goal(goal) if self.facts is SESSIONS else self.facts.name
        if has_visitors:
            names = ", ".join(earlier)
            order = f"select copied_day, session_id, {names} from {ORDER}"  # noqa: S608
            source += f" join ({order}) using (copied_day, session_id)"
        return (
            f"select {', '.join([*keys, *sums])} from {source}"  # noqa: S608
            f" where ({condition}) and {PEOPLE_ONLY} group by {', '.join(keys)}"
        )

    def metric(self, sql: str) -> str:
        """Return the SQL of a metric on the sums."""

        def of_sums(found: re.Match[str]) -> str:
            total = f"sum({_aggregates(self.facts)[found[0]]})"
            return total if found[0].startswith("sum") else f"coalesce({total}, 0)"

        return _AGGREGATE.sub(of_sums, _with_sums(sql))

    def visitors(self, begins: str, known_since: str) -> str:
        """Return SQL for the number of visitors of a group whose period begins on a date.

        Earlier visits are known since another date, which decides the kind of a visit.
        """
        first = f"{self.earlier} is null or {self.earlier} < {begins}"
        if self.by_kind:  # a returning visit is the first one if the visit before is a new one
            first = (
                f"{self.earlier} is null or {self.earlier} < {known_since}"
                f" or {self.earlier} < local_date and {EARLIER_DAY} >= {known_since} and"
                f" ({EARLIER_DAY} < {begins} or coalesce({SECOND_DAY} < {known_since}, true))"
            )
        return f"coalesce(sum({_aggregates(self.facts)['count(*)']}) filter (where {first}), 0)"


def visits_with_goal(goal: str) -> str:
    """Return SQL for the visits with the column `met_goal`."""
    met = (
        f"(copied_day, session_id) in (select (copied_day, session_id) from {GOALS.name}"  # noqa: S608
        f" where goal = {sql_literal(goal)})"
    )
    return f"(select *, {met} as {MET_GOAL} from {SESSIONS.name}) as {SESSIONS.name}"  # noqa: S608


SUM_TABLES = (
    SumTable(SESSIONS, has_visitors=True),
    SumTable(SESSIONS, has_visitors=True, by_kind=True),
    SumTable(SESSIONS, by_hour=True),
    SumTable(SESSIONS, "city"),
    *(SumTable(SESSIONS, name, has_visitors=True) for name in ("country", "region", "city")),
    *(
        SumTable(SESSIONS, name)
        for name in (
            *("channel", "source", "campaign", "referrer", "landing_page"),
            *("device", "browser", "os", "furthest_step"),
        )
    ),
    SumTable(PAGE_VIEWS),
    SumTable(PAGE_VIEWS, "page"),
    SumTable(PAGE_VIEWS, "host"),
    SumTable(GOALS, "goal"),
)
"""All tables of sums. If several can answer a question, the first one does.

Cities have one without visitors, which has a sixth of the rows.
"""
