"""Speed of parsing each named format: its example line, with varied pages and addresses."""

from __future__ import annotations

import argparse
import time

from clickstream import parse

PAGE, ADDRESS = b"/menu", b"192.0.2.7"


def main() -> None:
    """Read every format and print the lines per CPU second, the best of three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000)
    lines = parser.parse_args().lines
    print(f"\nEach format; {lines:,} lines in memory, best of three\n")
    print("| format | bytes per line | lines per CPU s |\n| --- | ---: | ---: |")
    for name, known in parse.FORMATS.items():
        text = log(known.example.encode(), lines)
        print(f"| {name} | {len(text) // lines} | {_speed(text, name, lines):,.0f} |")


def log(example: bytes, lines: int) -> bytes:
    """Return a log with a number of lines: 5,000 pages, requested from 40,000 addresses."""
    *header, line = example.splitlines()
    made = (
        line.replace(PAGE, b"%b/%d" % (PAGE, n * 7 % 5000)).replace(
            ADDRESS, b"192.%d.%d.7" % (n % 200, n // 200 % 200)
        )
        for n in range(lines)
    )
    return b"".join(one + b"\n" for one in (*header, *made))


def _speed(text: bytes, name: str, lines: int) -> float:
    return max(_once(text, name, lines) for _ in range(3))


def _once(text: bytes, name: str, lines: int) -> float:
    begun = time.process_time()
    parsed = parse.parse(text, name)
    taken = time.process_time() - begun
    if len(parsed.requests) != lines:
        raise SystemExit(f"{name}: {len(parsed.requests):,} of {lines:,} lines were read.")
    return lines / taken


if __name__ == "__main__":
    main()
