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


def describe_tags(found: TagReport) -> Iterator[str]:
    """Yield the lines: what does not meet, proposals, and what to write into the file."""
    if not found.without_visits and not found.without_cost:
        yield "Each campaign with a cost has visits, and all paid visits with tags have a cost."
        return
    if found.without_visits:
        yield "Costs without visits:"
        proposals = {one.cost: one for one in found.proposals}
        for one in found.without_visits:
            cost = f"{amount(one.cents)} {one.currency}"
            yield f"  {printable(f'{one.platform} {one.campaign_id}  {_name(one.tag)}')}  {cost}"
            if one in proposals:
                yield f"    {_describe(proposals[one])}"
    if found.without_cost:
        yield "Paid visits without a cost:"
        for tags in found.without_cost:
            yield f"  {printable(_name(tags.tag))}  {quantity(tags.visits, 'visit')}"
    if found.proposals:
        yield "To join the proposed pairs, set campaign_tags of [[sales]] to a file of these lines:"
        yield from _lines_of_file(found.proposals)


def _name(tag: CampaignTag) -> str:
    campaign = tag.campaign or "(no utm_campaign)"
    return f"{campaign} from {tag.source}" if tag.source else campaign


def _describe(one: TagProposal) -> str:
    visits = quantity(one.visited.visits, "visit")
    return f"perhaps {printable(_name(one.visited.tag))}, {visits}: {_REASONS[one.reason]}"


def _lines_of_file(proposals: Sequence[TagProposal]) -> Iterator[str]:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["campaign", "utm_source", "utm_campaign"])
    for one in proposals:
        tag = one.visited.tag
        lines.writerow([one.cost.campaign_id, tag.source or "", tag.campaign or ""])
    yield from map(printable, text.getvalue().splitlines())
