"""What a panel's file has: texts that no spreadsheet runs."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.hidden_characters import hidden_in

from clickstream.core.wording import printable
from clickstream.dashboard.web.details import _guarded

FORMULA = "=+-@|"


@pytest.mark.parametrize("text", ["=1+1", "＝1+1", "|cmd", "﹢1", "\u3000=1", " \xa0@x"])
def test_a_formula_in_any_form_is_a_text(text: str) -> None:
    assert _guarded(text) == f"'{text}"


@given(st.text(max_size=6))
@example("−1")
@example("\t=1")
@example(" \u200e=1")
def test_a_text_is_guarded_or_begins_like_no_formula(text: str) -> None:
    """Guarding adds the apostrophe and escapes hidden characters; numbers stay numbers."""
    guarded = _guarded(text)
    assert guarded.removeprefix("'") == printable(text).removeprefix("'")
    assert not unicodedata.normalize("NFKC", guarded).lstrip().startswith(tuple(FORMULA))
    assert hidden_in(guarded) == []
    assert _guarded(-1.5) == -1.5
