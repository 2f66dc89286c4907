-- One row is one reason for a bot verdict on one site and UTC date, with the number of requests and
-- pages of these bots. Static assets and health checks are not counted.
with

bot_hits as (
    select *
    from hits
    where is_bot and kind <> 'health_check'
),

final as (
    select
        site,
        bot_class,
        bot_reason,
        count(*) as requests,
        count(distinct visitor_id) as visitors,
        count(distinct page) as pages,
        count_if(kind in ('client_error', 'server_error')) as errors,
        event_date
    from bot_hits
    group by
        site,
        bot_class,
        bot_reason,
        event_date
)

select *
from final
