"""Costs and visits that do not meet are found, and proposed in pairs if their tags are alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.insight.campaign_tags import (
    THRESHOLD,
    CampaignTag,
    PaidCampaign,
    VisitedCampaign,
    compare_tags,
)

tags = st.builds(
    CampaignTag,
    st.sampled_from([None, "", "tea", "spring_cakes", "spring-cakes", "sale 2026", "sale 2025"]),
    st.sampled_from([None, "google", "facebook"]),
)
costs = st.lists(
    st.builds(PaidCampaign, st.just("ads"), st.uuids().map(str), tags, st.integers(0, 9)),
    max_size=6,
    unique_by=lambda one: one.campaign_id,
)
visited = st.lists(
    st.builds(VisitedCampaign, tags, st.integers(1, 9), st.booleans()),
    max_size=6,
    unique_by=lambda one: one.tag,
)


@given(costs, visited)
def test_what_does_not_meet_is_listed_and_paired_at_most_once(
    spent: list[PaidCampaign], seen: list[VisitedCampaign]
) -> None:
    found = compare_tags(spent, seen)
    for one in spent:
        assert (one in found.without_visits) == all(not one.tag.meets(v.tag) for v in seen)
    for visits in seen:
        has_cost = any(one.tag.meets(visits.tag) for one in spent)
        assert (visits in found.without_cost) == (visits.is_paid and not has_cost)
    paired = [side for pair in found.proposals for side in (pair.cost, pair.visited)]
    assert len(paired) == len({*paired})
    for pair in found.proposals:
        assert pair.cost in found.without_visits
        assert not any(one.tag.meets(pair.visited.tag) for one in spent)
        assert THRESHOLD <= pair.likeness <= 1
    assert compare_tags(spent[::-1], seen[::-1]).proposals == found.proposals


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        ("spring-cakes", "spring_cakes", "spelling"),
        ("springcakes", "Spring Cakes", "spelling"),
        ("cafe & friends", "café+friends", "spelling"),
        ("gb | search | spring cakes", "spring_cakes", "more words"),
        ("spring_cakes_2026", "spring-cakes", "more words"),
        ("sprnig cakes", "spring_cakes", "alike"),
        ("spring_cakes", "autumn_teas", None),
        ("sale_2025", "sale_2026", None),
        ("a", "a b", None),
        (None, "tea", None),
        ("--", "tea", None),
    ],
)
def test_a_proposal_has_its_reason(ours: str | None, theirs: str, reason: str | None) -> None:
    cost = PaidCampaign("meta", "1", CampaignTag(ours), 100)
    found = compare_tags([cost], [VisitedCampaign(CampaignTag(theirs.lower()), 9, is_paid=True)])
    assert [one.reason for one in found.proposals] == ([reason] if reason else [])


def test_equal_campaigns_of_other_sources_are_proposed_before_similar_ones() -> None:
    cost = PaidCampaign("meta", "1", CampaignTag("tea", "fb"), 100)
    seen = [
        VisitedCampaign(CampaignTag(name, source), 9)
        for name, source in (("teas", "fb"), ("tea", "facebook"))
    ]
    [pair] = compare_tags([cost], seen).proposals
    assert (pair.visited, pair.reason) == (seen[1], "other source")


def test_of_two_campaigns_that_fit_equally_the_more_expensive_one_is_proposed() -> None:
    spent = [PaidCampaign("meta", str(n), CampaignTag("spring cakes"), 100 + n) for n in range(3)]
    seen = [VisitedCampaign(CampaignTag("spring_cakes"), 9)]
    assert [one.cost for one in compare_tags(spent, seen).proposals] == [spent[2]]
