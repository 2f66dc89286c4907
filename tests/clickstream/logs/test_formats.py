"""Logs in several formats, each file in its own, as one report."""

import pytest
from tests.clickstream.logs.builders import line

from clickstream.parse.formats import FORMATS


def test_each_file_keeps_its_own_format(reading, tmp_path):
    paths = []
    for name, known in FORMATS.items():
        paths.append(tmp_path / f"{name}.log")
        paths[-1].write_text(known.example + "\n")
    code, figures, _ = reading(*paths)
    assert (code, figures["lines"], figures["parsed"]) == (0, len(FORMATS), len(FORMATS))
    assert figures["clients"] == 1


def test_directives_of_one_file_say_nothing_about_the_next(reading, tmp_path):
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    first.write_text(FORMATS["w3c"].example + "\n")
    second.write_text(FORMATS["w3c"].example.splitlines()[1] + "\n")
    _, figures, _ = reading(first, second, log_format="w3c")
    assert (figures["parsed"], figures["rejected"]["total"]) == (1, 1)


def test_a_rejected_entry_is_shown_with_its_line_in_the_file(page, tmp_path):
    log = tmp_path / "iis.log"
    log.write_text(FORMATS["w3c"].example + "\n" + line("192.0.2.1", "05:00:00", "/"))
    assert "line 3 of" in page(log)


def test_the_page_says_which_format_was_found_and_how_sure_that_is(page, tmp_path):
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    first.write_text("odd\n" + 3 * (FORMATS["combined"].example + "\n"))
    second.write_text(FORMATS["json"].example + "\n")
    text = page(first, second)
    assert "format combined, which reads 3 of 4 lines" in text
    assert "format json, which reads 1 of 1 line" in text


@pytest.mark.parametrize("log_format", ["auto", "combined"])
def test_a_log_that_changes_its_format_is_read_on_unless_it_is_named(reading, tmp_path, log_format):
    log = tmp_path / "access.log"
    names = ["combined"] * 4 + ["json"] * 5 + ["combined"] * 3
    log.write_text("".join(FORMATS[name].example + "\n" for name in names))
    _, figures, _ = reading(log, log_format=log_format)
    assert figures["rejected"]["total"] == (0 if log_format == "auto" else 5)
