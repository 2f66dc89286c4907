-- One row is one number of sessions of one signed agent on one UTC date and one date of the site's
-- time zone: of all its sessions (goal and step are null), of those that met a goal, or of those
-- that reached a step of the funnel.
with

parts as (
    select *
    from session_parts
    where bot_class = 'signed agent'
),

visits as (
    select
        *,
        with_timezone(started_at, 'UTC') at time zone '{time_zone}' as local_time
    from agent_sessions
),

goals as (
    select distinct
        parts.session_id,
        parts.session_started_at as started_at,
        met.goal
    from parts
    cross join unnest(parts.goals) as met (goal, times)
),

of_goals as (
    select
        visits.agent,
        goals.goal,
        cast(null as bigint) as step,
        visits.page_views,
        visits.local_time,
        visits.session_date
    from visits
    inner join goals
        on
            visits.session_id = goals.session_id
            and visits.started_at = goals.started_at
),

of_steps as (
    select
        visits.agent,
        cast(null as varchar) as goal,
        steps.step,
        visits.page_views,
        visits.local_time,
        visits.session_date
    from visits
    cross join unnest(sequence(1, visits.funnel_steps)) as steps (step)
    where visits.funnel_steps > 0
),

of_all as (
    select
        agent,
        cast(null as varchar) as goal,
        cast(null as bigint) as step,
        page_views,
        local_time,
        session_date
    from visits
),

counted as (
    select * from of_all
    union all
    select * from of_goals
    union all
    select * from of_steps
),

final as (
    select
        agent,
        goal,
        step,
        count(*) as sessions,
        sum(page_views) as page_views,
        cast(local_time as date) as local_date,
        session_date
    from counted
    group by
        agent,
        goal,
        step,
        cast(local_time as date),
        session_date
)

select *
from final
