-- One row is one source in one published hour: how many lines of the hour came from it, and when
-- the last of them came. The key of a raw object names its source.
with

objects as (
    select *
    from raw_objects
),

named as (
    select
        regexp_extract(
            raw_object, '^raw/[^/]+/(.+)-[^-/]+-[0-9]{14,}-[0-9]{14,}[.][^/]+$', 1
        ) as source,
        hour_at,
        event_date,
        lines,
        is_late,
        arrived_at
    from objects
),

of_hours as (
    select
        source,
        hour_at,
        event_date,
        sum(lines) as lines,
        sum(if(is_late, lines, 0)) as late_lines,
        count(*) as raw_objects,
        max(arrived_at) as last_arrived_at
    from named
    group by
        source,
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
        source,
        hour_at,
        cast(local_time as date) as local_date,
        hour(local_time) as local_hour,
        lines,
        late_lines,
        raw_objects,
        last_arrived_at,
        event_date
    from in_local_time
)

select *
from final
