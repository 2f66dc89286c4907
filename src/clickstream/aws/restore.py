"""Restore a lake to a moment: the objects of its bucket, and the pointers of its Iceberg tables.

Replaced objects stay as versions, so a restore can be undone by another one. Views, staged rows,
query results, logs, bundles and secrets stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from clickstream.aws.bundle import BUNDLES
from clickstream.aws.deployment import Deployment
from clickstream.core.errors import RestoreRefused
from clickstream.core.wording import quantity
from clickstream.lake import Lake, aws_errors, objects
from clickstream.lake.object_versions import (
    KeyHistory,
    Version,
    copy_versions,
    histories,
    kept_days,
)
from clickstream.lake.publication import PUBLISHING
from clickstream.lake.records import RecordStore
from clickstream.pipeline.proof.freshness import PUBLICATION_LIMIT
from clickstream.settings.sections import QUERY_RESULTS

_RESTORES = RecordStore("restores/", dict[str, Any])
"""By time: the moment that the lake was restored `to`, and the `pointers` that were replaced."""

_LEFT = (BUNDLES, "logs/", "staging/", QUERY_RESULTS, _RESTORES.prefix)
"""Prefixes of objects that a restore leaves as they are."""


@dataclass(frozen=True)
class RestorePlan:
    """What a restore changes; `pointers` are new metadata files by table, None for no table."""

    moment: datetime
    copies: Sequence[Version]
    deletions: Sequence[str]
    pointers: Mapping[str, str | None]

    @property
    def sentence(self) -> str:
        """One line for the preview."""
        size = sum(version.size for version in self.copies) / 1e6
        return (
            f"State of {self.moment:%Y-%m-%d %H:%M:%S} UTC: "
            f"{quantity(len(self.copies), 'object')} ({size:,.1f} MB) would be copied back, "
            f"{quantity(len(self.deletions), 'newer object')} deleted, and "
            f"{quantity(len(self.pointers), 'table')} set back."
        )

    @property
    def is_empty(self) -> bool:
        """Whether the lake is in the state of the moment already."""
        return not (self.copies or self.deletions or self.pointers)


@aws_errors.translate_errors()
def refuse_active(deployment: Deployment, lake: Lake, now: datetime) -> None:
    """Raise RestoreRefused while the host runs, or a publication was written to a moment ago."""
    instance = deployment.instance()
    state = instance["State"]["Name"] if instance else "absent"
    if instance and state not in ("stopped", "terminated"):
        raise RestoreRefused(
            f"The host {instance['InstanceId']} is {state}, and its runs would write into the "
            "restored lake. Stop it first: aws ec2 stop-instances --region "
            f"{deployment.account.region} --instance-ids {instance['InstanceId']}"
        )
    begun = [item.modified_at for item in objects.listed(lake, PUBLISHING)]
    if begun and now - max(begun) < PUBLICATION_LIMIT:
        free_at = max(begun) + PUBLICATION_LIMIT
        raise RestoreRefused(
            f"A publication began at {max(begun):%H:%M} UTC and may still be running. Stop every "
            "process that builds hours of this lake, and restore after "
            f"{free_at:%Y-%m-%d %H:%M} UTC."
        )


@aws_errors.translate_errors()
def plan_restore(lake: Lake, moment: datetime, now: datetime) -> RestorePlan:
    """Return what a restore to a moment changes. `moment` and `now` are aware.

    Raises RestoreRefused if the bucket does not keep the objects of that moment.
    """
    _refuse_moment(lake, moment, now)
    all_histories = [history for history in histories(lake) if not history.key.startswith(_LEFT)]
    changed = [history for history in all_histories if history.differs(moment)]
    then = [(history, history.at(moment)) for history in changed]
    return RestorePlan(
        moment,
        [version for _, version in then if version],
        [history.key for history, version in then if version is None],
        _changed_pointers(lake, all_histories, moment),
    )


def _refuse_moment(lake: Lake, moment: datetime, now: datetime) -> None:
    days = kept_days(lake)
    if days == 0:
        raise RestoreRefused(
            f"The bucket {lake.bucket} keeps no versions of objects, so no earlier state exists. "
            "Enable its versioning for the future; `clickstream aws deploy` does."
        )
    if moment > now or (days and moment < now - timedelta(days=days)):
        since = f" or before {now - timedelta(days=days):%Y-%m-%d %H:%M} UTC" if days else ""
        raise RestoreRefused(
            f"{moment:%Y-%m-%d %H:%M:%S} UTC is in the future{since}: the bucket {lake.bucket} has "
            "no versions of that moment. Choose another moment."
        )


def _changed_pointers(
    lake: Lake, all_histories: Iterable[KeyHistory], moment: datetime
) -> dict[str, str | None]:
    from clickstream.lake.iceberg.pointers import PointerHistory, current_pointers, metadata_file

    now = current_pointers(lake)
    files = [file for history in all_histories if (file := metadata_file(history))]
    earlier_restores = _RESTORES.read_all(lake, [*_RESTORES.names(lake)])
    replaced = [
        file for record in earlier_restores if record for file in record["pointers"].values()
    ]
    then = PointerHistory(lake, files, frozenset([*now.values(), *replaced])).at(moment)
    gone: dict[str, str | None] = {table: None for table in now if table not in then}
    return gone | {table: file for table, file in then.items() if now.get(table) != file}


@aws_errors.translate_errors()
def restore(lake: Lake, plan: RestorePlan, now: datetime) -> None:
    """Carry out a plan. It can be killed and run again at any point.

    Old objects come back first and new ones are deleted last, so tables always have their files.
    """
    from clickstream.lake.iceberg.pointers import current_pointers, set_pointer

    record = {"to": plan.moment, "pointers": current_pointers(lake)}
    _RESTORES.put(lake, f"{now:%Y-%m-%dT%H-%M-%S}", record)
    copy_versions(lake, plan.copies)
    for table, file in plan.pointers.items():
        set_pointer(lake, table, file)
    objects.delete(lake, [*plan.deletions])
