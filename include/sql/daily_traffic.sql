-- One row is one UTC date on one site. What happens within a session (visitors, page views, time
-- on pages) counts on the date it happened; a session as a whole (sessions, bounces, length)
-- counts on the date it started.
with

views as (
    select *
    from page_views
),

visits as (
    select *
    from sessions
),

bot_hits as (
    select *
    from hits
    where is_bot
),

views_by_date as (
    select
        site,
        event_date,
        count(distinct visitor_id) as visitors,
        count(*) as page_views
    from views
    group by
        site,
        event_date
),

visits_by_length as (
    select
        *,
        row_number() over (
            partition by site, session_date
            order by duration_seconds
        ) as length_number,
        count(*) over (partition by site, session_date) as lengths
    from visits
),

visits_by_date as (
    select
        site,
        session_date as event_date,
        count(*) as sessions,
        count_if(is_bounce) as bounces,
        count_if(is_engaged) as engaged_sessions,
        count_if(conversions > 0) as converted_sessions,
        avg(cast(page_views as double)) as pages_per_session,
        avg(cast(duration_seconds as double)) as mean_session_seconds,
        -- The one in the middle, or the two: approx_percentile would not be exact.
        avg(cast(duration_seconds as double)) filter (
            where length_number in ((lengths + 1) / 2, lengths / 2 + 1)
        ) as median_session_seconds
    from visits_by_length
    group by
        site,
        session_date
),

bots_by_date as (
    select
        site,
        event_date,
        count(*) as bot_requests
    from bot_hits
    group by
        site,
        event_date
),

dates as (
    select site, event_date from views_by_date
    union
    select site, event_date from visits_by_date
    union
    select site, event_date from bots_by_date
),

final as (
    select
        dates.site,
        coalesce(views_by_date.visitors, 0) as visitors,
        coalesce(visits_by_date.sessions, 0) as sessions,
        coalesce(views_by_date.page_views, 0) as page_views,
        coalesce(bots_by_date.bot_requests, 0) as bot_requests,
        visits_by_date.pages_per_session,
        visits_by_date.mean_session_seconds,
        visits_by_date.median_session_seconds,
        cast(visits_by_date.bounces as double) / visits_by_date.sessions as bounce_rate,
        cast(visits_by_date.engaged_sessions as double)
        / visits_by_date.sessions as engagement_rate,
        coalesce(visits_by_date.converted_sessions, 0) as converted_sessions,
        dates.event_date
    from dates
    left join views_by_date
        on
            dates.site = views_by_date.site
            and dates.event_date = views_by_date.event_date
    left join visits_by_date
        on
            dates.site = visits_by_date.site
            and dates.event_date = visits_by_date.event_date
    left join bots_by_date
        on
            dates.site = bots_by_date.site
            and dates.event_date = bots_by_date.event_date
)

select *
from final
