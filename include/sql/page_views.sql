-- One row is one page view of a person. It is a row of all_page_views, which describes the columns,
-- without those of suspected machines (docs/people.md).
with

people as (
    select *
    from all_page_views
    where not is_suspected
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
        dwell_seconds,
        is_estimated,
        is_landing_page,
        is_exit_page,
        next_page,
        viewed_at,
        session_started_at,
        event_date,
        session_date
    from people
)

select *
from final
