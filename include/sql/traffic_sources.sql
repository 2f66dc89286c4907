-- One row is one way of arrival on one site and UTC date: the channel, the source, the medium, the
-- campaign and the referring site. Sessions count on the date on which they started.
with

visits as (
    select *
    from sessions
),

labelled as (
    select
        site,
        coalesce(channel, 'not logged') as channel,
        coalesce(source, 'none') as source,
        coalesce(medium, 'none') as medium,
        coalesce(utm_campaign, 'none') as campaign,
        coalesce(referrer_domain, 'none') as referrer_domain,
        session_id,
        visitor_id,
        page_views,
        is_bounce,
        is_engaged,
        conversions,
        session_date
    from visits
),

final as (
    select
        site,
        channel,
        source,
        medium,
        campaign,
        referrer_domain,
        count(*) as sessions,
        count(distinct visitor_id) as visitors,
        sum(page_views) as page_views,
        cast(count_if(is_bounce) as double) / count(*) as bounce_rate,
        cast(count_if(is_engaged) as double) / count(*) as engagement_rate,
        count_if(conversions > 0) as converted_sessions,
        session_date
    from labelled
    group by
        site,
        channel,
        source,
        medium,
        campaign,
        referrer_domain,
        session_date
)

select *
from final
