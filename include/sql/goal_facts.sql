-- One row is one goal that was met in one session of a person, as the dashboard counts it, with the
-- date and hour of the session's start in the site's time zone.
with

goals as (
    select *
    from all_conversions
),

in_local_time as (
    select
        *,
        with_timezone(started_at, 'UTC') at time zone '{time_zone}' as local_time
    from goals
),

final as (
    select
        substr(session_id, 1, 16) as session_id,
        substr(visitor_id, 1, 16) as visitor_id,
        goal,
        times,
        cast(local_time as date) as local_date,
        hour(local_time) as local_hour,
        is_suspected,
        session_date
    from in_local_time
)

select *
from final
