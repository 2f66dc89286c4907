"""What all panels have in common: one name, one place on a page, one list of choices."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.ask.view import CHOICES
from clickstream.dashboard.pages.machines.panels import MACHINES
from clickstream.dashboard.pages.marketing.panels import MARKETING
from clickstream.dashboard.pages.orders.panels import ORDERS
from clickstream.dashboard.pages.overview.panels import OVERVIEW
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.pages.places.panels import PLACES
from clickstream.dashboard.pages.trust.panels import TRUST
from clickstream.dashboard.pages.visitors.panels import VISITORS

ALL = (*OVERVIEW, *VISITORS, *MARKETING, *ORDERS, *PLACES, *MACHINES, *TRUST)

OF_CREDIT = {"credit", "credit_by"}
"""The choices of the panel `credit`, which has two: the model and the dimension."""


def test_panels_have_unique_names() -> None:
    assert sorted(PANELS) == sorted(panel.name for panel in ALL)


@pytest.mark.parametrize("name", PANELS)
def test_each_panel_is_on_the_page_of_its_tab(name: str) -> None:
    folder = files("clickstream.dashboard") / "pages" / PANELS[name].tab
    page = "".join(one.read_text() for one in folder.iterdir() if one.name.endswith(".html"))
    values = (folder / "values.py").read_text()
    assert re.search(rf'id="{name}"|["\'.(/]{name}\b', page + values)


def test_panels_with_choices_have_them_in_the_url() -> None:
    with_choices = {panel.name: tuple(panel.asks) for panel in ALL if set(panel.asks) - {""}}
    assert {name: choices for name, choices in CHOICES.items() if name in with_choices} == (
        with_choices
    )
    assert set(CHOICES) == set(with_choices) | OF_CREDIT


def test_panels_of_one_title_show_the_same_numbers() -> None:
    by_title: dict[str, list[Panel]] = {}
    for panel in ALL:
        by_title.setdefault(panel.title, []).append(panel)
    for title, panels in by_title.items():
        assert all(one.asks == panels[0].asks for one in panels), title
