"""`clickstream bots check`: whom each rule against bots removes from a log, before it is set.

The log is read under two sets of rules: those of the settings, and those with every rule switched
on. The CLI calls `check_bots`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console

from clickstream.clean.bots import BEHAVIOURS
from clickstream.log_facts.lines_by_date import LinesByDate
from clickstream.log_facts.own_domain import advise_from_samples, sample_dates
from clickstream.log_files.masked_lines import Place, masked_lines
from clickstream.log_files.read_logs import print_problems, read_into
from clickstream.report.bots_output import show_check
from clickstream.report.verdicts import Removal, Verdicts, find_verdicts
from clickstream.settings import Settings
from clickstream.settings.labels import BotSettings
from clickstream.step_config import clean_rules, look_ups, networks_dated
from clickstream.terminal import SafeConsole

DOWNLOADED = "var/geoip/asn.arrow"
"""The file of `make geoip`, which is used if the settings name no ASN database."""

LONGEST_SAMPLE = 300
"""Characters of a masked line that are shown."""

NOW, ALL_ON = 0, 1
"""The rule sets."""

_HOSTING = "network: hosting"
_LIMITS = (
    *("scanner_paths", "robots_txt", "pages_in_a_minute", "pages_without_asset"),
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
    on. `networks_dated` is the date of the ASN database; None if none was found. `proxy_advice` is
    empty if no private address is that of a proxy.
    """

    visitors: int
    requests: int
    people: int
    people_if_on: int
    networks_dated: date | None
    rules: tuple[CheckedRule, ...]
    proxy_advice: str = ""

    def share(self, rule: CheckedRule) -> float:
        """The share of all visitors that a rule removes."""
        return rule.removal.visitors / self.visitors

    @property
    def is_behind_proxy(self) -> bool:
        """Whether most visitors come from hosting networks, as behind a proxy that is not set."""
        hosted = [r.removal for r in self.rules if r.removal.reason.startswith(_HOSTING)]
        return sum(one.visitors for one in hosted) > self.visitors / 2

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
    all_on = with_all_rules(settings)
    rule_sets = [(clean_rules(one), look_ups(one)) for one in (settings, all_on)]
    with closing(LinesByDate(settings.site.hosts)) as lines:
        result = read_into(lines, paths, log_format, settings, errors)
        verdicts = find_verdicts(lines, rule_sets) if lines.parsed else None
        advice = advise_from_samples(sample_dates(settings, lines, {}))
    if verdicts and verdicts.requests:
        check = build_check(verdicts, log_format, settings, all_on, advice)
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
    verdicts: Verdicts, log_format: str, settings: Settings, all_on: Settings, advice: str
) -> BotsCheck:
    """Build the result from the verdicts under both rule sets, with the sample lines."""
    removed = [(one, "") for one in verdicts.removals(NOW)]
    removed += [
        (one, _setting_of(one.reason, settings, all_on))
        for one in verdicts.removals(ALL_ON, but=NOW)
    ]
    places = chain.from_iterable(one.lines for one, _ in removed)
    lines = masked_lines(places, log_format, settings)
    return BotsCheck(
        visitors=verdicts.visitors,
        requests=verdicts.requests,
        people=verdicts.people(NOW),
        people_if_on=verdicts.people(ALL_ON),
        networks_dated=networks_dated(all_on),
        rules=tuple(
            CheckedRule(one, setting, _samples(one.lines, lines)) for one, setting in removed
        ),
        proxy_advice=advice,
    )


def _samples(places: Sequence[Place], lines: Mapping[Place, str]) -> tuple[str, ...]:
    return tuple(
        f"{Path(path).name}:{number}: {_shortened(lines[path, number])}"
        for path, number in places
        if (path, number) in lines
    )


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST_SAMPLE else f"{line[: LONGEST_SAMPLE - 1]}…"


def _setting_of(reason: str, settings: Settings, all_on: Settings) -> str:
    """Return the lines of the settings that switch a rule on."""
    if reason.startswith(_HOSTING):
        hosting = [] if settings.bots.hosting else ["[bots] hosting = true"]
        if not settings.geoip.asn_database:
            hosting.append(f'[geoip] asn_database = "{all_on.geoip.asn_database}"')
        return ", ".join(hosting)
    name = _LIMITS[[one.reason for one in BEHAVIOURS].index(reason)]
    return f"[bots] {name} = {json.dumps(getattr(all_on.bots, name))}"
