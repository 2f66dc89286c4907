-- One row is one session of a signed agent on a site: requests whose signatures are verified,
-- without a pause longer than the session timeout, with at least one page view. Its requests are no
-- part of sessions, because they have a bot verdict. docs/bots.md describes signed agents.
-- session_date is the UTC date on which a session started; filter by it to read less.
with

parts as (
    select *
    from session_parts
    where bot_class = 'signed agent'
),

agents as (
    select
        session_id,
        site,
        session_started_at as started_at,
        min_by(visitor_id, first_hit_at) as visitor_id,
        substr(min_by(bot_reason, first_hit_at), length('signature: ') + 1) as agent,
        min_by(landing_page, first_page_at)
            filter (where first_page_at is not null) as landing_page,
        max_by(exit_page, last_page_at) filter (where last_page_at is not null) as exit_page,
        sum(page_views) as page_views,
        sum(requests) as requests,
        sum(errors) as errors,
        coalesce(sum(conversions), 0) as conversions,
        array_agg(funnel order by first_hit_at) filter (where funnel is not null) as funnel,
        max(last_hit_at) as ended_at
    from parts
    group by
        session_id,
        site,
        session_started_at
    having sum(page_views) > 0
),

final as (
    select
        agents.session_id,
        agents.visitor_id,
        agents.site,
        agents.agent,
        agents.landing_page,
        agents.exit_page,
        agents.page_views,
        agents.requests,
        agents.errors,
        agents.conversions,
        -- As in the view sessions.
        reduce(
            agents.funnel,
            cast(0 as bigint),
            (reached, part) -> coalesce(element_at(part, reached + 1), reached),
            reached -> reached
        ) as funnel_steps,
        agents.started_at,
        agents.ended_at,
        cast(agents.started_at as date) as session_date
    from agents
)

select *
from final
