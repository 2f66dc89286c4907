-- One row is one step of the funnel on one site and UTC date, with the sessions that reached it.
-- Sessions count on the date on which they started. The settings have the names of the steps.
with

visits as (
    select *
    from sessions
    where funnel_steps > 0
),

steps_reached as (
    select
        visits.site,
        visits.session_date,
        visits.visitor_id,
        visits.funnel_steps,
        steps.step
    from visits
    cross join unnest(sequence(1, visits.funnel_steps)) as steps (step)
),

final as (
    select
        site,
        step,
        count(*) as sessions,
        count(distinct visitor_id) as visitors,
        count_if(funnel_steps = step) as ended_here,
        session_date
    from steps_reached
    group by
        site,
        step,
        session_date
)

select *
from final
