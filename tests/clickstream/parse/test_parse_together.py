"""Small files parsed together give the lines of each, as if it were parsed alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.builders import LINES, log_of
from tests.clickstream.parse.strategies import noise, record_of

from clickstream.parse import concat, parse_blocks, parse_together
from clickstream.parse.formats import FORMATS

NAMES = sorted(name for name in LINES if name in FORMATS)


def _ended(data: bytes) -> bytes:
    return data if data.endswith(b"\n") else data + b"\n"


lines_of_any_format = st.sampled_from(NAMES).flatmap(
    lambda name: st.lists(record_of(name), min_size=1, max_size=3).map(
        lambda some: log_of(name, some)
    )
)
examples = st.sampled_from([FORMATS[name].example.encode() for name in FORMATS])
files = st.lists(
    st.lists(lines_of_any_format | examples | noise, min_size=1, max_size=6).map(
        lambda parts: b"".join(map(_ended, parts))
    ),
    min_size=1,
    max_size=5,
)


@given(files, st.sampled_from(sorted(FORMATS)), st.booleans())
def test_files_parsed_together_are_those_parsed_one_by_one(
    some: list[bytes], name: str, may_change: bool
) -> None:
    together = parse_together(some, name, may_change)
    if together is None:
        assert may_change or FORMATS[name].has_header
        return
    expected, above = [], 0
    for file in some:
        parsed = concat(parse_blocks([file], name, may_change))
        requests, rejects = parsed.requests.copy(), parsed.rejects.copy()
        requests["line_number"] += above
        rejects["line_number"] += above
        expected += [
            *requests.astype(str).itertuples(index=False),
            *rejects.astype(str).itertuples(index=False),
        ]
        above += file.count(b"\n")
    found = [
        *together.requests.astype(str).itertuples(index=False),
        *together.rejects.astype(str).itertuples(index=False),
    ]
    assert together.lines == above
    assert sorted(map(tuple, found)) == sorted(map(tuple, expected))
