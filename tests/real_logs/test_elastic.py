"""An Apache log against figures that two other programs found in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.real_logs.counting import OWN_DOMAIN
from tests.real_logs.figures import ARRIVALS, REQUESTS, SESSIONS
from tests.real_logs.real_log import RealLog
from tests.support.cases import each_case

from clickstream.clean import CleanRules
from clickstream.clean.channels import UNASSIGNED

pytestmark = pytest.mark.shared_data


@each_case("name", [*REQUESTS, *SESSIONS])
def test_every_figure_of_the_log_is_the_known_one(
    name: str, elastic: RealLog, known: Callable[[str], Any]
) -> None:
    figures = {**REQUESTS, **SESSIONS}
    assert figures[name](elastic) == known("elastic-apache-first5000.json")[name]


@each_case("name", ARRIVALS)
def test_every_figure_of_arrivals_is_the_known_one(
    name: str, elastic: RealLog, known: Callable[[str], Any]
) -> None:
    assert ARRIVALS[name](elastic) == known("elastic-apache-first5000.attribution.json")[name]


def test_tags_that_name_no_medium_we_know_are_unassigned(
    elastic: RealLog, known: Callable[[str], Any]
) -> None:
    labels = elastic.cleaned(CleanRules("site", (OWN_DOMAIN,))).frame(only=["channel"])
    tagged = known("elastic-apache-first5000.attribution.json")["hits_with_utm_source_in_target"]
    assert (labels["channel"] == UNASSIGNED).sum() == tagged
