"""Write the pages of docs/ that are generated from the code.

python scripts/make_docs.py            writes them
python scripts/make_docs.py --check    fails if a page is out of date
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
import yaml
from pydantic import BaseModel
from typer.testing import CliRunner

from clickstream.cli import app
from clickstream.dashboard.ask.dimensions import DIMENSIONS, Dimension
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.logs.trial import FIGURES
from clickstream.settings import GoalSettings, Settings, SourceSettings
from clickstream.settings.holdouts import HoldoutSettings
from clickstream.settings.sales import SalesSettings
from clickstream.settings.sections import FunnelStepSettings
from clickstream.tables import TABLES, Table
from clickstream.tables.sales import SALES_TABLES

ROOT = Path(__file__).parents[1]
DICTIONARY = """\
# Data dictionary

`make docs` writes this page from `src/clickstream/tables/` and the descriptions of the views in
`include/sql/`; change it there. Times are in UTC. *pseudonymous* values distinguish visitors
without identifying them. *free text* may contain text that a visitor typed or that was in a link.
A lake has the tables of sales, from `orders` on, only if the settings have `[[sales]]`
([Sales](sales.md)).
"""

SETTINGS = """\
# Settings

`make docs` writes this page from `clickstream.settings`; change it there. `clickstream settings`
shows the current values.

The settings are in the file that `CLICKSTREAM_SETTINGS` names, or else in `clickstream.toml` in the
working directory or the nearest directory above it. The environment overrides the file:
`CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS` overrides `[sessions] timeout_seconds`, with a value as in
TOML. A variable for a whole section replaces the section: `CLICKSTREAM_GOALS='{}'` removes all
goals, and `CLICKSTREAM_FUNNEL='[]'` all steps.
Relative paths start from the directory of the file. An unknown setting, or a value that is not
allowed, is refused with its line.

