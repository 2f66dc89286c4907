-- One row is one page of a site on one UTC date, with its page views by people. All figures count
-- on the date of the page view, also if the session started on the day before.
with

views as (
    select *
    from page_views
),

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
        event_date
    from views
    group by
        site,
        page,
        visitor_id,
        event_date
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
    from views_by_visitor
    group by
        site,
        page,
        event_date
)

select *
from final
