-- One row is one reason for which lines of one hour could not be used. The lines of an hour are its
-- ledger's rejected lines.
with

rejected_lines as (
    select *
    from rejects
),

of_hours as (
    select
        reason,
        hour_at,
        event_date,
        max(line_bytes) as longest_line_bytes,
        count(*) as lines
    from rejected_lines
    group by
        reason,
        hour_at,
        event_date
),

in_local_time as (
    select
        *,
        with_timezone(hour_at, 'UTC') at time zone '{time_zone}' as local_time
    from of_hours
),

final as (
    select
        reason,
        lines,
        longest_line_bytes,
        hour_at,
        cast(local_time as date) as local_date,
        hour(local_time) as local_hour,
        event_date
    from in_local_time
)

select *
from final
