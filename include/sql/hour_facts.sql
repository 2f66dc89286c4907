-- One row is one published hour: what its lines were, how complete it is and how it was built, with
-- its date and hour in the site's time zone.
with

hours as (
    select *
    from hour_ledger
),

in_local_time as (
    select
        *,
        with_timezone(hour_at, 'UTC') at time zone '{time_zone}' as local_time
    from hours
),

final as (
    select
        hour_at,
        cast(local_time as date) as local_date,
        hour(local_time) as local_hour,
        lines,
        page_requests,
        assets,
        downloads,
        bots,
        redirects,
        client_errors,
        server_errors,
        health_checks,
        api_calls,
        others,
        rejected,
        coalesce(other_hosts, 0) as other_hosts, -- since columns version 3
        late_lines,
        late_by_seconds,
        coalesce(waiting_lines, 0) as waiting_lines,
        missing_sources,
        session_parts,
        visitor_key,
        timeout_seconds,
        library_version,
        settings_digest,
        published_at,
        published_by,
        coalesce(columns_version, 1) as columns_version, -- since columns version 2
        networks_dated, -- since columns version 4
        event_date
    from in_local_time
)

select *
from final
