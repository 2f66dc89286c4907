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
        other_hosts,
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
        networks_dated,
        event_date
    from in_local_time
)

select *
from final
