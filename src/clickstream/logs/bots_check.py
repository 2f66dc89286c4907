"""`clickstream bots check`: whom each rule against bots removes from a log, before it is set.

The log is read under two sets of rules: those of the settings, and those with every rule switched
on. The lines of each date pass through the pipeline's own cleaning under both. All cleaners get the
same lines in the same order, so a visitor has the same code in each. The CLI calls `check_bots`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clickstream.clean import Cleaner, CleanRules, LookUps, RequestTable, VisitorKeys
from clickstream.clean.bots import BEHAVIOURS
from clickstream.core import dictionary_encoding
from clickstream.core.terminal import SafeConsole
from clickstream.core.wording import printable, quantity
from clickstream.dashboard.log_notes import NO_LOG_NOTES, LogNotes
from clickstream.logs.lines_by_date import VISITOR_KEY, LinesByDate
from clickstream.logs.masked_lines import masked_lines
from clickstream.logs.read_logs import Source, place_of_line, print_problems, read_into
from clickstream.logs.site_inference import sample_dates, trust_proxies
from clickstream.settings import Settings
from clickstream.settings.labels import BotSettings
from clickstream.step_config import clean_rules, look_ups, networks_dated

SAMPLES = 2
"""Sample lines of a reason, each of another visitor."""


@dataclass(frozen=True)
class Removal:
    """The visitors that get a verdict for one reason, and the places of sample lines.

    `visitors` counts different visitor ids, `requests` all requests of them for which the verdict
    applies. `lines` has the path and the line number of the first line of some visitors.
    """

    reason: str
    bot_class: str
    visitors: int
    requests: int
    lines: tuple[tuple[str, int], ...]


def find_verdicts(lines: LinesByDate, rule_sets: Sequence[tuple[CleanRules, LookUps]]) -> Verdicts:
    """Return the verdicts on all visitors under each rule set, date after date."""
    cleaners = [Cleaner(rules, VisitorKeys(VISITOR_KEY), look_ups) for rules, look_ups in rule_sets]
    dates = []
    for day in lines.days:
        for cleaner in cleaners:
            cleaner.forget()
        for piece in lines.of_day(day):
            for cleaner in cleaners:
                cleaner.add(piece.requests, str(piece.source))
        dates.append(_visitors_of([cleaner.requests() for cleaner in cleaners]))
    visitors = dictionary_encoding.to_frame(pa.concat_tables(dates).unify_dictionaries())
    return Verdicts(visitors.sort_values(["source", "line_number"]), lines.sources)


def _visitors_of(of_sets: Sequence[RequestTable]) -> pa.Table:
    """Return the visitors of each hour of a date.

    The columns are visitor_id, requests, source and line_number of the first request, and for each
    rule set by its number, such as `reason_0` and `class_0`, the reason and the class of a bot.
    """
    rows, tables = of_sets[0].columns, of_sets[0].tables
    _, first, requests = np.unique(rows["visitor"], return_index=True, return_counts=True)
    sources = np.array([int(name) for name in tables["raw_object"]["raw_object"].to_pylist()])
    columns = {
        "visitor_id": tables["visitor"]["visitor_id"],
        "requests": pa.array(requests),
        "source": pa.array(sources[rows["raw_object"][first]]),
        "line_number": pa.array(rows["line_number"][first]),
    }
    for number, labelled in enumerate(of_sets):
        for name in ("reason", "class"):
            columns[f"{name}_{number}"] = labelled.tables["visitor"][f"bot_{name}"]
    return pa.table(columns)


class Verdicts:
    """The verdicts on the visitors of a log, under the rule sets of `find_verdicts`.

    `visitors` has the rows of `_visitors_of` for all dates, in the order of the sources.
    """

    def __init__(self, visitors: pd.DataFrame, sources: Mapping[int, Source]) -> None:
        self._visitors, self._sources = visitors, sources

    @property
    def visitors(self) -> int:
        """The number of different visitors."""
        return int(self._visitors["visitor_id"].nunique())

    @property
    def requests(self) -> int:
        """The number of requests."""
        return int(self._visitors["requests"].sum())

    def people(self, rule_set: int) -> int:
        """Count the visitors that have no verdict in any hour."""
        bots = self._visitors[self._is_bot(rule_set)]
        return self.visitors - int(bots["visitor_id"].nunique())

    def _is_bot(self, rule_set: int) -> pd.Series:
        return self._visitors[f"reason_{rule_set}"].notna()

    def removals(self, rule_set: int, but: int | None = None) -> list[Removal]:
        """Count by reason the visitors that a rule set removes, those with most visitors first.

        With `but`, only those that this other rule set does not remove.
        """
        is_chosen = self._is_bot(rule_set)
        if but is not None:
            is_chosen &= ~self._is_bot(but)
        by_reason = self._visitors[is_chosen].groupby(f"reason_{rule_set}", observed=True)
        removals = [
            self._removal(str(reason), rows, f"class_{rule_set}") for reason, rows in by_reason
        ]
        return sorted(
            removals, key=lambda removal: (-removal.visitors, -removal.requests, removal.reason)
        )

    def _removal(self, reason: str, rows: pd.DataFrame, class_column: str) -> Removal:
        distinct = rows.drop_duplicates("visitor_id")
        samples = distinct[["source", "line_number"]].head(SAMPLES)
        return Removal(
            reason,
            str(rows[class_column].iloc[0]),
            len(distinct),
            int(rows["requests"].sum()),
            tuple(
                place_of_line(number, self._sources[source])
                for source, number in samples.itertuples(index=False)
            ),
        )


DOWNLOADED = "var/geoip/asn.arrow"
"""The file of `make geoip`, which is used if the settings name no ASN database."""

LONGEST_SAMPLE = 300
"""Characters of a masked line that are shown."""

NOW, ALL_ON = 0, 1
"""The rule sets."""

_HOSTING = "network: hosting"
_LIMITS = (
    "scanner_paths",
    "robots_txt",
    "pages_in_a_minute",
    "pages_without_asset",
    "pages_without_referrer",
)
"""The setting of each of BEHAVIOURS."""


@dataclass(frozen=True)
class CheckedRule:
    """One reason: whom it removes, whether now or by a setting, and sample lines (masked).

    `setting` has the lines of the settings that switch the rule on; it is empty if it is on.
    """

    removal: Removal
    setting: str
    samples: tuple[str, ...]

    @property
    def layer(self) -> str:
        """The layer of rules, with which the reason begins."""
        return self.removal.reason.partition(":")[0]


@dataclass(frozen=True)
class BotsCheck:
    """The result: the visitors of a log, and all rules that remove some.

    `people` are the visitors without a verdict now, `people_if_on` those with every rule switched
    on. `networks_dated` is the date of the ASN database; None if none was found. `log_notes`
    are about proxies in front of the site.
    """

    visitors: int
    requests: int
    people: int
    people_if_on: int
    networks_dated: date | None
    rules: tuple[CheckedRule, ...]
    log_notes: LogNotes = NO_LOG_NOTES

    def share(self, rule: CheckedRule) -> float:
        """The share of all visitors that a rule removes."""
        return rule.removal.visitors / self.visitors

    @property
    def is_behind_proxy(self) -> bool:
        """Whether most visitors come from hosting networks, as behind a proxy that is not set."""
        hosted = [r.removal for r in self.rules if r.removal.reason.startswith(_HOSTING)]
        return sum(rule_settings.visitors for rule_settings in hosted) > self.visitors / 2

    def as_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return {
            "visitors": self.visitors,
            "requests": self.requests,
            "people": self.people,
            "people_if_all_on": self.people_if_on,
            "networks_dated": str(self.networks_dated) if self.networks_dated else None,
            "rules": [
                {
                    "layer": rule.layer,
                    "reason": rule.removal.reason,
                    "bot_class": rule.removal.bot_class,
                    "is_on": not rule.setting,
                    "setting": rule.setting or None,
                    "visitors": rule.removal.visitors,
                    "requests": rule.removal.requests,
                    "share_of_visitors": round(self.share(rule), 4),
                    "sample_lines": [*rule.samples],
                }
                for rule in self.rules
            ],
        }


def check_bots(
    paths: Sequence[str], log_format: str, as_json: bool, console: Console, settings: Settings
) -> int:
    """Read the logs, all together as one log, and print what each rule removes.

    The arguments and the exit code are those of `run_trial`. A verdict by behaviour applies to the
    hours of a visitor for which a rule holds, as in the pipeline.
    """
    errors = SafeConsole(stderr=True)
    with closing(LinesByDate(settings.site.hosts)) as lines:
        result = read_into(lines, paths, log_format, settings, errors)
        settings, log_notes = trust_proxies(settings, sample_dates(settings, lines, {}))
        all_on = with_all_rules(settings)
        rule_sets = [(clean_rules(removal), look_ups(removal)) for removal in (settings, all_on)]
        verdicts = find_verdicts(lines, rule_sets) if lines.parsed else None
    if verdicts and verdicts.requests:
        check = build_check(verdicts, log_format, settings, all_on, log_notes)
        if as_json:
            console.file.write(json.dumps(check.as_dict(), indent=2) + "\n")
        else:
            show_check(check, result.described, console)
    return print_problems(result, errors)


def with_all_rules(settings: Settings) -> Settings:
    """Return the settings with every rule against bots on, at its default limit or a stricter one.

    If no ASN database is set, the one that `make geoip` has downloaded is used.
    """
    default, chosen = BotSettings(), settings.bots
    limits = {name: min(getattr(chosen, name), getattr(default, name)) for name in _LIMITS}
    bots = chosen.model_copy(update={**limits, "hosting": True, "robots_txt": True})
    geoip = settings.geoip
    if not geoip.asn_database and settings.resolve(DOWNLOADED).is_file():
        geoip = geoip.model_copy(update={"asn_database": DOWNLOADED})
    return settings.model_copy(update={"bots": bots, "geoip": geoip})


def build_check(
    verdicts: Verdicts, log_format: str, settings: Settings, all_on: Settings, log_notes: LogNotes
) -> BotsCheck:
    """Build the result from the verdicts under both rule sets, with the sample lines."""
    removed = [(removal, "") for removal in verdicts.removals(NOW)]
    removed += [
        (removal, _setting_of(removal.reason, settings, all_on))
        for removal in verdicts.removals(ALL_ON, but=NOW)
    ]
    places = chain.from_iterable(removal.lines for removal, _ in removed)
    lines = masked_lines(places, log_format, settings)
    rules = []
    for removal, setting in removed:
        samples = []
        for path, number in removal.lines:
            if (line := lines.get((path, number))) is not None:
                cut = line if len(line) <= LONGEST_SAMPLE else f"{line[: LONGEST_SAMPLE - 1]}…"
                samples.append(f"{Path(path).name}:{number}: {cut}")
        rules.append(CheckedRule(removal, setting, tuple(samples)))
    return BotsCheck(
        visitors=verdicts.visitors,
        requests=verdicts.requests,
        people=verdicts.people(NOW),
        people_if_on=verdicts.people(ALL_ON),
        networks_dated=networks_dated(all_on),
        rules=tuple(rules),
        log_notes=log_notes,
    )


def _setting_of(reason: str, settings: Settings, all_on: Settings) -> str:
    """Return the lines of the settings that switch a rule on."""
    if reason.startswith(_HOSTING):
        hosting = [] if settings.bots.hosting else ["[bots] hosting = true"]
        if not settings.geoip.asn_database:
            hosting.append(f'[geoip] asn_database = "{all_on.geoip.asn_database}"')
        return ", ".join(hosting)
    name = _LIMITS[[behaviour.reason for behaviour in BEHAVIOURS].index(reason)]
    return f"[bots] {name} = {json.dumps(getattr(all_on.bots, name))}"


NO_DATABASE = (
    "No ASN database was found, so hosting networks are not checked: `make geoip` downloads a free "
    "one (docs/bots.md)."
)
PROXY = (
    "Most visitors come from hosting networks. If a proxy or a CDN is in front of the site, the "
    "log has its address in place of theirs: set [clean] trusted_proxies (docs/places.md)."
)


def show_check(check: BotsCheck, files: str, console: Console) -> None:
    """Print the tables and the notes. `files` names or counts the files."""
    visitors, requests = quantity(check.visitors, "visitor"), quantity(check.requests, "request")
    console.print(Text(f"{visitors} with {requests} in {printable(files)}."), soft_wrap=True)
    for setting in dict.fromkeys(rule.setting for rule in check.rules):
        title = f"Would be removed by {setting}" if setting else "Removed now"
        rules = [rule for rule in check.rules if rule.setting == setting]
        console.print()
        console.print(_table(title, rules, check))
    console.print()
    for note in _notes(check):
        console.print(Text(note), soft_wrap=True)


def _table(title: str, rules: list[CheckedRule], check: BotsCheck) -> Table:
    """Build a table with a row for each rule; its sample lines are below its reason."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(Text(title), overflow="fold")
    for name in ("Visitors", "Share", "Requests"):
        table.add_column(name, justify="right", no_wrap=True)
    for rule in rules:
        removal = rule.removal
        text = Text.assemble((printable(removal.reason), "cyan"), f" ({removal.bot_class})")
        for line in rule.samples:
            text.append(f"\n  {printable(line)}", "dim")
        numbers = (f"{removal.visitors:,}", f"{check.share(rule):.1%}", f"{removal.requests:,}")
        table.add_row(text, *numbers)
    return table


def _notes(check: BotsCheck) -> Iterator[str]:
    after = (
        f"; {check.people_if_on:,} with all rules on" if check.people_if_on != check.people else ""
    )
    yield f"{quantity(check.people, 'visitor')} without a verdict now{after}."
    yield f"Hosting networks of {check.networks_dated}." if check.networks_dated else NO_DATABASE
    if any(check.log_notes):
        yield from filter(None, check.log_notes)
    elif check.is_behind_proxy:
        yield PROXY
