"""Which paths robots.txt disallows: the examples of RFC 9309 and of Google, and another parser."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.robotparser import RobotFileParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case

from clickstream.dashboard.pages.machines.obedience import (
    MOST_BYTES,
    RobotsRules,
    name_in_robots,
    read_robots,
)

SIMPLE = """
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""
"""The example of RFC 9309, 5.1."""

OF_RFC = (
    *(("foobot", "/example/page.html", True), ("foobot", "/example/allowed.gif", True)),
    *(("foobot", "/", False), ("foobot", "/example/", False), ("FooBot", "/x", False)),
    *(("barbot", "/example/page.html", False), ("bazbot", "/example/page.html", False)),
    *(("barbot", "/example/", True), ("quxbot", "/example/", True)),
    *(("other", "/example/", False), ("other", "/publications/", True), ("other", "/", True)),
    *(("foobot", "/robots.txt", True),),
)
"""Program, path, and whether the rules of SIMPLE allow it: from the RFC's text."""

LONGEST = """
User-Agent: foobot
Allow: /example/page/
Disallow: /example/page/disallowed.gif
"""
"""The example of RFC 9309, 5.2: the longest rule decides."""

OF_GOOGLE = (
    *(("/", "/fish", False), ("/fish", "/fish", False), ("/fish", "/fish.html", False)),
    *(("/fish", "/fish/salmon.html", False), ("/fish", "/fishheads", False)),
    *(("/fish", "/Fish.asp", True), ("/fish", "/catfish", True), ("/fish", "/desert/fish", True)),
    *(("/fish*", "/fishheads/yummy.html", False), ("/fish*", "/catfish", True)),
    *(("/fish/", "/fish/salmon.htm", False), ("/fish/", "/fish", True)),
    *(("/fish/", "/fish.html", True), ("/fish/", "/animals/fish/", True)),
    *(("/*.php", "/index.php", False), ("/*.php", "/folder/any.php.file.html", False)),
    *(("/*.php", "/filename.php/", False), ("/*.php", "/windows.PHP", True)),
    *(("/fish*.php", "/fishheads/catfish.php", False), ("/fish*.php", "/Fish.PHP", True)),
    *(("/foo/bar/ツ", "/foo/bar/%E3%83%84", False), ("/a%3cd", "/a%3Cd", False)),
    *(("/%7Ejoe/", "/~joe/x", False), ("/~joe/", "/%7Ejoe/x", False)),
)
"""Rule, path, and whether it is allowed: the tables of Google's documentation of robots.txt
(https://developers.google.com/search/docs/crawling-indexing/robots/robots_txt), and RFC 9309,
2.2.2."""

PRECEDENCE = (
    *(("/p", "/", "/page", True), ("/folder", "/folder", "/folder/page", True)),
    *(("/page", "/*.htm", "/page.htm", False), ("/page", "/*.ph", "/page.php5", True)),
    *(("/$", "/", "/page.htm", False), ("/x/", "/x/y", "/x/yz", False)),
)
"""Allow rule, disallow rule, path, and whether it is allowed: the table of precedence there."""


def is_allowed(text: str, program: str, path: str) -> bool:
    return not RobotsRules.parse(text).disallows(path, program)


@each_case("case", OF_RFC)
def test_the_example_of_the_rfc_is_read_as_its_text_says(case: tuple[str, str, bool]) -> None:
    program, path, expected = case
    assert is_allowed(SIMPLE, program, path) == expected


def test_the_longest_rule_decides() -> None:
    assert is_allowed(LONGEST, "foobot", "/example/page/")
    assert not is_allowed(LONGEST, "foobot", "/example/page/disallowed.gif")


@each_case("case", OF_GOOGLE)
def test_rules_match_the_paths_that_google_lists(case: tuple[str, str, bool]) -> None:
    rule, path, expected = case
    assert is_allowed(f"user-agent: *\ndisallow: {rule}\n", "anybot", path) == expected


@each_case("case", PRECEDENCE)
def test_of_two_rules_the_one_that_google_names_decides(case: tuple[str, str, str, bool]) -> None:
    allowed, disallowed, path, expected = case
    text = f"user-agent: *\nallow: {allowed}\ndisallow: {disallowed}\n"
    assert is_allowed(text, "anybot", path) == expected


names = st.sampled_from(["alphabot", "betabot", "gammabot", "*"])
paths = st.lists(st.sampled_from(["a", "b", "ab", "page"]), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
groups = st.dictionaries(names, st.lists(paths, min_size=1, max_size=4), max_size=4)


@given(groups, names, paths)
def test_plain_prefixes_disallow_what_the_standard_library_disallows(rules, program, path) -> None:
    """Without Allow, wildcards and escapes, its older standard and RFC 9309 agree."""
    text = "".join(
        f"User-agent: {name}\n" + "".join(f"Disallow: {one}\n" for one in some) + "\n"
        for name, some in rules.items()
    )
    other = RobotFileParser()
    other.parse(text.splitlines())
    asked = "deltabot" if program == "*" else program
    assert is_allowed(text, asked, path) == other.can_fetch(asked, f"https://site{path}")


@pytest.mark.parametrize("rule", ["/search$", "/*?", "/search?q=", "/*?sort="])
def test_a_rule_that_depends_on_the_query_disallows_no_path(rule: str) -> None:
    text = f"User-agent: *\nDisallow: {rule}\n"
    assert is_allowed(text, "anybot", "/search")
    assert RobotsRules.parse(text).with_query == ("?" in rule)


def test_any_text_is_rules() -> None:
    for text in ("", "\x00\xff", "Disallow: /", "<html>", "User-agent:\nDisallow: /"):
        assert is_allowed(text, "anybot", "/page")
    assert is_allowed("User-agent: *\nDisallow: /x", "anybot", "//x")


@pytest.mark.parametrize(
    ("reason", "agent", "name"),
    [
        ("user agent: GPTBot", "GPTBot", "GPTBot"),
        ("user agent: OAI-SearchBot", None, "OAI-SearchBot"),
        ("user agent: Ahrefs", "AhrefsBot", "AhrefsBot"),
        ("user agent: facebookexternalhit", "FacebookBot", "facebookexternalhit"),
        ("user agent: yandex.com/bots", "YandexBot", "YandexBot"),
        ("user agent: Googlebot, confirmed by network", "Googlebot", "Googlebot"),
        ("user agent: calls itself a bot", "FooBot", "FooBot"),
        ("user agent: none given", None, ""),
        ("behaviour: many pages and no asset", "Chrome", "Chrome"),
    ],
)
def test_a_program_has_the_name_that_robots_txt_knows(
    reason: str, agent: str | None, name: str
) -> None:
    assert name_in_robots(reason, agent) == name


def test_a_changed_file_is_read_again_and_a_long_one_in_part(tmp_path: Path) -> None:
    file = tmp_path / "robots.txt"
    file.write_text("\ufeffUser-agent: *\nDisallow: /a\n")
    assert read_robots(file).disallows("/a", "anybot")
    file.write_text("User-agent: *\nDisallow: /b\n" + "#" * MOST_BYTES + "\nDisallow: /c\n")
    os.utime(file, ns=(1, 1))
    rules = read_robots(file)
    assert [rules.disallows(path, "anybot") for path in ("/a", "/b", "/c")] == [False, True, False]
