"""Text output of `clickstream sales tags`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from clickstream.wording import amount, printable, quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickstream.insight.campaign_tags import CampaignTag, TagProposal, TagReport

_REASONS = {
    "other source": "equal campaigns of other sources",
    "spelling": "only case, accents and separators differ",
    "more words": "one has further words",
    "alike": "the tags are similar",
}


def describe_tags(report: TagReport) -> Iterator[str]:
    """Yield the lines: what does not meet, proposals, and what to write into the file."""
    if not report.without_visits and not report.without_cost:
        yield "Each campaign with a cost has visits, and all paid visits with tags have a cost."
        return
    if report.without_visits:
        yield "Costs without visits:"
        proposals = {proposal.cost: proposal for proposal in report.proposals}
        for spending in report.without_visits:
            cost = f"{amount(spending.cents)} {spending.currency}"
            campaign = f"{spending.platform} {spending.campaign_id}  {_name(spending.tag)}"
            yield f"  {printable(campaign)}  {cost}"
            if spending in proposals:
                yield f"    {_describe(proposals[spending])}"
    if report.without_cost:
        yield "Paid visits without a cost:"
        for tags in report.without_cost:
            yield f"  {printable(_name(tags.tag))}  {quantity(tags.visits, 'visit')}"
    if report.proposals:
        yield "To join the proposed pairs, set campaign_tags of [[sales]] to a file of these lines:"
        yield from _lines_of_file(report.proposals)


def _name(tag: CampaignTag) -> str:
    campaign = tag.campaign or "(no utm_campaign)"
    return f"{campaign} from {tag.source}" if tag.source else campaign


def _describe(proposal: TagProposal) -> str:
    visited = proposal.visited
    visits = quantity(visited.visits, "visit")
    return f"perhaps {printable(_name(visited.tag))}, {visits}: {_REASONS[proposal.reason]}"


def _lines_of_file(proposals: Sequence[TagProposal]) -> Iterator[str]:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["campaign", "utm_source", "utm_campaign"])
    for proposal in proposals:
        tag = proposal.visited.tag
        lines.writerow([proposal.cost.campaign_id, tag.source or "", tag.campaign or ""])
    yield from map(printable, text.getvalue().splitlines())
