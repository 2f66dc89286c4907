"""Explain the processing of one line step by step, for `clickstream try --explain`.

The results come from the pipeline's own steps, applied to this one line. The reasons come from the
rules of these steps. Only the verdict by behaviour is missing, because it needs all lines of an
hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clickstream import clean, parse
from clickstream.clean.channels import DEFAULT_CHANNELS, evidence_of
from clickstream.clean.pages import page_steps
from clickstream.clean.referrers import referrer_of
from clickstream.clean.request_kinds import path_kind
from clickstream.clean.urls import split_target
from clickstream.core.errors import InputError
from clickstream.core.networks import client_address
from clickstream.core.terminal import SafeConsole
from clickstream.core.wording import printable, quantity
from clickstream.logs.lines_by_date import VISITOR_KEY
from clickstream.logs.log_file import SAMPLE_SIZE, STDIN, text_blocks
from clickstream.logs.log_set import LogSet
from clickstream.parse.frames import Parsed
from clickstream.parse.line_patterns import TOO_LONG
from clickstream.settings import AUTO, Settings
from clickstream.step_config import (
    clean_rules,
    log_format_of,
    look_ups,
    missing_look_ups,
)


class ExplainedStep(NamedTuple):
    """One step: its subject, its result, and the reason."""

    name: str
    result: str
    why: str = ""


def show_explanation(
    line: str, logs: Sequence[str], log_format: str, settings: Settings, console: Console
) -> int:
    """Print the steps of one line and return the exit code, which is 1 for a reject.

    `line` is the line itself or, if a log is named, the number of a line in the log, from 1. The
    site's own domain and its proxies are inferred from all lines of the logs, as for the report on
    them.
    """
    longest = settings.clean.longest_line_bytes
    raw, header, sample = _find_line(line, logs, longest)
    settings, notes = _infer_settings(logs, log_format, settings)
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("Step", "Result", "Why"):
        table.add_column(name, overflow="fold")
    is_long = bool(parse.shorten(raw, longest).long_lines)  # then the log may have no other line
    if log_format == AUTO and sample and not is_long:
        log_format = parse.detect(parse.shorten(sample, longest).data[:SAMPLE_SIZE]).name
    steps = [*explain(raw, log_format, settings, header)]
    for step in steps:
        table.add_row(
            Text(step.name, "cyan"), Text(printable(step.result)), Text(printable(step.why), "dim")
        )
    console.print(table)
    for note in notes:
        console.print(Text(printable(note), "dim"), soft_wrap=True)
    return 1 if steps[-1].name == "Rejected" else 0


def _find_line(line: str, logs: Sequence[str], longest: int) -> tuple[bytes, bytes, bytes]:
    """Return the requested line, the last `#Fields:` line before it, and the start of its log."""
    if not (logs and line.isascii() and line.isdecimal()):
        return line.encode("utf-8", "surrogateescape"), b"", b""
    if not int(line):
        raise InputError(f"{line} is not a line number: the first line of a log is line 1.")
    if Path(logs[0]).is_dir():
        raise InputError(f"{logs[0]} is a directory: name the log that has line {line}.")
    number, header, sample = int(line), b"", b""
    for block in text_blocks(logs[0], longest):
        sample = block if parse.is_nothing_else(sample, longest) else sample
        lines = [text + b"\n" for text in block.removesuffix(b"\n").split(b"\n")]
        if number <= len(lines):
            above = parse.shorten(b"".join(lines[: number - 1]), longest).data
            return lines[number - 1], parse.header_after(above, "w3c", header), sample
        short = parse.shorten(block, longest).data
        number, header = number - len(lines), parse.header_after(short, "w3c", header)
    raise InputError(
        f"{logs[0]} has {quantity(int(line) - number, 'line')}, so there is no line {line}."
    )


def _infer_settings(
    logs: Sequence[str], log_format: str, settings: Settings
) -> tuple[Settings, list[str]]:
    """Infer settings from logs, with sentences about them; stdin can't be read a second time."""
    files = [log for log in logs if log != STDIN]
    if not files:
        return settings, []
    log_facts = LogSet(files, settings, log_format).read(SafeConsole(stderr=True))
    log_facts.lines.close()
    own = log_facts.own_domain
    notes = [own.sentence if own else "", log_facts.notes.proxy, log_facts.notes.warning]
    return log_facts.settings, [note for note in notes if note]


def explain(
    line: bytes, log_format: str, settings: Settings, header: bytes = b""
) -> Iterator[ExplainedStep]:
    """Yield the steps of one line. Raises InputError for an empty line and an unknown format."""
    if parse.shorten(line, settings.clean.longest_line_bytes).long_lines:
        yield _reject_step(TOO_LONG)
        return
    if not line.strip():
        raise InputError(
            "There is no line to explain: give a line in quotes, or a line number and a log."
        )
    name = parse.detect(header + line).name if log_format == AUTO else log_format
    longest = settings.clean.longest_line_bytes
    parsed = parse.parse(line, log_format_of(settings, name), header=header, longest=longest)
    yield ExplainedStep("Format", name, "" if log_format != AUTO else "detected from the line")
    if len(parsed.rejects):
        reject = parsed.rejects.iloc[0]
        yield _reject_step(str(reject["reason"]))
        return
    yield from _explain_request(parsed, settings)


