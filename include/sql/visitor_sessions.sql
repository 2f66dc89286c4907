-- One row is one session of a person, and its place among the visitor's sessions. A visitor is
-- known as long as the key of their pseudonym holds (docs/privacy.md), so it reads every date.
with

visits as (
    select *
    from sessions
),

in_order as (
    select
        *,
        row_number() over visitor_so_far as session_number,
        lag(started_at) over visitor_so_far as previous_started_at
    from visits
    window
        visitor_so_far as (
            partition by site, visitor_id
            order by started_at, session_id
        )
),

final as (
    select
        session_id,
        visitor_id,
        site,
        session_number,
        session_number > 1 as is_returning,
        date_diff('day', previous_started_at, started_at) as days_since_previous,
        previous_started_at,
        started_at,
        session_date
    from in_order
)

select *
from final
