-- One row is one error that people got on one page in one hour: its status, and the visitor who got
-- it. The requests of an hour are its ledger's client and server errors.
with

failed_hits as (
    select *
    from hits
    where not is_bot and kind in ('client_error', 'server_error')
),

of_hours as (
    select
        page,
        status,
        kind,
        substr(visitor_id, 1, 16) as visitor_id,
        hour_at,
        event_date,
        count(*) as requests
    from failed_hits
    group by
        page,
        status,
        kind,
        substr(visitor_id, 1, 16),
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
        page,
        status,
        kind,
        visitor_id,
        requests,
        hour_at,
        cast(local_time as date) as local_date,
        hour(local_time) as local_hour,
        event_date
    from in_local_time
)

select *
from final
