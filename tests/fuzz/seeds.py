"""What the fuzzer starts from: a few lines of each format, and lines that parsers get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.clickstream.parse.trap_lines import READ, REFUSED

from clickstream.parse.formats import DECLARED, FORMATS

_TRAPS = [line for line, _ in (*READ.values(), *REFUSED.values()) if len(line) < 400]
_COMBINED = [*FORMATS].index("combined")
_STRINGS = {
    '%h %l %u %t "%r" %>s %b': "common",
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent': "common",
    **{one.strings[0]: name for name, one in DECLARED.items()},
}
_VALUES = (
    b"/menu/index.php;jsessionid=1?q=1&utm_source=News%20letter&gclid=x#top",
    b"https://www.google.co.uk/search?q=coffee\n/menu?utm_medium=cpc",
    b'192.0.2.7\n203.0.113.9, [2001:db8::1]:443, for="[2001:db8::7]";by=10.0.0.1',
    b"::ffff:192.0.2.7%eth0\n198.51.100.7",
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1",
    b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    b'{"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}',
    b"android-app://com.google.android.gm/",
)


def seeds(target: str) -> Iterator[bytes]:
    """The seeds of a target of `targets`."""
    if target == "values":
        yield from _VALUES
    elif target == "strings":
        for text, name in _STRINGS.items():
            yield text.encode() + b"\0" + FORMATS[name].example.encode()
    else:
        before = b"" if target == "formats" else b"\x40"
        for number, known in enumerate(FORMATS.values()):
            example = known.example.encode()
            for log in (example, b"\r\n".join([example] * 3), example[:-9] + b"\n\n" + example):
                yield bytes([number]) + before + log
        for trap in _TRAPS:
            yield bytes([_COMBINED]) + before + trap + b"\n" + _TRAPS[0]


def write(target: str, corpus: Path) -> None:
    """Write the seeds of a target into a directory."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (corpus / f"seed-{number}").write_bytes(seed)