def _reject_step(reason: str) -> ExplainedStep:
    is_long = reason == TOO_LONG
    kept = "its first 256 bytes are kept" if is_long else "kept with its bytes"
    return ExplainedStep("Rejected", reason, f"{kept} in the table rejects")


def _explain_request(parsed: Parsed, settings: Settings) -> Iterator[ExplainedStep]:
    rules = clean_rules(settings)
    cleaner = clean.Cleaner(rules, clean.VisitorKeys(VISITOR_KEY), look_ups(settings))
    cleaner.add(parsed.table)
    requests = cleaner.requests()
    logged = {name: _text(value) for name, value in parsed.requests.iloc[0].items()}
    row = {name: _text(value) for name, value in requests.frame().iloc[0].items()}
    yield ExplainedStep("Time", f"{row['hit_at']} UTC", "the line counts in the hour of this time")
    yield from _explain_visitor(logged, row, rules, missing_look_ups(settings))
    if logged["method"]:
        yield from _explain_target(logged, row, rules)
    yield from _explain_origin(logged, row["referrer_logged"] == "True", rules)
    counted = next(name for name, n in requests.balance().items() if n)
    yield ExplainedStep(
        "Counted", counted, "in the line balance of its hour, in the table hour_ledger"
    )


def _explain_visitor(
    logged: dict[str, str], row: dict[str, str], rules: clean.CleanRules, missing: str | None
) -> Iterator[ExplainedStep]:
    address = client_address(logged["client"], logged["forwarded"] or None, rules.trusted)
    through = f"behind {logged['client']}, which clean.trusted_proxies trusts"
    why = "as logged" if address == logged["client"] else through
    yield ExplainedStep("Client", address, f"{why}; used for place and visitor id, but not stored")
    place = ", ".join(filter(None, (row["city"], row["region"], row["country"])))
    yield ExplainedStep("Place", place or "unknown", missing or "from geoip.database")
    device = ", ".join(
        filter(None, (row["device"], f"{row['browser']} {row['browser_version']}", row["os"]))
    )
    yield ExplainedStep("Device", device, f"user agent {logged['user_agent'] or 'not logged'}")
    verdict = f"a bot: {row['bot_class']}" if row["is_bot"] == "True" else "a person"
    yield ExplainedStep("Verdict", verdict, row["bot_reason"] or "this line has no sign of a bot")
    hidden = (
        "; asked not to be tracked, so for this hour only" if row["opted_out"] == "True" else ""
    )
    by = "cookie" if logged["cookie"] else "client and user agent"
    why = f"keyed hash of site, {by}; with another key than in the lake{hidden}"
    yield ExplainedStep("Visitor", row["visitor_id"], why)


def _explain_target(
    logged: dict[str, str], row: dict[str, str], rules: clean.CleanRules
) -> Iterator[ExplainedStep]:
    dropped = "parameters are kept if clean.query_parameters lists them"
    yield ExplainedStep("Path", row["path"], f"of {logged['target']}")
    yield ExplainedStep("Query", row["query"] or "none", dropped)
    name = row["path"]
    for why, after in page_steps(row["path"], rules.targets.pages):
        if after != name:
            yield ExplainedStep("Page", after, why)
        name = after
    if name == row["path"]:
        yield ExplainedStep("Page", name, "same as the path")
    by_path = path_kind(row["path"], rules.kinds) or "none"
    request = f"{logged['method']} answered with {logged['status']}"
    yield ExplainedStep("Kind", row["kind"], f"kind by the path alone: {by_path}; {request}")


def _explain_origin(
    logged: dict[str, str], is_referrer_logged: bool, rules: clean.CleanRules
) -> Iterator[ExplainedStep]:
    referrer = referrer_of(logged["referrer"], rules.domains) if logged["referrer"] else None
    result = f"{referrer.source or referrer.domain}, {referrer.category}" if referrer else "none"
    no_referrer = "none was sent" if is_referrer_logged else "the format has no field for it"
    why = logged["referrer"] or no_referrer
    domains = f"the site's own domains: {', '.join(rules.domains) or 'none'}"
    yield ExplainedStep("Referrer", result, f"{why}; {domains}")
    target = split_target(logged["target"], rules.targets)
    tags = {
        name: value
        for name, value in target._asdict().items()
        if value and name.startswith(("utm_", "click_"))
    }
    yield ExplainedStep("Tags", ", ".join(f"{n}={v}" for n, v in tags.items()) or "none")
    evidence = evidence_of(referrer, target)
    if evidence is None:
        otherwise = "Direct" if is_referrer_logged else "not known (not logged)"
        why = f"no tag, click id or outside referrer; a session without any is {otherwise}"
        yield ExplainedStep("Channel", "none", why)
        return
    number = rules.channels.deciding(evidence)
    signs = ", ".join(f"{name} {value!r}" for name, value in vars(evidence).items() if value)
    table = "docs/channels.md" if rules.channels is DEFAULT_CHANNELS else "your channel rules"
    by = f"rule {number + 1} of {table}" if number is not None else "no rule"
    yield ExplainedStep("Channel", rules.channels.channel_of(evidence), f"{by}, by {signs}")


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
