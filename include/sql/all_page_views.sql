-- One row is one page view of a person, with its position in the session.
-- event_date is the UTC date of the page view, and session_date is the UTC date on which its
-- session started. A session has at most two dates. A filter by session_date reads the requests of
-- two dates, and a filter by one event_date those of three.
-- A log does not show how long the last page of a session was viewed, only that it was viewed at
-- least until the session's last request. The time is estimated as the mean of the times measured
-- on the page in sessions of the date, or on the site if the page has fewer than ten
-- (docs/sessions.md).
-- Page views of suspected machines are rows, too: docs/people.md.
with

page_hits as (
    select *
    from hits
    where kind = 'page'
),

parts as (
    select *
    from session_parts
),

people as (
    select *
    from all_sessions
),

views_in_sessions as (
    select
        people.session_id,
        page_hits.visitor_id,
        page_hits.site,
        page_hits.page,
        page_hits.path,
        page_hits.query,
        page_hits.host,
        page_hits.response_ms,
        page_hits.raw_object,
        page_hits.line_number,
        page_hits.hit_at as viewed_at,
        page_hits.event_date,
        people.started_at as session_started_at,
        people.ended_at,
        people.is_suspected,
        people.session_date
    from page_hits
    inner join parts
        on
            page_hits.part_id = parts.part_id
            and page_hits.hour_at = parts.hour_at
            and page_hits.event_date = parts.event_date
    inner join people
        on
            parts.session_id = people.session_id
            and parts.session_started_at = people.started_at
            -- Always true; it lets a filter by session_date skip requests of other dates.
            and page_hits.event_date between people.session_date
            and date_add('day', 1, people.session_date)
),

in_order as (
    select
        *,
        row_number() over session_so_far as view_number,
        lead(viewed_at) over session_so_far as next_viewed_at,
        lead(page) over session_so_far as next_page
    from views_in_sessions
    window
        session_so_far as (
            partition by session_date, session_id
            order by viewed_at, raw_object, line_number
        )
),

timed as (
    select
        *,
        date_diff('second', viewed_at, next_viewed_at) as measured_seconds,
        date_diff('second', viewed_at, coalesce(next_viewed_at, ended_at)) as known_seconds
    from in_order
),

compared as (
    select
        *,
        count(measured_seconds) over views_of_page as page_times,
        avg(measured_seconds) over views_of_page as page_mean,
        avg(measured_seconds) over views_of_site as site_mean
    from timed
    window
        views_of_page as (
            partition by session_date, site, page, is_suspected
        ),
        views_of_site as (partition by session_date, site, is_suspected)
),

estimated as (
    select
        *,
        if(page_times >= 10, page_mean, coalesce(site_mean, 0)) as usual_seconds
    from compared
),

final as (
    select
        session_id,
        visitor_id,
        site,
        page,
        path,
        query,
        host,
        response_ms,
        raw_object,
        line_number,
        view_number,
        coalesce(
            measured_seconds,
            nullif(greatest(known_seconds, cast(round(usual_seconds) as bigint)), 0)
        ) as dwell_seconds,
        measured_seconds is null as is_estimated,
        view_number = 1 as is_landing_page,
        next_viewed_at is null as is_exit_page,
        next_page,
        viewed_at,
        session_started_at,
        is_suspected,
        event_date,
        session_date
    from estimated
    -- Both are always true. A filter by one event_date skips the sessions of other dates by the
    -- condition; Trino puts the date into conditions at an unnest, and not at a window.
    cross join unnest(array[true]) as always (is_true)
    where session_date between date_add('day', -1, event_date) and event_date
)

select *
from final
