"""The stores, inhabitants and candidates of the simulated café."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from clickstream.demo.cafe.expansion import (
    CAFES,
    CANDIDATE_CITIES,
    CANDIDATES,
    COLUMN_MAP,
    write_candidates,
    write_expansion,
)
from clickstream.demo.cafe.places import CITIES
from clickstream.insight.location_market import Point, Town
from clickstream.pipeline.sales.check import check_source
from clickstream.sales.candidate_file import read_candidates
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings


def test_the_files_are_a_source_of_sales_and_candidates(tmp_path: Path) -> None:
    write_expansion(tmp_path)
    source = SalesSettings(
        name="expansion", kind="csv", columns=str(COLUMN_MAP), currency="GBP", path=str(tmp_path)
    )
    found = check_source(Settings(), source, 400, datetime(2027, 1, 1))
    assert not found.has_problems
    cities = sum(map(len, CITIES.values()))
    assert found.listings == {"stores": len(CAFES), "demographics": cities}
    towns = [
        Town(f"{city.name}, {city.region}, {country}", Point(city.latitude, city.longitude), 1.0)
        for country, cities in CITIES.items()
        for city in cities
    ]
    write_candidates(tmp_path / CANDIDATES)
    read = read_candidates((tmp_path / CANDIDATES).read_text(), CANDIDATES, towns)
    assert read.problems == ()
    assert [one.name for one in read.candidates] == [*CANDIDATE_CITIES]
