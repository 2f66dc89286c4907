"""The steps that build an hour or a range of hours, in their order.

    pull ─▶ clean_hits ─▶ build_sessions ─▶ check_hour ─▶ register_tables ─▶ refresh_views
                                                                                       │
                                                                         refresh_facts ◀

Only this package connects `parse`, `clean` and `sessions`, which do no I/O, with the lake. Every
step can be killed and run again at any point. Each step passes a `CleanedHour` or a `StitchedHour`
to the next one: keys and counts, no rows.
"""

from clickstream.pipeline.backfill import (
    Backfill,
    Progress,
    Steps,
    left_to_the_run,
    outdated_views,
    plan_backfill,
    rebuild,
    track_progress,
)
from clickstream.pipeline.build import (
    build_sessions,
    check_hour,
    clean_hits,
    clean_unless_staged,
    is_staged,
)
from clickstream.pipeline.check_hosts import HostCheck, check_hosts
from clickstream.pipeline.facts import FactsRefreshed, refresh_facts
from clickstream.pipeline.freshness import (
    Freshness,
    Health,
    Limits,
    lake_freshness,
    measure_freshness,
)
from clickstream.pipeline.host_freshness import HostFreshness
from clickstream.pipeline.host_keys import ShownKey, ask_for_key, known_hosts_of, trust
from clickstream.pipeline.hosts import (
    HostState,
    find_host,
    list_hosts,
    list_states,
    login_of,
    pull_all,
    pull_host,
    retire,
)
from clickstream.pipeline.hour_states import (
    check_range,
    describe,
    describe_build,
    describe_other_settings,
    describe_reach,
    describe_refused,
    hour_states,
    hours_to_rebuild,
)
from clickstream.pipeline.late_hours import LateHour
from clickstream.pipeline.maintenance import compact_days, expire_snapshots, sweep_files
from clickstream.pipeline.missing_sources import Completed, complete_hours
from clickstream.pipeline.new_visitor_ids import (
    NewIds,
    give_new_visitor_ids,
    open_periods,
    plan_new_visitor_ids,
)
from clickstream.pipeline.publish import (
    Due,
    build_hour,
    hours_to_build,
    refresh_views,
    register_tables,
)
from clickstream.pipeline.pull import pull
from clickstream.pipeline.pulled import Pulled
from clickstream.pipeline.repair import repair
from clickstream.pipeline.replay_window import check_replay_window
from clickstream.pipeline.results import (
    CleanedHour,
    Finding,
    Published,
    StitchedHour,
    VerifyReport,
)
from clickstream.pipeline.site import describe_own_domain, settings_digest, settings_of
from clickstream.pipeline.stored_bytes import BytesReport, Damage, check_stored_bytes
from clickstream.pipeline.verify import verify

__all__ = [
    "Backfill",
    "BytesReport",
    "CleanedHour",
    "Completed",
    "Damage",
    "Due",
    "FactsRefreshed",
    "Finding",
    "Freshness",
    "Health",
    "HostCheck",
    "HostFreshness",
    "HostState",
    "LateHour",
    "Limits",
    "NewIds",
    "Progress",
    "Published",
    "Pulled",
    "ShownKey",
    "Steps",
    "StitchedHour",
    "VerifyReport",
    "ask_for_key",
    "build_hour",
    "build_sessions",
    "check_hosts",
    "check_hour",
    "check_range",
    "check_replay_window",
    "check_stored_bytes",
    "clean_hits",
    "clean_unless_staged",
    "compact_days",
    "complete_hours",
    "describe",
    "describe_build",
    "describe_other_settings",
    "describe_own_domain",
    "describe_reach",
    "describe_refused",
    "expire_snapshots",
    "find_host",
    "give_new_visitor_ids",
    "hour_states",
    "hours_to_build",
    "hours_to_rebuild",
    "is_staged",
    "known_hosts_of",
    "lake_freshness",
    "left_to_the_run",
    "list_hosts",
    "list_states",
    "login_of",
    "measure_freshness",
    "open_periods",
    "outdated_views",
    "plan_backfill",
    "plan_new_visitor_ids",
    "pull",
    "pull_all",
    "pull_host",
    "rebuild",
    "refresh_facts",
    "refresh_views",
    "register_tables",
    "repair",
    "retire",
    "settings_digest",
    "settings_of",
    "sweep_files",
    "track_progress",
    "trust",
    "verify",
]
