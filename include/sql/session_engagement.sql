-- One row is one session of a person: how many different pages they looked at, and for how long.
-- It takes the page views to tell, so it reads more than sessions does.
with

views as (
    select *
    from page_views
),

final as (
    select
        session_id,
        site,
        count(*) as page_views,
        count(distinct page) as distinct_pages,
        coalesce(sum(dwell_seconds) filter (where not is_estimated), 0) as measured_seconds,
        sum(dwell_seconds) filter (where is_estimated) as estimated_seconds,
        sum(dwell_seconds) as engaged_seconds,
        session_date
    from views
    group by
        session_id,
        site,
        session_date
)

select *
from final
