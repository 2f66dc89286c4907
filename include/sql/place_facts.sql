-- One row is one place that people's requests of a UTC date came from, without assets, and its mean
-- coordinates. Requests whose place is not known are a row, too. Coordinates are rounded to 11 m: a
-- mean of the same numbers in another order may differ in its last bits, and equal rows must have
-- equal bytes.
with

people_hits as (
    select *
    from hits
    where not is_bot and kind not in ('asset', 'health_check')
),

in_local_time as (
    select
        *,
        cast(with_timezone(hour_at, 'UTC') at time zone '{time_zone}' as date) as local_date
    from people_hits
),

final as (
    select
        country,
        region,
        city,
        count(*) as requests,
        round(avg(latitude), 4) as latitude,
        round(avg(longitude), 4) as longitude,
        local_date,
        event_date
    from in_local_time
    group by
        country,
        region,
        city,
        local_date,
        event_date
)

select *
from final
