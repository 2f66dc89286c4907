-- One row is one paid order, with the arrival and the place of its visit, if it has one, and the
-- date, hour and weekday of the order in the site's time zone.
with

paid_orders as (
    select *
    from movements
    where movement = 'order'
),

matches as (
    select *
    from order_matches
),

in_local_time as (
    select
        *,
        with_timezone(moved_at, 'UTC') at time zone '{time_zone}' as local_time
    from paid_orders
),

final as (
    select
        in_local_time.sales_source,
        in_local_time.order_id,
        in_local_time.currency,
        in_local_time.sold_by,
        in_local_time.store_id,
        substr(in_local_time.customer_key, 1, 16) as customer_key,
        coalesce(matches.method, 'none') as method,
        if(matches.order_id is null, 'not matched yet', matches.why_none) as why_none,
        matches.site,
        matches.channel,
        matches.source,
        matches.medium,
        matches.referrer_domain,
        matches.utm_campaign,
        matches.landing_page,
        matches.device,
        matches.country,
        matches.region,
        matches.city,
        matches.network,
        in_local_time.coupon,
        in_local_time.gross_cents as total_cents,
        cast(in_local_time.local_time as date) as local_date,
        hour(in_local_time.local_time) as local_hour,
        day_of_week(in_local_time.local_time) as local_weekday,
        in_local_time.event_date
    from in_local_time
    left join matches
        on
            in_local_time.event_date = matches.event_date
            and in_local_time.sales_source = matches.sales_source
            and in_local_time.order_id = matches.order_id
)

select *
from final
