-- One row is one goal that one session of a person met. It is a row of all_conversions, without
-- those of suspected machines (docs/people.md).
with

people as (
    select *
    from all_conversions
    where not is_suspected
),

final as (
    select
        session_id,
        visitor_id,
        site,
        goal,
        times,
        landing_page,
        channel,
        source,
        medium,
        utm_campaign,
        device,
        country,
        started_at,
        session_date
    from people
)

select *
from final
