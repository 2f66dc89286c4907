"""What a panel's file has: texts that no spreadsheet runs."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clickstream.dashboard.web.details import _guarded

FORMULA = "=+-@|"


@pytest.mark.parametrize(
    "text", ["=1+1", "＝1+1", "|cmd", "\t=1", "\r@x", " \u200e=1", "﹢1", "\x0b-1"]
)
def test_a_formula_in_any_form_is_a_text(text: str) -> None:
    assert _guarded(text) == f"'{text}"


@given(st.text(max_size=6))
@example("−1")
def test_a_text_is_guarded_or_begins_like_no_formula(text: str) -> None:
    """Guarding changes nothing but the apostrophe; numbers stay numbers."""
    guarded = _guarded(text)
    assert guarded in (text, f"'{text}")
    seen = "".join(one for one in unicodedata.normalize("NFKC", guarded) if one.isprintable())
    assert not seen.lstrip().startswith(tuple(FORMULA))
    assert _guarded(-1.5) == -1.5
