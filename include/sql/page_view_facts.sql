-- One row is one page view of a person, as the dashboard counts it. Its local date and hour are
-- those of its session's start, so that page views of a range belong to the sessions of the range.
with

views as (
    select *
    from all_page_views
),

in_local_time as (
    select
        *,
        with_timezone(session_started_at, 'UTC') at time zone '{time_zone}' as local_time
    from views
),

final as (
    select
        substr(session_id, 1, 16) as session_id,
        substr(visitor_id, 1, 16) as visitor_id,
        page,
        view_number,
        dwell_seconds,
        is_estimated,
        is_landing_page,
        is_exit_page,
        next_page,
        host,
        response_ms,
        date_diff('second', session_started_at, viewed_at)
            as seconds_in_visit,
        cast(local_time as date) as local_date,
        hour(local_time) as local_hour,
        is_suspected,
        session_date
    from in_local_time
)

select *
from final
