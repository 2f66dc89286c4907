-- One row is one page on which one session of a person got errors of one status, as the dashboard
-- counts it, with the date and hour of the session's start in the site's time zone.
with

failed_hits as (
    select *
    from hits
    where kind in ('client_error', 'server_error')
),

parts as (
    select *
    from session_parts
),

people as (
    select *
    from all_sessions
),

errors_in_sessions as (
    select
        people.session_id,
        people.visitor_id,
        people.funnel_steps,
        failed_hits.page,
        failed_hits.status,
        failed_hits.kind,
        failed_hits.hit_at,
        people.started_at as session_started_at,
        people.is_suspected,
        people.session_date
    from failed_hits
    inner join parts
        on
            failed_hits.part_id = parts.part_id
            and failed_hits.hour_at = parts.hour_at
            and failed_hits.event_date = parts.event_date
    inner join people
        on
            parts.session_id = people.session_id
            and parts.session_started_at = people.started_at
            -- Always true; it lets a filter by session_date leave out requests of other dates.
            and failed_hits.event_date between people.session_date
            and date_add('day', 1, people.session_date)
),

of_sessions as (
    select
        session_id,
        visitor_id,
        funnel_steps,
        page,
        status,
        kind,
        session_started_at,
        is_suspected,
        session_date,
        count(*) as requests,
        min(hit_at) as first_at
    from errors_in_sessions
    group by
        session_id,
        visitor_id,
        funnel_steps,
        page,
        status,
        kind,
        session_started_at,
        is_suspected,
        session_date
),

in_local_time as (
    select
        *,
        with_timezone(session_started_at, 'UTC') at time zone '{time_zone}' as local_time
    from of_sessions
),

final as (
    select
        substr(session_id, 1, 16) as session_id,
        substr(visitor_id, 1, 16) as visitor_id,
        page,
        status,
        kind,
        requests,
        first_at,
        funnel_steps,
        cast(local_time as date) as local_date,
        hour(local_time) as local_hour,
        is_suspected,
        session_date
    from in_local_time
)

select *
from final
