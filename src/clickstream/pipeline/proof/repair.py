"""Repair: build the hours again that `verify` reports as wrong, and verify them.

`clickstream repair` calls this.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from clickstream.core.errors import ClickstreamError
from clickstream.core.wording import quantity
from clickstream.lake import Lake, aws_errors, raw
from clickstream.pipeline.hour.replay_window import close_renewed_periods
from clickstream.pipeline.proof.report import VerifyReport
from clickstream.pipeline.proof.verify import stray_marks, verify
from clickstream.pipeline.publish.publish import build_hour


@aws_errors.translate_errors()
def repair(
    lake: Lake,
    report: VerifyReport,
    run_id: str,
    tell: Callable[[str], None] = lambda _: None,
    now: datetime | None = None,
) -> VerifyReport:
    """Apply the remedies of a report's findings, hour after hour, and verify those hours again.

    Returns the report of the hours from the first to the last one that was
    wrong; `report` itself if none was. `tell` is called with a sentence for every action. An hour
    that can't be built is reported to `tell`, too, and does not stop the others. Repairing a
    correct hour changes nothing.
    """
    hours = report.wrong_hours
    if not hours:
        return report
    if any(finding.remedy == "drop marks" for finding in report.findings):
        stored = raw.raw_by_hour(lake, hours[0], hours[-1])
        marks = raw.pending_by_hour(lake, hours[0], hours[-1])
        for hour, keys in stray_marks(stored, marks).items():
            raw.clear_pending(lake, keys)
            number = quantity(len(keys), "pending marker")
            tell(f"Hour {hour}: removed {number} without a raw object.")
    if any(finding.remedy == "close period" for finding in report.findings):
        close_renewed_periods(lake)
        tell("Closed the key periods whose hours all have new visitor ids.")
    done: set[str] = set()
    for hour in sorted({f.hour for f in report.findings if f.remedy == "build again"}):
        if str(hour) in done:
            continue
        try:
            for rebuilt in build_hour(lake, hour, run_id):
                tell(rebuilt.sentence)
                done.add(rebuilt.hour)
        except ClickstreamError as error:
            tell(f"Hour {hour} was not built: {error.printed}")
    close_renewed_periods(lake)
    return verify(lake, hours[0], hours[-1], now=now)
