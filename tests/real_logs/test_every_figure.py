"""No known figure is forgotten: each is compared, or there is a reason why it can't be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.real_logs.figures import COMPARED, NOT_COMPARED
from tests.support.cases import each_case
from tests.support.shared_data import shared

pytestmark = pytest.mark.shared_data


def test_every_file_is_looked_at() -> None:
    assert {path.name for path in shared("known-figures").iterdir()} == set(COMPARED)


@each_case("name", COMPARED)
def test_every_figure_is_compared_or_has_a_reason_not_to_be(
    name: str, known: Callable[[str], Any]
) -> None:
    figures = known(name)
    keys = {key for row in figures for key in row} if isinstance(figures, list) else {*figures}
    explained = NOT_COMPARED.get(name, {}).keys()
    assert COMPARED[name] | explained == keys
    assert not COMPARED[name] & explained
