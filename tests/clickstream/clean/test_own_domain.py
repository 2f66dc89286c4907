"""The site's own domain, inferred from the pages that load its assets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clickstream.clean import OwnDomain, infer_own_domain
from clickstream.clean.referrers import LEAST_SAMPLE

DOMAINS = ("shop.example", "www.shop.example", "blog.example", "images.example", "127.0.0.1")
COUNTS = st.dictionaries(
    st.tuples(st.sampled_from(DOMAINS), st.sampled_from(("/", "/menu", "/menu?page=2"))),
    st.integers(1, 4 * LEAST_SAMPLE),
)


def referrers(counts: dict[tuple[str, str], int]) -> dict[str, int]:
    return {f"https://{domain}{path}": number for (domain, path), number in counts.items()}


@given(COUNTS)
def test_only_a_domain_with_more_than_half_of_a_large_sample_is_inferred(
    counts: dict[tuple[str, str], int],
) -> None:
    found = infer_own_domain(referrers(counts))
    sample = sum(counts.values())
    of_domain = {
        name: sum(n for (domain, _), n in counts.items() if domain.removeprefix("www.") == name)
        for name in ("shop.example", "blog.example", "images.example", "127.0.0.1")
    }
    expected = [
        OwnDomain(name, number, sample)
        for name, number in of_domain.items()
        if 2 * number > sample >= LEAST_SAMPLE
    ]
    assert [found] == (expected or [None])


@given(COUNTS, st.randoms())
def test_order_of_referrers_changes_nothing(counts: dict[tuple[str, str], int], random) -> None:
    shuffled = [*referrers(counts).items()]
    random.shuffle(shuffled)
    assert infer_own_domain(dict(shuffled)) == infer_own_domain(referrers(counts))


@given(COUNTS)
def test_known_domain_is_not_inferred_again(counts: dict[tuple[str, str], int]) -> None:
    if found := infer_own_domain(referrers(counts)):
        again = infer_own_domain(referrers(counts), (found.domain,))
        assert again is None


def test_sentence_names_evidence_and_remedy() -> None:
    assert OwnDomain("example.org", 1234, 1300).sentence == (
        "Own domain: example.org, inferred from 1,234 of 1,300 asset requests; "
        "set site.domains to choose."
    )
