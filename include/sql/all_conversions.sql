-- One row is one goal that one session of a person met, once or several times. Sessions count on
-- the date on which they started. docs/sessions.md describes goals.
-- Goals of suspected machines are rows, too: docs/people.md.
with

parts as (
    select *
    from session_parts
),

visits as (
    select *
    from all_sessions
),

goals_of_parts as (
    select
        parts.session_id,
        parts.session_started_at as started_at,
        met.goal,
        met.times
    from parts
    cross join unnest(parts.goals) as met (goal, times)
),

goals as (
    select
        session_id,
        started_at,
        goal,
        sum(times) as times
    from goals_of_parts
    group by
        session_id,
        started_at,
        goal
),

final as (
    select
        visits.session_id,
        visits.visitor_id,
        visits.site,
        goals.goal,
        goals.times,
        visits.landing_page,
        visits.channel,
        visits.source,
        visits.medium,
        visits.utm_campaign,
        visits.device,
        visits.country,
        visits.started_at,
        visits.is_suspected,
        visits.session_date
    from visits
    inner join goals
        on
            visits.session_id = goals.session_id
            and visits.started_at = goals.started_at
)

select *
from final
