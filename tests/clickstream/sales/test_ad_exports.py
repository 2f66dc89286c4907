"""Exports of Google Ads and Meta Ads Manager: each row is spending, or is named with its reason."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case

from clickstream.core.errors import UnusableRule
from clickstream.pipeline.sales.check import check_source
from clickstream.pipeline.sales.opening import open_source, rules_of
from clickstream.sales.sales_day import SalesDay, build_day
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings
from clickstream.tables.sales import CAMPAIGN_SPEND, SALES_REJECTS

DAY = date(2026, 11, 20)
TITLES = [["Campaign report"], ["November 1, 2026 - November 30, 2026"]]
GOOGLE = ["Campaign", "Day", "Campaign ID", "Customer ID", "Currency code"]
GOOGLE += ["Cost", "Impr.", "Clicks", "CTR", "Avg. CPC"]
META = ["Reporting starts", "Reporting ends", "Day", "Campaign name", "Campaign ID"]
META += ["Account name", "Amount spent (EUR)", "Impressions", "Link clicks", "Reach"]


def google(name: str, cost: str, day: str = "2026-11-20", **other: str) -> list[str]:
    row = {"Campaign": name, "Day": day, "Cost": cost, "Campaign ID": f"id of {name}"}
    row |= {"Customer ID": "123-456-7890", "Currency code": "EUR", "Impr.": "--", **other}
    return [row.get(column, "0") for column in GOOGLE]


def source(path: Path, columns: str, tags: str = "") -> SalesSettings:
    return SalesSettings(
        name="ads", kind="csv", columns=columns, currency="EUR", path=str(path), campaign_tags=tags
    )


def write(path: Path, lines: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)


def read(one: SalesSettings) -> SalesDay:
    rules = rules_of(Settings(), one)
    with open_source(Settings(), one, rules) as reader:
        return build_day(DAY, reader.read_day(DAY), rules)


@given(
    st.dictionaries(st.sampled_from(["Total: tea", "café", "a, b", "7"]), st.integers(0, 10**9)),
    st.integers(0, 2),
)
def test_a_report_of_google_ads_gives_its_costs_without_titles_and_sums(
    tmp_path_factory: pytest.TempPathFactory, costs: dict[str, int], titles: int
) -> None:
    path = tmp_path_factory.mktemp("ads")
    rows = [google(name, f"{cents / 100:,.2f}") for name, cents in costs.items()]
    sums = [["Total: Account", " --", *["--"] * 3, f"{sum(costs.values()) / 100:,.2f}", *"123", ""]]
    write(path / "Campaign report.csv", [*TITLES[2 - titles :], GOOGLE, *rows, *sums])
    one = source(path, "google-ads")
    found = {row["utm_campaign"]: row for row in read(one).rows[CAMPAIGN_SPEND]}
    assert {name: row["spend_cents"] for name, row in found.items()} == costs
    for row in found.values():
        assert (row["platform"], row["utm_source"], row["utm_medium"]) == (
            "google",
            "google",
            "cpc",
        )
        assert (row["impressions"], row["clicks"]) == (None, 0)
    assert not check_source(Settings(), one, 7, datetime(2027, 1, 1)).has_problems


@each_case(
    "rows, reason, column",
    [
        ([google("tea", "1,23.00")], "value that is no number", "Cost"),
        ([google("tea", "--")], "no value", "Cost"),
        (
            [google("tea", "1.00", **{"Currency code": "USD"})],
            "amount in USD, and the currency is EUR",
            "Currency code",
        ),
        ([google("tea", "1.00"), google("tea", "2.00")], "row whose id another row has", None),
    ],
)
def test_a_row_that_is_no_spending_is_a_reject(
    tmp_path: Path, rows: list[list[str]], reason: str, column: str | None
) -> None:
    write(tmp_path / "report.csv", [*TITLES, GOOGLE, *rows])
    [reject] = read(source(tmp_path, "google-ads")).rows[SALES_REJECTS]
    assert (reject["reason"], reject["column"]) == (reason, column)


def test_a_row_without_a_date_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "report.csv", [GOOGLE, google("tea", "1.00", day="Nov 20")])
    survey = check_source(
        Settings(), source(tmp_path, "google-ads"), 7, datetime(2027, 1, 1)
    ).survey
    assert survey
    assert [(left.table, left.rows) for left in survey.left_out] == [("campaign_spend", 1)]


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_the_currency_of_meta_is_in_the_header(tmp_path: Path, currency: str) -> None:
    header = [name.replace("EUR", currency) for name in META]
    values = [*["2026-11-20"] * 3, "Spring", "7", "Café", "12.5", "90", "", "80"]
    write(tmp_path / "export.csv", [header, values])
    one = source(tmp_path, "meta-ads")
    if currency == "USD":
        error = check_source(Settings(), one, 7, datetime(2027, 1, 1)).error
        assert "no column Amount spent (EUR)" in str(error)
        return
    [row] = read(one).rows[CAMPAIGN_SPEND]
    assert (row["spend_cents"], row["impressions"], row["clicks"]) == (1250, 90, None)
    assert (row["utm_source"], row["utm_medium"]) == ("facebook", "paid-social")


def test_tags_of_campaigns_are_used_by_id_then_by_name(tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    rows = [google("tea", "1.00"), google("cake", "1.00"), google("pie", "1.00")]
    write(exports / "report.csv", [GOOGLE, *rows])
    tags = tmp_path / "tags.csv"
    header = ["campaign", "utm_source", "utm_campaign"]
    write(tags, [header, ["id of tea", "", "green tea"], ["cake", "google-ads", "cakes"]])
    one = source(exports, "google-ads", str(tags))
    found = [(row["utm_source"], row["utm_campaign"]) for row in read(one).rows[CAMPAIGN_SPEND]]
    assert found == [("google", "green tea"), ("google-ads", "cakes"), ("google", "pie")]
    digest = rules_of(Settings(), one).digest
    write(tags, [header, ["cake", "google-ads", "cakes"]])
    assert rules_of(Settings(), one).digest != digest
    for lines in ([["name"]], [header, ["", "", "x"]], [header, *[["tea", "", "x"]] * 2]):
        write(tags, lines)
        with pytest.raises(UnusableRule, match=r"tags\.csv"):
            rules_of(Settings(), one)
