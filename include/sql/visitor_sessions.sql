-- One row is one session of a person, with its number among the visitor's sessions. A visitor can
-- be recognised while the visitor key is used, at most [privacy] key_days (docs/privacy.md). So the
-- view reads the earlier sessions of that many days.
with

visits as (
    select *
    from sessions
),

visits_of_interest as (
    select
        *,
        cast(session_date as timestamp) - interval '{key_days}' day as known_since
    from visits
),

-- Each session, joined to all sessions of its visitor up to and including itself. The conditions on
-- session_date and known_since are equivalent: engines use one for a single date and the other for
-- a range of dates to skip earlier sessions, in which visitors had other pseudonyms.
history as (
    select
        visits_of_interest.session_id,
        visits_of_interest.visitor_id,
        visits_of_interest.site,
        visits_of_interest.started_at,
        visits_of_interest.session_date,
        if(
            visits.session_id <> visits_of_interest.session_id,
            visits.started_at
        ) as earlier_started_at
    from visits
    inner join visits_of_interest
        on
            visits.site = visits_of_interest.site
            and visits.visitor_id = visits_of_interest.visitor_id
            and visits.session_date
            between visits_of_interest.session_date - interval '{key_days}' day
            and visits_of_interest.session_date
            and visits.started_at >= visits_of_interest.known_since
            and visits.started_at <= visits_of_interest.started_at
            and (
                visits.started_at < visits_of_interest.started_at
                or visits.session_id <= visits_of_interest.session_id
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
