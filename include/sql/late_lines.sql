-- One row is one UTC date: the number of lines that arrived after their hour was published, the
-- time from the end of the hour to their arrival, and the number of sessions that they changed.
with

hours as (
    select *
    from hour_ledger
),

late_objects as (
    select
        event_date,
        lines,
        date_diff('second', hour_at + interval '1' hour, arrived_at) as late_by_seconds
    from raw_objects
    where is_late
),

changes as (
    select *
    from session_changes
    where coalesce(root_cause, cause) = 'late lines'
),

lines_of_dates as (
    select
        event_date,
        sum(lines) as lines,
        sum(late_lines) as late_lines,
        count_if(late_lines > 0) as reopened_hours
    from hours
    group by event_date
),

lateness as (
    select
        event_date,
        sum(if(late_by_seconds <= 3600, lines, 0)) as late_by_an_hour,
        sum(if(late_by_seconds > 3600 and late_by_seconds <= 86400, lines, 0)) as late_by_a_day,
        sum(if(late_by_seconds > 86400, lines, 0)) as late_by_more,
        max(late_by_seconds) as late_by_seconds_at_most
    from late_objects
    group by event_date
),

sessions_of_dates as (
    select
        event_date,
        count(distinct old_session_id) as sessions_changed,
        count(distinct if(change = 'extended', old_session_id)) as sessions_extended,
        count(distinct if(change = 'merged', old_session_id)) as sessions_merged,
        count(distinct if(change = 'split', old_session_id)) as sessions_split
    from changes
    group by event_date
),

final as (
    select
        lines_of_dates.event_date,
        lines_of_dates.lines,
        lines_of_dates.late_lines,
        cast(lines_of_dates.late_lines as double) / nullif(lines_of_dates.lines, 0) as late_share,
        lines_of_dates.reopened_hours,
        coalesce(lateness.late_by_an_hour, 0) as late_by_an_hour,
        coalesce(lateness.late_by_a_day, 0) as late_by_a_day,
        coalesce(lateness.late_by_more, 0) as late_by_more,
        lateness.late_by_seconds_at_most,
        coalesce(sessions_of_dates.sessions_changed, 0) as sessions_changed,
        coalesce(sessions_of_dates.sessions_extended, 0) as sessions_extended,
        coalesce(sessions_of_dates.sessions_merged, 0) as sessions_merged,
        coalesce(sessions_of_dates.sessions_split, 0) as sessions_split
    from lines_of_dates
    left join lateness
        on lines_of_dates.event_date = lateness.event_date
    left join sessions_of_dates
        on lines_of_dates.event_date = sessions_of_dates.event_date
)

select *
from final
