"""Text from logs, file names and tables is shown on a terminal, and never obeyed by it."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text
from tests.support.cases import each_case
from tests.support.examples import many_examples
from tests.support.hidden_characters import hidden_in

from clickstream.cli.sales import DATE_HEADINGS
from clickstream.core.terminal import SafeConsole, print_rows
from clickstream.core.wording import amount, printable_lines
from clickstream.lake.athena import QueryResult
from clickstream.logs.explain import show_explanation
from clickstream.query_output import show_result
from clickstream.settings import Settings

HARM = {
    "ESC": "\x1b[31mred",
    "clipboard (OSC 52)": "\x1b]52;c;cm0gLXJmIH4K\x07",
    "title (OSC 0)": "\x1b]0;title\x1b\\",
    "CSI of C1": "\x9b2J",
    "NUL": "a\0b",
    "carriage return": "good\rbad ",
    "backspace": "no\b\byes",
    "right to left": "\u202egol.ssecca",
    "isolate": "\u2066x\u2069",
    "invisible": "pay\u200bpal\u200d\xad",
    "a byte that is no UTF-8": "\udcff",
    "markup": "[red]x[/red][/x][link=https://evil.example]click[/link]",
    "unclosed markup": "[/x]",
    "emoji code": ":cat:",
    "backslash": "\\[bold]\\",
}
# The only control sequences on our output: colours and styles of rich (SGR of ECMA-48).
OURS = re.compile(r"\x1b\[[0-9;]*m")
text = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


def console(width: int = 10_000) -> tuple[SafeConsole, io.StringIO]:
    out = io.StringIO()
    return SafeConsole(file=out, width=width, force_terminal=True, color_system="truecolor"), out


def plain(shown: str) -> str:
    return OURS.sub("", shown)


def assert_harmless(shown: str) -> None:
    assert hidden_in(plain(shown)) == []


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_a_console_shows_text_as_it_is_or_escaped(harm: str) -> None:
    safe, out = console()
    safe.print(Text(harm))
    table = Table()
    table.add_column(Text(harm))
    table.add_row(Text(harm))
    safe.print(table)
    assert_harmless(out.getvalue())
    assert plain(out.getvalue()).count("cat") == harm.count("cat") * 3


@given(text)
def test_nothing_in_a_text_controls_the_terminal(harm: str) -> None:
    safe, out = console()
    safe.print(Text(harm), Text(harm, "bold"))
    assert_harmless(out.getvalue())


@given(text, text)
def test_a_query_shows_values_and_names_of_columns_whatever_they_hold(
    name: str, value: str
) -> None:
    for values in ([(value,)], []):
        safe, out = console()
        show_result(QueryResult([name], values, 0), "table", safe)
        assert_harmless(out.getvalue())
        if name.isascii() and name.isprintable() and name.strip() == name:
            assert name in plain(out.getvalue())


@each_case("harm", HARM.values())
@each_case("width", [20, 10_000])
def test_a_query_shows_hostile_values_as_a_table_and_as_records(harm: str, width: int) -> None:
    safe, out = console(width)
    show_result(QueryResult([harm, "n"], [(harm, 1), (None, 2)], 0), "table", safe)
    assert_harmless(out.getvalue())


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_csv_is_exact_for_programs_and_escaped_on_a_terminal(
    harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if harm == "\udcff":  # no file can hold it
        return
    result = QueryResult(["page"], [(harm,)], 0)
    show_result(result, "csv", SafeConsole(file=io.StringIO()))
    assert harm in capsys.readouterr().out.replace('""', '"')
    show_result(result, "csv", console()[0])
    assert_harmless(capsys.readouterr().out.replace("\r\n", "\n"))


@given(text)
def test_an_explained_line_is_shown_and_not_obeyed(harm: str) -> None:
    line = (
        '192.0.2.1 - - [20/Nov/2026:05:50:00 +0000] "GET /'
        + harm.replace("\n", "").replace('"', "")
        + '?utm_source=[/x] HTTP/1.1" 200 1 "https://x.example/[red]" "[link=x]"'
    )
    safe, out = console()
    show_explanation(line, [], "combined", Settings(), safe)
    assert_harmless(out.getvalue())


@given(text)
def test_escaping_twice_changes_nothing_and_keeps_lines(harm: str) -> None:
    once = printable_lines(harm)
    assert printable_lines(once) == once
    assert once.count("\n") == harm.count("\n")


cents = st.integers(-(10**10), 10**10)
ledger_cells = st.builds(
    lambda day, source, orders, sums, counts: (
        *(str(day), source, f"{orders:,}", *map(amount, sums), "EUR", *map(str, counts)),
    ),
    st.dates(),
    st.sampled_from(["shop", "online-shop-of-the-north"]),
    st.integers(0, 10**6),
    st.tuples(cents, cents, cents, cents),
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
)


@many_examples
@given(st.lists(ledger_cells, min_size=1, max_size=4), st.integers(40, 120))
def test_dates_and_amounts_of_sales_are_whole_in_a_terminal_of_any_width(rows, width) -> None:
    out = io.StringIO()
    console = SafeConsole(file=out, width=width, color_system=None)
    print_rows(DATE_HEADINGS, rows, console)
    shown = out.getvalue().split()
    for cell in (
        "date",
        "source",
        "refunds",
        "spend",
        "rejected",
        *(c for row in rows for c in row),
    ):
        assert cell in shown


def test_a_reader_that_has_seen_enough_ends_the_process_quietly() -> None:
    script = (
        "from clickstream.core.terminal import SafeConsole\n"
        "out = SafeConsole()\n"
        "for number in range(100_000):\n    out.print(number)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"0\n"
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 141)
