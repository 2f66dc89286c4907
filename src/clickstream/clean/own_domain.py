"""Inference of the logged site's own domain, for settings that do not name it.

A browser that loads a page's images and styles names that page as their referrer. So the domain
behind most requests for assets is the site itself. The lake and `clickstream try` use this rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from clickstream.clean.referrers import referrer_of

LEAST_SAMPLE = 50
"""Requests for assets with a referrer below which nothing is inferred: three or four visits."""


@dataclass(frozen=True)
class OwnDomain:
    """An inferred domain, and its evidence.

    `sample` counts the requests for assets that name a referrer, `request_table` those of them that name
    a page of the domain.
    """

    domain: str
    requests: int
    sample: int

    @property
    def sentence(self) -> str:
        """One line that says what was inferred, from what, and how to choose otherwise."""
        return (
            f"Own domain: {self.domain}, inferred from {self.requests:,} of {self.sample:,} asset "
            "requests; set site.domains to choose."
        )


def infer_own_domain(
    referrers_of_assets: Mapping[str, int], domains: tuple[str, ...] = ()
) -> OwnDomain | None:
    """Infer the site's own domain from how many requests for assets name each referrer.

    `domains` are own domains that are known already; another one is inferred beside them. A leading
    `www.` is dropped, since own domains include their subdomains. None when the sample is smaller
    than LEAST_SAMPLE or no domain has more than half of it.
    """
    sample = sum(referrers_of_assets.values())
    counts: Counter[str] = Counter()
    for referrer, number in referrers_of_assets.items():
        if found := referrer_of(referrer, domains):
            counts[found.domain.removeprefix("www.")] += number
    domain, number = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if sample < LEAST_SAMPLE or 2 * number <= sample:
        return None
    return OwnDomain(domain, number, sample)
