-- One row is one session of a person on a site. It is a row of all_sessions, which describes the
-- columns, without the suspected machines (docs/people.md).
with

people as (
    select *
    from all_sessions
    where not is_suspected
),

final as (
    select
        session_id,
        visitor_id,
        site,
        landing_page,
        exit_page,
        channel,
        source,
        medium,
        referrer_domain,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_term,
        utm_content,
        click_platform,
        device,
        browser,
        os,
        country,
        region,
        city,
        page_views,
        requests,
        errors,
        conversions,
        funnel_steps,
        duration_seconds,
        is_bounce,
        is_engaged,
        started_at,
        ended_at,
        session_date
    from people
)

select *
from final
