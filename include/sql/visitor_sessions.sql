-- One row is one session of a person, and its place among the visitor's sessions. A visitor is
-- known as long as the key of their pseudonym holds, which is [privacy] key_days at most
-- (docs/privacy.md), so earlier sessions are looked for that many days back and no further.
with

visits as (
    select *
    from sessions
),

-- Each session with every session of its visitor up to it, itself included.
history as (
    select
        visits.session_id,
        visits.visitor_id,
        visits.site,
        visits.started_at,
        visits.session_date,
        if(earlier.session_id <> visits.session_id, earlier.started_at) as earlier_started_at
    from visits
    inner join visits as earlier
        on
            visits.site = earlier.site
            and visits.visitor_id = earlier.visitor_id
            and earlier.session_date between date_add('day', -30, visits.session_date)
            and visits.session_date
            and (
                earlier.started_at < visits.started_at
                or (
                    earlier.started_at = visits.started_at
                    and earlier.session_id <= visits.session_id
                )
            )
),

numbered as (
    select
        session_id,
        visitor_id,
        site,
        count(*) as session_number,
        max(earlier_started_at) as previous_started_at,
        started_at,
        session_date
    from history
    group by
        session_id,
        visitor_id,
        site,
        started_at,
        session_date
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
    from numbered
)

select *
from final
