"""The panels of the Places page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.charts.maps import frames

PLACE_METRICS = ("visits", "visitors", "conversions", "conversion_rate")
SALES_METRICS = ("orders", "net_sales")


def country_of(view: View) -> str | None:
    """Return the only country that a view's filters leave, if it has an outline."""
    codes = {
        (value or "").rpartition(", ")[2]
        for filter_ in view.filters
        if filter_.dimension in ("country", "region", "city") and not filter_.is_excluded
        for value in filter_.values
    }
    code = codes.pop() if len(codes) == 1 else ""
    return code if frames(code) else None


@dataclass(frozen=True)
class PlacesPanel(Panel):
    """The list of places: countries, or cities if the filters leave one country."""

    def parts(self, view: View) -> tuple[Sequence[str], Sequence[str]]:
        """Return the metrics, and the dimension of the list."""
        choice = view.choice(self.name)
        if choice == "country" and country_of(view):
            choice = "city"
        return self.asks[choice]


@dataclass(frozen=True)
class MapPanel(Panel):
    """The map: countries of the world, or cities if the filters leave one country."""

    def parts(self, view: View) -> tuple[Sequence[str], Sequence[str]]:
        """Return the metrics, and the dimension of the map."""
        metrics, by = super().parts(view)
        return metrics, ("city",) if country_of(view) else by


MAP = MapPanel(
    "map",
    "places",
    "Map",
    {
        **dict.fromkeys(("visits", "conversion_rate"), (PLACE_METRICS, ("country",))),
        "net_sales": (SALES_METRICS, ("country",)),
    },
)

PLACES_LIST = PlacesPanel(
    "places",
    "places",
    "Visits by place",
    {name: (PLACE_METRICS, (name,)) for name in ("country", "region", "city")},
    has_intervals=True,
)

PLACE_SALES = PlacesPanel(
    "place_sales",
    "places",
    "Orders by place",
    {name: (SALES_METRICS, (name,)) for name in ("country", "region", "city")},
)

PLACES = (MAP, PLACES_LIST, PLACE_SALES)
