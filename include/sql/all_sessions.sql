-- One row is one session of a person on a site: requests without a pause longer than the session
-- timeout, with at least one page view. A session may cross hours and days; its parts, one for each
-- hour, are merged here. Sessions in which any part has a bot verdict are left out.
-- session_date is the UTC date on which a session started; filter by it to read less.
-- Sessions of suspected machines are rows, too: docs/people.md.
with

parts as (
    select *
    from session_parts
),

suspected as (
    select *
    from suspected_visitors
),

-- The columns of an arrival are combined into one value, so that one pass over the parts finds the
-- last arrival of each session.
parts_with_arrival as (
    select
        *,
        if(
            channel is not null,
            cast(
                row(
                    channel,
                    source,
                    medium,
                    referrer_domain,
                    utm_source,
                    utm_medium,
                    utm_campaign,
                    utm_term,
                    utm_content,
                    click_platform
                ) as row(
                    channel varchar,
                    source varchar,
                    medium varchar,
                    referrer_domain varchar,
                    utm_source varchar,
                    utm_medium varchar,
                    utm_campaign varchar,
                    utm_term varchar,
                    utm_content varchar,
                    click_platform varchar
                )
            )
        ) as arrival
    from parts
),

people as (
    select
        session_id,
        site,
        session_started_at as started_at,
        min_by(visitor_id, first_hit_at) as visitor_id,
        min_by(landing_page, first_page_at)
            filter (where first_page_at is not null) as landing_page,
        max_by(exit_page, last_page_at) filter (where last_page_at is not null) as exit_page,
        min_by(device, first_hit_at) as device,
        min_by(browser, first_hit_at) as browser,
        min_by(os, first_hit_at) as os,
        min_by(country, first_hit_at) as country,
        min_by(region, first_hit_at) as region,
        min_by(city, first_hit_at) as city,
        sum(page_views) as page_views,
        sum(requests) as requests,
        sum(errors) as errors,
        coalesce(sum(conversions), 0) as conversions,
        coalesce(bool_or(referrer_logged), true) as is_referrer_logged,
        array_agg(funnel order by first_hit_at) filter (where funnel is not null) as funnel,
        max_by(arrival, first_hit_at) filter (where channel is not null) as arrival,
        max(last_hit_at) as ended_at
    from parts_with_arrival
    group by
        session_id,
        site,
        session_started_at
    having
        not bool_or(is_bot)
        and sum(page_views) > 0
),

final as (
    select
        people.session_id,
        people.visitor_id,
        people.site,
        people.landing_page,
        people.exit_page,
        coalesce(people.arrival.channel, if(people.is_referrer_logged, 'Direct')) as channel,
        people.arrival.source,
        people.arrival.medium,
        people.arrival.referrer_domain,
        people.arrival.utm_source,
        people.arrival.utm_medium,
        people.arrival.utm_campaign,
        people.arrival.utm_term,
        people.arrival.utm_content,
        people.arrival.click_platform,
        people.device,
        people.browser,
        people.os,
        people.country,
        people.region,
        people.city,
        people.page_views,
        people.requests,
        people.errors,
        people.conversions,
        -- An element of a part's funnel is the number of steps reached after the part; its index is
        -- the number of steps reached before it.
        reduce(
            people.funnel,
            cast(0 as bigint),
            (reached, part) -> coalesce(element_at(part, reached + 1), reached),
            reached -> reached
        ) as funnel_steps,
        date_diff('second', people.started_at, people.ended_at) as duration_seconds,
        people.page_views = 1 as is_bounce,
        people.page_views > 1
        or people.conversions > 0
        or date_diff('second', people.started_at, people.ended_at)
            > {engaged_seconds} as is_engaged,
        people.started_at,
        people.ended_at,
        suspected.cohort is not null as is_suspected,
        suspected.cohort as suspected_cohort,
        cast(people.started_at as date) as session_date
    from people
    left join suspected
        on
            people.visitor_id = suspected.visitor_id
            and cast(people.started_at as date) = suspected.event_date
)

select *
from final
