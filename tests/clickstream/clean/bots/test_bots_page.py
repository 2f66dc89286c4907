"""The page on bots names what there is, with the limits as they are."""

import re
from dataclasses import Field, fields
from pathlib import Path

import pytest

from clickstream.clean.bots import BOT_CLASSES, ROLES, BehaviourRules

PAGE = (Path(__file__).parents[4] / "docs" / "bots.md").read_text()
ROWS = dict(re.findall(r"^\| `([\w ]+)` \| ([^|]*)", PAGE, re.MULTILINE))
LIMITS = [rule for rule in fields(BehaviourRules) if rule.name not in ("scanner_parts", "usual")]


def test_every_class_and_role_has_its_row_and_no_other() -> None:
    assert ROWS.keys() == {*BOT_CLASSES, *ROLES, *(rule.name for rule in LIMITS)}


@pytest.mark.parametrize("rule", LIMITS, ids=lambda rule: rule.name)
def test_every_limit_is_as_written(rule: Field[object]) -> None:
    if rule.name != "robots_txt":
        assert str(rule.default) in re.findall(r"\d+", ROWS[rule.name])
