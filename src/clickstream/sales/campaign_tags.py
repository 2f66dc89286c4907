"""The tags of campaigns whose name at the platform is not their tag, from a CSV file.

The setting `campaign_tags` of `[[sales]]` names the file. docs/sales.md describes it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from clickstream.core.errors import UnusableRule

CAMPAIGN = "campaign"
TAGS = ("utm_source", "utm_medium", "utm_campaign")

CampaignTags = Mapping[str, Mapping[str, str]]
"""The tags to use, by id or name of a campaign; a tag that is not named stays as it is."""


def parse_campaign_tags(text: str, where: str) -> CampaignTags:
    """Read the file; `where` is its path. Raises UnusableRule, with what to change."""
    lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    columns = [name.strip() for name in lines.fieldnames or ()]
    if CAMPAIGN not in columns or not {*columns} <= {CAMPAIGN, *TAGS}:
        raise UnusableRule(
            f"The columns of {where} are {', '.join(columns) or 'missing'}: it needs {CAMPAIGN}, "
            f"and can have {', '.join(TAGS)}."
        )
    lines.fieldnames = columns
    tags_of: dict[str, Mapping[str, str]] = {}
    for number, row in enumerate(lines, 2):
        campaign = (row[CAMPAIGN] or "").strip()
        if not campaign or campaign in tags_of or None in row:
            raise UnusableRule(
                f"Line {number} of {where} needs the id or the name of a campaign that no other "
                "line has, and one value for each column."
            )
        tags_of[campaign] = {name: tag for name in TAGS if (tag := (row.get(name) or "").strip())}
    return tags_of


def tags_of(record: Mapping[str, Any], tags: CampaignTags) -> dict[str, str | None]:
    """Return the tags of a row of spending: those of its id, else of its name, else its own."""
    by_name = tags.get(record["utm_campaign"] or "", {})
    given = tags.get(record["campaign_id"], by_name)
    return {name: given.get(name, record[name]) for name in TAGS}