`[[sources]]`, `[collect]`, `[lake]` and `[aws]` set where logs are read and where data is stored.
`[[sales]]` sets where [sales](sales.md) are read. `[[holdouts]]` describes
[holdout tests](holdouts.md) of campaigns, and `[locations]` [candidates for a
café](locations.md); both affect no rows.
`[build]` sets which hours a run builds. `[maintenance]` limits the size of the lake. `[spark]` sets
the jobs of [EMR Serverless](spark.md#from-airflow-on-emr-serverless). `[dashboard]` and `[digest]`
set what the owner sees, and `[metrics]` what programs of [monitoring](monitoring.md) read. The
other sections, and the files that they name, affect the rows of an [hour](glossary.md#hour): a
change applies to hours that are built after it. Hours with the same `settings_digest` in
`hour_ledger` were built with the same settings ([settings digest](glossary.md#settings-digest)).
"""

METRICS_PAGE = """\
# Metrics

`make docs` writes this page from `clickstream.dashboard.ask.metrics`; change it there. The
dashboard, its CSV files and its SQL use these definitions. In the definitions,

- a *visit* is a [session](glossary.md#session) of a person with at least one page view,
- a *request* is one thing that a browser or a program asks the web server for, such as a page, an
  image or a form that is sent; the web server writes a line into its log for each request,
- the *range* is the days that are chosen on the dashboard.

Local dates and hours are those of `[site] time_zone`. A visit, and everything counted in it,
belongs to the local date and hour at which the visit began.

The code below a definition is its SQL expression over the rows of the [fact view](facts.md). The
column *filters visits* shows whether the dashboard can filter visits by the dimension.
"""

COMMANDS = """\
# Command line

`make docs` writes this page from the help texts of the program; change them in
`src/clickstream/cli/`.
"""

LISTS: dict[str, Any] = {
    "sources": SourceSettings,
    "sales": SalesSettings,
    "holdouts": HoldoutSettings,
    "funnel": FunnelStepSettings,
}
REPEATED = LISTS | {"goals": GoalSettings}
"""Model of the entries of each section that may have several."""


def metrics_page() -> str:
    """Return the page of metrics, grouped by fact view, and dimensions."""
    lines = [METRICS_PAGE]
    for facts in dict.fromkeys(metric.facts for metric in METRICS.values()):
        lines += [f"## From {facts.name}", "", "| metric | answers | definition | limits |"]
        lines += ["|---|---|---|---|"]
        lines += [metric_row(metric) for metric in METRICS.values() if metric.facts is facts]
        lines += [""]
    lines += ["## Dimensions", "", "| dimension | of | SQL | filters visits |", "|---|---|---|---|"]
    lines += [
        f"| {dimension.label} (`{dimension.name}`) "
        f"| {dimension.facts.name if dimension.facts else 'all'} | {dimension_sql(dimension)} "
        f"| {'yes' if dimension.is_filter else 'no'} |"
        for dimension in DIMENSIONS.values()
    ]
    return "\n".join(lines).rstrip() + "\n"


def dimension_sql(dimension: Dimension) -> str:
    """Return the definition of a dimension, if it has one, and its SQL."""
    parts = [part for part in (dimension.history_sql, dimension.sql) if part]
    sql = "<br>".join(f"`{part}`" for part in parts)
    return f"{dimension.definition}<br>{sql}" if dimension.definition else sql


def metric_row(metric: Metric) -> str:
    """Return the table row of a metric, with its SQL below the definition."""
    smallest = metric.smallest_group
    few = f" Not shown for fewer than {smallest} visits or page views." if smallest else ""
    sql = metric.sql.replace("|", "\\|")
    return (
        f"| **{metric.label}** (`{metric.name}`) | {metric.answers} "
        f"| {metric.definition}{few}<br>`{sql}` | {metric.limits} |"
    )


def dictionary() -> str:
    """The data dictionary: tables and views."""
    tables = (line for table in (*TABLES, *SALES_TABLES) for line in table_page(table))
    views = (line for path in sorted((ROOT / "include/sql").glob("*.yml")) for line in view(path))
    return "\n".join([DICTIONARY, "## Tables", "", *tables, "## Views", "", *views]).rstrip() + "\n"


def table_page(table: Table) -> Iterator[str]:
    """Yield the lines on a table: the meaning of a row, and the columns."""
    yield f"### {table.name}"
    yield ""
    yield f"One row is {table.one_row_is}. Partitioned by `event_date`."
    filtered_by = ", ".join(f"`{name}`" for name in table.filtered_by)
    yield f"A filter by one of these columns skips the files that can't match: {filtered_by}."
    yield ""
    yield "| column | type | may be null | privacy | meaning |"
    yield "|---|---|---|---|---|"
    for column in table.columns:
        null = "" if column.required else "yes"
        privacy = "" if column.privacy == "plain" else column.privacy
        yield f"| {column.name} | {column.type} | {null} | {privacy} | {column.meaning} |"
    yield ""


def view(path: Path) -> Iterator[str]:
    """Yield the lines on a view: the meaning of a row, the tables it reads, and the columns."""
    facts = yaml.safe_load(path.read_text(encoding="utf-8"))
    yield f"### {path.stem}"
    yield ""
    yield f"One row per {facts['one_row_per']}. Owner: {facts['owner']}."
    yield f"Reads {', '.join(f'`{name}`' for name in facts['reads'])}."
    if "filter_by" in facts:
        yield filter_sentence(facts["filter_by"])
    else:
        yield "A query reads all dates."
    yield ""
    yield "| column | meaning |"
    yield "|---|---|"
    for name, meaning in facts["columns"].items():
        yield f"| {name} | {meaning} |"
    yield ""


def filter_sentence(chosen: dict[str, Any]) -> str:
    """State the column to filter a view by, and the dates that a query for one date reads."""
    before, after = chosen["days_before"], chosen["days_after"]
    dates = ["that date"]
    dates += [f"the `{before}` days before it"] if before == "key_days" else []
    dates += ["the day before it"] if before == 1 else []
    dates += ["the day after it"] if after == 1 else []
    listed = " and ".join([*filter(None, [", ".join(dates[:-1])]), dates[-1]])
    sentence = f"Filter by `{chosen['column']}`: a query for one date reads {listed}."
    return f"{sentence} {chosen['note']}" if "note" in chosen else sentence


def settings() -> str:
    """The settings, each with its default, the allowed values and the meaning."""
    sections = (line for name in Settings.model_fields for line in section(name))
    return "\n".join([SETTINGS, *sections]).rstrip() + "\n"


def section(name: str) -> Iterator[str]:
    """Yield the lines on a section of the settings; for a list of sections, those on an entry."""
    field = Settings.model_fields[name]
    if field.exclude:
        return
    model = REPEATED.get(name, field.annotation)
    yield f"## [[{name}]]" if name in LISTS else f"## [{name}]"
    yield ""
    if isinstance(model, type) and issubclass(model, BaseModel):
        yield field.description or model.__doc__ or ""
        yield ""
        yield "| setting | default | allowed | meaning |"
        yield "|---|---|---|---|"
        yield from rows_of(model)
    else:
        yield field.description or ""
    yield ""


def rows_of(model: type[BaseModel]) -> Iterator[str]:
    """Yield a row of the table for each setting of a section."""
    for name, schema in model.model_json_schema()["properties"].items():
        default = "required" if model.model_fields[name].is_required() else default_of(schema)
        yield f"| `{name}` | {default} | {allowed(schema)} | {schema['description']} |"


def default_of(schema: dict[str, Any]) -> str:
    """Format a default as in TOML; a setting that is None is not in the file."""
    value = schema["default"]
    return "not set" if value is None else f"`{json.dumps(value)}`"


def allowed_numbers(schema: dict[str, Any]) -> str:
    """Describe the limits of a number. Raises ValueError for a setting without a limit."""
    if schema["type"] == "number":
        return f"more than {schema['exclusiveMinimum']}, up to {schema['maximum']}"
    if "minimum" not in schema:
        raise ValueError(f"Give this setting a limit, such as ge=0: {schema}")
    least, most = schema["minimum"], schema.get("maximum")
    return f"{least} or more" if most is None else f"{least} to {most}"


def allowed(schema: dict[str, Any]) -> str:
    """Describe the values that a setting accepts, from its JSON schema."""
    if "anyOf" in schema:
        return allowed(schema["anyOf"][0])
    if "$ref" in schema:  # a section within a section, as its description shows
        return "section"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if schema["type"] in ("integer", "number"):
        return allowed_numbers(schema)
    if "pattern" in schema:
        return f"`{schema['pattern']}`"
    if schema["type"] == "object":
        kinds = schema.get("patternProperties", {"": schema.get("additionalProperties", {})})
        is_number = all(kind.get("type") == "integer" for kind in kinds.values())
        return "name = number" if is_number else "name = text"
    words = {"boolean": "true, false", "string": "text", "array": "list"}
    return "date" if schema.get("format") == "date" else words[schema["type"]]


def commands() -> str:
    """The command line: the output of `--help` of every command."""
    helps = {name: help_text(name) for name in ["", *names_of(typer.main.get_command(app))]}
    titles = {name: f"clickstream {name}".strip() for name in helps}
    pages = (f"## {titles[name]}\n\n```text\n{text}\n```\n" for name, text in helps.items())
    keys = (f"| {key} | {meaning} |" for key, meaning in FIGURES.items())
    table = ["## What `try --json` prints", "", "| key | meaning |", "|---|---|", *keys, ""]
    return "\n".join([COMMANDS, *pages, *table])


def names_of(group: Any, before: str = "") -> Iterator[str]:
    """Yield the commands of a group that are not hidden, each followed by its own commands."""
    for name, command in group.commands.items():
        if not command.hidden:
            yield f"{before}{name}"
            if hasattr(command, "commands"):
                yield from names_of(command, f"{before}{name} ")


def help_text(command: str) -> str:
    """Output of a command's `--help`, 88 columns wide."""
    arguments = [*command.split(), "--help"]
    wide = {"COLUMNS": "88", "TERMINAL_WIDTH": "88", "NO_COLOR": "1", "TERM": "dumb"}
    shown = CliRunner().invoke(app, arguments, prog_name="clickstream", env=wide)
    return "\n".join(line.rstrip() for line in shown.output.strip("\n").splitlines()).strip("\n")


PAGES: dict[str, Callable[[], str]] = {
    "data-dictionary.md": dictionary,
    "settings.md": settings,
    "commands.md": commands,
    "metrics.md": metrics_page,
}


def main() -> int:
    """Write the pages, or compare them with --check."""
    stale = 0
    for name, page in PAGES.items():
        path, text = ROOT / "docs" / name, page()
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.stderr.write(f"docs/{name} is out of date; run: make docs\n")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
