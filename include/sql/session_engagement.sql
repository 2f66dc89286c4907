-- One row is one session of a person: the number of different pages viewed, and the time on them.
-- It is computed from page views, so it reads more data than the view sessions.
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
