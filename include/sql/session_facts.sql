-- One row is one session of a person, as the dashboard counts it, with the date, hour and weekday
-- of its start in the site's time zone. Ids are shortened to 64 bits.
with

visits as (
    select *
    from all_sessions
),

in_local_time as (
    select
        *,
        with_timezone(started_at, 'UTC') at time zone '{time_zone}' as local_time
    from visits
),

final as (
    select
        substr(session_id, 1, 16) as session_id,
        substr(visitor_id, 1, 16) as visitor_id,
        site,
        channel,
        source,
        medium,
        referrer_domain,
        utm_campaign,
        utm_term,
        utm_content,
        landing_page,
        exit_page,
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
        cast(local_time as date) as local_date,
        hour(local_time) as local_hour,
        day_of_week(local_time) as local_weekday,
        is_suspected,
        suspected_cohort,
        session_date
    from in_local_time
)

select *
from final
