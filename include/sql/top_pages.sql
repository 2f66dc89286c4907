-- One row is one page of a site on one UTC date, with its page views by people. All figures count
-- on the date of the page view, also if the session started on the day before.
with

views as (
    select *
    from page_views
),

-- The rows are grouped by both dates. The condition on the dates is always true; it lets a filter
-- by event_date skip sessions that started on other dates.
views_by_visitor as (
    select
        site,
        page,
        visitor_id,
        count(*) as page_views,
        count_if(is_landing_page) as entries,
        count_if(is_exit_page) as exits,
        sum(dwell_seconds) as dwell_seconds,
        count(dwell_seconds) as dwell_times,
        event_date,
        session_date
    from views
    group by
        site,
        page,
        visitor_id,
        event_date,
        session_date
),

near_session_date as (
    select *
    from views_by_visitor
    where session_date between date_add('day', -1, event_date) and event_date
),

final as (
    select
        site,
        page,
        sum(page_views) as page_views,
        count(distinct visitor_id) as visitors,
        sum(entries) as entries,
        sum(exits) as exits,
        cast(sum(dwell_seconds) as double) / sum(dwell_times) as mean_dwell_seconds,
        event_date
    from near_session_date
    group by
        site,
        page,
        event_date
)

select *
from final
