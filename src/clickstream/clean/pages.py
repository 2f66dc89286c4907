"""Page names: one name for the different spellings of a page's path.

A page name is the path in the normal form of RFC 3986, 6.2.2, without session ids, index files and
trailing slashes. Ids in it are replaced by `{id}`, so `/order/123/` and `/order/124` are one page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import quote

from clickstream.core.errors import InputError, UnusableRule
from clickstream.core.expressions import Expression

INDEX_FILES = tuple(
    "index.html index.htm index.xhtml index.shtml index.php index.asp index.aspx index.jsp "
    "index.cgi default.html default.htm default.asp default.aspx default.jsp".split()
)

_SESSION_NAME = (
    r"(?:jsessionid|phpsessid|aspsessionid\w*|asp\.net_sessionid|session_?id|sessid|sid|oscsid"
    r"|zenid|cfid|cftoken)"
)
_SESSION_PARAMETER = re.compile(_SESSION_NAME, re.IGNORECASE)
_IN_SEGMENT = re.compile(rf"(?:;|%3B){_SESSION_NAME}(?:=|%3D)[^/;]*", re.IGNORECASE)
# Cookieless sessions of ASP.NET: /(S(id))/, with other letters for other tickets. Version 1.1
# writes the id without a letter.
_AS_SEGMENT = re.compile(
    r"/(?:\(|%28)(?:(?:[ASFX](?:\(|%28)[^()/%]*(?:\)|%29))+|[a-z0-5]{24})(?:\)|%29)(?=/|$)",
    re.IGNORECASE,
)

_NORMAL = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/{}]*")  # with braces, because of {id}
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})|\\x([0-9a-f]{2})|%")
_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")

_EXTENSION = r"(\.[A-Za-z][A-Za-z0-9]{0,4})?"
_TOKEN = re.compile(
    rf"(?:[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|(?=[a-f]*\d)[0-9a-f]{{16,}}){_EXTENSION}",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"[0-9]")
_NUMBER = re.compile(rf"([0-9]+){_EXTENSION}")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_MONTH_OR_DAY = re.compile(
    r"[0-9]{1,2}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*", re.IGNORECASE
)
_WHOLE_DATE = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")


@dataclass(frozen=True)
class PageRules:
    """Rules that turn paths into page names.

    `replacements` are pairs of a regular expression and the replacement of its matches, as in
    `re.sub`. They apply in order to the normal form, before ids are replaced. Raises SettingsError
    for a pair that is not valid.
    """

    index_files: tuple[str, ...] = INDEX_FILES
    fold_case: bool = False  # paths are case-sensitive (RFC 3986, 6.2.2.1), except on IIS
    fold_ids: bool = True
    replacements: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for number, (pattern, replacement) in enumerate(self.replacements, start=1):
            try:
                Expression(pattern).check_replacement(replacement)
            except InputError as error:
                raise UnusableRule(
                    f"Page replacement {number}, {pattern!r} by {replacement!r}, can't be used: "
                    f"{error}. Write a regular expression and a replacement, which may refer to "
                    "groups of the expression."
                ) from None

    @cached_property
    def index_names(self) -> frozenset[str]:
        """The names of index files, in lower case."""
        return frozenset(name.lower() for name in self.index_files)

    @cached_property
    def compiled(self) -> tuple[tuple[Expression, str], ...]:
        """The replacements, with compiled expressions."""
        return tuple((Expression(pattern), text) for pattern, text in self.replacements)


@lru_cache(maxsize=1 << 14)
def page_name(path: str, rules: PageRules) -> str:
    """Return the page name for a path without its query; never fails.

    A text that does not begin with a slash (`*`, `host:443`) is returned unchanged. The page name
    of a page name is the same name, unless replacements of the user change it again.
    """
    return [path, *(name for _, name in page_steps(path, rules))][-1]


def page_steps(path: str, rules: PageRules) -> Iterator[tuple[str, str]]:
    """Yield the steps from a path to its page name: a description, and the name after the step."""
    if not path.startswith("/"):
        return
    yield "normal form (RFC 3986)", (name := _normal(path))
    if rules.fold_case:
        yield "in lower case", (name := _normal(name.lower()))
    name = _without_detours(without_session_ids(name), rules.index_names)
    yield "without session ids, empty segments, final slash and index file", name
    for pattern, text in rules.compiled:
        yield f"your rule {pattern.text!r}", (name := pattern.replace(text, name))
    if rules.fold_ids:
        yield "ids replaced by {id}", _with_ids_folded(name)


def without_session_ids(path: str) -> str:
    """Return the path without `;jsessionid=…` and similar, and without ASP.NET's `/(S(…))`."""
    if ";" in path or "%3" in path:
        path = _IN_SEGMENT.sub("", path)
    if "(" in path or "%28" in path:
        path = _AS_SEGMENT.sub("", path)
    return path or "/"


def names_a_session(parameter: str) -> bool:
    """Return whether a query parameter of this name contains a session id."""
    return _SESSION_PARAMETER.fullmatch(parameter) is not None


def _normal(path: str) -> str:
    r"""Return the normal form of RFC 3986, 6.2.2.

    Unreserved characters are plain, and escapes have upper-case digits. A byte that was logged as
    `\xhh` becomes `%HH`, and a percent sign that starts no escape becomes `%25`.
    """
    if _NORMAL.fullmatch(path):
        return path
    escaped = _ESCAPE.sub(_escape, path)
    return quote(escaped, safe="!$&'()*+,;=:@/{}%", errors="surrogatepass")


def _escape(match: re.Match[str]) -> str:
    byte = int(match[1] or match[2] or "25", 16)
    return chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}"


def _without_detours(path: str, index_names: frozenset[str]) -> str:
    """Remove empty segments, dot segments (RFC 3986, 5.2.4) and index files from a path."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            segments[-1:] = []
        elif segment not in ("", "."):
            segments.append(segment)
    while segments and segments[-1].lower() in index_names:
        segments.pop()
    return "/" + "/".join(segments)


def _with_ids_folded(name: str) -> str:
    """Replace UUIDs, hexadecimal numbers of 16 or more digits, and decimal numbers by `{id}`.

    These numbers stay: years, the month and day after a year, dates such as 20261124, and a number
    of up to four digits in the first segment (`/404`). An extension stays: `/product/{id}.html`.
    """
    if not _DIGIT.search(name):
        return name
    folded = name.split("/")
    date_parts = 0  # number of date parts in the segments directly before this one
    for index, segment in enumerate(folded):
        date_parts = _date_parts(segment, date_parts)
        if date_parts == 0 and (match := _id_in(segment, opens=index <= 1)):
            folded[index] = "{id}" + (match[match.re.groups] or "")
    return "/".join(folded)


def _date_parts(segment: str, before: int) -> int:
    """Return 1 for a year, 2 for a month after a year, 3 for a day after that, 0 otherwise."""
    if _YEAR.fullmatch(segment):
        return 1
    is_next = before in (1, 2) and _MONTH_OR_DAY.fullmatch(segment)
    return before + 1 if is_next else 0


def _id_in(segment: str, *, opens: bool) -> re.Match[str] | None:
    number = _NUMBER.fullmatch(segment)
    if not number:
        return _TOKEN.fullmatch(segment)
    opens_shortly = opens and len(number[1]) < 5
    return None if opens_shortly or _WHOLE_DATE.fullmatch(number[1]) else number
