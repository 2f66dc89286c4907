-- One row is one page of a site on one UTC date, as people saw it. Everything counts on the date
-- of the page view, also for a session that started the day before.
with

views as (
    select *
    from page_views
),

final as (
    select
        site,
        page,
        count(*) as page_views,
        count(distinct visitor_id) as visitors,
        count_if(is_landing_page) as entries,
        count_if(is_exit_page) as exits,
        avg(cast(dwell_seconds as double)) as mean_dwell_seconds,
        event_date
    from views
    group by
        site,
        page,
        event_date
)

select *
from final
