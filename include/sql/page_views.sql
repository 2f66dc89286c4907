-- One row is one page that a person looked at, within the session it belongs to.
-- event_date is the UTC date of the page view, session_date the one its session started on;
-- a session may cross midnight, so only a filter by session_date reads less.
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
    from sessions
),

views_in_sessions as (
    select
        people.session_id,
        page_hits.visitor_id,
        page_hits.site,
        page_hits.page,
        page_hits.path,
        page_hits.query,
        page_hits.raw_object,
        page_hits.line_number,
        page_hits.hit_at as viewed_at,
        page_hits.event_date,
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
),

in_order as (
    select
        *,
        row_number() over session_so_far as view_number,
        lead(viewed_at) over session_so_far as next_viewed_at
    from views_in_sessions
    window
        session_so_far as (
            partition by session_date, session_id
            order by viewed_at, raw_object, line_number
        )
),

final as (
    select
        session_id,
        visitor_id,
        site,
        page,
        path,
        query,
        raw_object,
        line_number,
        view_number,
        date_diff('second', viewed_at, next_viewed_at) as dwell_seconds,
        view_number = 1 as is_landing_page,
        next_viewed_at is null as is_exit_page,
        viewed_at,
        event_date,
        session_date
    from in_order
)

select *
from final
