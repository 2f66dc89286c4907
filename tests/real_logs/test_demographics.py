"""The US census file has a row for each city and race, and people are counted once."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest
from tests.support.shared_data import shared

from clickstream.pipeline.sales.opening import open_source, rules_of
from clickstream.sales.listings import build_listings
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings
from clickstream.tables.sales_listings import DEMOGRAPHICS

pytestmark = pytest.mark.shared_data


def test_people_of_a_city_count_once() -> None:
    known = json.loads(shared("known-figures", "us-city-demographics.json").read_text())
    values = {"name": "us", "kind": "csv", "columns": "us-city-demographics", "currency": "USD"}
    source = SalesSettings.model_validate({**values, "path": str(shared("us-city-demographics"))})
    settings = Settings(directory=Path())
    rules = rules_of(settings, source)
    with open_source(settings, source, rules) as reader:
        found = build_listings(reader.read_listings(), rules)
    measures: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for row in found.rows[DEMOGRAPHICS]:
        assert row["place_id"] not in measures[row["measure"]]
        measures[row["measure"]][row["place_id"]] = row["value"]
    people = measures["people"]
    assert found.rejects == []
    assert len(people) == known["cities"]
    assert sum(people.values()) == known["sum_total_population_once_per_city"]
    largest = sorted(people, key=lambda place: -people[place])[:5]
    assert [[*place.split("/")[:0:-1], people[place]] for place in largest] == known[
        "top5_population"
    ]
    races = {name: some for name, some in measures.items() if name.startswith("people_")}
    of_rows = [name for name in races if name not in ("people_male", "people_female")]
    assert sum(len(races[name]) for name in of_rows) == known["rows"]
