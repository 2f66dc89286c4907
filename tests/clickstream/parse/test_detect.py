"""Finding the format, and refusing what has none."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.builders import HEAD, LINES, TAIL, log_of
from tests.clickstream.parse.strategies import noise, record_of
from tests.support.shared_data import shared

from clickstream.core.errors import InputError
from clickstream.parse import Format, concat, detect, parse
from clickstream.parse.detect import (
    GLANCE,
    LINES_LOOKED_AT,
    SAMPLE_LINES,
    Detected,
    confirm_formats,
)
from clickstream.parse.formats import FORMATS
from clickstream.parse.frames import unescape
from clickstream.parse.long_lines import LONGEST_LINE_BYTES
from clickstream.parse.rows import Rows

COMMON = HEAD + b'"GET /a HTTP/1.1" 200 10'


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_reads_and_recognises_its_own_example(name: str) -> None:
    example = FORMATS[name].example.encode()
    assert detect(example).name == name
    parsed = parse(example, name)
    assert (parsed.lines, len(parsed.requests)) == (1, 1)


def test_sample_may_begin_with_rubbish_and_end_inside_a_line() -> None:
    assert detect(b"\n# made by hand\n" + COMMON + b"\n" + COMMON[:40]).name == "common"


def test_the_format_of_most_lines_is_detected() -> None:
    assert detect(b"\n".join([COMMON, HEAD + TAIL, HEAD + TAIL])).name == "combined"


def test_the_first_lines_decide_if_one_format_reads_each() -> None:
    """What the log becomes further down is for `segments` to find."""
    begins, goes_on = [HEAD + TAIL] * GLANCE, [COMMON] * LINES_LOOKED_AT
    assert detect(b"\n".join(begins + goes_on)).name == "combined"
    assert detect(b"\n".join([*begins[1:], b"cut in the mid", *goes_on])).name == "common"


@pytest.mark.parametrize("sample", [b"", b"\n\n", b"\x1f\x8b\x08\x00rubbish"])
def test_sample_without_a_known_line_is_refused(sample: bytes) -> None:
    with pytest.raises(InputError, match=r"has a known format.*The nearest format is co"):
        detect(sample)


def test_refusal_names_the_first_line() -> None:
    with pytest.raises(InputError, match="hello world"):
        detect(b"\nhello world\n")


def test_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"'weird'.*combined, common.*w3c, json"):
        parse(b"", "weird")


def test_nothing_at_all_has_the_same_columns() -> None:
    full, empty = parse(HEAD + TAIL, "combined"), concat([])
    assert empty.lines == 0
    assert empty.requests.dtypes.astype(str).tolist() == full.requests.dtypes.astype(str).tolist()
    assert empty.rejects.dtypes.astype(str).tolist() == full.rejects.dtypes.astype(str).tolist()


@pytest.mark.parametrize("text", ["a\\", "a\\q", "\\x1", "\\x1G"])
def test_text_that_was_never_escaped_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="Not an escaped line"):
        unescape(text)


WRITTEN = st.sampled_from(sorted(LINES)).flatmap(
    lambda name: st.lists(record_of(name), min_size=1, max_size=3).map(
        lambda some: log_of(name, some)
    )
)


def detected(sample: bytes, likely: str = "", longest: int = LONGEST_LINE_BYTES) -> Detected | None:
    try:
        return detect(sample, likely, longest)
    except InputError:
        return None


EXAMPLES = st.sampled_from([known.example.encode() + b"\n" for known in FORMATS.values()])


LOGS = st.lists(EXAMPLES | WRITTEN | noise, min_size=1, max_size=4).map(b"".join)


@given(LOGS, st.sampled_from([b"\n", b"\r\n"]), st.integers(0, 9))
def test_the_detected_format_is_the_most_specific_of_those_that_read_most_lines(
    log: bytes, newline: bytes, cut: int
) -> None:
    sample = log.replace(b"\n", newline)[: len(log) - cut]
    found = detected(sample)
    read = {name: len(known.read(sample, b"").line) for name, known in FORMATS.items()}
    most = max(read.values())
    assert (found.read if found else 0) == most
    if found:
        *_, last = (name for name in FORMATS if read[name] == most)
        assert found.name == last or found.name.endswith("_forwarded")


@given(
    LOGS,
    st.integers(0, 9),
    st.sampled_from(["mine", *FORMATS]),
)
def test_the_likely_format_changes_no_result(log: bytes, cut: int, likely: str) -> None:
    sample = log[: len(log) - cut]
    found = detected(sample)
    assert detected(sample, likely) == found
    assert found is None or detected(sample, found.name) == found


@given(
    st.lists(LOGS, max_size=4),
    st.sampled_from(["mine", *FORMATS]),
    st.sampled_from([100, 200, LONGEST_LINE_BYTES]),
)
def test_formats_of_several_samples_are_those_of_each(
    logs: list[bytes], likely: str, longest: int
) -> None:
    samples = [log if log.endswith(b"\n") else log + b"\n" for log in logs]
    confirmed = confirm_formats(samples, likely, longest)
    for sample, found in zip(samples, confirmed, strict=True):
        assert found is None or found == detected(sample, longest=longest)


@pytest.mark.parametrize("name", [name for name in FORMATS if not FORMATS[name].has_header])
def test_files_with_only_lines_of_a_format_are_confirmed_together(name: str) -> None:
    example = FORMATS[name].example.encode() + b"\n"
    first, odd, last = confirm_formats([example, b"no line\n", example * 50], name)
    assert (first, odd, last) == (detect(example), None, detect(example * 50))
    too_long = max(map(len, example.splitlines()))
    assert confirm_formats([example], name, longest=too_long - 1) == [None]


@pytest.mark.shared_data
def test_the_likely_format_changes_nothing_for_samples_of_servers() -> None:
    for path in sorted(shared("format-samples").glob("*.log")):
        sample = path.read_bytes()
        found = detected(sample)
        likely = ("combined", "json", found.name if found else "")
        assert {detected(sample, name) for name in likely} == {found}, path


@pytest.mark.parametrize("more", [b"", b"\nno line", b"\nno line\n\n"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_likely_format_is_accepted_without_the_others(
    name: str, more: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = FORMATS[name].example.encode() + more
    used = set()
    for other, known in FORMATS.items():

        def read(data: bytes, header: bytes, other: str = other, known: Format = known) -> Rows:
            used.add(other)
            return known.read(data, header)

        monkeypatch.setitem(FORMATS, other, replace(known, read=read))  # type: ignore[arg-type]
    assert detect(example, name).name == name
    assert used <= {name}


def test_an_error_log_is_given_up_after_its_first_1000_lines() -> None:
    error = b"2026/11/20 17:00:00 [error] 7#7: *1 open() failed\n"
    assert detect(error * (SAMPLE_LINES - 1) + COMMON).name == "common"
    with pytest.raises(InputError):
        detect(error * SAMPLE_LINES + COMMON)
