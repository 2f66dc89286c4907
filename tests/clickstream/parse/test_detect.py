"""Finding the format, and refusing what has none."""

import pytest
from tests.clickstream.parse.test_trap_lines import HEAD, TAIL

from clickstream.errors import InputError
from clickstream.parse import FORMATS, concat, detect, parse, unescape
from clickstream.parse.detect import GLANCE, LINES_LOOKED_AT

COMMON = HEAD + b'"GET /a HTTP/1.1" 200 10'


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_reads_and_recognises_its_own_example(name: str) -> None:
    example = FORMATS[name].example.encode()
    assert detect(example).name == name
    parsed = parse(example, name)
    assert (parsed.lines, len(parsed.requests)) == (1, 1)


def test_sample_may_begin_with_rubbish_and_end_inside_a_line() -> None:
    assert detect(b"\n# made by hand\n" + COMMON + b"\n" + COMMON[:40]).name == "common"


def test_most_lines_decide() -> None:
    assert detect(b"\n".join([COMMON, HEAD + TAIL, HEAD + TAIL])).name == "combined"


def test_the_first_lines_decide_if_one_format_reads_each() -> None:
    """What the log becomes further down is for `segments` to find."""
    begins, goes_on = [HEAD + TAIL] * GLANCE, [COMMON] * LINES_LOOKED_AT
    assert detect(b"\n".join(begins + goes_on)).name == "combined"
    assert detect(b"\n".join([*begins[1:], b"cut in the mid", *goes_on])).name == "common"


@pytest.mark.parametrize("sample", [b"", b"\n\n", b"\x1f\x8b\x08\x00rubbish"])
def test_sample_without_a_known_line_is_refused(sample: bytes) -> None:
    with pytest.raises(InputError, match=r"No line of the log has a known format.*combined"):
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
