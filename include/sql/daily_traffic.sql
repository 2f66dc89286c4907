-- One row is one UTC date on one site. Events in a session (visitors, page views) count on the date
-- on which they happened. A session as a whole (sessions, bounces, length) counts on the date on
-- which it started. A session has at most two dates, so a filter by event_date reads three dates.
with

visits as (
    select *
    from sessions
),

parts as (
    select *
    from session_parts
),

bot_hits as (
    select *
    from hits
    where is_bot and kind <> 'health_check'
),

-- Each session part has the number of its page views, so this step reads no requests. The condition
-- on the dates is always true; it lets a filter by event_date skip the sessions of other dates.
parts_with_pages as (
    select
        parts.site,
        parts.visitor_id,
        parts.page_views,
        parts.event_date
    from visits
    inner join parts
        on
            visits.session_id = parts.session_id
            and visits.started_at = parts.session_started_at
            and visits.session_date
            between date_add('day', -1, parts.event_date) and parts.event_date
    where parts.page_views > 0
),

views_by_date as (
    select
        site,
        event_date,
        count(distinct visitor_id) as visitors,
        sum(page_views) as page_views
    from parts_with_pages
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
        -- The middle row, or the two middle rows: approx_percentile is not exact.
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

-- The row of a date is built from three parts, each of which may be missing.
parts_of_rows as (
    select
        site,
        event_date,
        visitors,
        page_views,
        null as bot_requests,
        null as sessions,
        null as bounces,
        null as engaged_sessions,
        null as converted_sessions,
        null as pages_per_session,
        null as mean_session_seconds,
        null as median_session_seconds
    from views_by_date
    union all
    select
        site,
        event_date,
        null as visitors,
        null as page_views,
        null as bot_requests,
        sessions,
        bounces,
        engaged_sessions,
        converted_sessions,
        pages_per_session,
        mean_session_seconds,
        median_session_seconds
    from visits_by_date
    union all
    select
        site,
        event_date,
        null as visitors,
        null as page_views,
        bot_requests,
        null as sessions,
        null as bounces,
        null as engaged_sessions,
        null as converted_sessions,
        null as pages_per_session,
        null as mean_session_seconds,
        null as median_session_seconds
    from bots_by_date
),

final as (
    select
        site,
        coalesce(max(visitors), 0) as visitors,
        coalesce(max(sessions), 0) as sessions,
        coalesce(max(page_views), 0) as page_views,
        coalesce(max(bot_requests), 0) as bot_requests,
        max(pages_per_session) as pages_per_session,
        max(mean_session_seconds) as mean_session_seconds,
        max(median_session_seconds) as median_session_seconds,
        cast(max(bounces) as double) / max(sessions) as bounce_rate,
        cast(max(engaged_sessions) as double) / max(sessions) as engagement_rate,
        coalesce(max(converted_sessions), 0) as converted_sessions,
        event_date
    from parts_of_rows
    group by
        site,
        event_date
)

select *
from final
