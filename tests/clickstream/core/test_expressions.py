"""Expressions of settings are matched in linear time, and refused with the reason."""

from __future__ import annotations

import pickle
import time

import pytest

from clickstream.clean.channels import ChannelRules
from clickstream.clean.pages import PageRules, page_name
from clickstream.core.errors import InputError, SettingsError
from clickstream.core.expressions import Expression

SLOW = "^/(a+)+$"
LONG = "/" + "a" * 40 + "b"


def test_no_text_makes_an_expression_slow() -> None:
    began = time.process_time()
    assert not Expression(SLOW).matches(LONG)
    assert page_name(LONG, PageRules(replacements=((SLOW, "x"),))) == LONG
    rules = ChannelRules.parse(f"rules = [{{ channel = 'Mine', source = '{SLOW}' }}]")
    assert not rules.rules[0].patterns[0][1].matches(LONG)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [("(", "missing"), ("(?=a)", "perl operator"), ("(a)\\1", "escape"), (5, "no text")],
)
def test_another_text_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Expression(text)


def test_a_replacement_may_name_groups_that_exist() -> None:
    rule = (r"^/p/(?P<name>\w+)/(\d+)$", r"/product/\g<name>")
    assert page_name("/p/cake/17", PageRules(replacements=(rule,), fold_ids=False)) == (
        "/product/cake"
    )
    for wrong in (r"\3", r"\g<other>"):
        with pytest.raises(SettingsError, match="Page replacement 1"):
            PageRules(replacements=((rule[0], wrong),))


@pytest.mark.parametrize("text", ["é", "\udcff", "a\nb", "", "😀"])
def test_any_text_can_be_matched_in_any_process(text: str) -> None:
    anything = pickle.loads(pickle.dumps(Expression("(?s).*")))
    assert anything.matches(text)
    assert Expression("É", ignores_case=True).matches(text) == (text == "é")
