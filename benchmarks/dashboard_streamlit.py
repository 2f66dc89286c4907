"""The Overview's panels as a Streamlit page on the dashboard's DuckDB file, for `dashboard.py`.

It runs the same queries without the dashboard's cache, and shows the results with Streamlit's
tiles, charts and tables. `run_page` runs the page in this process and without a browser, like
Streamlit's test framework.
"""

# Streamlit runs the source of `show_page` by itself, where names of types are not defined.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from streamlit.testing.v1 import AppTest

from clickstream.dashboard.questions.periods import Period, compared_with
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.questions.view import TILES, View
from clickstream.dashboard.tabs.panels import PANELS

LISTS = ("sources", "pages", "times", "goals")


def questions(last: date) -> dict[str, list[Question]]:
    """Return the questions of the panels of 28 days, by the panel's name."""
    period = Period(last - timedelta(days=27), last)
    view = View(grain="day")
    asked = {name: PANELS[name].questions(view, period) for name in ("trend", "moved", *LISTS)}
    before = compared_with(period, "previous") or period
    asked["totals"] = [PANELS["totals"].questions(view, one)[0] for one in (period, before)]
    return asked


def show_page(copy, asked, tiles):
    """Draw the page. Imports are inside, because Streamlit runs only this function's source."""
    import duckdb
    import streamlit as st

    connection = duckdb.connect(copy, read_only=True)

    def frame(question):
        return connection.execute(question.sql, list(question.values)).df()

    st.title("AnyCompany Café")
    now, before = (frame(one).iloc[0] for one in asked["totals"])
    for column, name in zip(st.columns(len(tiles)), tiles, strict=True):
        value, past = float(now[name] or 0), float(before[name] or 0)
        column.metric(name, f"{value:,.2f}", f"{value - past:,.2f}")
    st.line_chart(frame(asked["trend"][0]).set_index("day")["visits"])
    for name in ("sources", "pages", "goals"):
        st.subheader(name)
        st.dataframe(frame(asked[name][0]).head(8))
    times = frame(asked["times"][0])
    st.dataframe(times.pivot_table(index="weekday", columns="hour", values="visits"))
    for question in asked["moved"]:
        st.dataframe(frame(question).head(8))
    connection.close()


def run_page(copy: Path, last: date) -> None:
    """Run the page once. Raises RuntimeError with the errors that Streamlit reports."""
    arguments = {"copy": str(copy), "asked": questions(last), "tiles": TILES}
    page = AppTest.from_function(show_page, kwargs=arguments, default_timeout=60)
    ran = page.run()
    if ran.exception:
        raise RuntimeError(f"The Streamlit page failed: {ran.exception[0].message}")
