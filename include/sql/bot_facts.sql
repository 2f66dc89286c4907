-- One row is one kind of bot in one hour: its class, the reason for the verdict, and its program.
-- Static assets and health checks are not counted, so the requests of an hour are the bots of its
-- ledger.
with

bot_hits as (
    select *
    from hits
    where is_bot and kind <> 'health_check'
),

of_hours as (
    select
        bot_class,
        bot_reason,
        browser as agent,
        hour_at,
        event_date,
        count(*) as requests,
        coalesce(sum(bytes), 0) as bytes,
        count_if(kind in ('client_error', 'server_error')) as errors
    from bot_hits
    group by
        bot_class,
        bot_reason,
        browser,
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
        bot_class,
        bot_reason,
        agent,
        requests,
        cast(bytes as bigint) as bytes,
        errors,
        hour_at,
        cast(local_time as date) as local_date,
        hour(local_time) as local_hour,
        event_date
    from in_local_time
)

select *
from final
